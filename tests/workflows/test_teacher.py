"""Distillation: what a teacher predicts for whom, what the student keeps of it, and which teachers are refused."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from conftest import Workplace
from maskwise.errors import RecipeError, StoreError
from maskwise.fitting.run_data import read_labels
from maskwise.listeners import Silent
from maskwise.recipe.identity import run_id
from maskwise.recipe.load import load_recipe
from maskwise.selftraining.pseudo_label_file import read_pseudo_labels
from maskwise.store.find_run import find_run
from maskwise.store.kept_files import read_split
from maskwise.store.layout import fold_folder, weights_path
from maskwise.store.predictions_file import read_predictions
from maskwise.store.runs import read_record
from maskwise.store.write_runs import finish_unscored_run, start_run
from maskwise.workflows.distilled_recipe import distilled_recipe, find_single
from maskwise.workflows.run_models import read_recipe
from maskwise.workflows.run_recipe import Place, run_recipe
from maskwise.workflows.teacher import Teacher, open_teacher
from support.finished_runs import run_record
from support.fits import KillAt, Killed

Cli = Callable[..., str]
WHOLE = "{attributes: [mask, gender, age]}"
PARTS = f"parts=[{WHOLE}, {{attributes: [mask, gender, age], loss: {{kind: focal}}}}]"
FOLDS = ("--folds", "2", "--set", "train.epochs=1", "--quiet")


@pytest.fixture(scope="module")
def place(workplace: Workplace, tmp_path_factory: pytest.TempPathFactory) -> Workplace:
    """A store of its own for teachers and students."""
    return workplace.with_store(tmp_path_factory.mktemp("teachers"))


@pytest.fixture(scope="module")
def teacher(place: Workplace, cli: Cli) -> Path:
    """Two parts of all attributes, two folds each: four models."""
    cli(*place.train(*FOLDS, "--set", PARTS, "--set", "name=four"))
    return find_run(place.store, "four")


def distill(cli: Cli, place: Workplace, name: str, *options: str) -> str:
    places = ["--data", str(place.data), "--store", str(place.store), "--cache", str(place.cache), "--quiet"]
    return cli("distill", name, "--recipe", str(place.recipe), *places, "--set", "train.epochs=1", *options)


@pytest.fixture(scope="module")
def said(place: Workplace, teacher: Path, cli: Cli) -> str:
    """What ``distill`` printed."""
    return distill(cli, place, "four")


@pytest.fixture(scope="module")
def student(place: Workplace, said: str) -> Path:
    assert "four-distilled" in said
    return find_run(place.store, "four-distilled")


def photos_of_fold(teacher: Path, place: Workplace, fold: int) -> tuple[np.ndarray, np.ndarray]:
    """(photos that the models of ``fold`` trained on, those of the people whom they never saw)."""
    table, held_out = read_labels(load_recipe(str(place.recipe)), place.data).table, read_split(teacher)
    theirs_N = np.array([held_out[str(person)] == fold for person in table.person_N])
    return table.photo_N[~theirs_N], table.photo_N[theirs_N]


def test_each_fold_learns_from_the_models_that_never_saw_its_people(
    teacher: Path, student: Path, place: Workplace
) -> None:
    """The rows name the fold's training photos alone, and are the softened mean of that fold's two models."""
    manifest = read_labels(load_recipe(str(place.recipe)), place.data)
    for fold in (0, 1):
        trained, unseen = photos_of_fold(teacher, place, fold)
        rows = read_pseudo_labels(fold_folder(student, fold) / "teacher.csv", 18)
        assert sorted(rows.photo_id_M.tolist()) == sorted(trained.tolist())
        teach = Teacher(teacher, manifest, True, place.cache, Silent())
        probs_MC = teach(fold, rows.photo_id_M).astype(np.float64)
        soft_MC = probs_MC**0.25 / (probs_MC**0.25).sum(axis=1, keepdims=True)  # the temperature is 4
        np.testing.assert_allclose(rows.target_MC, soft_MC, atol=1e-6)
        # Of people whom the fold's models never saw they say what the run keeps: so they are that fold's models.
        kept, _ = read_predictions(teacher / "predictions.parquet")
        np.testing.assert_allclose(teach(fold, unseen), kept.at(unseen.tolist()).probs_NC, atol=1e-5)


def test_the_student_is_one_network_a_fold_and_is_compared_with_its_teacher(
    teacher: Path, student: Path, said: str
) -> None:
    record = read_record(student)
    assert (record.name, record.folds, record.part_names) == ("four-distilled", 2, ("",))
    assert read_split(student) == read_split(teacher)
    settings = read_recipe(student).distillation
    assert settings is not None
    assert (settings.teacher, settings.share, settings.temperature) == (teacher.name, 1.0, 4.0)
    assert said.count("macro F1") >= 2, said


def test_labels_alone_give_another_model(student: Path, place: Workplace, cli: Cli) -> None:
    cli(*place.train(*FOLDS, "--set", "name=alone"))
    alone = find_run(place.store, "alone")
    assert weights_path(alone, 0).read_bytes() != weights_path(student, 0).read_bytes()


def test_for_everyone_all_models_teach(teacher: Path, place: Workplace, cli: Cli, said: str) -> None:
    assert "no score" in distill(cli, place, "four", "--everyone")
    student = find_run(place.store, "four-distilled-everyone")
    rows = read_pseudo_labels(fold_folder(student, 0) / "teacher.csv", 18)
    manifest = read_labels(load_recipe(str(place.recipe)), place.data)
    assert sorted(rows.photo_id_M.tolist()) == sorted(manifest.table.photo_N.tolist())
    by_fold = Teacher(teacher, manifest, True, place.cache, Silent())
    mean_MC = (by_fold(0, rows.photo_id_M) + by_fold(1, rows.photo_id_M)).astype(np.float64) / 2
    soft_MC = mean_MC**0.25 / (mean_MC**0.25).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(rows.target_MC, soft_MC, atol=1e-6)


def test_an_ensemble_teaches_by_its_vote(teacher: Path, place: Workplace, cli: Cli, student: Path) -> None:
    cli(*place.train(*FOLDS, "--set", "name=one", "--set", "seed=3"))
    cli("ensemble", "four", "one", "--name", "both", "--store", str(place.store), "--quiet")
    manifest = read_labels(load_recipe(str(place.recipe)), place.data)
    trained, _ = photos_of_fold(teacher, place, 1)
    both, four, one = (
        Teacher(find_run(place.store, name), manifest, True, place.cache, Silent())(1, trained)
        for name in ("both", "four", "one")
    )
    np.testing.assert_allclose(both, (four + one) / 2, atol=1e-6)


def test_killed_it_ends_with_the_same_weights(teacher: Path, student: Path, place: Workplace, tmp_path: Path) -> None:
    """In a store of its own, where the teacher is there, too."""
    (tmp_path / teacher.name).symlink_to(teacher)
    recipe = distilled_recipe(teacher, str(place.recipe), ["train.epochs=1"], everyone=False)
    where = Place(place.data, tmp_path, place.cache)
    with pytest.raises(Killed):
        run_recipe(recipe, where, [], KillAt(3))
    folder, _ = run_recipe(recipe, where, [], Silent())
    assert folder.name == student.name
    for fold in (0, 1):
        assert weights_path(folder, fold).read_bytes() == weights_path(student, fold).read_bytes()


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        (("split={kind: k_fold, folds: 2, seed: 5}",), "folds of teacher four must be those of the student, got"),
        (("split={kind: hold_out, share: 0.34}",), "folds of teacher four must be those of the student, got"),
        (("task.age_borders_years=[40]",), "the task of teacher four must be the student's"),
    ],
)
def test_a_teacher_that_saw_the_students_people_is_refused(
    teacher: Path, place: Workplace, changes: tuple[str, ...], problem: str
) -> None:
    recipe = distilled_recipe(teacher, str(place.recipe), changes, everyone=False)
    with pytest.raises(StoreError, match=problem):
        run_recipe(recipe, Place(place.data, place.store, place.cache), [], Silent())


def test_a_teacher_whose_epoch_was_chosen_on_the_scored_people_is_refused(
    place: Workplace, cli: Cli, teacher: Path
) -> None:
    cli(*place.train(*FOLDS, "--set", "name=hopeful", "--set", "train.checkpoint={kind: scored_people}"))
    hopeful = find_run(place.store, "hopeful")
    recipe = distilled_recipe(hopeful, str(place.recipe), [], everyone=False)
    manifest = read_labels(recipe, place.data)
    held_out = read_split(hopeful)
    fold_N = np.array([held_out[str(person)] for person in manifest.table.person_N])
    with pytest.raises(StoreError, match=r"teacher hopeful must .* chosen on other people"):
        open_teacher(recipe, manifest, fold_N, place.store, place.cache, Silent())
    # With --everyone nobody is scored.
    shipped = distilled_recipe(hopeful, str(place.recipe), [], everyone=True)
    assert open_teacher(shipped, manifest, fold_N, place.store, place.cache, Silent()).run == hopeful


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ("mixing={kind: mixup}", "mixing.kind must be none with distillation"),
        ("self_training={}", "self_training must be left out with distillation"),
        ("data.draw_masks={}", "data.draw_masks must be left out with distillation"),
        (PARTS, "distillation must be left out with parts"),
        ("distillation.share=0", "distillation.share"),
        ("distillation.temperature=0.5", "distillation.temperature"),
    ],
)
def test_what_does_not_go_with_a_teacher(teacher: Path, place: Workplace, change: str, problem: str) -> None:
    with pytest.raises(RecipeError, match=problem):
        distilled_recipe(teacher, str(place.recipe), [change], everyone=False)


def test_the_teacher_is_part_of_the_runs_identity(teacher: Path, place: Workplace) -> None:
    recipe = distilled_recipe(teacher, str(place.recipe), [], everyone=False)
    assert recipe.distillation is not None
    other = recipe.model_copy(update={"distillation": recipe.distillation.model_copy(update={"share": 0.5})})
    plain = recipe.model_copy(update={"distillation": None})
    assert len({run_id(each, "data") for each in (recipe, other, plain)}) == 3


def add_unscored(store: Path, name: str, folds: int, teacher: Path | None = None) -> Path:
    """A finished run on everyone with so many models, distilled from the run in ``teacher``."""
    recipe: dict[str, object] = {"split": {"kind": "everyone"}}
    if teacher is not None:
        recipe["distillation"] = {"teacher": teacher.name}
    record = dataclasses.replace(run_record(name, folds=folds), recipe=recipe)
    folder = start_run(store, record)
    for fold in range(folds):
        weights_path(folder, fold).parent.mkdir()
        weights_path(folder, fold).write_bytes(b"weights")
    finish_unscored_run(folder, record, seconds=1.0, needed=())
    return folder


def test_the_single_network_of_a_run_is_its_student_of_one_model(tmp_path: Path) -> None:
    teacher = add_unscored(tmp_path, "many", 5)
    with pytest.raises(StoreError, match="maskwise distill many --everyone"):
        find_single(teacher)
    add_unscored(tmp_path, "of-another", 1, add_unscored(tmp_path, "other", 5))
    add_unscored(tmp_path, "folds", 2, teacher)
    student = add_unscored(tmp_path, "one", 1, teacher)
    assert find_single(teacher) == student
    assert find_single(student) == student
