from __future__ import annotations

import csv
import io

import pytest

from maskwise.store.board_csv import board_csv, spread_csv
from maskwise.store.spread import spread_over
from support.board_week import week_of_rows


def test_the_table_for_spreadsheets_keeps_whole_numbers_and_leaves_absent_ones_empty() -> None:
    rows = week_of_rows()
    lines = list(csv.DictReader(io.StringIO(board_csv(rows, against=rows[0].record, price_an_hour=2))))
    assert [line["rank"] for line in lines] == ["1", "2", "3", "4", "5"]
    tuesday = lines[1]
    assert (tuesday["macro_f1"], tuesday["macro_f1_low"], tuesday["accuracy_low"]) == ("0.6", "0.1", "")
    assert (tuesday["tags"], tuesday["notes"], tuesday["cost"], tuesday["seconds"]) == (
        "paper",
        "a & b",
        "4.0",
        "7200.0",
    )
    assert tuesday["data_checksum"] == "c0ffee" * 4
    assert f"differs_from_{rows[0].record.run_id}" in tuesday
    assert board_csv([]).startswith("rank,")


def test_means_over_seeds_go_into_a_table_too() -> None:
    rows = week_of_rows()
    (line,) = csv.DictReader(io.StringIO(spread_csv(spread_over(rows, ["seed"]))))
    assert line["runs"] == "5"
    assert float(line["macro_f1_mean"]) == pytest.approx((0.4 + 0.45 + 0.6 + 0.5 + 0.99) / 5)
