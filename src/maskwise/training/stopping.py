"""Ctrl-C and SIGTERM: finish the step, save, say how to go on. A second signal ends at once."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


class InterruptedTraining(Exception):  # noqa: N818  (not an error: the user wanted it)
    """A signal stopped the training; its state is saved."""

    def __init__(self, signal_number: int) -> None:
        self.exit_code = 128 + signal_number
        super().__init__(signal.Signals(signal_number).name)


class EndedEarly(Exception):  # noqa: N818  (not an error: it was wanted)
    """A listener gives a training up that it finds not worth going on; nothing of it is finished or saved."""


class StopRequest:
    """Remembers the first signal."""

    def __init__(self) -> None:
        self.signal_number: int | None = None

    def raise_if_asked(self) -> None:
        """Called where the state has just been saved."""
        if self.signal_number is not None:
            raise InterruptedTraining(self.signal_number)


@contextmanager
def stop_request() -> Iterator[StopRequest]:
    """While inside, SIGINT and SIGTERM only set the request. In a thread other than the main one nothing changes."""
    request = StopRequest()
    if threading.current_thread() is not threading.main_thread():
        yield request
        return

    def remember(number: int, frame: FrameType | None) -> None:  # noqa: ARG001  (the signal module's signature)
        if request.signal_number is not None:
            raise KeyboardInterrupt
        request.signal_number = number

    before = {number: signal.signal(number, remember) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield request
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
