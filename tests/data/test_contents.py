from __future__ import annotations

import dataclasses
import hashlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from maskwise.data.contents import content_of, data_checksum
from maskwise.data.manifest import read_train
from maskwise.labels import Task
from maskwise.records import PhotoTable, Strings
from support.quirks import write_quirky


def _read(root: Path) -> tuple[PhotoTable, Strings]:
    table = read_train(root, Task()).table
    return table, np.array([content_of((root / path).read_bytes()) for path in table.photo_N], dtype=object)


def test_a_content_is_a_blake2b_of_sixteen_bytes() -> None:
    assert content_of(b"") == "cae66941d9efbd404e4d88758ea67670"
    assert content_of(b"abc") == hashlib.blake2b(b"abc", digest_size=16).hexdigest()


def test_the_checksum_ignores_root_order_and_borders(tmp_path: Path) -> None:
    one, other = (_read(write_quirky(tmp_path / name)) for name in ("one", "other"))
    checksum = data_checksum(*one)
    assert len(checksum) == 32
    assert data_checksum(*other) == checksum
    order_N = np.random.default_rng(0).permutation(len(one[0]))
    assert data_checksum(one[0].take(order_N), one[1][order_N]) == checksum
    assert data_checksum(Task(age_borders_years=(20, 40)).label(one[0]), one[1]) == checksum


@pytest.mark.parametrize("column", ["photo_N", "person_N", "mask_N", "gender_N", "age_years_N", "content"])
def test_the_checksum_changes_with_every_fact(tmp_path: Path, column: str) -> None:
    table, content_N = _read(write_quirky(tmp_path))
    changed_N = (content_N if column == "content" else getattr(table, column)).copy()
    changed_N[3] = changed_N[3] + ("x" if changed_N.dtype == object else 1)
    if column == "content":
        assert data_checksum(table, changed_N) != data_checksum(table, content_N)
    else:
        columns: dict[str, Any] = {column: changed_N}
        changed = dataclasses.replace(table, **columns)
        assert data_checksum(changed, content_N) != data_checksum(table, content_N)
