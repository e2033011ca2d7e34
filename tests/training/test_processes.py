"""Several processes train as one: shares that cover everything once, and the numbers of one process."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import safetensors.torch
import torch

from conftest import Workplace
from maskwise.errors import RecipeError
from maskwise.records import Batch, Output
from maskwise.store.layout import PREDICTIONS, weights_path
from maskwise.store.predictions_file import read_predictions
from maskwise.training import processes

TOLERANCE = 1e-5
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
    with pytest.raises(RecipeError, match=r"train\.batch_size must be at least 16 for 8 processes .*, got 15"):
        processes.refuse_small_batches(15)


@pytest.mark.slow
def test_two_processes_train_to_the_numbers_of_one(workplace: Workplace, tmp_path: Path) -> None:
    """After two epochs, weights and held-out probabilities; and nothing but the first process's run is left."""
    recipe = tmp_path / "together.yaml"
    recipe.write_text(TOGETHER)
    launchers: list[list[str]] = [[], ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]]
    folders = []
    for count, launcher in enumerate(launchers, start=1):
        store = tmp_path / f"by-{count}"
        words = ["train", str(recipe), "--data", str(workplace.data), "--store", str(store)]
        words += ["--cache", str(workplace.cache), "--quiet"]
        environment = {**os.environ, "OMP_NUM_THREADS": "1"}
        subprocess.run([sys.executable, *launcher, "-m", "maskwise", *words], check=True, env=environment)
        (folder,) = [entry for entry in store.iterdir() if entry.is_dir()]
        folders.append(folder)
    assert folders[0].name == folders[1].name
    alone, together = (safetensors.torch.load_file(weights_path(folder, 0)) for folder in folders)
    for name, tensor in alone.items():
        torch.testing.assert_close(together[name], tensor, atol=TOLERANCE, rtol=0)
    predicted = [read_predictions(folder / PREDICTIONS)[0] for folder in folders]
    assert predicted[0].photo_N.tolist() == predicted[1].photo_N.tolist()
    np.testing.assert_allclose(predicted[1].probs_NC, predicted[0].probs_NC, atol=TOLERANCE)
