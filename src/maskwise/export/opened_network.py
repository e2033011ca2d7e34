"""What an opened network is to its callers, whichever engine computes it."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from maskwise.records import Floats, Image

EXPORT_AGAIN = "Export the run again."


class Opened(NamedTuple):
    """A network in an engine."""

    outputs: list[str]
    """Their names, in the order of the network."""
    shape_HWC: list[int]
    """Of a photo that it takes."""
    run: Callable[[Image], list[Floats]]
    """Pixels N × H × W × 3 (uint8) → its outputs. A call uses one core; several threads may call at once."""
