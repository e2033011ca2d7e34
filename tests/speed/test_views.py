from __future__ import annotations

import math
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from conftest import Workplace
from maskwise.cli.main import app
from maskwise.ensembles.config import SoftVote
from maskwise.errors import DataError, StoreError
from maskwise.listeners import Silent
from maskwise.score import Score
from maskwise.speed.rates import Rate
from maskwise.speed.views import SecondView, measure_second_view
from maskwise.store.kept_files import read_held_out
from maskwise.store.runs import list_runs
from maskwise.workflows.join_runs import join_runs


@pytest.fixture(scope="module")
def store(workplace: Workplace, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Runs that were trained alike, and predict in the one view, in the other and in both."""
    folder = tmp_path_factory.mktemp("views") / "runs"
    there = workplace.with_store(folder)
    for name, views in (("one", "[as_is]"), ("both", "[as_is, mirrored]"), ("mirror", "[mirrored]")):
        changes = [f"name={name}", f"predict.views={views}", "train.epochs=1"]
        words = [word for change in changes for word in ("--set", change)]
        assert CliRunner().invoke(app, there.train("--quiet", *words), catch_exceptions=False).exit_code == 0
    return {run.record.name: run.folder for run in list_runs(folder).runs}


@pytest.mark.parametrize("name", ["one", "both", "mirror"])
def test_the_second_view_is_compared_with_the_first_whichever_the_run_predicted_in(
    store: dict[str, Path], workplace: Workplace, name: str
) -> None:
    """Views are averaged at prediction alone: the runs learned the same, so their own scores say what to find."""
    found = measure_second_view(store[name], workplace.data, workplace.cache, 1, Silent())
    for place, run in (("a", "one"), ("b", "both")):
        own, _ = read_held_out(store[run])
        right = float((own.probs_NC.argmax(axis=1) == own.class_N).mean())
        assert getattr(found.comparison.joint.accuracy, place) == pytest.approx(right)
    assert found.comparison.n_photos == len(read_held_out(store["one"])[0])
    assert found.one.photos == found.both.photos == 64
    assert min(found.one.seconds, found.both.seconds) > 0


def test_folds_and_parts_are_predicted_by_their_own_models(workplace: Workplace, tmp_path: Path) -> None:
    recipe = workplace.recipe.read_text().replace(
        "split: {kind: hold_out, share: 0.34}",
        "split: {kind: k_fold, folds: 2}\nparts: [{attributes: [mask]}, {attributes: [gender, age]}]",
    )
    (tmp_path / "parts.yaml").write_text(recipe)
    there = replace(workplace, recipe=tmp_path / "parts.yaml", store=tmp_path / "runs")
    for views in ("{views: [as_is]}", "{views: [as_is, mirrored], fold_views: in_turn}"):
        words = ["--set", "train.epochs=1", "--set", f"predict={views}"]
        assert CliRunner().invoke(app, there.train("--quiet", *words), catch_exceptions=False).exit_code == 0
    runs = sorted(list_runs(there.store).runs, key=lambda run: len(run.record.recipe["predict"]["views"]))
    found = measure_second_view(runs[0].folder, workplace.data, workplace.cache, 1, Silent())
    own = [read_held_out(run.folder)[0] for run in runs]
    right = [float((each.probs_NC.argmax(axis=1) == each.class_N).mean()) for each in own]
    assert [found.comparison.joint.accuracy.a, found.comparison.joint.accuracy.b] == pytest.approx(right)
    assert found.in_turn is None
    shared_out = measure_second_view(runs[1].folder, workplace.data, workplace.cache, 1, Silent())
    assert [shared_out.comparison.joint.accuracy.a, shared_out.comparison.joint.accuracy.b] == pytest.approx(right)
    assert shared_out.in_turn is not None
    assert shared_out.in_turn.photos == 64


def test_the_gain_for_a_second_by_hand(store: dict[str, Path], workplace: Workplace) -> None:
    """20 ms of the processor more per photo are 20 s for a thousand."""
    compared = measure_second_view(store["one"], workplace.data, workplace.cache, 1, Silent()).comparison
    found = SecondView(compared, Rate(64, 1.0, 64 * 0.020), Rate(64, 1.0, 64 * 0.040))
    assert found.seconds == pytest.approx(20)
    gain = found.for_a_second(Score(0.02, -0.01, 0.05))
    assert (gain.value, gain.low, gain.high) == pytest.approx((0.001, -0.0005, 0.0025))
    assert math.isnan(replace(found, both=found.one).for_a_second(Score(0.02, -0.01, 0.05)).value)


def test_an_ensemble_is_measured_by_its_members(store: dict[str, Path], workplace: Workplace, tmp_path: Path) -> None:
    shutil.copytree(store["one"].parent, tmp_path / "runs")
    joined = join_runs(tmp_path / "runs", ["one", "both"], SoftVote(), "joined", ["maskwise"])
    with pytest.raises(StoreError, match="must be a trained run, got"):
        measure_second_view(joined.folder, workplace.data, workplace.cache, 1, Silent())


def test_other_photos_than_those_of_the_run_are_refused(
    store: dict[str, Path], workplace: Workplace, tmp_path: Path
) -> None:
    shutil.copytree(workplace.data, tmp_path / "data")
    first, *_, last = sorted(file for file in (tmp_path / "data/train/images").rglob("*") if file.is_file())
    first.write_bytes(last.read_bytes())
    with pytest.raises(DataError, match="as the run was trained on it, got"):
        measure_second_view(store["one"], tmp_path / "data", tmp_path / "cache", 1, Silent())
