"""Bundles of tiny runs on drawn people, each exported once."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from conftest import Workplace
from maskwise.errors import UserError
from maskwise.export.openvino_engine import core_with_bf16
from maskwise.store.find_run import find_run

Cli = Callable[..., str]
QUICK = ("--quiet", "--set", "train.epochs=1")
AGE_HEAD = (
    *("--set", "model.age_head={kind: linear}"),
    *("--set", "auxiliary={kind: age_distribution}"),
)


class Exported(NamedTuple):
    """A run and its bundle."""

    run: Path
    bundle: Path
    printed: str


@pytest.fixture(scope="session")
def bf16() -> None:
    """Skips what needs it where the processor has no bf16."""
    try:
        core_with_bf16()
    except UserError as error:
        if "processor" not in str(error):
            raise
        pytest.skip(str(error))


@pytest.fixture(scope="session")
def place(workplace: Workplace, trained: Path) -> Workplace:
    """The store that holds the run ``tiny`` and gets the others."""
    return workplace


@pytest.fixture(scope="session")
def single(place: Workplace, trained: Path, cli: Cli, tmp_path_factory: pytest.TempPathFactory) -> Exported:
    """A hold-out run of one model, its framing measured on its data, in both precisions."""
    out = tmp_path_factory.mktemp("single") / "bundle"
    printed = cli("export", str(trained), str(out), "--data", str(place.data), "--int8", "--quiet")
    return Exported(trained, out, printed)


@pytest.fixture(scope="session")
def folds(place: Workplace, cli: Cli, tmp_path_factory: pytest.TempPathFactory) -> Exported:
    """Two folds with an age head and two views, in one .zip."""
    views = ("--set", "predict.views=[as_is, mirrored]")
    cli(*place.train(*QUICK, "--folds", "2", "--set", "name=folds", *views, *AGE_HEAD))
    return _export(place, "folds", cli, tmp_path_factory.mktemp("folds") / "bundle.zip", "--zip")


@pytest.fixture(scope="session")
def voted(place: Workplace, cli: Cli, tmp_path_factory: pytest.TempPathFactory) -> Exported:
    """Three folds of two parts each, which vote hard."""
    parts = ("--set", "parts=[{attributes: [mask]}, {attributes: [gender, age]}]")
    cli(*place.train(*QUICK, "--folds", "3", "--set", "name=voted", "--set", "predict.fold_vote=hard", *parts))
    return _export(place, "voted", cli, tmp_path_factory.mktemp("voted") / "bundle")


@pytest.fixture(scope="session")
def turned(place: Workplace, cli: Cli, tmp_path_factory: pytest.TempPathFactory) -> Exported:
    """Three folds that see two views in turn."""
    views = ("--set", "predict={views: [as_is, mirrored], fold_views: in_turn}")
    cli(*place.train(*QUICK, "--folds", "3", "--set", "name=turned", *views, *AGE_HEAD))
    return _export(place, "turned", cli, tmp_path_factory.mktemp("turned") / "bundle")


@pytest.fixture(scope="session")
def ensemble(place: Workplace, trained: Path, cli: Cli, tmp_path_factory: pytest.TempPathFactory) -> Exported:
    """A hard vote of two runs of different crops and sizes."""
    crop = ("--set", "input.crop={kind: center_crop, height_px: 300, width_px: 200}", "--set", "input.height_px=24")
    cli(*place.train(*QUICK, "--set", "name=other", *crop))
    cli("ensemble", "tiny", "other", "--vote", "hard", "--name", "both", "--store", str(place.store))
    return _export(place, "both", cli, tmp_path_factory.mktemp("ensemble") / "bundle")


@pytest.fixture(scope="session")
def parts(place: Workplace, cli: Cli, tmp_path_factory: pytest.TempPathFactory) -> Exported:
    """One run with a model for the mask on a face crop, and two for gender and age on photos decoded in part."""
    own = "{attributes: [mask], input: {crop: {kind: face}, height_px: 24, width_px: 16}}"
    rest = "{attributes: [gender, age]}, {attributes: [gender, age], loss: {kind: focal}}"
    reduced = ("--set", "input.crop.decoding=reduced")
    cli(*place.train(*QUICK, "--set", "name=parts", *reduced, "--set", f"parts=[{own}, {rest}]"))
    return _export(place, "parts", cli, tmp_path_factory.mktemp("parts") / "bundle")


def _export(place: Workplace, name: str, cli: Cli, out: Path, *options: str) -> Exported:
    printed = cli("export", name, str(out), "--store", str(place.store), "--quiet", *options)
    return Exported(find_run(place.store, name), out, printed)
