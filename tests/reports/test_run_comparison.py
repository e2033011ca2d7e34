from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from maskwise.errors import DataError
from maskwise.reports.page import page
from maskwise.reports.reports_beside import mark_of_run, reports_beside
from maskwise.reports.run_comparison import run_comparison
from maskwise.reports.words import in_language
from maskwise.workflows.compare_runs import compare_runs, name_arms, read_arms
from support.finished_runs import add_run
from support.korean import english_left


def compared(store: Path, data: Path | None, out: Path) -> str:
    """Two runs, each right where the other is wrong, on the photos 00.jpg to 03.jpg."""
    runs = [[add_run(store, "a", [True, True, False, False])], [add_run(store, "b", [False, False, True, True])]]
    (out.parent / "a.html").write_text(page("Report: a", head=mark_of_run(runs[0][0].record.run_id)))
    arms, names = read_arms(runs), name_arms(runs)
    return run_comparison(compare_runs(arms, names), runs, arms, data, reports_beside(out))


def write_photos(folder: Path, count: int) -> Path:
    folder.mkdir()
    for number in range(count):
        cv2.imwrite(str(folder / f"{number:02d}.jpg"), np.full((32, 24, 3), 40 * number, np.uint8))
    return folder


def test_changed_photos_and_links_to_the_reports_beside_it(tmp_path: Path) -> None:
    html = compared(tmp_path / "runs", write_photos(tmp_path / "data", 4), tmp_path / "out.html")
    assert html.count("<img") == 4
    assert '<a href="a.html" translate="no">a</a>; ' in html
    assert '; <span translate="no">b</span>' in html
    assert "could not be read" not in html


def test_photos_that_cannot_be_read_are_counted(tmp_path: Path) -> None:
    html = compared(tmp_path / "runs", write_photos(tmp_path / "data", 3), tmp_path / "out.html")
    assert html.count("<img") == 3
    assert "1 photo could not be read, the first: 03.jpg" in html


def test_without_the_data_set_there_are_words_alone(tmp_path: Path) -> None:
    html = compared(tmp_path / "runs", None, tmp_path / "out.html")
    assert "<img" not in html
    assert "Name the data set with --data DIR" in html


def test_another_data_set_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="data set of these runs, got 'one without 0"):
        compared(tmp_path / "runs", write_photos(tmp_path / "data", 0), tmp_path / "out.html")


def test_no_english_is_left_in_korean(tmp_path: Path) -> None:
    for data in (None, write_photos(tmp_path / "data", 3)):
        store = tmp_path / ("bare" if data is None else "runs")
        html = compared(store, data, tmp_path / "out.html")
        assert english_left(in_language(html, "ko")) == []
