"""Self-training with the tiny recipe: killed in any round it ends with the same weights; held-out people stay out."""

from __future__ import annotations

import csv
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from conftest import Workplace
from maskwise.errors import DataError
from maskwise.fitting.run_data import read_labels, read_photos
from maskwise.listeners import Listener, Silent, StepReport
from maskwise.recipe.load import load_recipe
from maskwise.recipe.train_config import InnerHoldOut
from maskwise.store.layout import PREDICTIONS, fold_folder
from maskwise.store.predictions_file import read_predictions
from maskwise.store.runs import list_runs, read_record
from maskwise.workflows.run_recipe import Place, run_recipe
from support.fits import KillAt, Killed, Remember

SHORT = ("train.epochs=2",)
SOFT = ("self_training.rounds=2", "self_training.select={kind: soft, weight: 0.5}")
NEVER_SURE = ("self_training.select={kind: hard, keep: {kind: confident, threshold: 1.0}}",)


class KillAtNote(Silent):
    """Kills the run when it reports something."""

    def __init__(self, words: str) -> None:
        self.words = words

    def on_note(self, text: str) -> None:
        if self.words in text:
            raise Killed


def run(place: Workplace, *changes: str, listener: Listener | None = None) -> Path:
    recipe = load_recipe(str(place.recipe), [*SHORT, *changes])
    where = Place(place.data, place.store, place.cache)
    folder, _ = run_recipe(recipe, where, ["maskwise"], listener or Silent())
    return folder


def files(folder: Path) -> dict[str, bytes]:
    """What a run learned, in all of its rounds."""
    fold = fold_folder(folder, 0)
    learned = [*fold.rglob("weights.safetensors"), *fold.rglob("pseudo_labels.csv")]
    return {path.relative_to(fold).as_posix(): path.read_bytes() for path in learned}


@pytest.fixture(scope="module")
def whole(workplace: Workplace, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return run(workplace.with_store(tmp_path_factory.mktemp("whole")), *SOFT)


def test_rounds_leave_their_models_and_pseudo_labels_and_scores_are_of_held_out_people(
    whole: Path, workplace: Workplace
) -> None:
    assert sorted(files(whole)) == [
        *("round-0/pseudo_labels.csv", "round-0/weights.safetensors"),
        *("round-1/pseudo_labels.csv", "round-1/weights.safetensors", "weights.safetensors"),
    ]
    weights = [content for name, content in files(whole).items() if name.endswith("weights.safetensors")]
    assert len(set(weights)) == 3, "each round's model is another"
    with (fold_folder(whole, 0) / "round-0/pseudo_labels.csv").open() as file:
        chosen = [row["photo"] for row in csv.DictReader(file)]
    assert len(chosen) == 42
    assert all(photo.startswith("eval/images/") for photo in chosen)
    with (whole / "split.csv").open() as file:
        held_out = {row["person"] for row in csv.DictReader(file) if row["fold"] == "0"}
    predictions, _ = read_predictions(whole / PREDICTIONS)
    assert set(predictions.person_N) == held_out
    assert set(predictions.seen_N) == {"held_out"}
    assert read_record(whole).data.n_photos == 24 * 7
    epochs = [float(json.loads(path.read_text())["seconds"]) for path in whole.rglob("fold.json")]
    assert len(epochs) == 3
    assert read_record(whole).seconds == pytest.approx(sum(epochs))


def test_it_predicts_with_the_last_round(
    whole: Path, workplace: Workplace, tmp_path: Path, cli: Callable[..., str]
) -> None:
    out = tmp_path / "p.csv"
    assert "42 photos" in cli("predict", str(whole), str(workplace.data), "--out", str(out), "--quiet")
    assert len(out.read_text().splitlines()) == 43


@pytest.mark.parametrize(
    "killer",
    [KillAt(5), KillAtNote("round 0: 42 of 42"), KillAt(20), KillAtNote("the last"), KillAt(36)],
    ids=["in round 0", "with its pseudo-labels written", "in round 1", "before the last", "in the last"],
)
def test_killed_in_any_round_it_ends_with_the_same_weights(
    whole: Path, workplace: Workplace, tmp_path: Path, killer: Listener
) -> None:
    place = workplace.with_store(tmp_path)
    with pytest.raises(Killed):
        run(place, *SOFT, listener=killer)
    (stopped,) = list_runs(tmp_path).runs
    before = files(stopped.folder)
    assert stopped.record.status == "running"
    assert "weights.safetensors" not in before or isinstance(killer, KillAt)
    folder = run(place, *SOFT)
    assert files(folder) == files(whole)
    assert folder.name == whole.name


def test_a_finished_round_is_not_trained_again(workplace: Workplace, tmp_path: Path) -> None:
    class Count(Silent):
        steps = 0

        def on_step(self, report: StepReport) -> None:
            self.steps += 1

    place, rest = workplace.with_store(tmp_path), Count()
    with pytest.raises(Killed):
        run(place, *NEVER_SURE, listener=KillAtNote("the last"))
    run(place, *NEVER_SURE, listener=rest)
    assert rest.steps == 14, "two epochs of 112 photos in batches of 16"


def test_nothing_to_learn_from_is_noted_and_gives_the_plain_model(
    workplace: Workplace, tmp_path: Path, cli: Callable[..., str]
) -> None:
    ears = Remember()
    plain_run = run(workplace.with_store(tmp_path))
    its_run = run(workplace.with_store(tmp_path), *NEVER_SURE, listener=ears)
    plain, kept = files(plain_run), files(its_run)
    assert any("none of 42 photos gets a pseudo-label" in note for note in ears.notes)
    assert kept["weights.safetensors"] == kept["round-0/weights.safetensors"] == plain["weights.safetensors"]
    # Both were scored on the same labeled photos, so they can be joined, and stand together on the board.
    assert "joint class" in cli("ensemble", plain_run.name, its_run.name, "--store", str(tmp_path))
    assert cli("board", "--store", str(tmp_path)).count("photos of 24 people") == 1


def test_every_setting_of_the_photos_goes_with_it(workplace: Workplace, tmp_path: Path) -> None:
    """An inner hold-out, an age head, softened targets, class weights and a weighted sampler, in two folds."""
    changes = (
        *("split={kind: k_fold, folds: 2}", "train.checkpoint={kind: inner_hold_out, share: 0.3}"),
        *("train.epochs=1", "task.attributes=[mask, age]"),
        *("model.age_head.kind=linear", "auxiliary.kind=age_distribution", "sampling.kind=weighted"),
        *("targets=[{kind: label_smoothing}, {kind: soft_age_border}]", "loss.class_weights.kind=inverse_share"),
        *SOFT[1:],
    )
    recipe = load_recipe(str(workplace.recipe), changes)
    assert isinstance(recipe.train.checkpoint, InnerHoldOut)
    folder, evaluation = run_recipe(recipe, Place(workplace.data, tmp_path, workplace.cache), ["maskwise"], Silent())
    assert evaluation is not None
    assert evaluation.n_people == 24
    assert np.isfinite(evaluation.joint.macro_f1.value)
    assert all((fold_folder(folder, fold) / "round-0/pseudo_labels.csv").exists() for fold in (0, 1))


def test_other_unlabeled_photos_are_other_data_and_none_are_refused(workplace: Workplace, tmp_path: Path) -> None:
    recipe = load_recipe(str(workplace.recipe), ["self_training={}"])

    def about(data: Path) -> tuple[str, str]:
        data_of = read_photos(recipe, read_labels(recipe, data), workplace.cache, Silent()).about
        return data_of.checksum, data_of.decisive

    other = tmp_path / "data"
    shutil.copytree(workplace.data, other)
    assert about(other) == about(workplace.data)
    table = other / "eval/info.csv"
    table.write_text("".join(table.read_text().splitlines(keepends=True)[:-1]))
    assert about(other)[0] == about(workplace.data)[0]
    assert about(other)[1] != about(workplace.data)[1]
    for gone in (lambda: table.write_text("ImageID,ans\n"), table.unlink):
        gone()
        with pytest.raises(DataError, match=r"eval/info.csv must be a list of unlabeled photos") as ears:
            run_recipe(recipe, Place(other, tmp_path / "runs", workplace.cache), ["maskwise"], Silent())
        assert len(ears.value.problems) == 1
    assert not (tmp_path / "runs").exists()
