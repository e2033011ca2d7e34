"""A series on Ray: the runs of one process to the bit, refusals that reach their loop, and options that go together."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path

import pytest

from conftest import TINY_RECIPE, Workplace
from maskwise.data.manifest import read_train
from maskwise.errors import DivergedError, StoreError, UserError
from maskwise.labels import Task
from maskwise.listeners import Silent
from maskwise.recipe.config import Recipe
from maskwise.recipe.load import load_recipe, parse_recipe
from maskwise.store.layout import PREDICTIONS, SCORES, weights_path
from maskwise.store.runs import StoredRun
from maskwise.store.write_runs import lock_run
from maskwise.workflows.engines import SERIAL, begin_order, series, train_one_model, train_order
from maskwise.workflows.ray_engine import RayEngine
from maskwise.workflows.ray_tasks import Refused, Resources
from maskwise.workflows.run_recipe import Order, Place
from support.packed_sets import pack

FOLDED = """
name: folded
split: {kind: k_fold, folds: 2}
input: {height_px: 32, width_px: 24}
model:
  backbone: {kind: baseline_cnn}
  head: {kind: attributes}
  weights: {kind: none}
train: {epochs: 1, batch_size: 32, checkpoint: {kind: last}}
runtime: {device: cpu, checkpoint_every_s: 0}
parts:
  - attributes: [mask]
  - attributes: [gender, age]
"""
"""Four models: two folds of two parts."""


class Heard(Silent):
    """Keeps notes, and counts what is done."""

    def __init__(self) -> None:
        self.notes: list[str] = []
        self.done = self.total = 0

    def on_stage(self, name: str, total: int) -> None:
        self.total = total if name == "trainings" else self.total

    def on_advance(self, done: int) -> None:
        self.done += done

    def on_note(self, text: str) -> None:
        self.notes.append(text)


@pytest.fixture
def place(workplace: Workplace, tmp_path: Path) -> Place:
    return Place(workplace.data, tmp_path / "runs", workplace.cache)


def recipes() -> list[Recipe]:
    return [parse_recipe(TINY_RECIPE, "tiny", ["train.epochs=1"]), parse_recipe(FOLDED, "folded", [])]


def kept(run: StoredRun) -> dict[str, bytes]:
    """What a run is judged by, and its weights."""
    weights = [
        weights_path(run.folder, fold, part) for fold in range(run.record.folds) for part in run.record.part_names
    ]
    paths = [run.folder / PREDICTIONS, run.folder / SCORES, *weights]
    return {str(path.relative_to(run.folder)): path.read_bytes() for path in paths}


# --- on Ray ------------------------------------------------------------------------------------------------------


@pytest.mark.ray
def test_runs_on_ray_are_those_of_one_process(place: Place, tmp_path: Path) -> None:
    """A run of one model, two of four (one of photos in shards), one that diverges, one wanted twice; one session."""
    packed = pack(place.data, read_train(place.data, Task()).table, tmp_path / "packed", 20)
    of_shards = parse_recipe(FOLDED, "folded", ["name=of-shards", "seed=1"])

    def orders(store: Path, *others: Recipe) -> list[Order]:
        of_folder = series([*recipes(), *others], dataclasses.replace(place, store=store), ["test"])
        return [*of_folder, *series([of_shards], Place(packed, store, place.cache), ["test"])]

    alone = [train_order(order, {}, Silent()) for order in orders(place.store)]
    bad = parse_recipe(TINY_RECIPE, "tiny", ["name=bad", "train.optimizer.rate=1e30", "train.epochs=2"])
    heard = Heard()
    ahead = RayEngine(None, 1, None).train(orders(tmp_path / "by-ray", bad, *recipes()), heard)
    together = [ahead(recipe) for recipe in (*recipes(), of_shards)]
    for one, other in zip(alone, together, strict=True):
        assert other is not None
        assert other.folder == tmp_path / "by-ray" / one.folder.name
        assert kept(one) == kept(other)
    assert heard.done == heard.total == 10
    assert any(note.startswith("folded fold 2 gender-age: fold 2, epoch 1/1") for note in heard.notes)
    with pytest.raises(DivergedError, match="must be finite"):
        ahead(bad)


@pytest.mark.ray
def test_what_no_machine_has_is_refused_at_once(place: Place) -> None:
    with pytest.raises(UserError, match=r"--cores-per-run must be at most .* one machine"):
        RayEngine(None, 4096, None).train(series(recipes(), place, ["test"]), Silent())
    with pytest.raises(UserError, match=r"--ray-address must .* Ray cluster, got 'nowhere"):
        RayEngine("nowhere", 1, None).train(series(recipes(), place, ["test"]), Silent())


# --- the pieces, without Ray -----------------------------------------------------------------------------------------


def test_models_trained_apart_make_the_run_of_one_process(place: Place, tmp_path: Path) -> None:
    (whole,) = [train_order(order, {}, Silent()) for order in series(recipes()[1:], place, ["test"])]
    (order,) = series(recipes()[1:], dataclasses.replace(place, store=tmp_path / "apart"), ["test"])
    assert begin_order(order, Silent()) == order.recipe
    models = [(1, "gender-age"), (0, "mask"), (1, "mask"), (0, "gender-age")]
    trained = {(fold, part): train_one_model(order, fold, part, Silent()) for fold, part in models}
    assert kept(train_order(order, trained, Silent())) == kept(whole)
    assert begin_order(order, Silent()) == train_order(order, {}, Silent())  # finished by now, and taken


def test_a_model_is_not_trained_beside_who_has_the_whole_run(place: Place) -> None:
    (order,) = series(recipes()[1:], place, ["test"])
    begin_order(order, Silent())
    (folder,) = [entry for entry in place.store.iterdir() if entry.is_dir()]
    with lock_run(folder), pytest.raises(StoreError, match="another process is working on"):
        train_one_model(order, 0, "mask", Silent())
    with lock_run(folder, shared=True), pytest.raises(StoreError, match="another process is working on"):
        train_order(dataclasses.replace(order, takes_finished=False), {}, Silent())


def test_a_finished_run_is_refused_where_a_new_one_is_wanted(place: Place) -> None:
    order = Order(recipes()[0], place, ("test",))
    train_order(order, {}, Silent())
    with pytest.raises(StoreError, match="must be new, got one that is finished"):
        train_order(order, {}, Silent())


def test_one_after_the_other_nothing_is_trained_ahead(place: Place) -> None:
    (recipe, *_) = recipes()
    assert SERIAL.train(series([recipe], place, ["test"]), Silent())(recipe) is None
    assert not place.store.exists()


def test_a_refusal_is_raised_as_what_it_was() -> None:
    with pytest.raises(DivergedError, match="too much"):
        raise Refused(DivergedError, ("too much",)).error()
    assert Resources(1, 0.25).gpus == 0.25


# --- the command line --------------------------------------------------------------------------------------------


def test_several_recipes_are_a_run_each_and_the_same_command_goes_on(
    workplace: Workplace, cli: Callable[..., str], tmp_path: Path
) -> None:
    other = tmp_path / "other.yaml"
    other.write_text(TINY_RECIPE.replace("name: tiny", "name: other").replace("batch_size: 16", "batch_size: 32"))
    here = workplace.with_store(tmp_path / "runs")
    words = [*here.train("--quiet", "--set", "train.epochs=1")]
    cli(*words)
    both = cli(*words[:2], str(other), *words[2:], "--set", "seed=1")
    again = cli(*words[:2], str(other), *words[2:], "--set", "seed=1")
    assert both == again
    assert [line.split()[2] for line in both.splitlines() if line.startswith("run ")] == ["(tiny)", "(other)"]
    assert len([entry for entry in here.store.iterdir() if entry.is_dir()]) == 3


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--cores-per-run", "2"), "--cores-per-run must be used with --engine ray"),
        (("--gpus-per-run", "0.5"), "--gpus-per-run must be used with --engine ray"),
        (("--ray-address", "a:1"), "--ray-address must be used with --engine ray"),
        (("--engine", "ray", "--gpus-per-run", "1.5"), "--gpus-per-run must be a whole number or below 1"),
        (("--engine", "ray", "--mirror", "tensorboard:x"), "--mirror must be left out with --engine ray"),
    ],
)
def test_options_that_do_not_go_together(
    workplace: Workplace, cli: Callable[..., str], tmp_path: Path, words: tuple[str, ...], said: str
) -> None:
    with pytest.raises(UserError, match=said):
        cli(*workplace.with_store(tmp_path / "runs").train(*words))
    assert not (tmp_path / "runs").exists()


def test_torchrun_trains_one_run_in_one_process_each(
    workplace: Workplace, cli: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WORLD_SIZE", "2")
    with pytest.raises(UserError, match=r"torchrun .* one training, got '--engine ray'"):
        cli(*workplace.train("--engine", "ray"))


def test_processes_and_ray_are_refused_together(workplace: Workplace, cli: Callable[..., str]) -> None:
    with pytest.raises(UserError, match="--processes must be left out with --engine ray"):
        cli("claims", "--data", str(workplace.data), "--processes", "2", "--engine", "ray")


def test_a_shipped_recipe_has_a_model_for_each_fold_and_part() -> None:
    from maskwise.recipe.single_recipes import models_of

    best = load_recipe("best", ["split.kind=k_fold", "split.folds=5"])
    assert len(models_of(best)) == 10
    assert len(set(models_of(best))) == 10
