from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from maskwise.errors import StoreError
from maskwise.files import write_atomically
from maskwise.store.kept_files import check_kept, read_evaluation, read_held_out, read_split
from maskwise.store.layout import MARKS, RECORD, SCORES, SPLIT, weights_path
from maskwise.store.marks import mark_run
from maskwise.store.runs import read_record
from store.conftest import FinishedRun


@pytest.fixture
def run(tmp_path: Path, finished_run: FinishedRun) -> Path:
    return finished_run(tmp_path)


def test_every_kept_file_has_a_checksum_and_marks_have_none(run: Path) -> None:
    mark_run(run, add=["good"])
    kept = {path.relative_to(run).as_posix() for path in run.rglob("*") if path.is_file() and path.name[0] != "."}
    assert set(read_record(run).checksums) == kept - {"run.json", MARKS}
    check_kept(run, *(run / name for name in read_record(run).checksums))


@pytest.mark.parametrize("trial", range(12))
def test_any_damage_to_any_file_is_noticed_and_named(run: Path, trial: int) -> None:
    rng = np.random.default_rng(trial)
    names = sorted(read_record(run).checksums)
    path = run / names[trial % len(names)]
    data = bytearray(path.read_bytes())
    place = int(rng.integers(len(data)))
    if trial % 2:
        data[place] ^= 1 << int(rng.integers(8))
        path.write_bytes(data)
    else:
        path.write_bytes(data[:place])
    with pytest.raises(StoreError, match=r"checksum.*--force") as caught:
        check_kept(run, path)
    assert str(path) in caught.value.problems[0]


def test_readers_check_what_they_read(run: Path) -> None:
    read_evaluation(run), read_held_out(run), read_split(run)
    (run / SPLIT).write_text("person,fold\na,0\n")
    (run / SCORES).write_bytes(b"\xff\xfe")
    weights_path(run, 0).unlink()
    for read in (read_split, read_evaluation):
        with pytest.raises(StoreError, match="checksum"):
            read(run)
    with pytest.raises(StoreError, match="no such file"):
        check_kept(run, weights_path(run, 0))


def test_runs_of_older_versions_are_read_as_they_are(run: Path) -> None:
    write_atomically(run / RECORD, dataclasses.replace(read_record(run), checksums={}).to_json())
    (run / SPLIT).write_text("person,fold\na,0\n")
    assert read_split(run) == {"a": 0}
    (run / SPLIT).write_text("person,fold\na,x\n")
    with pytest.raises(StoreError, match="whole numbers"):
        read_split(run)
