from __future__ import annotations

import os
from pathlib import Path

from maskwise.reports.page import page
from maskwise.reports.reports_beside import linked, mark_of_run, reports_beside

ONE, TWO = "0123456789abcdef", "fedcba9876543210"


def write_report(file: Path, run_id: str, at_s: int) -> None:
    file.parent.mkdir(exist_ok=True)
    file.write_text(page("Report: " + "long " * 300, head=mark_of_run(run_id)))
    os.utime(file, (at_s, at_s))


def test_reports_are_found_in_the_folder_and_in_reports_below(tmp_path: Path) -> None:
    write_report(tmp_path / "a run.html", ONE, 10)
    write_report(tmp_path / "reports" / "two.html", TWO, 10)
    (tmp_path / "board.html").write_text(page("Board"))
    (tmp_path / "reports" / "folder.html").mkdir()
    assert reports_beside(tmp_path / "board.html") == {ONE: "a%20run.html", TWO: "reports/two.html"}
    assert reports_beside(tmp_path / "nowhere" / "board.html") == {}


def test_the_newest_report_of_a_run_counts(tmp_path: Path) -> None:
    write_report(tmp_path / "a.html", ONE, 20)
    write_report(tmp_path / "b.html", ONE, 10)
    assert reports_beside(tmp_path / "board.html") == {ONE: "a.html"}


def test_a_name_is_a_link_only_where_there_is_a_report() -> None:
    assert linked("a <b>", ONE, {ONE: 'x"y.html'}) == '<a href="x&quot;y.html" translate="no">a &lt;b&gt;</a>'
    assert linked("a <b>", TWO, {ONE: "x.html"}) == '<span translate="no">a &lt;b&gt;</span>'
