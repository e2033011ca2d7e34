"""How fast work on photos goes, by the clock and by the processor."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence
from typing import NamedTuple


class Rate(NamedTuple):
    """How fast something went."""

    photos: int
    seconds: float
    """On the clock."""
    processor_seconds: float
    """Of all threads together; hardly changed by other work on the machine."""

    @property
    def photos_per_second(self) -> float:
        """On the clock."""
        return self.photos / self.seconds

    @property
    def processor_ms(self) -> float:
        """Per photo."""
        return 1000 * self.processor_seconds / self.photos


def timed(work: Callable[[], object], n_photos: int) -> Rate:
    """How fast ``work`` on ``n_photos`` went."""
    started, worked = time.perf_counter(), time.process_time()
    work()
    return Rate(n_photos, time.perf_counter() - started, time.process_time() - worked)


def median_rate(rates: Sequence[Rate]) -> Rate:
    """The medians of both times; all rates are of as many photos."""
    clock = statistics.median(rate.seconds for rate in rates)
    return Rate(rates[0].photos, clock, statistics.median(rate.processor_seconds for rate in rates))
