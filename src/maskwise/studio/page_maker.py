"""Pages that take a while: made one after the other in a thread of their own, and kept while there is room.

All methods are for the event loop; the thread writes into the ``PageJob`` alone.
"""

from __future__ import annotations

import hashlib
import queue
import threading
from collections import OrderedDict
from collections.abc import Callable

from maskwise.errors import UserError
from maskwise.listeners import Listener, Silent
from maskwise.serving.refusals import RefusedError

MOST_WAITING = 8
MOST_KEPT_CHARACTERS = 128 * 2**20
_FAULT = "The page could not be made; what went wrong stands in the terminal of maskwise studio."


class StoppedMakingError(Exception):
    """The studio ends."""


class PageJob(Silent):
    """One page: how far it is, and what came of it."""

    def __init__(self, key: tuple[str, ...], make: Callable[[Listener], str], stopping: threading.Event) -> None:
        self.id = hashlib.sha256("\0".join(key).encode()).hexdigest()[:24]
        self._make, self._stopping = make, stopping
        self.stage, self.done, self.total = "", 0, 0
        self.text: str | None = None
        """The page, once it is made."""
        self.problems: tuple[str, ...] = ()
        """Why it cannot be made."""

    @property
    def ended(self) -> bool:
        """Whether there is a page, or a reason why there is none."""
        return self.text is not None or bool(self.problems)

    def on_stage(self, name: str, total: int) -> None:
        """A countable piece of work begins."""
        self._end_if_stopping()
        self.stage, self.done, self.total = name, 0, total

    def on_advance(self, done: int) -> None:
        """``done`` more pieces are done."""
        self._end_if_stopping()
        self.done += done

    def run(self) -> None:
        """Make the page, in the maker's thread."""
        try:
            self._end_if_stopping()
            self.text = self._make(self)
        except UserError as error:
            self.problems = tuple(error.problems)
        except StoppedMakingError:
            self.problems = ("The studio was stopped.",)
        finally:  # a fault of ours ends the thread, which the maker replaces
            if not self.ended:
                self.problems = (_FAULT,)

    def _end_if_stopping(self) -> None:
        if self._stopping.is_set():
            raise StoppedMakingError


class PageMaker:
    """The thread, and the pages that it made."""

    def __init__(self) -> None:
        self._jobs: OrderedDict[str, PageJob] = OrderedDict()
        self._waiting: queue.Queue[PageJob] = queue.Queue(MOST_WAITING)
        self._stopping = threading.Event()
        self._thread = self._begin()

    def job(self, key: tuple[str, ...], make: Callable[[Listener], str]) -> PageJob:
        """The page of ``key``, which says all that the page depends on; begun now unless it is there or under way."""
        wanted = PageJob(key, make, self._stopping)
        found = self._jobs.get(wanted.id)
        if found is not None:
            self._jobs.move_to_end(found.id)
            return found
        try:
            self._waiting.put_nowait(wanted)
        except queue.Full:
            raise RefusedError(503, "busy", "Too many pages are being made. Try again later.", 5) from None
        if not self._thread.is_alive():
            self._thread = self._begin()
        self._jobs[wanted.id] = wanted
        self._make_room()
        return wanted

    def find(self, job_id: str) -> PageJob | None:
        """The page of that id, at work or made."""
        return self._jobs.get(job_id)

    def forget(self, job: PageJob) -> None:
        """Make it anew when it is wanted again."""
        self._jobs.pop(job.id, None)

    def stop(self) -> None:
        """End the page at work at its next step; those waiting are not begun."""
        self._stopping.set()

    def _begin(self) -> threading.Thread:
        thread = threading.Thread(target=self._work, name="making pages", daemon=True)
        thread.start()
        return thread

    def _work(self) -> None:
        while True:
            self._waiting.get().run()

    def _make_room(self) -> None:
        made = [job for job in self._jobs.values() if job.text is not None]
        characters = sum(len(job.text or "") for job in made)
        for job in made:
            if characters <= MOST_KEPT_CHARACTERS:
                return
            characters -= len(job.text or "")
            self.forget(job)
