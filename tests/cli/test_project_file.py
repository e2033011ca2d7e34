"""``maskwise.toml`` and the variables that it stands for."""

from __future__ import annotations

from pathlib import Path

import pytest

from maskwise.cli.project_file import project_folders
from maskwise.errors import UserError


def test_the_nearest_file_above_counts_and_its_paths_begin_at_it(tmp_path: Path) -> None:
    below = tmp_path / "a/b"
    below.mkdir(parents=True)
    (tmp_path / "maskwise.toml").write_text('data = "faces"\nstore = "/elsewhere/runs"\n')
    assert project_folders(below) == {
        "MASKWISE_DATA": str(tmp_path / "faces"),
        "MASKWISE_STORE": "/elsewhere/runs",
    }
    (tmp_path / "a/maskwise.toml").write_text("")
    assert project_folders(below) == {}


def test_without_a_file_there_is_nothing(tmp_path: Path) -> None:
    assert project_folders(tmp_path) == {}


@pytest.mark.parametrize(
    "text, message", [('dat = "x"', "Did you mean 'data'"), ("data = 3", "a path in quotes"), ("data", "TOML")]
)
def test_a_bad_file_is_refused_with_its_way_out(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "maskwise.toml").write_text(text)
    with pytest.raises(UserError, match=message):
        project_folders(tmp_path)
