"""The source write-up's ladder, rung by rung: train each day's recipe, join where the day joined, score all alike."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from maskwise.ensembles.config import EnsembleConfig
from maskwise.evaluation.comparison import TaskDifference, compare
from maskwise.evaluation.evaluate import evaluate
from maskwise.evaluation.scores import TaskScores
from maskwise.evaluation.shared_photos import shared_photos
from maskwise.labels import Task
from maskwise.listeners import Listener
from maskwise.records import Predictions
from maskwise.seeds import rng_for
from maskwise.store.runs import StoredRun, list_runs, read_finished
from maskwise.studies.ladder_rungs import PlannedRung, Rung
from maskwise.text_table import score
from maskwise.workflows.engines import SERIAL, Engine, series
from maskwise.workflows.join_runs import join_runs, read_joined, read_members
from maskwise.workflows.refuse_series import refuse_series
from maskwise.workflows.run_recipe import Place
from maskwise.workflows.train_or_read import train_or_read


@dataclass(frozen=True)
class ClimbedRung:
    """A rung whose run, and whose vote if it has one, are in the store."""

    rung: Rung
    trained: StoredRun
    scored: StoredRun
    """What is scored: the vote, else the trained run."""


@dataclass(frozen=True)
class RungScore:
    """One rung on the people whom all rungs held out."""

    climbed: ClimbedRung
    scores: TaskScores
    """Macro F1 and accuracy of the joint class."""
    change: TaskDifference | None
    """This rung minus the one that it builds on, in pairs by person; None where that is not there."""


@dataclass(frozen=True)
class LadderScores:
    """All rungs on the same photos."""

    data_name: str
    n_photos: int
    n_people: int
    rungs: tuple[RungScore, ...]


def climb_ladder(
    plan: Sequence[PlannedRung], place: Place, command: Sequence[str], listener: Listener, engine: Engine = SERIAL
) -> list[ClimbedRung]:
    """Train every rung of ``plan`` in order, unless ``engine`` did, and join its vote with the runs of earlier days.

    What the store has finished already is taken as it is, and a stopped training goes on, so the same call after an
    interruption continues where it was. What ``run_recipe`` and ``join_runs`` refuse is refused here; what shows before
    a rung is trained, before the first.
    """
    recipes = [planned.recipe for planned in plan]
    refuse_series(recipes, place, listener)
    ahead = engine.train(series(recipes, place, command), listener)
    trained: dict[str, StoredRun] = {}
    climbed = []
    for number, planned in enumerate(plan, start=1):
        rung = planned.rung
        listener.on_note(f"{rung.title}: {rung.recipe}, rung {number} of {len(plan)}")
        trained[rung.day] = ahead(planned.recipe) or train_or_read(planned.recipe, place, command, listener)
        scored = trained[rung.day]
        if rung.vote is not None:
            members = [trained[day] for day in (*rung.vote.with_days, rung.day)]
            scored = join_or_read(place.store, members, rung.vote.kind, f"{planned.recipe.name}-vote", command)
        climbed.append(ClimbedRung(rung, trained[rung.day], scored))
        listener.on_note(f"{rung.title}: {_headline(scored)}")
    return climbed


def join_or_read(
    store: Path, members: Sequence[StoredRun], vote: EnsembleConfig, name: str, command: Sequence[str]
) -> StoredRun:
    """The finished ensemble of ``members`` by ``vote``: from the store where it is there, else joined now."""
    ids = [member.record.run_id for member in members]
    for run in list_runs(store).runs:
        joined = read_joined(run.folder) if run.record.status == "finished" else None
        if joined is not None and joined.vote == vote and set(joined.members) == set(ids):
            return run
    folder = join_runs(store, ids, vote, name, command).folder
    return StoredRun(folder, read_finished(folder))


def score_ladder(climbed: Sequence[ClimbedRung]) -> LadderScores:
    """Every rung on the photos that all rungs held out, and each against the one that it builds on.

    A k-fold run holds everybody out and a hold-out run only some people, so the latter decide who is scored.
    """
    predictions, task = read_members([each.scored for each in climbed])
    runs = shared_photos(predictions, task)
    found = [evaluate(run, task, rng_for(0, "intervals")) for run in runs]
    of_day = {each.rung.day: run for each, run in zip(climbed, runs, strict=True)}
    changes = [
        None if each.rung.builds_on not in of_day else _change(of_day[each.rung.builds_on], run, task)
        for each, run in zip(climbed, runs, strict=True)
    ]
    rungs = tuple(
        RungScore(each, evaluation.joint, change)
        for each, evaluation, change in zip(climbed, found, changes, strict=True)
    )
    return LadderScores(climbed[0].scored.record.data.name, found[0].n_photos, found[0].n_people, rungs)


def _change(before: Predictions, after: Predictions, task: Task) -> TaskDifference:
    return compare(before, after, task, rng_for(0, "intervals")).joint


def _headline(run: StoredRun) -> str:
    scores = run.record.scores
    assert scores is not None  # a finished run has scores
    return f"macro F1 {score(scores.macro_f1)} ({run.record.name}, run {run.record.run_id[:8]})"
