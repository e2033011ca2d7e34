"""The batch-size search with steps that pretend."""

from __future__ import annotations

import gc
import math
import weakref

import numpy as np
import pytest
import torch

from maskwise.errors import UserError
from maskwise.training.batch_size import find_batch_size, is_out_of_memory


class Memory:
    """Steps that fail above a number of photos, and remember what was tried."""

    def __init__(self, largest: int, error: BaseException) -> None:
        self.largest, self.error, self.tried = largest, error, list[int]()

    def __call__(self, n_photos: int) -> None:
        self.tried.append(n_photos)
        if n_photos > self.largest:
            raise self.error


@pytest.fixture(autouse=True)
def _no_collections(monkeypatch: pytest.MonkeyPatch) -> None:
    """A full collection after each of hundreds of pretended failures would take most of a minute."""
    monkeypatch.setattr(gc, "collect", lambda: 0)


ERRORS = (
    torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB"),
    RuntimeError("[enforce fail at alloc_cpu.cpp:121] DefaultCPUAllocator: not enough memory: you tried to allocate"),
    RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 99 bytes"),
    RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"),
    MemoryError(),
)


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: str(error)[:30])
def test_doubling_then_halving_by_hand(error: BaseException) -> None:
    step = Memory(100, error)
    assert find_batch_size(step, start=16, limit=1024) == 100
    assert step.tried == [16, 32, 64, 128, 96, 112, 104, 100, 102, 101]


@pytest.mark.parametrize("largest", [2, 3, 15, 16, 17, 63, 64, 65, 99, 100, 5000])
@pytest.mark.parametrize("start", [2, 16, 100])
def test_it_finds_the_largest_that_fits_in_few_steps(largest: int, start: int) -> None:
    step = Memory(largest, MemoryError())
    assert find_batch_size(step, start, limit=100) == min(largest, 100)
    assert max(step.tried) <= 100
    assert len(step.tried) == len(set(step.tried)) <= 2 * math.ceil(math.log2(100))


def test_anything_else_passes_through() -> None:
    with pytest.raises(RuntimeError, match="shapes"):
        find_batch_size(Memory(20, RuntimeError("shapes cannot be multiplied")), 16, 64)
    with pytest.raises(ValueError, match="odd"):
        find_batch_size(Memory(20, ValueError("odd")), 16, 64)
    assert not is_out_of_memory(RuntimeError("CUDA error: device-side assert triggered"))


def test_too_little_memory_and_bad_bounds_are_refused() -> None:
    with pytest.raises(UserError, match="memory must be enough for a batch of 2 photos"):
        find_batch_size(Memory(1, MemoryError()), 16, 64)
    for start, limit in ((1, 64), (65, 64)):
        with pytest.raises(UserError, match="first batch size must be from 2 to the limit"):
            find_batch_size(Memory(100, MemoryError()), start, limit)


def test_what_a_failed_step_held_is_free_before_the_next() -> None:
    held: list[weakref.ref[np.ndarray[tuple[int], np.dtype[np.float64]]]] = []

    def step(n_photos: int) -> None:
        assert all(reference() is None for reference in held), "the failed step's array is still alive"
        activations = np.zeros(n_photos)
        held.append(weakref.ref(activations))
        if n_photos > 20:
            raise MemoryError

    gc.disable()
    try:
        assert find_batch_size(step, 16, 64) == 20
    finally:
        gc.enable()
    assert len(held) > 3
