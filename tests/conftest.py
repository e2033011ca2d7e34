"""Fixtures that many tests share: drawn people, and a run trained on them.

Tests use one thread each, as they run beside each other.
"""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

os.environ.setdefault("OMP_NUM_THREADS", "1")

# A slow or busy machine is no fault of a test: neither a long example nor slow generation fails it.
settings.register_profile("maskwise", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("maskwise")

TINY_CHANGES = (
    "model.backbone.kind=baseline_cnn",
    "model.weights.kind=none",
    "input.height_px=24",
    "input.width_px=20",
    "train.epochs=1",
    "train.batch_size=32",
    "runtime.device=cpu",
)
"""What makes every recipe of a series small."""
TINY_RECIPE = """
name: tiny
split: {kind: hold_out, share: 0.34}
input: {height_px: 32, width_px: 24}
augment:
  - {kind: flip}
  - {kind: brightness}
model:
  backbone: {kind: baseline_cnn}
  head: {kind: attributes}
  weights: {kind: none}
train:
  epochs: 3
  batch_size: 16
  checkpoint: {kind: last}
runtime: {device: cpu, checkpoint_every_s: 0}
"""


@dataclass(frozen=True)
class Workplace:
    """A data set of drawn people, a recipe file, and folders for runs and pixels."""

    data: Path
    recipe: Path
    store: Path
    cache: Path

    def with_store(self, store: Path) -> Workplace:
        """The same with an empty store."""
        return dataclasses.replace(self, store=store)

    def train(self, *options: str) -> list[str]:
        """The words of ``maskwise train`` here."""
        places = ["--data", str(self.data), "--store", str(self.store), "--cache", str(self.cache)]
        return ["train", str(self.recipe), *places, *options]


@pytest.fixture(scope="session")
def workplace(tmp_path_factory: pytest.TempPathFactory) -> Workplace:
    """24 drawn people to train on, 6 to predict."""
    from maskwise.drawing.demo_set import write_demo_set

    root = tmp_path_factory.mktemp("drawn")
    write_demo_set(root / "data", 24, 6, 0, print, workers=1)
    (root / "tiny.yaml").write_text(TINY_RECIPE)
    return Workplace(root / "data", root / "tiny.yaml", root / "runs", root / "cache")


@pytest.fixture(scope="session")
def cli() -> Callable[..., str]:
    """Runs a verb in this process and gives what it printed on stdout; errors come as exceptions."""
    from typer.testing import CliRunner

    from maskwise.cli.main import app

    def run(*words: str) -> str:
        result = CliRunner().invoke(app, list(words), catch_exceptions=False)
        assert result.exit_code == 0, result.output
        return result.stdout

    return run


@pytest.fixture(scope="session")
def trained(workplace: Workplace, cli: Callable[..., str]) -> Path:
    """The folder of a finished run of the tiny recipe."""
    cli(*workplace.train("--quiet"))
    (folder,) = [entry for entry in workplace.store.iterdir() if entry.is_dir()]
    return folder
