"""``maskwise doctor``."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path

import pytest

import maskwise
from maskwise.cli.doctor_verb import EXTRAS, lines_of, look


def test_it_names_versions_device_folders_and_extras(cli: Callable[..., str], tmp_path: Path) -> None:
    printed = cli("doctor", "--store", str(tmp_path / "runs"), "--cache", str(tmp_path))
    for word in (maskwise.__version__, "device", "cores", "memory", f"{tmp_path}/runs", "free", "imagenet"):
        assert word in printed
    assert not (tmp_path / "runs").exists()


def test_its_lines_keep_to_the_terminal(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    found = dataclasses.replace(look(tmp_path, tmp_path), device=None, extras=dict.fromkeys(EXTRAS, False))
    monkeypatch.setenv("COLUMNS", "80")
    lines = lines_of(found)
    assert max(len(line) for line in lines if str(tmp_path) not in line) <= 80
    assert "            wandb, docs" in lines


def test_json_has_every_finding(cli: Callable[..., str], tmp_path: Path) -> None:
    found = json.loads(cli("doctor", "--json", "--store", str(tmp_path), "--cache", str(tmp_path)))
    assert found["maskwise"] == maskwise.__version__
    assert found["device"]["kind"] in {"cpu", "cuda"}
    assert found["cores"] >= 1
    assert set(found["extras"]) == set(EXTRAS)
    assert found["store"] == {
        "path": str(tmp_path),
        "there": True,
        "writable": True,
        "free_bytes": found["store"]["free_bytes"],
    }


def test_what_is_not_installed_is_none(tmp_path: Path) -> None:
    assert look(tmp_path, tmp_path).packages["numpy"]
