"""Several finished runs become one: an ensemble is a run folder whose models are those of its members. No torch.

An ensemble keeps predictions, scores and a record as every run does, and ensemble.json in place of a recipe. Its
members stay where they are, in the same store.
"""

from __future__ import annotations

import dataclasses
import datetime
import hashlib
import json
import platform
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Literal, NamedTuple, Self

import numpy as np
from pydantic import ValidationError, model_validator

import maskwise
from maskwise.ensembles.align import align
from maskwise.ensembles.build import build_ensemble
from maskwise.ensembles.config import EnsembleConfig, WeightedVote
from maskwise.ensembles.cross_fit import cross_fitted, fit_weights
from maskwise.errors import StoreError, must, printable
from maskwise.evaluation.evaluate import evaluate
from maskwise.evaluation.scores import Evaluation
from maskwise.files import write_atomically
from maskwise.labels import Task
from maskwise.records import Predictions
from maskwise.seeds import rng_for
from maskwise.settings import Settings
from maskwise.store.begin_run import after_namesakes
from maskwise.store.find_run import find_run
from maskwise.store.kept_files import check_kept, read_held_out
from maskwise.store.layout import ENSEMBLE
from maskwise.store.run_record import RunRecord
from maskwise.store.runs import StoredRun, read_finished, refuse_unscored
from maskwise.store.write_runs import discard_run, finish_run, finish_unscored_run, lock_run, start_run


class Joined(Settings):
    """What ensemble.json holds."""

    format: Literal[1] = 1
    vote: EnsembleConfig
    """How the members' probabilities become one prediction."""
    members: tuple[str, ...]
    """Run ids; the folders of that name beside the ensemble's."""
    weights: tuple[float, ...]
    """One for each member, fitted on all held-out people: these predict new photos."""

    @model_validator(mode="after")
    def _refuse_ragged(self) -> Self:
        if len(self.members) != len(self.weights):
            raise ValueError(
                must("weights", f"{len(self.members)}, as many as members", len(self.weights), "Join again.")
            )
        return self


class JoinedRun(NamedTuple):
    """An ensemble that was just made."""

    folder: Path
    evaluation: Evaluation | None
    """None where the members were trained on everybody."""
    joined: Joined


def join_runs(
    store: Path, refs: Sequence[str], vote: EnsembleConfig, name: str, command: Sequence[str], *, force: bool = False
) -> JoinedRun:
    """Combine the held-out predictions of the runs ``refs`` of ``store``, score them, and keep the ensemble as a run.

    The kept predictions and scores are cross-fitted: everybody is predicted with weights that were fitted on other
    people. The kept weights are fitted on all. ``StoreError`` for fewer than two different runs, unfinished ones,
    runs outside of the store, ensembles, and runs on other data or of another task; ``DataError`` where they did not
    hold the same photos out; ``force`` replaces an ensemble of the same members and vote. Runs that were all trained on
    everybody are joined with equal weights and without a score.
    """
    started = time.monotonic()
    members = find_members(store, refs)
    if not any(member.record.holds_people_out for member in members):
        return _join_unscored(store, members, vote, name, command, force=force)
    predictions, task = read_members(members)
    aligned = align(predictions, [f"{member.record.name} ({member.record.run_id[:8]})" for member in members])
    ensemble = build_ensemble(vote)
    weights_R = fit_weights(ensemble, aligned)
    predicted, _ = cross_fitted(ensemble, aligned, rng_for(0, "cross-fit"))
    evaluation = evaluate(predicted, task, rng_for(0, "intervals"))
    joined = Joined(
        vote=vote, members=tuple(member.record.run_id for member in members), weights=tuple(weights_R.tolist())
    )
    described = describe_ensemble(members, joined, name, command, optimistic=predicted.optimistic)
    record = after_namesakes(store, described)
    folder = _start(store, record, force)
    with lock_run(folder):
        write_atomically(folder / ENSEMBLE, joined.model_dump_json(indent=1) + "\n")
        seconds = sum(member.record.seconds for member in members) + time.monotonic() - started
        finish_run(folder, record, evaluation, predicted, task, seconds=seconds, needed=(ENSEMBLE,))
    return JoinedRun(folder, evaluation, joined)


def _join_unscored(
    store: Path, members: Sequence[StoredRun], vote: EnsembleConfig, name: str, command: Sequence[str], *, force: bool
) -> JoinedRun:
    """Runs that were trained on everybody as one, with equal weights: nobody is left to score it on."""
    if isinstance(vote, WeightedVote):
        remedy = "Choose --vote soft, hard, geometric or rank."
        raise StoreError(must("members of a weighted vote", "scored on held-out people", "none that is", remedy))
    tasks = {json.dumps(member.record.recipe.get("task"), sort_keys=True) for member in members}
    if len(tasks) > 1:
        raise StoreError(must("tasks of the members", "the same", f"{len(tasks)} others", "Take runs of one task."))
    weights = (1 / len(members),) * len(members)
    joined = Joined(vote=vote, members=tuple(member.record.run_id for member in members), weights=weights)
    record = describe_ensemble(members, joined, name, command, optimistic=False)
    record = dataclasses.replace(record, recipe={**record.recipe, "split": {"kind": "everyone"}})
    record = after_namesakes(store, record)
    folder = _start(store, record, force)
    with lock_run(folder):
        write_atomically(folder / ENSEMBLE, joined.model_dump_json(indent=1) + "\n")
        seconds = sum(member.record.seconds for member in members)
        finish_unscored_run(folder, record, seconds=seconds, needed=(ENSEMBLE,))
    return JoinedRun(folder, None, joined)


def _start(store: Path, record: RunRecord, force: bool) -> Path:
    if force and (store / record.run_id).exists():
        discard_run(store / record.run_id)
    return start_run(store, record)


def find_members(store: Path, refs: Sequence[str]) -> list[StoredRun]:
    """The finished runs that ``refs`` name, fit to be joined as far as their records say; all problems together."""
    folders = [find_run(store, ref) for ref in refs]
    members = [StoredRun(folder, read_finished(folder)) for folder in folders]
    ids = [member.record.run_id for member in members]
    problems = []
    if len(set(ids)) < max(2, len(ids)):
        problems.append(must("members of an ensemble", "two or more different runs", ", ".join(ids), "Name others."))
    for folder, record in members:
        if folder.resolve() != (store / record.run_id).resolve():
            problems.append(must(f"run {record.name}", f"in the store {store}", str(folder), "Choose another --store."))
        if (folder / ENSEMBLE).exists():
            problems.append(f"members must be trained runs, got the ensemble {record.name}. Name its members instead.")
    checksums = {member.record.data.checksum for member in members}
    if len(checksums) > 1:
        found = ", ".join(f"{record.name} on data {record.data.checksum[:8]}" for _, record in members)
        problems.append(f"members must be trained on one data set, got {found}. Train them on the same data.")
    if problems:
        raise StoreError(problems)
    return members


def read_members(members: Sequence[StoredRun]) -> tuple[list[Predictions], Task]:
    """The held-out predictions of all members, and the task that they share.

    Borders of the age groups at training time may differ; they are no part of the shared task. ``StoreError`` for runs
    of other tasks, and for those that were trained on everybody.
    """
    refuse_unscored([member.record for member in members])
    pairs = [read_held_out(member.folder) for member in members]
    tasks = [Task(attributes=task.attributes, age_borders_years=task.age_borders_years) for _, task in pairs]
    problems = [
        f"run {member.record.name} must predict {_words(tasks[0])}, as {members[0].record.name} does, got "
        f"{_words(task)}. Take runs of one task."
        for member, task in zip(members, tasks, strict=True)
        if task != tasks[0]
    ]
    if problems:
        raise StoreError(problems)
    return [predictions for predictions, _ in pairs], tasks[0]


def describe_ensemble(
    members: Sequence[StoredRun], joined: Joined, name: str, command: Sequence[str], *, optimistic: bool
) -> RunRecord:
    """What is known of an ensemble before it is finished. Its id is that of its members, in any order, and its vote."""
    decisive = {"vote": joined.vote.model_dump(mode="json"), "members": sorted(joined.members)}
    run_id = hashlib.blake2b(json.dumps(decisive, sort_keys=True).encode(), digest_size=8).hexdigest()
    return RunRecord(
        run_id=run_id,
        name=name,
        created_utc=datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        recipe={"ensemble": {**decisive, "members": list(joined.members)}},
        seed=0,
        data=members[0].record.data,
        versions={"maskwise": maskwise.__version__, "python": platform.python_version(), "numpy": np.__version__},
        command=tuple(map(printable, command)),
        folds=0,
        optimistic=optimistic,
    )


def read_joined(folder: Path) -> Joined | None:
    """What the ensemble in ``folder`` is made of; None for a trained run. ``StoreError`` where it is damaged."""
    path = folder / ENSEMBLE
    if not path.exists():
        return None
    check_kept(folder, path)
    try:
        return Joined.model_validate_json(path.read_bytes())
    except (OSError, ValidationError) as error:
        reason = str(error).splitlines()[0]
        raise StoreError(
            f"{path} must describe an ensemble, got something else ({reason}). Join the runs again."
        ) from None


def member_runs(folder: Path, joined: Joined) -> list[StoredRun]:
    """The finished runs that the ensemble in ``folder`` is made of. ``StoreError`` names all that are gone."""
    folders = [folder.resolve().parent / run_id for run_id in joined.members]
    gone = [path.name for path in folders if not path.is_dir()]
    if gone:
        raise StoreError(
            f"members of the ensemble {folder} must lie beside it, got none of the id {', '.join(gone)}. "
            "Bring them back, or join other runs."
        )
    return [StoredRun(path, read_finished(path)) for path in folders]


def _words(task: Task) -> str:
    borders = " and ".join(map(str, task.age_borders_years))
    return " × ".join(task.attributes) + (f" with age borders {borders}" if "age" in task.attributes else "")
