"""Random numbers: one generator for each place that needs one, named by (seed, purpose, position).

A generator depends on nothing that happened before it, so the numbers are the same with 0 or 4 workers and before and
after a resume.
"""

from __future__ import annotations

import zlib

import numpy as np


def rng_for(seed: int, purpose: str, *position: int) -> np.random.Generator:
    """The generator of ``purpose`` ("sample", "augment", …) at ``position`` (epoch, batch …) under ``seed``."""
    return np.random.default_rng([seed, zlib.crc32(purpose.encode()), *position])


def torch_seed_for(seed: int, purpose: str, *position: int) -> int:
    """A seed for the one global generator that cannot be avoided: torch's, which dropout and initialization use."""
    return int(rng_for(seed, purpose, *position).integers(2**62))
