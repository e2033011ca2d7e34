"""Which photos show the same person: by folder, or by a column of the data set's table."""

from __future__ import annotations

from pathlib import Path

import pytest

from maskwise.errors import DataError
from maskwise.workflows.photo_groups import groups_of
from support.tables import strings

PHOTOS = strings(["eval/images/a.jpg", "eval/images/b.jpg", "ann/c.jpg"])


def test_folders(tmp_path: Path) -> None:
    assert groups_of(PHOTOS, "folder", [tmp_path]).tolist() == ["eval/images", "eval/images", "ann"]


def test_a_column_of_the_table(tmp_path: Path) -> None:
    (tmp_path / "eval").mkdir()
    (tmp_path / "eval" / "info.csv").write_text("ImageID,ans,who\na.jpg,0,ann\nb.jpg,0,bob\nc.jpg,0,ann\n")
    assert groups_of(PHOTOS, "who", [tmp_path]).tolist() == ["ann", "bob", "ann"]
    with pytest.raises(DataError, match="whom"):
        groups_of(PHOTOS, "whom", [tmp_path])


def test_a_column_needs_a_table(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"--group must be folder.*Use --group folder"):
        groups_of(PHOTOS, "who", [tmp_path])
