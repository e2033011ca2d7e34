"""The largest batch that fits into memory, found by trying."""

from __future__ import annotations

import gc
from collections.abc import Callable

import torch

from maskwise.errors import UserError, must

SMALLEST = 2
"""Batch norm needs two photos."""
OUT_OF_MEMORY = ("out of memory", "not enough memory", "can't allocate memory", "alloc_failed")
"""Words, in lower case, of the RuntimeErrors with which PyTorch, cuBLAS and cuDNN say that memory is short."""


def find_batch_size(step: Callable[[int], None], start: int, limit: int) -> int:
    """The largest number of photos, from 2 to ``limit``, with which ``step(n_photos)`` does not run out of memory.

    Doubles from ``start`` until it does, then halves the interval: about 2 · log2(limit / start) steps. ``step``
    should do all that a training step does, backward and optimiser included, and keep nothing; whatever else it
    raises passes through. A batch that just fits leaves no room for anything else: take a tenth less. ``UserError``
    when even 2 photos do not fit, or when the bounds are not 2 ≤ ``start`` ≤ ``limit``.
    """
    if not SMALLEST <= start <= limit:
        rule = f"from {SMALLEST} to the limit ({limit})"
        raise UserError(must("the first batch size", rule, start, "Begin smaller, or raise the limit."))
    fits, fails = SMALLEST - 1, limit + 1
    tried = start
    while fits < limit and fails == limit + 1:
        if _fits(step, tried):
            fits, tried = tried, min(2 * tried, limit)
        else:
            fails = tried
    while fails - fits > 1:
        middle = (fits + fails) // 2
        if _fits(step, middle):
            fits = middle
        else:
            fails = middle
    if fits < SMALLEST:
        rule = f"enough for a batch of {SMALLEST} photos"
        raise UserError(must("memory", rule, "less", "Choose smaller photos or a smaller model."))
    return fits


def _fits(step: Callable[[int], None], n_photos: int) -> bool:
    try:
        step(n_photos)
        out_of_memory = False
    except MemoryError:
        out_of_memory = True
    except RuntimeError as error:
        if not is_out_of_memory(error):
            raise
        out_of_memory = True
    # Out here the exception is gone, and with it its frames, which held the tensors of the failed step.
    if out_of_memory:
        gc.collect()
        torch.cuda.empty_cache()
    return not out_of_memory


def is_out_of_memory(error: RuntimeError) -> bool:
    """Whether ``error`` says that memory is short, on the GPU or off it."""
    words = str(error).lower()
    return isinstance(error, torch.OutOfMemoryError) or any(phrase in words for phrase in OUT_OF_MEMORY)
