"""The interval of a gain holds the known truth about 95 times in 100; intervals by photo do not."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from maskwise.evaluation.metrics import accuracy_of, confusion, macro_f1_of

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def simulation() -> ModuleType:
    """``benchmarks/interval_coverage.py``, whose simulation this is in small."""
    name = "interval_coverage"
    spec = importlib.util.spec_from_file_location(name, ROOT / "benchmarks" / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = sys.modules[name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_exact_truth_is_that_of_a_huge_draw(simulation: ModuleType) -> None:
    truth = simulation.population_gain()
    runs = [run for (run,) in simulation.draw_set(25_000, np.random.default_rng(0))]
    a, b = (confusion(run.class_N, run.probs_NC.argmax(axis=1), 18) for run in runs)
    assert macro_f1_of(b) - macro_f1_of(a) == pytest.approx(truth.macro_f1, abs=0.01)
    assert accuracy_of(b) - accuracy_of(a) == pytest.approx(truth.accuracy, abs=0.007)


def test_a_spread_of_seeds_changes_runs_and_hardly_the_truth(simulation: ModuleType) -> None:
    a, b = simulation.draw_set(100, np.random.default_rng(0), seeds=3, seed_spread=0.15)
    assert (len(a), len(b)) == (3, 3)
    assert not np.array_equal(a[0].probs_NC, a[1].probs_NC)
    assert simulation.population_gain(0.15).macro_f1 == pytest.approx(simulation.population_gain().macro_f1, abs=0.005)


@pytest.mark.slow
def test_intervals_by_person_hold_the_truth_and_intervals_by_photo_do_not(simulation: ModuleType) -> None:
    """200 sets: three standard errors around 95 % are 0.904 to 0.996; by photo fewer than 0.904 hold it."""
    for coverage in simulation.cover(200, 250, 300):
        assert 0.904 <= coverage.inside / coverage.sets <= 0.996
    for coverage in simulation.cover(200, 100, 300, photos=True):
        assert coverage.inside / coverage.sets < 0.904
