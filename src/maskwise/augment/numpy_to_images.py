"""From numbers that numpy drew on the CPU to tensors beside the photos."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from maskwise.records import Floats, Ints


def chosen(n: int, p: float, rng: np.random.Generator, like: Tensor) -> Tensor:
    """Which of ``n`` photos are changed: N booleans on the device of ``like``, each True with probability ``p``."""
    return as_given(rng.random(n) < p, like)


def as_given(values: NDArray[np.bool_] | Ints, like: Tensor) -> Tensor:
    """Booleans or positions as a tensor of the same type and shape on the device of ``like``."""
    return torch.from_numpy(values).to(like.device, non_blocking=True)


def as_floats(values: Floats, like: Tensor) -> Tensor:
    """Numbers as a tensor of the same shape, with the device and the dtype of ``like``."""
    return torch.from_numpy(values).to(like.dtype).to(like.device, non_blocking=True)


def per_photo(values_N: Tensor) -> Tensor:
    """N values, shaped N × 1 × 1 × 1 to meet images."""
    return values_N[:, None, None, None]
