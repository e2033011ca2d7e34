from __future__ import annotations

import datetime
import hashlib
import re
from pathlib import Path

import pytest
from scipy.stats import spearmanr

from maskwise.errors import StoreError
from maskwise.store.board import read_board
from maskwise.store.format_board import format_board
from maskwise.store.format_submissions import format_submissions
from maskwise.store.runs import read_record
from maskwise.store.submissions import (
    SUBMISSIONS,
    best_by_run,
    left_today,
    rank_agreement,
    read_submissions,
    record_score,
    record_submission,
)
from store.conftest import FinishedRun


@pytest.fixture
def submitted(tmp_path: Path, finished_run: FinishedRun) -> Path:
    """A store of four scored runs, one submission each."""
    store = tmp_path / "runs"
    for seed in range(4):
        file = tmp_path / f"submission-{seed}.csv"
        file.write_text(f"ImageID,ans\na.jpg,{seed}\n")
        record_submission(store, read_record(finished_run(store, f"run-{seed}", seed)), file)
    return store


def test_files_are_numbered_with_run_time_and_checksum(submitted: Path, tmp_path: Path) -> None:
    first, *others = read_submissions(submitted).submissions
    assert [each.written.number for each in (first, *others)] == [1, 2, 3, 4]
    assert first.written.name == "run-0"
    assert first.written.sha256 == hashlib.sha256(b"ImageID,ans\na.jpg,0\n").hexdigest()
    run = read_record(submitted / first.written.run_id)
    assert run.scores is not None
    assert first.written.validation_macro_f1 == run.scores.macro_f1.value
    again = record_submission(submitted, run, tmp_path / "submission-0.csv")
    assert again.number == 1
    assert len(read_submissions(submitted).submissions) == 4


def test_the_latest_score_of_a_leaderboard_counts(submitted: Path) -> None:
    record_score(submitted, 2, "public", 0.5, 0.6)
    record_score(submitted, 2, "private", 0.4, 0.5)
    both = record_score(submitted, 2, "public", 0.7, 0.8)
    assert {board: (each.macro_f1, each.accuracy) for board, each in both.scores.items()} == {
        "public": (0.7, 0.8),
        "private": (0.4, 0.5),
    }
    assert best_by_run(read_submissions(submitted).submissions) == {both.written.run_id: 0.7}


def test_unknown_submissions_and_percentages_are_refused(submitted: Path, tmp_path: Path) -> None:
    with pytest.raises(StoreError, match=r"one of 1 to 4, got 9"):
        record_score(submitted, 9, "public", 0.5, 0.6)
    with pytest.raises(StoreError, match=r"--accuracy must be from 0 to 1, got 60"):
        record_score(submitted, 1, "public", 0.5, 60.0)
    with pytest.raises(StoreError, match=r"maskwise submit"):
        record_score(tmp_path, 1, "public", 0.5, 0.6)


def test_agreement_is_scipys_rank_correlation(submitted: Path) -> None:
    assert rank_agreement(read_submissions(submitted).submissions, "public") is None
    reported = [0.4, 0.7, 0.5, 0.6]
    for number, macro_f1 in enumerate(reported, start=1):
        record_score(submitted, number, "public", macro_f1, 0.5)
    submissions = read_submissions(submitted).submissions
    validation = [each.written.validation_macro_f1 for each in submissions]
    found = rank_agreement(submissions, "public")
    assert found is not None
    assert found[0] == pytest.approx(spearmanr(validation, reported).statistic)
    assert found[1] == 4
    assert rank_agreement(submissions, "private") is None


def test_the_list_has_the_best_so_far_and_what_is_left(submitted: Path) -> None:
    for number, macro_f1 in ((1, 0.4), (2, 0.7), (3, 0.5)):
        record_score(submitted, number, "public", macro_f1, 0.5)
    log = read_submissions(submitted)
    today = log.submissions[0].day
    text = format_submissions(log, 10, today, 120)
    narrow = format_submissions(log, 10, today, 60).splitlines()
    assert max(len(line) for line in narrow if "/" not in line) <= 60
    assert any(line.endswith(str(submitted.parent / "submission-0.csv")) for line in narrow)  # a path stays whole
    day = next(line for line in text.splitlines() if line.startswith(today.isoformat()))
    assert day.split()[1:] == ["3", "0.700", "run-1", "new"]
    assert "6 of 10" in text
    assert "(Spearman, 3 files)" in text
    assert left_today(log.submissions, 3, today) == 0
    assert left_today(log.submissions, 3, today + datetime.timedelta(days=1)) == 3
    assert "10 left" in format_submissions(read_submissions(submitted / "none"), 10, today, 80)


def test_the_board_shows_the_leaderboard_where_there_is_one(submitted: Path) -> None:
    assert "leaderboard" not in format_board(read_board(submitted), 200)
    record_score(submitted, 1, "public", 0.4321, 0.5)
    text = format_board(read_board(submitted), 200)
    assert "leaderboard" in text
    assert "0.432" in text


def test_a_damaged_line_is_named_and_hides_no_other(submitted: Path) -> None:
    path = submitted / SUBMISSIONS
    lines = path.read_bytes().splitlines()
    path.write_bytes(b"\n".join([lines[0], b"\xff\xfe", *lines[2:]]))
    log = read_submissions(submitted)
    assert [each.written.number for each in log.submissions] == [1, 3, 4]
    assert len(log.damaged) == 1
    assert f"{path}:2" in log.damaged[0]
    record_score(submitted, 4, "public", 0.5, 0.5)
    assert read_submissions(submitted).submissions[-1].scores["public"].macro_f1 == 0.5
    assert read_board(submitted).rows


def test_a_changed_line_is_passed_over_and_named_and_one_of_an_earlier_version_reads(submitted: Path) -> None:
    file = submitted / SUBMISSIONS
    whole = file.read_text()
    file.write_text(whole.replace("run-0", "run-9", 1))
    log = read_submissions(submitted)
    assert [each.written.number for each in log.submissions] == [2, 3, 4]
    assert "jsonl:1 must be" in log.damaged[0]
    file.write_text("".join(re.sub(r',"crc32":"[0-9a-f]{8}"', "", line) for line in whole.splitlines(keepends=True)))
    assert len(read_submissions(submitted).submissions) == 4
    file.write_text("")
    assert "one line or more" in read_submissions(submitted).damaged[0]
