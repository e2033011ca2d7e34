from __future__ import annotations

from maskwise.speed.rates import timed


def test_work_is_timed_once_with_its_photos() -> None:
    done: list[int] = []
    rate = timed(lambda: done.append(1), 8)
    assert (done, rate.photos) == ([1], 8)
    assert 0 < rate.seconds < 1
    assert rate.processor_seconds >= 0
