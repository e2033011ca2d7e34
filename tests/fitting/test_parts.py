"""Separate models for groups of attributes: their product, who trains which, and the whole path of the command line."""

from __future__ import annotations

import csv
import dataclasses
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from conftest import TINY_RECIPE, Workplace
from maskwise.errors import DataError, RecipeError
from maskwise.fitting.one_fold import train_fold
from maskwise.fitting.parts import Factor, multiplied_parts
from maskwise.fitting.refuse_early import refuse_unseen_classes
from maskwise.fitting.run_data import read_labels, read_photos
from maskwise.fitting.try_batch_sizes import try_batch_sizes
from maskwise.labels import Task
from maskwise.listeners import Listener, Silent, StepReport
from maskwise.recipe.config import Recipe
from maskwise.recipe.identity import run_id
from maskwise.recipe.load import load_recipe, parse_recipe
from maskwise.recipe.single_recipes import single_recipes
from maskwise.records import Floats, Predictions
from maskwise.store.layout import PREDICTIONS, fold_folder, input_path
from maskwise.store.predictions_file import read_predictions
from maskwise.store.runs import list_runs, read_record
from maskwise.workflows.run_recipe import Place, run_recipe
from support.fits import KillAt, Killed, Remember
from support.fold_jobs import fold_job
from support.tables import photo_table, strings

PARTS = """
parts:
  - attributes: [mask]
    input: {crop: {kind: center_crop, height_px: 200, width_px: 200}, height_px: 24, width_px: 24}
    train: {epochs: 1, batch_size: 16, checkpoint: {kind: last}}
  - attributes: [gender, age]
    trains_on: {mask: worn}
    model: {backbone: {kind: baseline_cnn}, head: {kind: attributes}, weights: {kind: none}, age_head: {kind: linear}}
    auxiliary: {kind: age_distribution}
"""
MASK, GENDER_AGE = Task(attributes=("mask",)), Task(attributes=("gender", "age"))
PHOTOS_WORN, PHOTOS_A_PERSON = 5, 7


def said(task: Task, probs_NC: Floats, class_N: list[int], years: list[float] | None = None) -> Factor:
    n = len(probs_NC)
    names = strings([f"photo-{k}" for k in range(n)])
    ages = None if years is None else np.array(years)
    test = strings(["held_out"] * n)
    return Factor(task, Predictions(names, names, np.array(class_N), probs_NC, test, age_years_N=ages))


# --- the product ---------------------------------------------------------------------------------------------------


def test_a_product_worked_by_hand() -> None:
    mask = said(MASK, np.array([[0.5, 0.3, 0.2]]), [1])
    gender_age = said(GENDER_AGE, np.array([[0.1, 0.2, 0.3, 0.0, 0.4, 0.0]]), [4], [41.5])
    joint = multiplied_parts(Task(), [mask, gender_age])
    assert joint.probs_NC[0] == pytest.approx(
        [0.05, 0.1, 0.15, 0, 0.2, 0, 0.03, 0.06, 0.09, 0, 0.12, 0, 0.02, 0.04, 0.06, 0, 0.08, 0]
    )
    assert joint.class_N.tolist() == [1 * 6 + 4]
    assert joint.age_years_N is not None
    assert joint.age_years_N.tolist() == [41.5]


def random_rows(n: int, n_classes: int, rng: np.random.Generator) -> Floats:
    return rng.dirichlet(np.ones(n_classes), n)


def test_parts_in_any_order_of_attributes_agree_with_einsum() -> None:
    rng = np.random.default_rng(0)
    age_mask, gender = Task(attributes=("age", "mask")), Task(attributes=("gender",))
    am_NC, g_NC = random_rows(50, 9, rng), random_rows(50, 2, rng)
    table = Task().label(photo_table(*(rng.integers(0, high, 50).tolist() for high in (3, 2, 80))))
    factors = [
        said(task, rows, task.label(table).class_N.tolist()) for task, rows in ((age_mask, am_NC), (gender, g_NC))
    ]
    joint = multiplied_parts(Task(), factors)
    expected = np.einsum("nam,ng->nmga", am_NC.reshape(50, 3, 3), g_NC).reshape(50, 18)
    assert np.allclose(joint.probs_NC, expected, atol=1e-12)
    assert joint.class_N.tolist() == table.class_N.tolist()
    assert np.allclose(joint.probs_NC.sum(axis=1), 1)
    # What each part said of its attributes is what the product says of them.
    assert np.allclose(Task().marginal(joint.probs_NC, "gender"), g_NC)
    assert np.allclose(Task().marginal(joint.probs_NC, "age"), age_mask.marginal(am_NC, "age"))


def test_a_single_part_comes_back_unchanged_and_unknown_truth_stays_unknown() -> None:
    rows = random_rows(4, 18, np.random.default_rng(1)).astype(np.float32)
    factor = said(Task(), rows, [-1, 3, -1, 17])
    alone = multiplied_parts(Task(), [factor])
    assert alone.probs_NC.tobytes() == rows.tobytes()
    assert alone.class_N.tolist() == [-1, 3, -1, 17]


def test_years_come_from_the_part_that_reads_the_age_and_optimism_from_any() -> None:
    mask, gender_age = np.full((1, 3), 1 / 3), np.full((1, 6), 1 / 6)
    both = [said(MASK, mask, [0], [20.0]), said(GENDER_AGE, gender_age, [0], [60.0])]
    assert multiplied_parts(Task(), both).age_years_N == pytest.approx([60.0])
    only_one = [both[0], said(GENDER_AGE, gender_age, [0])]
    assert multiplied_parts(Task(), only_one).age_years_N == pytest.approx([20.0])
    assert multiplied_parts(Task(), [said(MASK, mask, [0]), only_one[1]]).age_years_N is None
    hopeful = Factor(MASK, dataclasses.replace(both[0].predictions, optimistic=True))
    assert multiplied_parts(Task(), [hopeful, both[1]]).optimistic
    assert not multiplied_parts(Task(), both).optimistic


# --- what parts may train on ---------------------------------------------------------------------------------------


def test_a_part_that_would_never_see_one_of_its_classes_is_refused() -> None:
    recipe = Recipe.model_validate_json(parse_recipe(TINY_RECIPE + PARTS, "tiny").model_dump_json())
    table = Task().label(photo_table([0, 0, 1], [0, 1, 1], [20, 40, 70]))
    with pytest.raises(DataError) as refused:
        refuse_unseen_classes(single_recipes(recipe), table)
    (problem,) = refused.value.problems
    assert problem.startswith("parts.1.trains_on must ")
    assert ", got {mask: worn}, " in problem
    assert problem.endswith("female · 60 and over. Widen it.")
    refuse_unseen_classes(single_recipes(recipe), table.take(np.array([0, 1])))


# --- runs ----------------------------------------------------------------------------------------------------------


def run(place: Workplace, *changes: str, listener: Listener | None = None) -> Path:
    recipe = load_recipe(str(place.recipe), changes)
    where = Place(place.data, place.store, place.cache)
    folder, _ = run_recipe(recipe, where, ["maskwise"], listener or Silent())
    return folder


@pytest.fixture(scope="module")
def place(workplace: Workplace, tmp_path_factory: pytest.TempPathFactory) -> Workplace:
    """The drawn people with a recipe of two parts."""
    root = tmp_path_factory.mktemp("parts")
    (root / "parts.yaml").write_text(TINY_RECIPE.replace("name: tiny", "name: parts") + PARTS)
    return dataclasses.replace(workplace, recipe=root / "parts.yaml", store=root / "runs")


@pytest.fixture(scope="module")
def ears() -> Remember:
    """What the run of ``whole`` reported."""
    return Remember()


@pytest.fixture(scope="module")
def whole(place: Workplace, ears: Remember) -> Path:
    return run(place, listener=ears)


def weights(folder: Path, fold: int = 0) -> dict[str, bytes]:
    root = fold_folder(folder, fold)
    return {path.parent.name: path.read_bytes() for path in root.rglob("weights.safetensors")}


def test_each_part_has_its_own_folder_crop_and_training(whole: Path, ears: Remember) -> None:
    names = {path.relative_to(whole).as_posix() for path in fold_folder(whole, 0).rglob("*") if path.is_file()}
    files = ("weights.safetensors", "input.json", "log.jsonl", "fold.json")
    assert names == {f"fold-0/{part}/{file}" for part in ("mask", "gender-age") for file in files}
    specs = [json.loads(input_path(whole, 0, part).read_text()) for part in ("mask", "gender-age")]
    assert [(spec["crop"]["kind"], spec["height_px"]) for spec in specs] == [("center_crop", 24), ("full_frame", 32)]
    assert [(report.epochs, report.epoch) for report in ears.epochs] == [(1, 0), (3, 0), (3, 1), (3, 2)]
    with (whole / "split.csv").open() as file:
        people = sum(row["fold"] == "-1" for row in csv.DictReader(file))
    photos = [people * PHOTOS_A_PERSON] + 3 * [people * PHOTOS_WORN]
    assert [report.photos for report in ears.epochs] == photos
    assert f"fold 0, gender-age: trains on {people * PHOTOS_WORN} photos" in ears.notes


def test_all_photos_of_the_held_out_people_are_scored_on_the_whole_task(whole: Path) -> None:
    record = read_record(whole)
    assert record.scores is not None
    assert set(record.scores.attribute_accuracy) == {"mask", "gender", "age"}
    assert record.n_held_out_photos == record.n_held_out_people * PHOTOS_A_PERSON
    assert record.part_names == ("mask", "gender-age")
    seconds = [json.loads(path.read_text())["seconds"] for path in whole.rglob("fold.json")]
    assert record.seconds == pytest.approx(sum(seconds))
    predictions, task = read_predictions(whole / PREDICTIONS)
    assert task == Task()
    assert np.allclose(predictions.probs_NC.sum(axis=1), 1, atol=1e-5)
    assert predictions.age_years_N is not None
    # The parts are independent given the photo: every joint probability is the product of its marginals.
    cube = predictions.probs_NC.reshape(-1, 3, 6)
    assert np.allclose(cube, np.einsum("nm,nr->nmr", cube.sum(2), cube.sum(1)), atol=1e-6)


def test_a_part_is_the_model_that_it_would_be_alone(whole: Path, place: Workplace, tmp_path: Path) -> None:
    """The mask part is, bit for bit, what an ordinary recipe of its task and settings gives on the same people."""
    size = "input: {crop: {kind: center_crop, height_px: 200, width_px: 200}, height_px: 24, width_px: 24}"
    text = TINY_RECIPE.replace("input: {height_px: 32, width_px: 24}", size).replace("epochs: 3", "epochs: 1")
    recipe = parse_recipe(text + "task: {attributes: [mask]}\n", "mask")
    photos = read_photos(recipe, read_labels(recipe, place.data), place.cache, Silent()).labeled
    with (whole / "split.csv").open() as file:
        scored = [row["person"] for row in csv.DictReader(file) if row["fold"] == "0"]
    alone = train_fold(fold_job(recipe, photos, np.isin(photos.table.person_N, scored), tmp_path))
    assert (tmp_path / "weights.safetensors").read_bytes() == weights(whole)["mask"]
    joint, task = read_predictions(whole / PREDICTIONS)
    assert np.allclose(task.marginal(joint.probs_NC, "mask"), alone.probs_NC, atol=1e-6)


def test_prediction_sees_photos_as_each_part_did(
    whole: Path, place: Workplace, cli: Callable[..., str], tmp_path: Path
) -> None:
    out = tmp_path / "again.parquet"
    cli("predict", str(whole), str(place.data / "train" / "images"), "--out", str(out), "--faces", "whole", "--quiet")
    again, _ = read_predictions(out)
    kept, _ = read_predictions(whole / PREDICTIONS)
    row_of = {f"train/images/{photo}": row for row, photo in enumerate(again.photo_N)}
    rows = [row_of[photo] for photo in kept.photo_N]
    assert np.allclose(again.probs_NC[rows], kept.probs_NC, atol=1e-5)
    assert again.age_years_N is not None
    assert kept.age_years_N is not None
    assert np.allclose(again.age_years_N[rows], kept.age_years_N, atol=1e-3)


def test_folds_are_trained_part_by_part_and_predict_with_all_models(
    place: Workplace, cli: Callable[..., str], tmp_path: Path
) -> None:
    folder = run(place.with_store(tmp_path), "split={kind: k_fold, folds: 2}", "train.epochs=1")
    assert read_record(folder).n_held_out_people == 24
    assert [set(weights(folder, fold)) for fold in (0, 1)] == [{"mask", "gender-age"}] * 2
    out = tmp_path / "eval.parquet"
    cli("predict", str(folder), str(place.data), "--out", str(out), "--quiet")
    predictions, _ = read_predictions(out)
    assert len(predictions) == 6 * PHOTOS_A_PERSON
    # Each attribute is the mean of its folds' models, and these means are multiplied.
    cube = predictions.probs_NC.reshape(-1, 3, 6)
    assert np.allclose(cube, np.einsum("nm,nr->nmr", cube.sum(2), cube.sum(1)), atol=1e-6)


@pytest.mark.parametrize("steps", [2, 12], ids=["in the first part", "in the second part"])
def test_killed_in_any_part_it_ends_with_the_same_weights(
    whole: Path, place: Workplace, tmp_path: Path, steps: int
) -> None:
    class Count(Silent):
        steps = 0

        def on_step(self, report: StepReport) -> None:
            self.steps += 1

    mine, rest = place.with_store(tmp_path), Count()
    with pytest.raises(Killed):
        run(mine, listener=KillAt(steps))
    (stopped,) = list_runs(tmp_path).runs
    assert stopped.record.status == "running"
    folder = run(mine, listener=rest)
    assert folder.name == whole.name
    assert weights(folder) == weights(whole)
    assert (folder / "predictions.parquet").read_bytes() == (whole / PREDICTIONS).read_bytes()
    reports = [json.loads(line) for path in whole.rglob("log.jsonl") for line in path.read_text().splitlines()]
    all_steps = sum(-(-report["photos"] // 16) for report in reports)
    assert all_steps - steps <= rest.steps <= all_steps - steps + 1, "what was trained is not trained again"


def test_the_whole_path_of_the_command_line(
    whole: Path, place: Workplace, trained: Path, cli: Callable[..., str], tmp_path: Path
) -> None:
    shutil.copytree(whole, tmp_path / whole.name)
    shutil.copytree(trained, tmp_path / trained.name)
    store, submission = ("--store", str(tmp_path)), tmp_path / "submission.csv"
    assert "parts" in cli("board", *store)
    # Held out are the people whom a recipe without parts holds out, too.
    assert "macro F1" in cli("compare", "tiny", "parts", *store)
    assert "42 photos" in cli("submit", "parts", "--data", str(place.data), "--out", str(submission), *store)
    table = tmp_path / "eval.csv"
    cli("predict", "parts", str(place.data), "--out", str(table), "--quiet", *store)
    assert "joint class" in cli("evaluate", str(table), "--answers", str(place.data / "eval_answers.csv"))
    assert "joint class" in cli("ensemble", "parts", "tiny", "--name", "both", *store)
    joined = tmp_path / "joined.csv"
    assert "42 photos" in cli("predict", "both", str(place.data), "--out", str(joined), "--quiet", *store)


def test_other_parts_are_another_run_and_the_batch_size_is_of_one_model(place: Workplace) -> None:
    recipe = load_recipe(str(place.recipe))
    ids = {run_id(load_recipe(str(place.recipe), change), "data") for change in ((), ("parts.1.loss.kind=focal",))}
    assert len({*ids, run_id(parse_recipe(TINY_RECIPE, "tiny"), "data")}) == 3
    with pytest.raises(RecipeError, match=r"parts must be left out.*'mask, gender-age'"):
        try_batch_sizes(recipe, 4, print)


def test_parts_of_one_crop_share_their_pixels_and_everyone_can_train(place: Workplace, tmp_path: Path) -> None:
    """A second part that sees what the first sees does not read the photos again; nobody held out is no trouble."""

    class Stages(Silent):
        def __init__(self) -> None:
            self.names: list[str] = []

        def on_stage(self, name: str, total: int) -> None:
            self.names.append(name)

    ears = Stages()
    changes = ("parts=[{attributes: [age]}, {attributes: [gender, mask]}]", "split={kind: everyone}", "train.epochs=1")
    folder = run(place.with_store(tmp_path), *changes, listener=ears)
    assert ears.names.count("reading photos") == 1
    assert set(weights(folder)) == {"age", "gender-mask"}
    assert read_record(folder).scores is None


def test_parts_of_the_same_attributes_are_averaged_in_scores_and_predictions(
    whole: Path, place: Workplace, cli: Callable[..., str], tmp_path: Path
) -> None:
    """With two models for gender and age, a run keeps and predicts the mean of what each says with the same mask."""
    parts = [part.model_dump(mode="json", exclude_none=True) for part in load_recipe(str(place.recipe)).parts]
    focal = {**parts[1], "loss": {"kind": "focal"}}
    mine = place.with_store(tmp_path / "runs")
    both = run(mine, f"parts={json.dumps([*parts, focal])}")
    other = run(mine, f"parts={json.dumps([parts[0], focal])}")
    assert set(weights(both)) == {"mask", "gender-age", "gender-age-2"}
    assert weights(both)["gender-age-2"] == weights(other)["gender-age"]
    rows = [read_predictions(folder / PREDICTIONS)[0] for folder in (both, whole, other)]
    np.testing.assert_allclose(rows[0].probs_NC, (rows[1].probs_NC + rows[2].probs_NC) / 2, atol=1e-6)
    out = tmp_path / "again.parquet"
    cli("predict", str(both), str(place.data / "train" / "images"), "--out", str(out), "--faces", "whole", "--quiet")
    again, _ = read_predictions(out)
    row_of = {f"train/images/{photo}": row for row, photo in enumerate(again.photo_N)}
    np.testing.assert_allclose(again.probs_NC[[row_of[p] for p in rows[0].photo_N]], rows[0].probs_NC, atol=1e-5)
