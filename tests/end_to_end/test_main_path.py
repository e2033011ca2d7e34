"""The whole path on drawn people, by the words of the command line."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pytest

from conftest import Workplace
from maskwise.data.manifest import read_train
from maskwise.errors import DataError, StoreError, UserError
from maskwise.labels import Task
from maskwise.store.kept_files import read_evaluation
from maskwise.store.layout import PREDICTIONS, SPLIT
from maskwise.store.predictions_file import read_predictions
from maskwise.store.runs import read_record

Cli = Callable[..., str]


def test_a_run_keeps_everything_and_holds_people_out(workplace: Workplace, trained: Path) -> None:
    names = {path.relative_to(trained).as_posix() for path in trained.rglob("*") if path.is_file()} - {".lock"}
    assert names == {
        "run.json",
        "recipe.yaml",
        "split.csv",
        "framing.json",
        "predictions.parquet",
        "scores.json",
        "fold-0/weights.safetensors",
        "fold-0/input.json",
        "fold-0/log.jsonl",
        "fold-0/fold.json",
    }
    split = pd.read_csv(trained / SPLIT, dtype={"person": str})
    assert split["person"].is_unique
    predictions, task = read_predictions(trained / PREDICTIONS)
    assert set(predictions.person_N) == set(split.loc[split["fold"] == 0, "person"])
    assert set(predictions.seen_N) == {"held_out"}
    assert not predictions.optimistic
    table = read_train(workplace.data, task).table
    truth = dict(zip(table.photo_N, table.class_N, strict=True))
    assert all(truth[photo] == c for photo, c in zip(predictions.photo_N, predictions.class_N, strict=True))


def test_scores_are_those_of_the_kept_predictions(trained: Path) -> None:
    from sklearn.metrics import f1_score

    predictions, _ = read_predictions(trained / PREDICTIONS)
    evaluation = read_evaluation(trained)
    guessed = predictions.probs_NC.argmax(axis=1)
    assert evaluation.joint.macro_f1.value == pytest.approx(f1_score(predictions.class_N, guessed, average="macro"))
    record = read_record(trained)
    assert record.scores is not None
    assert record.scores.macro_f1 == evaluation.joint.macro_f1
    assert record.n_held_out_people == evaluation.n_people == len(set(predictions.person_N))


def test_predict_submit_evaluate_and_board(workplace: Workplace, trained: Path, cli: Cli, tmp_path: Path) -> None:
    table, submission = tmp_path / "eval.csv", tmp_path / "submission.csv"
    place = ("--store", str(workplace.store))
    cli("predict", "tiny", str(workplace.data), "--out", str(table), *place)
    cli("submit", trained.name[:6], "--data", str(workplace.data), "--out", str(submission), *place)

    with (workplace.data / "eval" / "info.csv").open() as file:
        order = [row["ImageID"] for row in csv.DictReader(file)]
    rows = pd.read_csv(submission)
    assert rows.columns.tolist() == ["ImageID", "ans"]
    assert rows["ImageID"].tolist() == order
    predicted = pd.read_csv(table)
    assert predicted["photo"].tolist() == [f"eval/images/{name}" for name in order]
    assert predicted["class"].tolist() == rows["ans"].tolist()
    assert np.allclose(predicted[["p_worn", "p_incorrect", "p_not_worn"]].sum(axis=1), 1, atol=1e-5)

    printed = cli("evaluate", str(table), "--answers", str(workplace.data / "eval_answers.csv"))
    assert "6 people" in printed
    assert "joint class" in printed
    assert trained.name[:8] in cli("board", *place)


def test_prediction_sees_photos_as_training_did(workplace: Workplace, trained: Path, cli: Cli, tmp_path: Path) -> None:
    """The held-out photos, predicted again from their files, give the probabilities that the run was scored with."""
    out = tmp_path / "again.parquet"
    cli("predict", str(trained), str(workplace.data / "train" / "images"), "--out", str(out), "--faces", "whole")
    again, _ = read_predictions(out)
    kept, _ = read_predictions(trained / PREDICTIONS)
    row_of = {f"train/images/{photo}": row for row, photo in enumerate(again.photo_N)}
    rows = [row_of[photo] for photo in kept.photo_N]
    assert np.allclose(again.probs_NC[rows], kept.probs_NC, atol=1e-5)


def test_the_same_command_again_says_that_it_is_done(workplace: Workplace, trained: Path, cli: Cli) -> None:
    before = (trained / "run.json").read_bytes()
    with pytest.raises(StoreError, match=r"finished.*--force"):
        cli(*workplace.train())
    assert (trained / "run.json").read_bytes() == before


def test_force_trains_again_with_the_same_numbers_whatever_the_workers(
    workplace: Workplace, trained: Path, cli: Cli, tmp_path: Path
) -> None:
    other = workplace.with_store(tmp_path / "runs")
    cli(*other.train("--set", "runtime.workers=2"))
    one = trained / "fold-0" / "weights.safetensors"
    two = other.store / trained.name / "fold-0" / "weights.safetensors"
    assert one.read_bytes() == two.read_bytes()
    first = two.stat().st_mtime_ns
    cli(*other.train("--force"))
    assert two.read_bytes() == one.read_bytes()
    assert two.stat().st_mtime_ns > first


def test_folds_score_every_person_once(workplace: Workplace, cli: Cli, tmp_path: Path) -> None:
    place = workplace.with_store(tmp_path)
    cli(*place.train("--folds", "3", "--set", "train.epochs=1"))
    (run,) = tmp_path.iterdir()
    predictions, task = read_predictions(run / PREDICTIONS)
    table = read_train(workplace.data, Task()).table
    assert sorted(predictions.photo_N) == sorted(table.photo_N)
    assert (run / "fold-2" / "weights.safetensors").exists()
    out = tmp_path / "eval.csv"
    cli("predict", str(run), str(workplace.data), "--out", str(out))
    assert len(pd.read_csv(out)) == 42
    assert task == Task()


def test_a_checkpoint_chosen_on_the_scored_people_is_marked_everywhere(
    workplace: Workplace, cli: Cli, tmp_path: Path
) -> None:
    place = workplace.with_store(tmp_path)
    printed = cli(*place.train("--set", "train.checkpoint.kind=scored_people", "--set", "name=cheat"))
    assert "optimistic" in printed
    (run,) = tmp_path.iterdir()
    assert read_record(run).optimistic
    assert json.loads((run / "scores.json").read_text())["optimistic"]
    assert read_predictions(run / PREDICTIONS)[0].optimistic
    assert "*" in cli("board", "--store", str(tmp_path))


def test_inner_hold_out_people_neither_train_nor_are_scored(workplace: Workplace, cli: Cli, tmp_path: Path) -> None:
    place = workplace.with_store(tmp_path)
    options = ["--set", "train.checkpoint.kind=inner_hold_out", "--set", "train.checkpoint.share=0.3"]
    cli(*place.train(*options))
    (run,) = tmp_path.iterdir()
    log = [json.loads(line) for line in (run / "fold-0" / "log.jsonl").read_text().splitlines()]
    people = pd.read_csv(run / SPLIT)["fold"].value_counts()
    fitted = log[0]["photos"] // 7
    assert 0 < fitted < people[-1]
    assert all(0 <= line["macro_f1"] <= 1 for line in log)
    best = max(range(3), key=lambda epoch: log[epoch]["macro_f1"])
    assert json.loads((run / "fold-0" / "fold.json").read_text())["best_epoch"] == best


def test_another_task_is_a_few_settings(workplace: Workplace, cli: Cli, tmp_path: Path) -> None:
    place = workplace.with_store(tmp_path)
    options = ["--set", "task.attributes=[mask, age]", "--set", "task.age_borders_years=[40]"]
    printed = cli(*place.train(*options, "--set", "train.epochs=1", "--classes"))
    assert "40 and over" in printed
    assert "gender" not in printed
    (run,) = tmp_path.iterdir()
    assert read_predictions(run / PREDICTIONS)[0].probs_NC.shape[1] == 6


def test_a_training_border_changes_what_is_learned_and_not_what_is_scored(
    workplace: Workplace, cli: Cli, tmp_path: Path
) -> None:
    place = workplace.with_store(tmp_path)
    cli(*place.train("--set", "task.train_age_borders_years=[30, 50]", "--set", "train.epochs=1"))
    (run,) = tmp_path.iterdir()
    predictions, _ = read_predictions(run / PREDICTIONS)
    table = read_train(workplace.data, Task()).table
    truth = dict(zip(table.photo_N, table.class_N, strict=True))
    assert [truth[photo] for photo in predictions.photo_N] == predictions.class_N.tolist()


def test_a_crop_around_the_face_is_the_same_in_training_and_prediction(
    workplace: Workplace, cli: Cli, tmp_path: Path
) -> None:
    place = workplace.with_store(tmp_path / "runs")
    options = ["--set", "input.crop.kind=face", "--set", "train.epochs=1"]
    cli(*place.train(*options))
    (run,) = place.store.iterdir()
    out = tmp_path / "again.parquet"
    cli("predict", str(run), str(workplace.data / "train" / "images"), "--out", str(out))
    again, _ = read_predictions(out)
    kept, _ = read_predictions(run / PREDICTIONS)
    row_of = {f"train/images/{photo}": row for row, photo in enumerate(again.photo_N)}
    assert np.allclose(again.probs_NC[[row_of[photo] for photo in kept.photo_N]], kept.probs_NC, atol=1e-5)
    assert (workplace.cache / "seen.sqlite").exists()
    cli(*place.train(*options, "--set", "seed=1", "--set", "input.crop.without_face=refuse"))


def test_unreadable_photos_are_all_named_or_left_out(trained: Path, cli: Cli, tmp_path: Path) -> None:
    folder = tmp_path / "photos"
    folder.mkdir()
    good = np.random.default_rng(0).integers(0, 256, (40, 30, 3), dtype=np.uint8)
    for name in ("a.jpg", "b.png"):
        cv2.imwrite(str(folder / name), good)
    (folder / "empty.jpg").write_bytes(b"")
    (folder / "cut.jpg").write_bytes((folder / "a.jpg").read_bytes()[:200])
    out = tmp_path / "out.csv"
    with pytest.raises(DataError) as error:
        cli("predict", str(trained), str(folder), "--out", str(out))
    assert {problem.split()[0] for problem in error.value.problems[:2]} == {"cut.jpg", "empty.jpg"}
    assert not out.exists()
    cli("predict", str(trained), str(folder), "--out", str(out), "--skip-unreadable")
    assert pd.read_csv(out)["photo"].tolist() == ["a.jpg", "b.png"]
    with pytest.raises(UserError, match="--force"):
        cli("predict", str(trained), str(folder), "--out", str(out), "--skip-unreadable")


def test_resume_alone_never_begins_a_run(workplace: Workplace, cli: Cli, tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="--resume"):
        cli(*workplace.with_store(tmp_path / "none").train("--resume"))
    assert not (tmp_path / "none").exists()
