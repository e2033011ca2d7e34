"""Photos in, predictions out: one pool of threads that decodes photos and runs the networks on them in batches.

A thread runs the networks as soon as a batch is full, its first face has waited long enough, or nothing is left to
decode; else it decodes the next photo. So batches grow by themselves when much is waiting, nothing waits when little
is, and there are never more threads at work than cores. Measured in ``benchmarks/serve_load.py``.

A thread that meets a fault of ours ends with it in the log; the requests that it worked on fail, and another thread
takes its place.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

import cv2

from maskwise.errors import DataError
from maskwise.export.prediction import Prediction
from maskwise.export.prepare_photos import Prepared, decode
from maskwise.export.reader import Bundle, PredictedBlock
from maskwise.probabilities import MemberProbabilities
from maskwise.records import Image
from maskwise.serving.config import ServeSettings
from maskwise.serving.json_log import log
from maskwise.serving.metrics import Metrics
from maskwise.serving.refusals import RefusedError, busy

FacesRead = Literal["whole", "each", "auto"]
_LEARNING_RATE = 0.05


@dataclass(eq=False)
class Photo:
    """One photo of a request, and what became of it."""

    data: bytes
    pixels: int
    """Their number, from the header."""
    number: int
    """Its place in the request."""
    width_px: int | None = None
    height_px: int | None = None
    problem: RefusedError | None = None
    members: list[MemberProbabilities | None] = field(default_factory=list)
    """For each face, in order, what the networks predict; None while they have not run."""
    prepared: list[Prepared] = field(default_factory=list)


@dataclass(eq=False)
class Work:
    """All photos of a request. ``done`` is called once, on a worker's thread, when all are predicted or refused."""

    photos: Sequence[Photo]
    faces: FacesRead
    done: Callable[[Work], None]
    dropped: bool = False
    """Set when nobody waits for it any more; what is not begun then never is."""
    failed: bool = False
    """Set where a fault of ours leaves photos without predictions."""
    open_photos: int = 0
    open_faces: int = 0


@dataclass(eq=False)
class _Row:
    """A face that waits for the networks."""

    work: Work
    photo: Photo
    place: int
    since_s: float


class _Queued(NamedTuple):
    """A photo that waits to be decoded."""

    number: int
    work: Work
    photo: Photo


class Workers:
    """The threads and their queue. Every method may be called from any thread."""

    def __init__(self, bundle: Bundle, settings: ServeSettings, metrics: Metrics) -> None:
        self.bundle, self.settings, self.metrics = bundle, settings, metrics
        self.waiting = 0
        """Photos taken and not yet predicted."""
        self._small: deque[_Queued] = deque()
        self._large: deque[_Queued] = deque()
        self._rows: deque[_Row] = deque()
        self._large_at_work = self._stopping = False
        self._idle = self._taken = 0
        self._decode_s = self._predict_s = 0.05
        self._change = threading.Condition()
        self._threads = [self._thread(place) for place in range(bundle.threads)]
        for thread in self._threads:
            thread.start()

    def take(self, work: Work) -> None:
        """Queue ``work``; ``RefusedError`` (503) where that would be more than may wait."""
        with self._change:
            if self.waiting + len(work.photos) > self.settings.queue_images:
                raise self.busy()
            self.waiting += len(work.photos)
            work.open_photos = len(work.photos)
            for photo in work.photos:
                queue = self._large if photo.pixels > self.settings.large_pixels else self._small
                self._taken += 1
                queue.append(_Queued(self._taken, work, photo))
            self._change.notify(len(work.photos))

    def full(self) -> bool:
        """Whether not even one photo more would be taken."""
        return self.waiting >= self.settings.queue_images

    def busy(self) -> RefusedError:
        """503, with the time after which the queue should have room."""
        return busy(self.waiting * (self._decode_s + self._predict_s) / len(self._threads))

    def alive(self) -> bool:
        """Whether every thread works. False only where one ended and none could take its place."""
        return self._stopping or all(thread.is_alive() for thread in self._threads)

    def stop(self) -> None:
        """End the threads once they have predicted what is queued."""
        with self._change:
            self._stopping = True
            self._change.notify_all()
        while working := [thread for thread in self._threads if thread.is_alive()]:
            for thread in working:
                thread.join()

    def _thread(self, place: int) -> threading.Thread:
        return threading.Thread(target=self._work, args=(place,), name=f"worker-{place}", daemon=True)

    def _work(self, place: int) -> None:
        """Do jobs until there are none left; where one raises, another thread goes on."""
        job: Callable[[], None] | None = None
        try:
            while (job := self._next()) is not None:
                job()
        finally:
            if job is not None:
                self.metrics.workers_replaced.inc()
                log("worker_replaced", {"worker": place}, logging.ERROR)
                with self._change:  # the new thread might end, too, before it stands in the list
                    thread = self._thread(place)
                    thread.start()
                    self._threads[place] = thread

    def _next(self) -> Callable[[], None] | None:
        """The next thing to do; waits for one. None when all is done and the threads should end."""
        with self._change:
            while True:
                wait_s = self._until_batch()
                if wait_s is not None and wait_s <= 0:
                    return self._batch()
                if (queue := self._next_queue()) is not None:
                    return self._decoding(queue.popleft())
                if self._stopping and not (self._large or self._rows):
                    return None
                self._idle += 1
                self._change.wait(wait_s)
                self._idle -= 1

    def _next_queue(self) -> deque[_Queued] | None:
        """Where the photo stands that came first, of those that may be decoded now."""
        may = [queue for queue in (self._small, self._large if not self._large_at_work else None) if queue]
        return min(may, key=lambda queue: queue[0].number, default=None)

    def _until_batch(self) -> float | None:
        """Seconds until the networks must run on the waiting faces; None where there are none."""
        if not self._rows:
            return None
        if len(self._rows) >= self.settings.batch_images or self._next_queue() is None:
            return 0.0
        return self._rows[0].since_s + self.settings.batch_wait_ms / 1000 - time.monotonic()

    def _batch(self) -> Callable[[], None]:
        share = -(-len(self._rows) // (1 + self._idle))  # threads without work take the rest
        rows = [self._rows.popleft() for _ in range(min(share, self.settings.batch_images))]
        return lambda: self._predict(rows)

    def _decoding(self, queued: _Queued) -> Callable[[], None]:
        if queued.photo.pixels > self.settings.large_pixels:
            self._large_at_work = True
        return lambda: self._prepare(queued.work, queued.photo)

    def _prepare(self, work: Work, photo: Photo) -> None:
        started_s = time.monotonic()
        prepared: list[Prepared] | None = None
        try:
            prepared = [] if work.dropped else self._faces_of(work.faces, photo)
        finally:
            self._add_faces(work, photo, prepared, time.monotonic() - started_s)

    def _faces_of(self, faces: FacesRead, photo: Photo) -> list[Prepared]:
        with self.metrics.decode_seconds.time():
            try:
                return _faces_of(self.bundle, faces, photo)
            except DataError as error:
                photo.problem = RefusedError(422, "unreadable", error.problems[0])
            except (cv2.error, MemoryError):
                photo.problem = RefusedError(422, "unreadable", "A photo must be one that can be decoded, got another.")
        return []

    def _add_faces(self, work: Work, photo: Photo, prepared: list[Prepared] | None, seconds: float) -> None:
        """Queue the faces of a photo for the networks; None where decoding met a fault of ours."""
        if prepared is None:
            work.failed = True
        photo.prepared = prepared or []
        photo.members = [None] * len(photo.prepared)
        now_s = time.monotonic()
        with self._change:
            if photo.pixels > self.settings.large_pixels:
                self._large_at_work = False
            work.open_photos -= 1
            work.open_faces += len(photo.prepared)
            self._rows.extend(_Row(work, photo, place, now_s) for place in range(len(photo.prepared)))
            self._decode_s += _LEARNING_RATE * (seconds - self._decode_s)
            finished = self._settle(work)
            self._change.notify_all()
        if finished:
            work.done(work)

    def _predict(self, rows: list[_Row]) -> None:
        wanted = [row for row in rows if not row.work.dropped]
        started_s = time.monotonic()
        try:
            if wanted:
                self._run_networks(wanted)
        finally:
            self._finish_rows(rows, time.monotonic() - started_s)

    def _run_networks(self, rows: list[_Row]) -> None:
        with self.metrics.model_seconds.time():
            try:
                members = self.bundle.networks.predict([row.photo.prepared[row.place] for row in rows])
            except (DataError, MemoryError) as error:
                log("networks_failed", {"reason": str(error)}, logging.ERROR)
                return
        self.metrics.batch_size.observe(len(rows))
        for number, row in enumerate(rows):
            row.photo.members[row.place] = _row_of(members, number)

    def _finish_rows(self, rows: list[_Row], seconds: float) -> None:
        finished = []
        with self._change:
            self._predict_s += _LEARNING_RATE * (seconds / len(rows) - self._predict_s)
            for row in rows:
                row.work.failed |= row.photo.members[row.place] is None
                row.work.open_faces -= 1
                if self._settle(row.work):
                    finished.append(row.work)
        for work in finished:
            work.done(work)

    def _settle(self, work: Work) -> bool:
        """Whether the last of ``work`` has just been done; it then waits no longer."""
        if work.open_photos or work.open_faces:
            return False
        self.waiting -= len(work.photos)
        return True


def predictions_of(bundle: Bundle, work: Work, *, calibrated: bool) -> list[list[Prediction]]:
    """For each photo of a finished request its predictions; members vote over all of them at once.

    ``DataError`` for ``calibrated`` with a bundle that has no temperature.
    """
    blocks = [
        PredictedBlock([[prepared.face]], members)
        for photo in work.photos
        for prepared, members in zip(photo.prepared, photo.members, strict=True)
    ]
    predictions = iter(bundle.predictions(blocks, calibrated=calibrated))
    return [[next(predictions) for _ in photo.prepared] for photo in work.photos]


def _faces_of(bundle: Bundle, faces: FacesRead, photo: Photo) -> list[Prepared]:
    name = f"photo {photo.number + 1}"
    pixels: Image = decode(photo.data, name)
    photo.data = b""  # the file is not needed any more
    photo.height_px, photo.width_px = pixels.shape[:2]
    if faces == "whole":
        return [bundle.preparer.whole(pixels, name)]
    if faces == "auto":
        return [bundle.preparer.whole(pixels, name, bundle.preparer.like_training())]
    return bundle.preparer.each_face(pixels, name)


def _row_of(members: MemberProbabilities, row: int) -> MemberProbabilities:
    ages = members.age_years_N
    return MemberProbabilities(members.probs_RNC[:, row : row + 1], None if ages is None else ages[row : row + 1])
