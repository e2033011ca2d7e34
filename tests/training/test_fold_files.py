"""The summary of a training holds checksums of what it leaves."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from maskwise.errors import StoreError
from maskwise.training.fold_files import DONE, LOG, WEIGHTS, read_done, write_done

SUMMARY = {"best_epoch": 2, "seconds": 1.5, "steps": 9}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / WEIGHTS).write_bytes(bytes(range(256)))
    (tmp_path / LOG).write_text("{}\n")
    write_done(tmp_path, SUMMARY)
    return tmp_path


def test_what_was_written_is_read(folder: Path) -> None:
    assert read_done(folder) == (2, 1.5)


@pytest.mark.parametrize("name", [WEIGHTS, LOG, DONE])
@pytest.mark.parametrize("damage", ["flip", "cut", "emptied"])
def test_damage_is_refused_by_name_with_the_way_out(folder: Path, name: str, damage: str) -> None:
    whole = (folder / name).read_bytes()
    middle = len(whole) // 2
    flipped = whole[:middle] + bytes([whole[middle] ^ 4]) + whole[middle + 1 :]
    (folder / name).write_bytes({"flip": flipped, "cut": whole[:-2], "emptied": b""}[damage])
    with pytest.raises(StoreError, match=r"Delete its folder, and train again") as caught:
        read_done(folder)
    assert str(folder / name) in caught.value.problems[0]


def test_a_summary_of_an_earlier_version_reads(folder: Path) -> None:
    (folder / DONE).write_text(json.dumps(SUMMARY))
    (folder / WEIGHTS).write_bytes(b"")
    assert read_done(folder).best_epoch == 2
