from __future__ import annotations

import dataclasses
import math
from pathlib import Path

import pytest

from maskwise.score import Score
from maskwise.store.board import Board, board_rows, read_board
from maskwise.store.format_board import format_board, format_differences
from maskwise.store.marks import mark_run
from maskwise.store.run_record import RunData, RunRecord, ScoreSummary
from maskwise.store.write_runs import start_run
from maskwise.text_table import duration, text_width
from store.conftest import FinishedRun, MakeRecord


def scored_record(make_record: MakeRecord, name: str, macro_f1: float, seed: int = 0, **changes: object) -> RunRecord:
    summary = ScoreSummary(
        Score(macro_f1, macro_f1 - 0.02, macro_f1 + 0.02),
        Score(0.7, 0.68, 0.72),
        {"mask": 0.99, "gender": 0.92, "age": 0.58},
        (30, 60),
    )
    fields = {"status": "finished", "scores": summary, "n_held_out_people": 1261, "seconds": 485.0, **changes}
    return make_record(name, seed, **fields)


def test_best_macro_f1_first_and_unscored_last(make_record: MakeRecord) -> None:
    records = [scored_record(make_record, name, value) for name, value in (("b", 0.5), ("c", math.nan), ("a", 0.6))]
    rows = board_rows([*records, make_record("running")])
    assert [(row.rank, row.record.name) for row in rows] == [(1, "a"), (2, "b"), (3, "c")]


def test_equal_scores_go_by_age(make_record: MakeRecord) -> None:
    older = scored_record(make_record, "z", 0.5, created_utc="2025-01-01T00:00:00Z")
    newer = scored_record(make_record, "a", 0.5, created_utc="2025-01-02T00:00:00Z")
    assert [row.record.name for row in board_rows([newer, older])] == ["z", "a"]


def test_other_data_and_other_tasks_are_ranked_apart(make_record: MakeRecord) -> None:
    here = [scored_record(make_record, f"here {k}", 0.4 + k / 100) for k in range(3)]
    elsewhere = scored_record(make_record, "elsewhere", 0.9, data=RunData("demo", "feed" * 6, 700, 100))
    assert here[0].scores is not None
    mask_only = dataclasses.replace(here[0].scores, attribute_accuracy={"mask": 0.99}, age_borders_years=())
    other_task = scored_record(make_record, "mask", 0.98, scores=mask_only)
    rows = board_rows([elsewhere, other_task, *here])
    assert [(row.record.name, row.rank) for row in rows] == [
        ("here 2", 1),
        ("here 1", 2),
        ("here 0", 3),
        *((row.record.name, 1) for row in rows[3:]),
    ]
    assert {row.record.name for row in rows[3:]} == {"elsewhere", "mask"}
    text = format_board(Board(tuple(rows), (), ()), 120)
    assert "faces: 8,827 photos of 1,261 people, data c0ffeec0, " in text
    assert "mask × gender × age (age borders 30 and 60)" in text
    assert "demo: 700 photos of 100 people, data feedfeed" in text
    assert "ranked apart" in text


def test_one_group_needs_no_warning(make_record: MakeRecord) -> None:
    text = format_board(Board(tuple(board_rows([scored_record(make_record, "a", 0.5)])), (), ()), 120)
    assert "apart" not in text
    assert "optimistic" not in text


def test_every_figure_of_a_run_is_shown(make_record: MakeRecord) -> None:
    record = scored_record(make_record, "baseline", 0.4912, optimistic=True, seed=7, folds=5)
    header, row = format_board(Board(tuple(board_rows([record])), (), ()), 200).splitlines()[1:3]
    assert header.split("  ")[0] == ""
    for cell in ("1*", "baseline", record.run_id[:8], "0.491 [0.471, 0.511]", "0.700", "0.990", "0.920", "0.580"):
        assert cell in row
    assert row.split()[-4:] == ["5", "7", "8m", "05s"]
    assert "1,261" in row


@pytest.mark.parametrize("width", [44, 60, 80, 100, 120, 200])
def test_lines_keep_to_the_width(make_record: MakeRecord, width: int) -> None:
    records = [scored_record(make_record, name, 0.5) for name in ("baseline", "아주 긴 이름의 실험 " * 4, "x" * 90)]
    whole = format_board(Board(tuple(board_rows(records)), (), ()), width).splitlines()
    assert max(map(text_width, whole)) <= width
    lines = whole[-4:]
    assert all("0.500 [0.480, 0.520]" in line for line in lines[1:4])
    assert ("accuracy" in lines[0]) == (width >= 60)
    assert ("time" in lines[0]) == (width >= 200)
    places = [text_width(line[: line.index("0.500 [")]) for line in lines[1:4]]
    assert len(set(places)) == 1


def test_a_store_with_everything(tmp_path: Path, make_record: MakeRecord, finished_run: FinishedRun) -> None:
    finished_run(tmp_path, "done")
    finished_run(tmp_path, "chosen", 1, optimistic=True)
    start_run(tmp_path, make_record("half"))
    (tmp_path / "foreign").mkdir()
    board = read_board(tmp_path)
    assert {row.record.name for row in board.rows} == {"done", "chosen"}
    assert [run.record.name for run in board.unfinished] == ["half"]
    text = format_board(board, 120)
    assert "* optimistic: " in text
    assert "1 not finished: half (" in text
    assert f"no readable runs: 1, first: {tmp_path / 'foreign'}" in " ".join(text.split())


def test_an_empty_store(tmp_path: Path) -> None:
    assert format_board(read_board(tmp_path), 80) == "no finished run with a score yet"


def test_durations() -> None:
    assert [duration(s) for s in (0.4, 59.6, 485, 3599.9, 7530)] == ["0s", "1m 00s", "8m 05s", "1h 00m", "2h 05m"]


HOLD_OUT = {"split": {"kind": "hold_out", "seed": 0}}


def test_runs_that_held_other_people_out_are_kept_apart(make_record: MakeRecord) -> None:
    held = [
        scored_record(make_record, f"half {k}", 0.5 + k / 100, n_held_out_people=252, recipe={**HOLD_OUT, "seed": k})
        for k in range(2)
    ]
    everybody = scored_record(make_record, "folds", 0.55)
    other_half = scored_record(
        make_record, "other half", 0.6, n_held_out_people=252, recipe={"split": {"kind": "hold_out", "seed": 1}}
    )
    joined = scored_record(
        make_record, "both", 0.7, n_held_out_people=252, recipe={"ensemble": {"members": [held[1].run_id]}}
    )
    rows = board_rows([*held, everybody, other_half, joined])
    letters = {row.record.name: row.people for row in rows}
    assert letters["half 0"] == letters["half 1"] == letters["both"] == "a"
    assert {letters["folds"], letters["other half"]} == {"b", "c"}
    text = format_board(Board(tuple(rows), (), ()), 200)
    assert "252 a" in text
    assert max(map(text_width, format_board(Board(tuple(rows), (), ()), 80).splitlines())) <= 80
    assert "runs of different letters " in text
    alone = format_board(Board(tuple(board_rows(held)), (), ()), 200)
    assert "letter" not in alone


def test_tags_and_costs_are_shown_where_there_are_any(tmp_path: Path, finished_run: FinishedRun) -> None:
    mark_run(finished_run(tmp_path, "first"), add=["paper"])
    finished_run(tmp_path, "second", 1)
    text = format_board(read_board(tmp_path), 200, price_an_hour=3.6)
    assert text.splitlines()[1].split()[-2:] == ["cost", "tags"]
    # 485 seconds of 3600, at 3.6 an hour.
    assert "0.48" in text
    assert "paper" in text
    assert "tags" not in format_board(Board(read_board(tmp_path).rows[:0], (), ()), 200)


def test_only_what_differs_from_the_chosen_run_is_reported(make_record: MakeRecord) -> None:
    base = scored_record(
        make_record, "base", 0.5, recipe={"name": "base", "seed": 0, "train": {"epochs": 4, "rate": 1}}
    )
    longer = scored_record(
        make_record, "longer", 0.6, recipe={"name": "longer", "seed": 0, "train": {"epochs": 8, "rate": 1}}
    )
    text = format_differences(board_rows([base, longer]), base, 80)
    assert text.splitlines() == [
        f"what differs from base ({base.run_id[:8]}):",
        f"  longer ({longer.run_id[:8]})  train.epochs=8",
    ]
    narrow = format_differences(board_rows([base, longer]), base, 30).splitlines()
    assert narrow[-2:] == [f"  longer ({longer.run_id[:8]})", "      train.epochs=8"]


def test_damaged_marks_of_one_run_hide_no_other(tmp_path: Path, finished_run: FinishedRun) -> None:
    folders = [finished_run(tmp_path, name, seed) for seed, name in enumerate(("a", "b"))]
    (folders[0] / "marks.jsonl").write_bytes(b'{"at_utc": "2026')
    board = read_board(tmp_path)
    assert {row.record.name for row in board.rows} == {"a", "b"}
    assert len(board.damaged_marks) == 1
    assert "marks.jsonl" in format_board(board, 120)
