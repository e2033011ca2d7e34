"""``train.precision: auto``: what it chooses from given times, and that the run is one of the chosen precision."""

from __future__ import annotations

import dataclasses
import json
import re
from pathlib import Path

import pytest
import torch

from conftest import Workplace
from maskwise.fitting import choose_precision as choose_speed
from maskwise.fitting.choose_precision import (
    EAGER,
    PrecisionChoice,
    Timing,
    Way,
    choices_json,
    choose_way,
    fastest,
    settle_precision,
    time_way,
)
from maskwise.recipe.identity import run_id
from maskwise.recipe.load import dump_recipe, load_recipe, parse_recipe
from maskwise.recipe.single_recipes import single_recipes
from maskwise.store.layout import RECIPE, SPEED
from maskwise.store.runs import read_record
from maskwise.workflows.run_recipe import Place, run_recipe
from maskwise.workflows.train_or_read import train_or_read
from support.fits import Remember

AUTO = ("train.precision=auto",)
BF16 = Way("bf16", "channels_last", "eager")
SECONDS = {("fp32", "channels_last"): 1.0, ("fp32", "contiguous"): 0.98}


@pytest.fixture
def timed(monkeypatch: pytest.MonkeyPatch) -> list[Way]:
    """The ways that were timed, each with a time by hand in place of a clock's."""
    tried: list[Way] = []

    def listener(recipe: object, way: Way) -> Timing:
        tried.append(way)
        step_s = SECONDS.get((way.precision, way.layout), 0.9 if way.layout == "channels_last" else 2.0)
        return Timing(way, step_s * 0.8, 100.0) if way.step == "compiled" else Timing(way, step_s)

    monkeypatch.setattr(choose_speed, "time_way", listener)
    return tried


def test_the_fastest_by_hand() -> None:
    """Another way than plain fp32 has to be clearly faster, and compiling has to pay for itself."""
    fp32, other, bf16, _ = EAGER
    assert fastest([Timing(fp32, 1.0), Timing(other, 0.96)], 10).way == fp32
    assert fastest([Timing(fp32, 1.0), Timing(other, 0.96), Timing(bf16, 0.9)], 10).way == bf16
    compiled = Timing(dataclasses.replace(fp32, step="compiled"), 0.5, compiling_s=100.0)
    assert fastest([Timing(fp32, 1.0), compiled], 180).way == fp32
    assert fastest([Timing(fp32, 1.0), compiled], 400).way == compiled.way


def test_times_are_kept_and_compiling_is_tried_for_long_trainings_alone(
    workplace: Workplace, tmp_path: Path, timed: list[Way]
) -> None:
    recipe = load_recipe(str(workplace.recipe), AUTO)
    assert choose_way(recipe, 100, tmp_path).way == BF16
    assert timed == list(EAGER)
    assert choose_way(recipe, 100, tmp_path).way == BF16
    assert len(timed) == 4
    assert choose_way(recipe, 2000, tmp_path).way == dataclasses.replace(BF16, step="compiled")
    assert timed[4:] == [dataclasses.replace(BF16, step="compiled")]
    larger = load_recipe(str(workplace.recipe), (*AUTO, "input.height_px=40"))
    choose_way(larger, 100, tmp_path)
    assert len(timed) == 9  # another size is another measurement
    for file in (tmp_path / "speed").iterdir():
        file.write_text("torn")
    assert choose_way(recipe, 100, tmp_path).way == BF16


def test_the_run_is_one_of_the_chosen_precision(workplace: Workplace, tmp_path: Path, timed: list[Way]) -> None:
    """Its id is that of the recipe which says so itself; what was measured lies beside it, and was printed."""
    place = Place(workplace.data, tmp_path / "runs", workplace.cache)
    recipe, listener = load_recipe(str(workplace.recipe), (*AUTO, "train.epochs=1")), Remember()
    folder, _ = run_recipe(recipe, place, ["train"], listener)
    record = read_record(folder)
    plain = load_recipe(str(workplace.recipe), ("train.precision=bf16", "train.epochs=1"))
    assert record.run_id == run_id(plain, record.data.decisive)
    assert load_recipe(str(folder / RECIPE)).train.precision == "bf16"
    stored = json.loads((folder / SPEED).read_text())
    assert stored["chosen"] == {"precision": "bf16", "layout": "channels_last", "step": "eager"}
    assert [row["step_s"] for row in stored["timings"]] == [1.0, 0.98, 0.9, 2.0]
    assert "precision auto chose bf16, channels_last, eager" in listener.notes
    assert train_or_read(recipe, place, ["train"], listener).folder == folder


@pytest.mark.parametrize("way", EAGER)
def test_a_real_measurement_takes_steps(workplace: Workplace, way: Way) -> None:
    recipe = load_recipe(str(workplace.recipe), AUTO)
    timing = time_way(recipe, way)
    assert timing.step_s > 0
    assert timing.compiling_s == 0.0


def test_without_auto_nothing_is_measured(workplace: Workplace, tmp_path: Path, timed: list[Way]) -> None:
    recipe = load_recipe(str(workplace.recipe))
    assert settle_precision(recipe, 100, tmp_path, Remember()) == (recipe, {})
    assert timed == []


def test_a_choice_reports_all_it_measured() -> None:
    compiled = Timing(dataclasses.replace(BF16, step="compiled"), 0.5, compiling_s=80.0)
    lines = PrecisionChoice(compiled.way, (Timing(EAGER[0], 1.0), compiled), 9000).lines(32)
    eager, after, chosen = lines
    assert eager.endswith(": fp32, channels_last, eager: 32 photos/s")
    assert ": bf16, channels_last, compiled: 64 photos/s " in after
    assert "80 s of compiling" in after
    assert chosen.endswith(" chose bf16, channels_last, compiled")


def test_each_part_with_auto_chooses_for_itself_and_none_is_compiled(tmp_path: Path, timed: list[Way]) -> None:
    listener = Remember()
    recipe, choices = settle_precision(load_recipe("best"), 1_000_000, tmp_path, listener)
    assert [(each.train.precision, each.train.epochs) for _, each, _ in single_recipes(recipe)] == [
        ("fp32", 8),
        ("bf16", 2),
    ]
    assert timed == list(EAGER)
    assert parse_recipe(dump_recipe(recipe), "best") == recipe
    assert list(json.loads(choices_json(choices))) == ["mask-gender-age-2"]
    assert any(re.match("mask-gender-age-2: .* chose bf16, .*eager$", note) for note in listener.notes)
    assert settle_precision(recipe, 1_000_000, tmp_path, listener) == (recipe, {})
    both, _ = settle_precision(load_recipe("separate", AUTO), 100, tmp_path, listener)
    assert [each.train.precision for _, each, _ in single_recipes(both)] == ["bf16", "bf16"]
    assert parse_recipe(dump_recipe(both), "both") == both


def test_layouts_differ_by_rounding_and_are_part_of_the_id(workplace: Workplace, tmp_path: Path) -> None:
    """Without dropout between convolutions, that is: it goes through a tensor in the order of its memory."""
    losses, ids = [], set()
    for word in ("channels_last", "contiguous"):
        changes = (f"train.layout={word}", "model.backbone={kind: baseline_cnn, dropout: 0.0}", "train.epochs=1")
        recipe = load_recipe(str(workplace.recipe), changes)
        _, found = run_recipe(recipe, Place(workplace.data, tmp_path / word, workplace.cache), [], Remember())
        assert found is not None
        losses.append(found.log_loss)
        ids.add(run_id(recipe, ""))
    assert losses[0] == pytest.approx(losses[1], abs=1e-4)
    assert len(ids) == 2


@pytest.mark.slow
def test_a_compiled_step_gives_the_same_numbers(workplace: Workplace, tmp_path: Path) -> None:
    scores = []
    for word in ("eager", "compiled"):
        torch.compiler.reset()
        recipe = load_recipe(str(workplace.recipe), (f"runtime.step={word}",))
        _, found = run_recipe(recipe, Place(workplace.data, tmp_path / word, workplace.cache), [], Remember())
        assert found is not None
        scores.append(found.log_loss)
    assert scores[0] == pytest.approx(scores[1], abs=1e-3)
