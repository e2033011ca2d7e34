"""A series is refused as a whole, before its first run is trained."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from conftest import Workplace
from maskwise.errors import RecipeError, UserError
from maskwise.listeners import Silent
from maskwise.recipe.config import Recipe
from maskwise.recipe.load import load_recipe
from maskwise.workflows import refuse_series as story
from maskwise.workflows.refuse_series import refuse_impossible_series, refuse_series
from maskwise.workflows.run_recipe import Place

SMALL = ("--set", "model.backbone.kind=baseline_cnn", "--set", "model.weights.kind=none")
GPU, LONG = ("--set", "runtime.device=cuda"), ("--set", "train.accumulate_batches=5000")


@pytest.fixture
def place(workplace: Workplace, tmp_path: Path) -> Workplace:
    """An empty store and an empty cache."""
    return Workplace(workplace.data, workplace.recipe, tmp_path / "runs", tmp_path / "cache")


def recipe_of(place: Workplace, name: str, *changes: str) -> Recipe:
    return load_recipe(str(place.recipe), [f"name={name}", *changes])


def test_what_the_machine_cannot_do_is_said_once_with_the_first_recipe_that_has_it(place: Workplace) -> None:
    recipes = [
        recipe_of(place, "good"),
        recipe_of(place, "half", "train.precision=fp16"),
        recipe_of(place, "half-too", "train.precision=fp16", "train.epochs=2"),
    ]
    with pytest.raises(RecipeError) as caught:
        refuse_impossible_series(recipes)
    (problem,) = caught.value.problems
    assert problem.startswith("half: train.precision must be fp32 or bf16")


def test_all_problems_of_all_recipes_come_together(place: Workplace) -> None:
    recipes = [
        recipe_of(place, "good"),
        recipe_of(place, "folds", "split={kind: k_fold, folds: 20}"),
        recipe_of(place, "folds", "split={kind: k_fold, folds: 20}", "seed=1"),
        recipe_of(place, "long", "train.accumulate_batches=99"),
    ]
    with pytest.raises(UserError) as caught:
        refuse_series(recipes, Place(place.data, place.store, place.cache), Silent())
    first, *others, last = caught.value.problems
    assert all(problem.startswith("folds: ") for problem in (first, *others))
    assert last.startswith("long: train.accumulate_batches must be at most")
    assert not place.store.exists()
    assert not place.cache.exists()


def test_finished_runs_need_nothing_any_more(
    workplace: Workplace, trained: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(recipe: Recipe) -> None:
        raise RecipeError(f"{recipe.seed} cannot be trained")

    monkeypatch.setattr(story, "refuse_impossible", refuse)
    where = Place(workplace.data, trained.parent, workplace.cache)
    finished = load_recipe(str(workplace.recipe))
    refuse_series([finished], where, Silent())
    monkeypatch.undo()
    heard: list[str] = []
    ears = Silent()
    monkeypatch.setattr(ears, "on_note", heard.append)
    refuse_series([finished, *(finished.model_copy(update={"seed": seed}) for seed in (1, 2))], where, ears)
    assert [note.partition(", about")[0] for note in heard] == ["2 runs of 168 photos (1 more are finished)"]
    monkeypatch.setattr(story, "refuse_impossible", refuse)
    with pytest.raises(RecipeError, match="1 cannot be trained"):
        refuse_series([finished, finished.model_copy(update={"seed": 1})], where, Silent())


@pytest.mark.parametrize(
    "words",
    [["claims", "--only", "9"], ["ladder"], ["search", "optimizers", "quick-imagenet"], ["sweep", "optimizer"]],
    ids=lambda words: words[0],
)
@pytest.mark.parametrize(
    "wrong, message",
    [
        (GPU, r"runtime\.device must be a device of this machine"),
        (LONG, r"train\.accumulate_batches must be at most"),
    ],
    ids=["machine", "labels"],
)
def test_every_series_is_refused_before_it_reads_a_photo(
    place: Workplace,
    cli: Callable[..., str],
    monkeypatch: pytest.MonkeyPatch,
    words: list[str],
    wrong: tuple[str, ...],
    message: str,
) -> None:
    if wrong is GPU:
        monkeypatch.setattr("torch.cuda.is_available", lambda: False)
        monkeypatch.setattr("maskwise.data.readable.decode_photo", _refuse_to_decode)
    places = ["--data", str(place.data), "--store", str(place.store), "--cache", str(place.cache)]
    with pytest.raises(UserError, match=message):
        cli(*words, *places, "--quiet", *SMALL, *wrong)
    assert not place.store.exists()
    assert not place.cache.exists()


def _refuse_to_decode(*_: object) -> None:
    raise AssertionError("a photo was decoded")
