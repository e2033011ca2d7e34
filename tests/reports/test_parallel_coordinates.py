from __future__ import annotations

import math
import re
from pathlib import Path

import pytest

from maskwise.reports.parallel_coordinates import Scale, alone, parallel_coordinates, scale_of
from maskwise.reports.sweep_charts import by_setting, history
from maskwise.sweeps.results import SweepResults, read_results
from maskwise.sweeps.run_sweep import run_sweep
from maskwise.workflows import train_or_read as stored
from support.sweeps import Trainer, sweep_of, work_at


@pytest.fixture
def found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SweepResults:
    monkeypatch.setattr(stored, "train_or_read", Trainer())
    rates = "{train.optimizer.rate: [0.0001, 0.001, 0.01]}"
    work = work_at(tmp_path, sweep_of(rates, sampler="{kind: grid}"), runs=9)
    assert run_sweep(work)
    return read_results(work.queue.study, tmp_path)


def test_a_scale_places_ranges_and_choices_from_bottom_to_top() -> None:
    assert Scale("rate", 0.001, 0.1, log=True).of(0.01) == pytest.approx(0.5)
    assert Scale("share", 0, 4).of(1) == 0.25
    kinds = Scale("kind", labels=("a", None, 3))
    assert [kinds.of(value) for value in ("a", None, 3)] == [0, 0.5, 1]
    assert math.isnan(Scale("share", 0, 4).of("text"))


def test_each_run_is_a_line_and_the_best_comes_last(found: SweepResults) -> None:
    svg = parallel_coordinates(found)
    ends = [path.split("L")[-1].split(",") for path in re.findall(r'class="run s\d" d="M([^"]+)"', svg)]
    heights = [float(y) for _, y in ends]
    assert len(heights) == 3
    assert heights == sorted(heights, reverse=True)  # y runs downwards, so the best is drawn on top of the others
    assert 'class="run s4"' in svg
    assert svg == parallel_coordinates(found)
    assert alone(svg).startswith("<svg")
    assert "<style>" in alone(svg)
    assert scale_of(found, "train.optimizer.rate").labels == (0.0001, 0.001, 0.01)


def test_the_history_only_rises_and_each_run_is_a_dot(found: SweepResults) -> None:
    text = history(found)
    assert text.count('class="dot"') == 3
    levels = [float(y) for y in re.findall(r"[V,]([\d.]+)", re.findall(r'class="drawn l1" d="([^"]+)"', text)[0])]
    assert levels == sorted(levels, reverse=True)
    assert by_setting(found).count('class="dot"') == 3
