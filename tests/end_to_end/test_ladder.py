"""The whole ladder on drawn people at a tiny size: begun, stopped in the middle, finished by the same command."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from conftest import TINY_CHANGES, Workplace
from maskwise.listeners import EpochReport, Silent
from maskwise.store.run_record import RunRecord
from maskwise.store.runs import list_runs
from maskwise.studies.climb_ladder import climb_ladder
from maskwise.studies.ladder_rungs import RUNGS, SMALL, plan_ladder
from maskwise.workflows.run_recipe import Place


class Killed(Exception):  # noqa: N818  (stands for a power cut)
    """Nothing is saved after it."""


class KilledInItsThirdTraining(Silent):
    """Lets two trainings end."""

    def __init__(self) -> None:
        self.epochs = 0

    def on_epoch(self, report: EpochReport) -> None:
        self.epochs += 1
        if self.epochs == 3:
            raise Killed


def records_of(store: Path) -> dict[str, RunRecord]:
    return {run.record.name: run.record for run in list_runs(store).runs}


@pytest.fixture(scope="module")
def begun(workplace: Workplace, tmp_path_factory: pytest.TempPathFactory) -> Workplace:
    """A store with the first two rungs, and a third that was killed."""
    place = workplace.with_store(tmp_path_factory.mktemp("ladder"))
    with pytest.raises(Killed):
        climb_ladder(
            plan_ladder(SMALL, TINY_CHANGES),
            Place(place.data, place.store, place.cache),
            ("test",),
            KilledInItsThirdTraining(),
        )
    return place


def test_the_same_command_goes_on_and_prints_the_table(
    begun: Workplace, cli: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "400")  # no table is broken
    before = records_of(begun.store)
    assert {name: record.status for name, record in before.items()} == {
        "ladder-small-day-01": "finished",
        "ladder-small-day-02": "finished",
        "ladder-small-day-03": "running",
    }

    words = [word for change in TINY_CHANGES for word in ("--set", change)]
    places = ["--data", str(begun.data), "--store", str(begun.store), "--cache", str(begun.cache)]
    printed = cli("ladder", *places, "--quiet", *words)

    after = records_of(begun.store)
    assert {record.status for record in after.values()} == {"finished"}
    assert len(after) == len(RUNGS) + 2  # two days are votes besides
    for name in ("ladder-small-day-01", "ladder-small-day-02"):
        assert after[name] == before[name]
    assert after["ladder-small-day-03"].created_utc == before["ladder-small-day-03"].created_utc
    assert after["ladder-small-day-09"].folds == 3

    assert printed.startswith("budget small, every rung: train.epochs=2 ")
    assert f"--set, every rung: {' '.join(TINY_CHANGES)}" in printed
    # 24 drawn people: a fifth of every gender and age group, at least one of each, is held out, on day 9 too.
    assert "42 photos of 6 people of data, who are held out" in printed
    shown = dict(re.findall(r"^(\S+) .*s  ([0-9a-f]{8})$", printed, re.MULTILINE))
    assert [day.rstrip("*") for day in shown] == [rung.day for rung in RUNGS]
    names = {record.run_id[:8]: name for name, record in after.items()}
    assert names[shown["1*"]] == "ladder-small-day-01"
    assert names[shown["10"]] == "ladder-small-day-10-vote"
    assert names[shown["11"]] == "ladder-small-day-11-vote"
    assert len(re.findall(r"^\S+ against \S+", printed, re.MULTILINE)) == len(RUNGS) - 1
