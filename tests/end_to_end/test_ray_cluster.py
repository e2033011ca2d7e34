"""Two nodes of a Ray cluster, one of which is killed on the way: the runs of one process, all the same."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from conftest import Workplace
from maskwise.store.layout import PREDICTIONS, SCORES
from maskwise.training.checkpoints import CHECKPOINTS

LIKE_BEST = """
name: like-best
input: {height_px: 32, width_px: 24}
model:
  backbone: {kind: baseline_cnn}
  head: {kind: attributes}
  weights: {kind: none}
train: {epochs: 2, batch_size: 16, checkpoint: {kind: last}}
runtime: {device: cpu, checkpoint_every_s: 0}
parts:
  - attributes: [mask, gender, age]
    train: {epochs: 3, batch_size: 32, checkpoint: {kind: last}}
  - attributes: [mask, gender, age]
"""
"""Two models of the same attributes, which are averaged."""
TINY_CLAIM = ("model.backbone.kind=baseline_cnn", "model.weights.kind=none", "input.height_px=24", "input.width_px=20")
NODE = {"num_cpus": 1, "object_store_memory": 80 * 2**20, "include_dashboard": False}
ENVIRONMENT = {**os.environ, "OMP_NUM_THREADS": "1"}
PATIENCE_S = 900


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A head and a second node, both on this machine."""
    from maskwise.workflows.ray_session import require_ray

    require_ray()
    from ray.cluster_utils import Cluster

    both = Cluster(initialize_head=True, head_node_args=NODE)
    try:
        yield both
    finally:
        both.shutdown()


def words_of(place: Workplace, *words: str) -> list[str]:
    folders = ["--data", str(place.data), "--store", str(place.store), "--cache", str(place.cache), "--quiet"]
    return [sys.executable, "-m", "maskwise", *words, *folders]


def kept(store: Path) -> dict[str, bytes]:
    """Every weight, prediction and score of a store."""
    names = (PREDICTIONS, SCORES, "*.safetensors")
    return {str(path.relative_to(store)): path.read_bytes() for name in names for path in store.rglob(name)}


@pytest.mark.ray
@pytest.mark.slow
def test_a_node_that_is_killed_changes_no_run(workplace: Workplace, tmp_path: Path, cluster: Any) -> None:
    recipe = tmp_path / "like-best.yaml"
    recipe.write_text(LIKE_BEST)
    changes = [*TINY_CLAIM, "train.epochs=1", "runtime.device=cpu"]
    claim = ["claims", "--only", "8", "--seeds", "1", *(word for change in changes for word in ("--set", change))]
    verbs = [["train", str(recipe), "--folds", "3"], claim]
    alone, together = (workplace.with_store(tmp_path / name) for name in ("alone", "together"))
    second = cluster.add_node(**{name: value for name, value in NODE.items() if name != "include_dashboard"})
    by_ray = ["--engine", "ray", "--ray-address", cluster.address]
    for verb in verbs:
        subprocess.run(words_of(alone, *verb), check=True, env=ENVIRONMENT, stdout=subprocess.DEVNULL)
        with subprocess.Popen([*words_of(together, *verb), *by_ray], env=ENVIRONMENT, stdout=subprocess.DEVNULL) as job:
            if verb is verbs[0]:
                wait_for_states(together.store, 2, job)
                cluster.remove_node(second, allow_graceful=False)
            assert job.wait(PATIENCE_S) == 0
    assert len(kept(alone.store)) > 10
    assert kept(together.store) == kept(alone.store)


def wait_for_states(store: Path, number: int, job: subprocess.Popen[bytes]) -> None:
    """Until so many trainings have saved a state: both nodes work then."""
    end = time.monotonic() + PATIENCE_S
    while len(list(store.rglob(CHECKPOINTS))) < number:
        assert time.monotonic() < end, "no states were saved"
        assert job.poll() is None, "the command ended before"
        time.sleep(0.1)
