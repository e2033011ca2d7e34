"""Several processes that train one model together, as ``torchrun`` starts them; one process alone is the plain case.

Every process makes the same global batch and puts its own part of it through the model. The outputs are gathered, so
that each computes the loss of the whole batch, and the gradients of the parts add up to those of one process. What
batch norms see is the recipe's ``train.batch_norm``.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import torch
from torch import Tensor, distributed, nn
from torch.distributed.distributed_c10d import PrefixStore
from torch.distributed.rendezvous import rendezvous

from maskwise.errors import RecipeError, UserError, must
from maskwise.records import Batch, Output

_Made = TypeVar("_Made")


def n_processes() -> int:
    """How many processes train this model."""
    return distributed.get_world_size() if distributed.is_initialized() else 1


def process_number() -> int:
    """Which of them this one is, from 0."""
    return distributed.get_rank() if distributed.is_initialized() else 0


@contextmanager
def joined_processes() -> Iterator[None]:
    """Inside, the processes that ``torchrun`` started are one group; without torchrun nothing changes."""
    if int(os.environ.get("WORLD_SIZE", "1")) == 1:
        yield
        return
    on_gpus = torch.cuda.is_available()
    if on_gpus:
        torch.cuda.set_device(int(os.environ["LOCAL_RANK"]))
    _meet("cpu:gloo,cuda:nccl" if on_gpus else "gloo")
    try:
        yield
    except RuntimeError as error:
        # DistBackendError from nccl; gloo has no class of its own.
        if not isinstance(error, distributed.DistError) and "gloo" not in str(error).lower():
            raise
        got = f"one that is gone ({str(error).splitlines()[0]})"
        remedy = "Look for what ended it; the same command goes on from the last checkpoint."
        raise UserError(must("every process of a training", "alive", got, remedy)) from None
    finally:
        distributed.destroy_process_group()


def _meet(backend: str) -> None:
    """Make the processes one group.

    After a restart torchrun offers the store of before, in which the addresses of the processes that are gone still
    stand: whoever reads one before it is replaced waits for half an hour. So every attempt has keys of its own.
    On several machines the count of restarts may differ; there TORCH_DISABLE_SHARE_RDZV_TCP_STORE=1 does the same.
    """
    attempt = os.environ.get("TORCHELASTIC_RESTART_COUNT", "0")
    if attempt == "0" or os.environ.get("GROUP_WORLD_SIZE", "1") != "1":
        distributed.init_process_group(backend)
        return
    store, rank, size = next(rendezvous("env://"))
    own = PrefixStore(f"attempt-{attempt}", store)
    distributed.init_process_group(backend, store=own, rank=rank, world_size=size)


@contextmanager
def follower_store() -> Iterator[Path | None]:
    """Where this process keeps its runs, which nobody reads; None for the first process, whose runs are kept."""
    if process_number() == 0:
        yield None
        return
    with tempfile.TemporaryDirectory(prefix="maskwise-") as folder:
        yield Path(folder)


def refuse_small_batches(batch_size: int) -> None:
    """``RecipeError`` where a process would get fewer than two photos, which its batch norms need."""
    if batch_size < 2 * n_processes():
        rule = f"at least {2 * n_processes()} for {n_processes()} processes (two photos each)"
        raise RecipeError(must("train.batch_size", rule, batch_size, "Raise it, or start fewer processes."))


def share_of(n_items: int, process: int | None = None) -> slice:
    """The items that a process takes of ``n_items``: all of them once, shares that differ by one at most."""
    number, count = process_number() if process is None else process, n_processes()
    return slice(number * n_items // count, (number + 1) * n_items // count)


def own_images(batch: Batch) -> Tensor:
    """The images of the batch that this process puts through the model."""
    return batch.images_NCHW[share_of(len(batch.class_N))]


def gathered(own: Output, n_photos: int) -> Output:
    """The outputs of all processes for a batch of ``n_photos``; gradients flow to this process's own."""
    if n_processes() == 1:
        return own
    rows = {name: _Gathered.apply(tensor, n_photos) for name, tensor in own._asdict().items() if tensor is not None}
    return own._replace(**rows)


def add_up_gradients(parameters: Iterator[nn.Parameter]) -> None:
    """Give every process the gradients of the whole batch."""
    if n_processes() == 1:
        return
    gradients = [each.grad for each in parameters if each.grad is not None]
    if gradients:
        _replace_by_sum(gradients)


def average_statistics(model: nn.Module) -> None:
    """Give every process the mean of all processes' running statistics."""
    if n_processes() == 1:
        return
    statistics = [each for each in model.buffers() if each.is_floating_point()]
    if statistics:
        _replace_by_sum(statistics)
        torch._foreach_div_(statistics, n_processes())


def from_first(make: Callable[[], _Made]) -> _Made:
    """What ``make`` gives in the first process, in all of them."""
    if n_processes() == 1:
        return make()
    holder: list[Any] = [make() if process_number() == 0 else None]
    distributed.broadcast_object_list(holder)
    made: _Made = holder[0]
    return made


def load_in_all(load: Callable[[], None], model: nn.Module) -> None:
    """Let the first process ``load`` the weights of ``model``, and give them to the others."""
    if process_number() == 0:
        load()
    if n_processes() > 1:
        for tensor in model.state_dict().values():
            rows = tensor.contiguous()  # as no weight is that is laid out channels-last
            distributed.broadcast(rows, 0)
            tensor.copy_(rows)


def from_all(own: _Made) -> Sequence[_Made]:
    """What each process has, by number."""
    holders: list[Any] = [own] * n_processes()
    if n_processes() > 1:
        distributed.all_gather_object(holders, own)
    return holders


def highest(own: int) -> int:
    """The highest of all processes' numbers."""
    return max(from_all(own))


def _replace_by_sum(tensors: Sequence[Tensor]) -> None:
    """In place, all of them in one message."""
    flat = torch.cat([each.reshape(-1) for each in tensors])
    distributed.all_reduce(flat)
    start = 0
    for each in tensors:
        each.copy_(flat[start : start + each.numel()].view_as(each))
        start += each.numel()


class _Gathered(torch.autograd.Function):
    """Rows of all processes, one below the other. All compute the same of them, so a row's gradient is its own's."""

    @staticmethod
    def forward(ctx: Any, own: Tensor, n_rows: int) -> Tensor:
        ctx.n_rows = n_rows
        shares = [share_of(n_rows, process) for process in range(n_processes())]
        sizes = [share.stop - share.start for share in shares]
        padded = own.new_zeros(max(sizes), *own.shape[1:])
        padded[: len(own)] = own
        blocks = [torch.empty_like(padded) for _ in sizes]
        distributed.all_gather(blocks, padded)
        return torch.cat([block[:size] for block, size in zip(blocks, sizes, strict=True)])

    @staticmethod
    def backward(ctx: Any, *gradients: Any) -> Any:
        (gradient,) = gradients
        return gradient[share_of(ctx.n_rows)], None
