"""Several processes train as one: shares that cover everything once, and the numbers of one process."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import safetensors.torch
import torch

from conftest import Workplace
from maskwise.data.manifest import read_train
from maskwise.drawing.demo_set import write_demo_set
from maskwise.errors import RecipeError
from maskwise.labels import Task
from maskwise.records import Batch, Output
from maskwise.store.layout import PREDICTIONS, weights_path
from maskwise.store.predictions_file import read_predictions
from maskwise.store.runs import read_record
from maskwise.training import processes
from maskwise.training.checkpoints import CHECKPOINTS
from maskwise.training.fold_files import LOG
from support import first_steps
from support.packed_sets import pack

TOLERANCE = 1e-5
FIRST_STEPS_TOLERANCE = 1e-8
"""Of losses (relative) and probabilities, in double precision: what is left are sums in another order."""
TOGETHER = """
name: together
split: {kind: hold_out, share: 0.34}
input: {height_px: 32, width_px: 24}
augment: [{kind: flip}, {kind: brightness}]
mixing: {kind: mixup}
model:
  backbone: {kind: baseline_cnn, dropout: 0.0}
  head: {kind: attributes}
  dropout: 0.0
  weights: {kind: none}
loss: {kind: weighted_sum}
sampling: {kind: weighted}
train:
  epochs: 2
  batch_size: 15
  accumulate_batches: 2
  clip_norm: 1.0
  ema_decay: 0.9
  optimizer: {kind: sgd, rate: 0.05}
  checkpoint: {kind: inner_hold_out, share: 0.3}
runtime: {device: cpu, checkpoint_every_s: 0}
"""
"""All that couples the photos of a batch, without batch norm and dropout; batches that two do not share evenly."""


@pytest.mark.parametrize("n_items", [0, 1, 7, 15, 64])
@pytest.mark.parametrize("count", [1, 2, 3, 8])
def test_shares_cover_everything_once_and_evenly(monkeypatch: pytest.MonkeyPatch, n_items: int, count: int) -> None:
    monkeypatch.setattr(processes, "n_processes", lambda: count)
    shares = [range(n_items)[processes.share_of(n_items, number)] for number in range(count)]
    assert [item for share in shares for item in share] == list(range(n_items))
    sizes = [len(share) for share in shares]
    assert max(sizes) - min(sizes) <= 1


def test_one_process_does_everything_itself() -> None:
    images = torch.rand(5, 3, 4, 4)
    batch = Batch(images, torch.zeros(5), torch.zeros(5, 2), torch.zeros(5))
    output = Output(torch.rand(5, 2), torch.rand(5, 3), None)
    assert (processes.n_processes(), processes.process_number()) == (1, 0)
    assert torch.equal(processes.own_images(batch), images)
    assert processes.gathered(output, 5) is output
    assert processes.from_first(lambda: 7) == processes.highest(7) == 7
    assert processes.from_all("x") == ["x"]
    with processes.joined_processes(), processes.follower_store() as elsewhere:
        assert elsewhere is None


def test_batches_too_small_for_all_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "n_processes", lambda: 8)
    processes.refuse_small_batches(16)
    with pytest.raises(RecipeError, match=r"train\.batch_size must .* 16 for 8 processes .*, got 15"):
        processes.refuse_small_batches(15)


def torchrun(*words: str, restarts: int = 0) -> list[str]:
    """The command that starts two processes."""
    launcher = ["torch.distributed.run", "--standalone", "--nproc-per-node", "2", "--max-restarts", str(restarts)]
    return [sys.executable, "-m", *launcher, *words]


ONE_THREAD = {**os.environ, "OMP_NUM_THREADS": "1"}


@pytest.fixture(params=["folder", "shards"])
def data(request: pytest.FixtureRequest, workplace: Workplace, tmp_path: Path) -> Path:
    """Drawn people in a folder of photos, and the same in tar shards, which both processes read."""
    if request.param == "folder":
        return workplace.data
    return pack(workplace.data, read_train(workplace.data, Task()).table, tmp_path / "packed", 20)


@pytest.mark.slow
def test_two_processes_train_to_the_numbers_of_one(data: Path, tmp_path: Path) -> None:
    """After two epochs, weights and held-out probabilities; and nothing but the first process's run is left."""
    recipe = tmp_path / "together.yaml"
    recipe.write_text(TOGETHER)
    folders = []
    for count, launcher in enumerate([[sys.executable], torchrun()], start=1):
        store = tmp_path / f"by-{count}"
        words = ["train", str(recipe), "--data", str(data), "--store", str(store)]
        words += ["--cache", str(tmp_path / "cache"), "--quiet"]
        subprocess.run([*launcher, "-m", "maskwise", *words], check=True, env=ONE_THREAD)
        (folder,) = [entry for entry in store.iterdir() if entry.is_dir()]
        folders.append(folder)
    assert folders[0].name == folders[1].name
    alone, together = (safetensors.torch.load_file(weights_path(folder, 0)) for folder in folders)
    for name, tensor in alone.items():
        torch.testing.assert_close(together[name], tensor, atol=TOLERANCE, rtol=0)
    predicted = [read_predictions(folder / PREDICTIONS)[0] for folder in folders]
    assert predicted[0].photo_N.tolist() == predicted[1].photo_N.tolist()
    np.testing.assert_allclose(predicted[1].probs_NC, predicted[0].probs_NC, atol=TOLERANCE)


@pytest.mark.slow
def test_two_processes_train_the_first_steps_of_every_shipped_recipe(tmp_path: Path) -> None:
    """Parts, cached features, balanced batches, averages of weights: losses, and what is predicted."""
    write_demo_set(tmp_path / "data", 12, 0, 0, print, workers=1)
    script = str(Path(first_steps.__file__))
    environment = {**ONE_THREAD, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    stores = [tmp_path / "by-1", tmp_path / "by-2"]
    for store, launcher in zip(stores, [[sys.executable], torchrun()], strict=True):
        words = [script, str(tmp_path / "data"), str(store), f"{store}-cache"]
        subprocess.run([*launcher, *words], check=True, env=environment)
    alone, together = (sorted(entry for entry in store.iterdir() if entry.is_dir()) for store in stores)
    assert [folder.name for folder in alone] == [folder.name for folder in together]
    assert len(alone) == len(first_steps.small_recipes())
    for one, two in zip(alone, together, strict=True):
        name = read_record(one).name
        logs = [log.relative_to(one) for log in one.rglob(LOG)]
        for log in logs:
            losses = [json.loads(folder.joinpath(log).read_text().splitlines()[-1])["loss"] for folder in (one, two)]
            assert losses[1] == pytest.approx(losses[0], rel=FIRST_STEPS_TOLERANCE), f"{name}, {log}"
        predicted = [read_predictions(folder / PREDICTIONS)[0] for folder in (one, two)]
        assert predicted[0].photo_N.tolist() == predicted[1].photo_N.tolist()
        probs_NC, others_NC = (each.probs_NC for each in predicted)
        np.testing.assert_allclose(others_NC, probs_NC, atol=FIRST_STEPS_TOLERANCE, err_msg=name)


@pytest.mark.slow
def test_a_killed_process_ends_the_job_and_the_same_command_goes_on(workplace: Workplace, tmp_path: Path) -> None:
    """First without a restart, then with torchrun's own; the weights are those of one process."""
    recipe = tmp_path / "together.yaml"
    recipe.write_text(TOGETHER.replace("epochs: 2", "epochs: 8"))
    places = ["--data", str(workplace.data), "--cache", str(workplace.cache), "--quiet"]
    words = ["-m", "maskwise", "train", str(recipe), *places, "--store"]
    subprocess.run([sys.executable, *words, str(tmp_path / "by-1")], check=True, env=ONE_THREAD)

    store = tmp_path / "by-2"
    killed = start_and_kill_one([*torchrun(), *words, str(store)], store)
    assert killed.returncode == 1
    lines = [
        line for line in killed.stderr.splitlines() if line.startswith("every process of a training must be alive")
    ]
    assert len(lines) == 1
    assert "the same command goes on" in lines[0]
    restarted = start_and_kill_one([*torchrun(restarts=1), *words, str(store)], store)
    assert restarted.returncode == 0, restarted.stderr
    (folder,) = [entry for entry in store.iterdir() if entry.is_dir()]
    alone, together = (
        safetensors.torch.load_file(weights_path(tmp_path / by / folder.name, 0)) for by in ("by-1", "by-2")
    )
    for name, tensor in alone.items():
        torch.testing.assert_close(together[name], tensor, atol=TOLERANCE, rtol=0)


def start_and_kill_one(command: list[str], store: Path) -> subprocess.CompletedProcess[str]:
    """Start two processes, and kill the second one as soon as a new state is saved."""
    before = saved_states(store)
    with subprocess.Popen(command, env=ONE_THREAD, stderr=subprocess.PIPE, text=True) as job:
        until(lambda: saved_states(store) not in (set(), before), seconds=300)
        children = Path(f"/proc/{job.pid}/task/{job.pid}/children").read_text().split()
        ranks = [int(pid) for pid in children if b"RANK=1" in Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")]
        os.kill(ranks[0], signal.SIGKILL)
        _, errors = job.communicate(timeout=600)
    return subprocess.CompletedProcess(command, job.returncode, stderr=errors)


def saved_states(store: Path) -> set[str]:
    """What the indices of checkpoints say."""
    return {path.read_text() for path in store.rglob(CHECKPOINTS)}


def until(condition: Callable[[], bool], seconds: float) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not come"
        time.sleep(0.02)
