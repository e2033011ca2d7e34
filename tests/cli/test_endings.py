"""The lines that say what to do next."""

from __future__ import annotations

from pathlib import Path

import pytest

from maskwise.cli.endings import after_run, beside_the_result, next_lines
from maskwise.text_table import LINE_WIDTH


def test_every_command_is_a_line_that_can_be_typed() -> None:
    assert next_lines(["report a", "board"]).splitlines() == ["next: maskwise report a", "      maskwise board"]


def test_another_store_is_named() -> None:
    assert next_lines(["board"], Path("my runs")) == "next: maskwise board --store 'my runs'"


def test_after_a_run_come_report_predict_and_export() -> None:
    lines = after_run("quick", Path("runs")).splitlines()
    assert [line.split()[2] for line in (lines[0][5:], *lines[1:])] == ["quick", "quick", "quick"]
    assert "report quick" in lines[0]
    assert max(map(len, lines)) <= LINE_WIDTH


def refuse_to_write() -> None:
    raise PermissionError(30, "Read-only file system", "runs/.needed")


def test_a_result_stays_where_its_store_cannot_be_written(capsys: pytest.CaptureFixture[str]) -> None:
    with beside_the_result(Path("bundle")):
        refuse_to_write()
    printed = capsys.readouterr().err
    assert printed.startswith("bundle is written, but ")
    assert "Read-only file system" in printed
