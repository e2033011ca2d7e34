"""Memory that is too short for a batch: the largest batch that fits, found by trying; and batches in parts."""

from __future__ import annotations

import gc
from collections.abc import Callable
from functools import partial

import torch

from maskwise.errors import UserError, must

SMALLEST = 2
"""Batch norm needs two photos."""
MOST_HALVINGS = 5
"""A training that does not even fit in parts of 1/32 of its batch is given up."""
OUT_OF_MEMORY = ("out of memory", "not enough memory", "can't allocate memory", "alloc_failed")
"""Words, in lower case, of the RuntimeErrors with which PyTorch, cuBLAS and cuDNN say that memory is short."""


def find_batch_size(step: Callable[[int], None], start: int, limit: int) -> int:
    """The largest number of photos, from 2 to ``limit``, with which ``step(n_photos)`` does not run out of memory.

    Doubles from ``start`` until it does, then halves the interval: about 2 · log2(limit / start) steps. ``step``
    should do all that a training step does, backward and optimizer included, and keep nothing; whatever else it
    raises passes through. A batch that just fits leaves no room for anything else: take a tenth less. ``UserError``
    when even 2 photos do not fit, or when the bounds are not 2 ≤ ``start`` ≤ ``limit``.
    """
    if not SMALLEST <= start <= limit:
        rule = f"from {SMALLEST} to the limit ({limit})"
        raise UserError(must("the first batch size", rule, start, "Begin smaller, or raise the limit."))
    fits, fails = SMALLEST - 1, limit + 1
    tried = start
    while fits < limit and fails == limit + 1:
        if not ran_out_of_memory(partial(step, tried)):
            fits, tried = tried, min(2 * tried, limit)
        else:
            fails = tried
    while fails - fits > 1:
        middle = (fits + fails) // 2
        if not ran_out_of_memory(partial(step, middle)):
            fits = middle
        else:
            fails = middle
    if fits < SMALLEST:
        rule = f"enough for a batch of {SMALLEST} photos"
        raise UserError(must("memory", rule, "less", "Choose smaller photos or a smaller model."))
    return fits


def ran_out_of_memory(step: Callable[[], None]) -> bool:
    """Take a step, and say whether memory was too short for it; whatever else it raises passes through."""
    try:
        step()
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
    return out_of_memory


def halved(batch_size: int, halvings: int) -> str:
    """What is said of batches that are now worked on in parts. ``UserError`` after too many halvings."""
    parts = 2**halvings
    if halvings > MOST_HALVINGS or batch_size < SMALLEST * parts:
        rule = f"enough for a part of a batch ({max(SMALLEST, batch_size * 2 // parts)} photos)"
        raise UserError(must("memory", rule, "less", "Choose smaller photos or a smaller model."))
    return (
        f"memory is too short for {batch_size * 2 // parts} photos: each batch goes through in {parts} parts, whose "
        "gradients are averaged. Batch norms see a part at a time."
    )


def is_out_of_memory(error: RuntimeError) -> bool:
    """Whether ``error`` says that memory is short, on the GPU or off it."""
    words = str(error).lower()
    return isinstance(error, torch.OutOfMemoryError) or any(phrase in words for phrase in OUT_OF_MEMORY)
