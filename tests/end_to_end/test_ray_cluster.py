"""A node of a Ray cluster is killed while it trains and another joins: the run of one process, all the same."""

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

NODE = {"num_cpus": 1, "object_store_memory": 80 * 2**20}
ENVIRONMENT = {**os.environ, "OMP_NUM_THREADS": "1"}
PATIENCE_S = 600


@pytest.fixture
def cluster() -> Iterator[Any]:
    """A head that trains nothing itself, so that the node that is killed has all the work."""
    pytest.importorskip("ray")
    from maskwise.workflows.ray_session import require_ray

    require_ray()  # sets what Ray reads when it is imported
    from ray.cluster_utils import Cluster

    head = Cluster(initialize_head=True, head_node_args={**NODE, "num_cpus": 0, "include_dashboard": False})
    try:
        yield head
    finally:
        head.shutdown()


def train_folds(place: Workplace, *options: str) -> list[str]:
    """The words that train three folds, each long enough to be seen at work."""
    words = place.train("--quiet", "--folds", "3", "--set", "train.epochs=6", *options)
    return [sys.executable, "-m", "maskwise", *words]


def kept(store: Path) -> dict[str, bytes]:
    """Every weight, prediction and score of a store."""
    names = (PREDICTIONS, SCORES, "*.safetensors")
    return {str(path.relative_to(store)): path.read_bytes() for name in names for path in store.rglob(name)}


@pytest.mark.ray
@pytest.mark.slow
def test_a_node_that_is_killed_changes_no_run(workplace: Workplace, tmp_path: Path, cluster: Any) -> None:
    alone, together = (workplace.with_store(tmp_path / name) for name in ("alone", "together"))
    subprocess.run(train_folds(alone), check=True, env=ENVIRONMENT, stdout=subprocess.DEVNULL)
    node = cluster.add_node(**NODE)
    words = train_folds(together, "--engine", "ray", "--ray-address", cluster.address)
    with subprocess.Popen(words, env=ENVIRONMENT, stdout=subprocess.DEVNULL) as job:
        wait_for_state(together.store, job)
        cluster.remove_node(node, allow_graceful=False)
        cluster.add_node(**NODE)
        assert job.wait(PATIENCE_S) == 0
    assert len(kept(alone.store)) == 5
    assert kept(together.store) == kept(alone.store)


def wait_for_state(store: Path, job: subprocess.Popen[bytes]) -> None:
    """Until a training has saved a state."""
    end = time.monotonic() + PATIENCE_S
    while not list(store.rglob(CHECKPOINTS)):
        assert time.monotonic() < end, "no state was saved"
        assert job.poll() is None, "the command ended before"
        time.sleep(0.05)
