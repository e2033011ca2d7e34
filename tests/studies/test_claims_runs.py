"""The runs of the claims on drawn people at a tiny size: trained once, shared, continued."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import pytest

from conftest import TINY_CHANGES, Workplace
from maskwise.errors import StoreError
from maskwise.listeners import EpochReport, Silent
from maskwise.store.runs import list_runs
from maskwise.store.write_runs import lock_run
from maskwise.studies.plan_claims import SMALL_CLAIMS, ClaimsPlan, choose_claims, plan_claims
from maskwise.studies.run_claims import train_arms
from maskwise.workflows.run_recipe import Place


class Ear(Silent):
    """Remembers epochs and notes; may be made to stop a training."""

    def __init__(self, kill_after_epochs: int | None = None, on_note: Callable[[str], None] | None = None) -> None:
        self.epochs, self.notes = 0, list[str]()
        self.kill_after_epochs, self.act = kill_after_epochs, on_note

    def on_epoch(self, report: EpochReport) -> None:
        self.epochs += 1
        if self.epochs == self.kill_after_epochs:
            raise KilledError

    def on_note(self, text: str) -> None:
        self.notes.append(text)
        if self.act is not None:
            self.act(text)


class KilledError(Exception):
    """Stands for a power cut: nothing is saved after it."""


@pytest.fixture
def place(workplace: Workplace, tmp_path: Path) -> Place:
    return Place(workplace.data, tmp_path / "runs", workplace.cache)


@pytest.fixture(scope="module")
def plan() -> ClaimsPlan:
    """Plain, weighted sampler, weighted loss, both and soft loss, one seed."""
    return plan_claims(SMALL_CLAIMS, 1, TINY_CHANGES, choose_claims(["2", "8"]))


def test_arms_are_trained_once_and_a_stopped_series_goes_on(plan: ClaimsPlan, place: Place) -> None:
    with pytest.raises(KilledError):
        train_arms(plan, place, ("test",), Ear(kill_after_epochs=2))
    statuses = sorted(run.record.status for run in list_runs(place.store).runs)
    assert statuses == ["finished", "running"]

    ear = Ear()
    first = train_arms(plan, place, ("test",), ear)
    assert ear.epochs == 4  # of five arms one was finished, and the epoch of the killed one was not saved
    assert [arm.name for arm in first] == ["plain", "weighted-sampler", "weighted-loss", "weighted-both", "soft-loss"]
    assert len(list_runs(place.store).runs) == 5

    again = Ear()
    assert train_arms(plan, place, ("test",), again) == first
    assert again.epochs == 0


def test_a_run_that_another_process_holds_is_left_for_the_end(plan: ClaimsPlan, place: Place) -> None:
    with pytest.raises(KilledError):
        train_arms(plan, place, ("test",), Ear(kill_after_epochs=1))
    (begun,) = list_runs(place.store).runs
    with ExitStack() as other_process:
        other_process.enter_context(lock_run(begun.folder))
        ear = Ear(on_note=lambda text: other_process.close() if "waits for" in text else None)
        runs = train_arms(plan, place, ("test",), ear)
    assert [run.record.name for (run,) in runs.values()] == [planned.recipe.name for planned in plan.runs]
    assert ear.epochs == 5
    steps = [note.partition(": ")[2] for note in ear.notes if "process" in note or "run 5 of 5" in note]
    assert steps == [
        "another process works on it; left for later",
        "run 5 of 5",
        "waits for the process that works on it",
    ]


def test_a_store_that_cannot_be_used_is_reported_at_once(plan: ClaimsPlan, place: Place) -> None:
    place.store.write_text("not a folder")
    ear = Ear()
    with pytest.raises(StoreError, match="must be a store of runs"):
        train_arms(plan, place, ("test",), ear)
    assert len(ear.notes) == 1
