from __future__ import annotations

from pathlib import Path

import pytest

from maskwise.errors import StoreError
from maskwise.score import Score
from maskwise.store.board import BoardRow, board_rows
from maskwise.store.choose_rows import choice_of, read_where, refuse_unknown_addresses, sort_rows
from maskwise.store.marks import Marks
from maskwise.store.run_record import RunRecord, ScoreSummary
from maskwise.store.spread import format_spreads, spread_over
from store.conftest import MakeRecord


def run(
    make_record: MakeRecord, name: str, macro_f1: float, seed: int = 0, epochs: int = 4, **more: object
) -> RunRecord:
    scores = ScoreSummary(
        Score(macro_f1, 0, 1), Score(1 - macro_f1, 0, 1), {"mask": 0.9, "age": macro_f1 / 2}, (30, 60)
    )
    recipe = {"name": name, "seed": seed, "train": {"epochs": epochs, "rates": [0.1]}, "split": {"seed": 0}}
    fields = {
        "status": "finished",
        "scores": scores,
        "recipe": recipe,
        "seconds": 100.0,
        "n_held_out_people": 9,
        **more,
    }
    return make_record(name, seed, **fields)


@pytest.fixture
def records(make_record: MakeRecord) -> list[RunRecord]:
    """Two recipes with two seeds each."""
    return [
        run(make_record, "short", 0.40, 0),
        run(make_record, "short", 0.50, 1),
        run(make_record, "long", 0.60, 0, 8, seconds=500.0, created_utc="2025-02-01T00:00:00Z"),
        run(make_record, "long", 0.62, 1, 8, seconds=400.0),
    ]


def names(rows: list[BoardRow]) -> list[str]:
    return [f"{row.record.name} {row.record.seed}" for row in rows]


@pytest.mark.parametrize(
    "where, fitting",
    [
        (["train.epochs=8"], {"long 0", "long 1"}),
        (["train.epochs=8.0", "seed=1"], {"long 1"}),
        (["train.rates.0=0.1", "name=short"], {"short 0", "short 1"}),
        (["train={epochs: 4, rates: [0.1]}"], {"short 0", "short 1"}),
        (["optimistic=true"], set()),
    ],
)
def test_conditions_choose_runs(records: list[RunRecord], where: list[str], fitting: set[str]) -> None:
    rows = board_rows(records, choice=choice_of(read_where(where), []))
    assert set(names(rows)) == fitting
    assert [row.rank for row in rows] == list(range(1, len(fitting) + 1))


def test_an_id_of_digits_is_found_as_it_is_written(make_record: MakeRecord) -> None:
    record = run(make_record, "digits", 0.5, run_id="123456789012345e1")
    (condition,) = read_where(["run=123456789012345e1"])
    assert condition.fits(record)


def test_tags_choose_runs(records: list[RunRecord]) -> None:
    marks = {records[0].run_id: Marks(("a", "b")), records[2].run_id: Marks(("a",))}
    assert names(board_rows(records, marks, choice_of([], ["a", "b"]))) == ["short 0"]


def test_conditions_that_cannot_be_meant_are_refused(records: list[RunRecord]) -> None:
    with pytest.raises(StoreError) as caught:
        read_where(["epochs", "=4", "seed=[", "seed=1"])
    assert len(caught.value.problems) == 3
    with pytest.raises(StoreError, match=r"Did you mean 'train\.epochs'"):
        refuse_unknown_addresses("--where", ["train.epochz"], records)
    refuse_unknown_addresses("--where", ["train.epochs", "seed"], records)
    refuse_unknown_addresses("--where", ["anything"], [])


@pytest.mark.parametrize(
    "key, order",
    [
        ("macro_f1", ["long 1", "long 0", "short 1", "short 0"]),
        ("accuracy", ["short 0", "short 1", "long 0", "long 1"]),
        ("age", ["long 1", "long 0", "short 1", "short 0"]),
        ("time", ["short 1", "short 0", "long 1", "long 0"]),
        ("created", ["long 0", "long 1", "short 1", "short 0"]),
        ("name", ["long 1", "long 0", "short 1", "short 0"]),
        ("seed", ["long 0", "short 0", "long 1", "short 1"]),
    ],
)
def test_rows_are_sorted_and_keep_their_ranks(records: list[RunRecord], key: str, order: list[str]) -> None:
    rows = sort_rows(board_rows(records), key)
    assert names(rows) == order
    assert {f"{row.record.name} {row.record.seed}": row.rank for row in rows} == {
        "long 1": 1,
        "long 0": 2,
        "short 1": 3,
        "short 0": 4,
    }


def test_groups_stay_apart_when_sorted(records: list[RunRecord], make_record: MakeRecord) -> None:
    other = run(make_record, "aaa", 0.9, scores=ScoreSummary(Score(0.9, 0, 1), Score(0.9, 0, 1), {"mask": 0.9}, ()))
    assert names(sort_rows(board_rows([other, *records]), "name"))[-1] == "aaa 0"
    with pytest.raises(StoreError, match=r"column .*, got 'acuracy'\. Did you mean 'accuracy'"):
        sort_rows(board_rows(records), "acuracy")


def test_runs_that_differ_in_their_seed_are_one_line_by_hand(records: list[RunRecord]) -> None:
    long, short = spread_over(board_rows(records), ["seed"])
    assert (long.names, len(long.run_ids), long.seconds) == (("long",), 2, 900.0)
    # 0.40 and 0.50: the mean is 0.45, the deviation 0.05 · √2.
    assert (short.macro_f1.mean, short.macro_f1.low, short.macro_f1.high) == pytest.approx((0.45, 0.40, 0.50))
    assert short.macro_f1.deviation == pytest.approx(0.05 * 2**0.5)
    text = format_spreads([long, short], ["seed"], 120)
    narrow = format_spreads([long, short], ["seed"], 80)
    assert max(map(len, narrow.splitlines())) <= 80
    assert narrow.endswith(
        "\n\nruns that are equal but for seed: means; the spread is the standard deviation\nbetween runs"
    )
    assert "runs that are equal but for seed" in text
    assert "0.450" in text
    assert "0.071" in text


def test_several_settings_may_be_left_out(records: list[RunRecord], tmp_path: Path) -> None:
    (all_of_them,) = spread_over(board_rows(records), ["seed", "train.epochs"])
    assert all_of_them.names == ("long", "short")
    assert len(spread_over(board_rows(records), ["train.epochs"])) == 2
    assert len(spread_over(board_rows(records), ["train.rates"])) == 4
