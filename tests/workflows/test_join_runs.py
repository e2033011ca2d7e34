from __future__ import annotations

import dataclasses
import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from maskwise.ensembles.align import align
from maskwise.ensembles.build import build_ensemble
from maskwise.ensembles.config import HardVote, SoftVote, WeightedVote
from maskwise.ensembles.cross_fit import cross_fitted
from maskwise.ensembles.vote_members import vote_members
from maskwise.errors import DataError, StoreError
from maskwise.evaluation.evaluate import evaluate
from maskwise.evaluation.metrics import macro_f1
from maskwise.files import write_atomically
from maskwise.labels import Task
from maskwise.probabilities import MemberProbabilities
from maskwise.records import Predictions
from maskwise.seeds import rng_for
from maskwise.store.kept_files import read_evaluation
from maskwise.store.layout import ENSEMBLE, PREDICTIONS, RECORD
from maskwise.store.predictions_file import read_predictions
from maskwise.store.run_record import RunData, RunRecord
from maskwise.store.runs import read_record
from maskwise.store.write_runs import finish_run, finish_unscored_run, start_run
from maskwise.workflows.join_runs import join_runs, member_runs, read_joined

WORDS = ("maskwise", "ensemble")


def predictions_of(seed: int, skill: float, task: Task, n_people: int = 40, **changes: Any) -> Predictions:
    """Held-out predictions of the same people, two photos each, by one model."""
    n_photos, n_classes = 2 * n_people, task.n_classes
    class_N = np.random.default_rng(99).integers(0, n_classes, n_photos)
    logits_NC = np.random.default_rng(seed).normal(size=(n_photos, n_classes))
    logits_NC[np.arange(n_photos), class_N] += skill
    probs_NC = np.exp(logits_NC)
    columns: dict[str, Any] = {
        "photo_N": np.array([f"{k:05d}.jpg" for k in range(n_photos)], object),
        "person_N": np.array([f"person {k // 2:04d}" for k in range(n_photos)], object),
        "class_N": class_N,
        "probs_NC": (probs_NC / probs_NC.sum(axis=1, keepdims=True)).astype(np.float32),
        "seen_N": np.full(n_photos, "held_out", object),
    }
    return Predictions(**{**columns, **changes})


def add_run(
    store: Path,
    name: str,
    seed: int = 0,
    skill: float = 2.0,
    task: Task | None = None,
    checksum: str = "c0ffee",
    finish: bool = True,
    **changes: Any,
) -> Path:
    """A run of the store with predictions and scores, but no weights."""
    task = task or Task()
    predictions = predictions_of(seed, skill, task, **changes)
    record = RunRecord(
        run_id=hashlib.sha256(name.encode()).hexdigest()[:16],
        name=name,
        created_utc="2025-01-31T12:00:00+00:00",
        recipe={},
        seed=seed,
        data=RunData("faces", checksum, 80, 40),
        versions={},
        command=("maskwise", "train"),
        folds=0,
        optimistic=predictions.optimistic,
    )
    folder = start_run(store, record)
    if finish:
        evaluation = evaluate(predictions, task, np.random.default_rng(0), resamples=5)
        finish_run(folder, record, evaluation, predictions, task, seconds=100.0, needed=())
    return folder


@pytest.fixture
def store(tmp_path: Path) -> Path:
    for number, skill in enumerate((2.5, 1.5, 0.2)):
        add_run(tmp_path, f"run-{number}", number, skill)
    return tmp_path


NAMES = ("run-0", "run-1", "run-2")


def test_an_ensemble_is_a_finished_run_with_its_members_and_weights(store: Path) -> None:
    folder, evaluation, joined = join_runs(store, NAMES, WeightedVote(), "best", WORDS)
    assert {path.name for path in folder.iterdir()} - {".lock"} == {
        "run.json",
        "ensemble.json",
        "predictions.parquet",
        "scores.json",
    }
    record = read_record(folder)
    assert (record.name, record.status, record.folds, record.command) == ("best", "finished", 0, WORDS)
    assert record.data == read_record(store / joined.members[0]).data
    assert record.seconds >= 300
    assert evaluation is not None
    assert read_evaluation(folder).to_json() == evaluation.to_json()
    assert read_joined(folder) == joined
    assert [member.record.name for member in member_runs(folder, joined)] == list(NAMES)
    assert sum(joined.weights) == pytest.approx(1)
    assert joined.weights[0] > joined.weights[2]


def test_kept_predictions_are_cross_fitted_and_scored_so(store: Path) -> None:
    folder, evaluation, joined = join_runs(store, NAMES, WeightedVote(), "best", WORDS)
    kept, task = read_predictions(folder / PREDICTIONS)
    aligned = align([read_predictions(store / member / PREDICTIONS)[0] for member in joined.members])
    expected, _ = cross_fitted(build_ensemble(WeightedVote()), aligned, rng_for(0, "cross-fit"))
    np.testing.assert_array_equal(kept.probs_NC, expected.probs_NC)
    assert set(kept.seen_N) == {"held_out"}
    assert evaluation is not None
    assert evaluation.joint.macro_f1.value == macro_f1(kept.class_N, kept.probs_NC)
    with_all_NC = np.tensordot(joined.weights, aligned.probs_RNC, axes=1)
    assert not np.allclose(kept.probs_NC, with_all_NC, atol=1e-6)
    assert task == Task()


def test_new_photos_are_predicted_with_the_kept_weights(store: Path) -> None:
    joined = join_runs(store, NAMES, WeightedVote(), "best", WORDS).joined
    unknown: dict[str, Any] = {"class_N": np.full(80, -1), "seen_N": np.full(80, "test", object)}
    members = [predictions_of(10 + seed, 1.0, Task(), **unknown).probs_NC for seed in range(3)]
    block = MemberProbabilities(np.stack(members), None)
    found = vote_members(joined.vote, joined.weights, [block], Task().n_classes)
    expected_NC = sum(w * probs_NC for w, probs_NC in zip(joined.weights, members, strict=True))
    np.testing.assert_allclose(found.probs_NC, expected_NC, atol=1e-7)


def test_the_same_members_in_another_order_are_the_same_ensemble(store: Path) -> None:
    first = join_runs(store, NAMES, SoftVote(), "soft", WORDS)
    with pytest.raises(StoreError, match=r"finished.*--force"):
        join_runs(store, NAMES[::-1], SoftVote(), "again", WORDS)
    again = join_runs(store, NAMES[::-1], SoftVote(), "again", WORDS, force=True)
    assert again.folder == first.folder
    assert read_record(again.folder).name == "again"
    assert again.evaluation is not None
    assert first.evaluation is not None
    assert again.evaluation.joint == first.evaluation.joint
    other = join_runs(store, NAMES, HardVote(), "hard", WORDS)
    assert other.folder != first.folder


def test_optimism_of_one_member_marks_the_ensemble(store: Path) -> None:
    add_run(store, "cheat", 5, optimistic=True)
    folder, evaluation, _ = join_runs(store, ["run-0", "cheat"], SoftVote(), "both", WORDS)
    assert evaluation is not None
    assert evaluation.optimistic
    assert read_record(folder).optimistic


def test_other_borders_at_training_time_may_be_joined(store: Path) -> None:
    add_run(store, "58", 5, task=Task(train_age_borders_years=(30, 58)))
    folder = join_runs(store, ["run-0", "58"], SoftVote(), "both", WORDS).folder
    assert read_predictions(folder / PREDICTIONS)[1] == Task()


def test_members_that_do_not_fit_are_refused(store: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    whole = join_runs(store, NAMES, SoftVote(), "soft", WORDS).folder
    add_run(store, "elsewhere", 6, checksum="badcafe")
    add_run(store, "55", 7, task=Task(age_borders_years=(30, 55)))
    add_run(store, "fewer", 8, n_people=30)
    add_run(store, "begun", 9, finish=False)
    foreign = add_run(tmp_path_factory.mktemp("foreign"), "foreign", 3)

    def refused(*refs: str) -> str:
        with pytest.raises((StoreError, DataError)) as caught:
            join_runs(store, refs, SoftVote(), "x", WORDS)
        return "\n".join(caught.value.problems)

    assert "must be two or more different runs" in refused("run-0")
    assert "must be two or more different runs" in refused("run-0", "run-1", "run-0")
    both = refused("run-0", "elsewhere", "soft")
    assert "got the ensemble soft. Name its members instead." in both
    assert "elsewhere on data badcafe" in both
    assert "age borders 30 and 60, as run-0 does" in refused("run-0", "55")
    assert "0 others and 20 missing" in refused("run-0", "fewer")
    assert "must be finished" in refused("run-0", "begun")
    assert f"run foreign must be in the store {store}" in refused("run-0", str(foreign)).replace("'", "")
    assert sorted(path.name for path in store.iterdir() if (path / ENSEMBLE).exists()) == [whole.name]


def test_a_member_that_is_gone_or_a_broken_description_is_reported(store: Path) -> None:
    folder, _, joined = join_runs(store, NAMES, SoftVote(), "soft", WORDS)
    (store / joined.members[1]).rename(store.parent / f"{store.name}-moved")
    with pytest.raises(StoreError, match=f"must lie beside it, got none of the id {joined.members[1]}"):
        member_runs(folder, joined)
    fields = json.loads((folder / ENSEMBLE).read_text())
    (folder / ENSEMBLE).write_text(json.dumps({**fields, "weights": [1.0]}))
    with pytest.raises(StoreError, match=r"ensemble.json must be as .*, got .*checksum"):
        read_joined(folder)
    write_atomically(folder / RECORD, dataclasses.replace(read_record(folder), checksums={}).to_json())
    with pytest.raises(StoreError, match=r"must describe an ensemble, got .*Join the runs"):
        read_joined(folder)
    assert read_joined(store / joined.members[0]) is None


def add_unscored(store: Path, name: str, task: dict[str, Any] | None = None) -> None:
    """A finished run that was trained on everybody."""
    recipe = {"split": {"kind": "everyone"}, "task": task or {"attributes": ["mask"]}}
    record = dataclasses.replace(
        read_record(add_run(store, name, finish=False)), recipe=recipe, run_id=hashlib.sha256(name.encode()).hexdigest()
    )
    finish_unscored_run(start_run(store, record), record, seconds=1.0, needed=())


def test_runs_of_everybody_are_voted_without_a_score(store: Path) -> None:
    for name in ("all-0", "all-1"):
        add_unscored(store, name)
    folder, evaluation, joined = join_runs(store, ("all-0", "all-1"), HardVote(), "last", WORDS)
    record = read_record(folder)
    assert evaluation is None
    assert (record.status, record.scores, record.holds_people_out) == ("finished", None, False)
    assert joined.weights == (0.5, 0.5)
    assert read_joined(folder) == joined
    with pytest.raises(StoreError, match="weighted vote"):
        join_runs(store, ("all-0", "all-1"), WeightedVote(), "x", WORDS)
    with pytest.raises(StoreError, match="must hold people out"):
        join_runs(store, ("all-0", "run-0"), HardVote(), "x", WORDS)
    add_unscored(store, "other", {"attributes": ["age"]})
    with pytest.raises(StoreError, match="tasks of the members"):
        join_runs(store, ("all-0", "other"), HardVote(), "x", WORDS)


def test_killed_before_the_end_it_is_made_by_the_same_command_again(
    store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr("maskwise.workflows.join_runs.finish_run", killed)
        with pytest.raises(KeyboardInterrupt):
            join_runs(store, NAMES, SoftVote(), "soft", WORDS)
    folder, evaluation, _ = join_runs(store, NAMES, SoftVote(), "soft", WORDS)
    record = read_record(folder)
    assert record.status == "finished"
    assert record.scores is not None
    assert evaluation is not None
    assert dataclasses.asdict(record.scores.macro_f1) == dataclasses.asdict(evaluation.joint.macro_f1)
