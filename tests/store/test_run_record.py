from __future__ import annotations

import dataclasses
import json
import math
import os
from pathlib import Path
from typing import Any

import pytest

from maskwise.errors import StoreError
from maskwise.score import Score
from maskwise.store.run_record import RunRecord, ScoreSummary, folder_text
from store.conftest import MakeRecord


def test_json_gives_the_record_back(make_record: MakeRecord) -> None:
    running = make_record("마스크 baseline")
    assert RunRecord.from_json(running.to_json()) == running
    summary = ScoreSummary(Score(0.1 + 0.2, 0.25, 0.4), Score(0.5, 0.4, 0.6), {"mask": 0.99, "age": 0.58}, (30, 60))
    finished = dataclasses.replace(running, status="finished", seconds=1.5, optimistic=True, scores=summary)
    assert RunRecord.from_json(finished.to_json()) == finished


def test_the_folder_of_the_data_comes_back_whatever_its_name(make_record: MakeRecord, tmp_path: Path) -> None:
    """An emoji of several people is held together by a sign that no terminal prints."""
    folder = tmp_path / "👩\u200d🔬 얼굴"
    record = make_record()
    record = dataclasses.replace(record, data=dataclasses.replace(record.data, folder=folder_text(folder)))
    assert RunRecord.from_json(record.to_json()).data.folder == str(folder)
    assert folder_text(tmp_path / os.fsdecode(b"\xbb")) == f"{tmp_path}/\\udcbb"


def test_missing_interval_is_null(make_record: MakeRecord) -> None:
    nowhere = Score(0.5, math.nan, math.nan)
    record = dataclasses.replace(
        make_record(), status="finished", scores=ScoreSummary(nowhere, nowhere, {"mask": 0.5}, ())
    )
    assert json.loads(record.to_json())["scores"]["macro_f1"] == {"value": 0.5, "low": None, "high": None}
    back = RunRecord.from_json(record.to_json())
    assert back.scores is not None
    assert math.isnan(back.scores.macro_f1.low)


def unsealed_fields(record: RunRecord) -> dict[str, Any]:
    """What the record says, without the checksum of its text."""
    fields: dict[str, Any] = json.loads(record.to_json())
    del fields["seal"]
    return fields


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("run_id", "short"),
        ("run_id", "../../etc/passwd0"),
        ("name", " "),
        ("name", "two\nlines"),
        ("name", "\x1b[31mred"),
        ("status", "done"),
        ("status", "finished"),  # without scores
        ("created_utc", "yesterday"),
        ("created_utc", "2025-01-31T12:00:00"),
        ("created_utc", "2025-01-31T12:00:00+09:00"),
        ("seed", "0"),
        ("recipe", []),
    ],
)
def test_a_record_that_makes_no_sense_is_refused(make_record: MakeRecord, field: str, value: object) -> None:
    fields = {**unsealed_fields(make_record()), field: value}
    with pytest.raises(StoreError, match=r"must"):
        RunRecord.from_json(json.dumps(fields))


def test_all_problems_are_reported_together(make_record: MakeRecord) -> None:
    fields = {**unsealed_fields(make_record()), "run_id": "x", "created_utc": "x", "folds": None}
    with pytest.raises(StoreError) as refusal:
        RunRecord.from_json(json.dumps(fields))
    assert [name for name in fields if any(f"({name}: " in problem for problem in refusal.value.problems)] == [
        "run_id",
        "created_utc",
        "folds",
    ]


def test_an_odd_name_is_refused_where_a_record_is_made(make_record: MakeRecord) -> None:
    with pytest.raises(StoreError, match="name of a run must be one line"):
        make_record(name="two\nlines")


def test_a_record_without_checksums_is_of_an_older_version_and_reads(make_record: MakeRecord) -> None:
    fields = unsealed_fields(make_record())
    del fields["checksums"]
    assert RunRecord.from_json(json.dumps(fields)) == make_record()


@pytest.mark.parametrize("old, new", [('"seed": 0', '"seed": 1'), ('"seal"', '"Seal"'), ("\n ", "\n  ")])
def test_a_changed_record_is_refused(make_record: MakeRecord, old: str, new: str) -> None:
    text = make_record().to_json()
    assert old in text
    with pytest.raises(StoreError, match=r"run\.json must"):
        RunRecord.from_json(text.replace(old, new))


@pytest.mark.parametrize("text", ["", "{", "[]", "null", "{}", '{"format": 1}', '{"format": 1, "data": {"name": "x"}}'])
def test_other_text_is_no_record(text: str) -> None:
    with pytest.raises(StoreError, match=r"run.json must describe a run"):
        RunRecord.from_json(text)


def test_a_later_format_is_named_as_such(make_record: MakeRecord) -> None:
    text = json.dumps({**unsealed_fields(make_record()), "format": 2})
    with pytest.raises(StoreError, match=r"format of run.json must be 1, got 2"):
        RunRecord.from_json(text)


def test_an_unknown_or_missing_field_is_refused(make_record: MakeRecord) -> None:
    fields = unsealed_fields(make_record())
    for changed in ({**fields, "color": "red"}, {k: v for k, v in fields.items() if k != "seed"}):
        with pytest.raises(StoreError, match="must describe a run"):
            RunRecord.from_json(json.dumps(changed))
