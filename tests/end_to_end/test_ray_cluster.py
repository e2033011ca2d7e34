"""Two nodes of a Ray cluster, one of which is killed while both train: the runs of one process, all the same."""

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
from maskwise.drawing.demo_set import write_demo_set
from maskwise.recipe.load import change_recipe, dump_recipe
from maskwise.store.layout import PREDICTIONS, SCORES
from maskwise.training.checkpoints import CHECKPOINTS
from support.first_steps import small

NODE = {"num_cpus": 1, "object_store_memory": 80 * 2**20}
ENVIRONMENT = {**os.environ, "OMP_NUM_THREADS": "1"}
PATIENCE_S = 600
TINY_CLAIM = (
    *("input.height_px=24", "input.width_px=20", "model.backbone.kind=baseline_cnn", "model.weights.kind=none"),
    *("train.epochs=1", "runtime.device=cpu"),
)


@pytest.fixture
def cluster() -> Iterator[Any]:
    """A head that trains nothing itself, so that one node can be killed and one is left."""
    pytest.importorskip("ray")
    from maskwise.workflows.ray_session import require_ray

    require_ray()  # sets what Ray reads when it is imported
    from ray.cluster_utils import Cluster

    head = Cluster(initialize_head=True, head_node_args={**NODE, "num_cpus": 0, "include_dashboard": False})
    try:
        yield head
    finally:
        head.shutdown()


@pytest.fixture
def place(tmp_path: Path) -> Workplace:
    """People enough for five folds, and the recipe ``best`` on small photos, which saves its state after every step."""
    write_demo_set(tmp_path / "data", 60, 0, 0, print, workers=1)
    changes = ["runtime.checkpoint_every_s=0", "task.age_borders_years=[30, 45]"]  # few of the drawn people are old
    recipe = change_recipe(small("best"), "best", changes)
    (tmp_path / "best.yaml").write_text(dump_recipe(recipe))
    return Workplace(tmp_path / "data", tmp_path / "best.yaml", tmp_path / "alone", tmp_path / "cache")


def command(*words: str) -> list[str]:
    return [sys.executable, "-m", "maskwise", *words]


def tiny_claim(place: Workplace, *options: str) -> list[str]:
    """The words that test a claim by two arms, as small as can be."""
    changes = [word for change in TINY_CLAIM for word in ("--set", change)]
    return command("claims", "--only", "8", "--seeds", "2", *changes, *place.train("--quiet", *options)[2:])


def best_of_five(place: Workplace, *options: str) -> list[str]:
    """The words that train five folds of two models each."""
    return command(*place.train("--quiet", "--folds", "5", *options))


def kept(store: Path) -> dict[str, bytes]:
    """Every weight, prediction and score of a store."""
    names = (PREDICTIONS, SCORES, "*.safetensors")
    return {str(path.relative_to(store)): path.read_bytes() for name in names for path in store.rglob(name)}


@pytest.mark.ray
@pytest.mark.slow
def test_a_node_that_is_killed_changes_no_run(place: Workplace, tmp_path: Path, cluster: Any) -> None:
    alone, together = (place.with_store(tmp_path / name) for name in ("alone", "together"))
    for words in (tiny_claim(alone), best_of_five(alone)):
        subprocess.run(words, check=True, env=ENVIRONMENT, stdout=subprocess.DEVNULL)
    nodes = [cluster.add_node(**NODE) for _ in range(2)]
    by_ray = ("--engine", "ray", "--ray-address", cluster.address)
    subprocess.run(tiny_claim(together, *by_ray), check=True, env=ENVIRONMENT, stdout=subprocess.DEVNULL)
    with subprocess.Popen(best_of_five(together, *by_ray), env=ENVIRONMENT, stdout=subprocess.DEVNULL) as job:
        wait_for_states(together.store, 2, job)
        cluster.remove_node(nodes[0], allow_graceful=False)
        assert job.wait(PATIENCE_S) == 0
    assert len(list(alone.store.rglob("*.safetensors"))) == 4 + 10
    assert kept(together.store) == kept(alone.store)


def wait_for_states(store: Path, number: int, job: subprocess.Popen[bytes]) -> None:
    """Until so many trainings at work have saved a state: each of the nodes has one then."""
    end = time.monotonic() + PATIENCE_S
    while len(list(store.rglob(CHECKPOINTS))) < number:
        assert time.monotonic() < end, "no states were saved"
        assert job.poll() is None, "the command ended before"
        time.sleep(0.02)
