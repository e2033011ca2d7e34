"""What is known of the published weights, and whether they are here."""

from __future__ import annotations

import hashlib
from importlib import resources
from pathlib import Path

import pytest

from maskwise.errors import WeightsError
from maskwise.models.published import (
    BUNDLED_PACKAGE,
    CATALOG,
    IMAGENET_WEIGHTS,
    faces_file,
    is_here,
)
from maskwise.models.weights import read_faces


def test_missing_faces_are_refused_with_the_way_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert not is_here("faces")
    with pytest.raises(WeightsError, match="maskwise weights add faces"):
        read_faces(faces_file())
    faces_file().parent.mkdir(parents=True)
    faces_file().touch()
    assert is_here("faces")


def test_the_bundled_file_is_the_one_that_the_catalog_describes() -> None:
    assert is_here("imagenet")
    folder = resources.files(BUNDLED_PACKAGE) / "models"
    data = next(file.read_bytes() for file in folder.iterdir() if file.name.endswith(".pth"))
    assert (len(data), hashlib.sha256(data).hexdigest()) == (IMAGENET_WEIGHTS.size_bytes, IMAGENET_WEIGHTS.sha256)


def test_what_is_held_against_the_data_stands_beside_each() -> None:
    assert "withdrawn" in CATALOG["faces"].held_against
    assert all(entry.held_against and entry.licence and entry.source for entry in CATALOG.values())
