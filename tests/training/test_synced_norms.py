"""Batch norms of two processes: outputs, gradients and running statistics of one that has all rows."""

from __future__ import annotations

import copy
import functools
from pathlib import Path

import pytest
import timm
import torch
from torch import Tensor, distributed, multiprocessing, nn

from maskwise.training import synced_norms
from maskwise.training.processes import share_of
from maskwise.training.synced_norms import norm_over_all, norms_over_all

N_ROWS, TOLERANCE = 7, 1e-5


def net() -> nn.Sequential:
    """A norm over pictures and one over rows, and timm's with its activation, which is a class of its own."""
    torch.manual_seed(0)
    timms = timm.layers.BatchNormAct2d(5)
    return nn.Sequential(
        nn.Conv2d(3, 5, 3),
        timms,
        nn.Conv2d(5, 4, 3),
        nn.BatchNorm2d(4),
        nn.Flatten(),
        nn.Linear(64, 6),
        nn.BatchNorm1d(6),
    )


def rows() -> Tensor:
    return torch.randn(N_ROWS, 3, 8, 8, generator=torch.Generator().manual_seed(1)) * 3 + 2


def learn(model: nn.Module, images: Tensor, place: slice) -> dict[str, Tensor]:
    """Gradients and running statistics after one pass of a sum that weighs every row differently."""
    weights = torch.linspace(-1, 2, N_ROWS)[place, None]
    (model(images) * weights).square().sum().backward()
    gradients = {f"gradient of {name}": each.grad for name, each in model.named_parameters() if each.grad is not None}
    return {**gradients, **{name: each for name, each in model.named_buffers() if each.is_floating_point()}}


def one_of_two(number: int, folder: str) -> None:
    """Its rows alone, in a process of its own; gradients are added up."""
    distributed.init_process_group("gloo", init_method=f"file://{folder}/meet", rank=number, world_size=2)
    place = share_of(N_ROWS)
    with norms_over_all(True):
        found = learn(net(), rows()[place], place)
    for name, each in found.items():
        if name.startswith("gradient"):
            distributed.all_reduce(each)
    torch.save(found, f"{folder}/{number}.pt")
    distributed.destroy_process_group()


@pytest.mark.slow
def test_two_processes_have_the_numbers_of_one(tmp_path: Path) -> None:
    multiprocessing.spawn(one_of_two, (str(tmp_path),), nprocs=2)  # type: ignore[attr-defined, no-untyped-call]
    whole = learn(net(), rows(), slice(0, N_ROWS))
    halves = [torch.load(tmp_path / f"{number}.pt") for number in range(2)]
    assert len(whole) > 12
    for found in halves:
        assert found.keys() == whole.keys()
        for name, each in whole.items():
            torch.testing.assert_close(found[name], each, atol=TOLERANCE, rtol=1e-4)


def test_alone_it_is_the_norm_of_torch(monkeypatch: pytest.MonkeyPatch) -> None:
    """With the messages of one process; outputs, gradients and running statistics."""
    monkeypatch.setattr(distributed, "all_reduce", id)
    monkeypatch.setattr(distributed, "all_gather", lambda blocks, own: blocks[0].copy_(own))
    norm = nn.BatchNorm2d(3)
    nn.init.uniform_(norm.weight)
    nn.init.uniform_(norm.bias)
    other = copy.deepcopy(norm)
    expected = norm(rows())
    shown = functools.partial(norm_over_all, momentum=0.1, eps=norm.eps)
    out = shown(rows(), other.running_mean, other.running_var, other.weight, other.bias)
    expected.square().sum().backward()
    out.square().sum().backward()  # type: ignore[no-untyped-call]
    for found, wanted in [
        (out, expected),
        (other.running_mean, norm.running_mean),
        (other.running_var, norm.running_var),
        (other.weight.grad, norm.weight.grad),
        (other.bias.grad, norm.bias.grad),
    ]:
        torch.testing.assert_close(found, wanted, atol=TOLERANCE, rtol=1e-4)


def test_norms_that_stand_still_are_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(synced_norms, "n_processes", lambda: 2)
    model = net().eval()
    expected = model(rows())
    with norms_over_all(True):
        assert torch.equal(model(rows()), expected)  # no process group is there to ask


def test_local_norms_are_those_of_torch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(synced_norms, "n_processes", lambda: 2)
    expected = net()(rows())
    with norms_over_all(False):
        assert torch.equal(net()(rows()), expected)
