"""The service itself, without HTTP: photos' bytes in, JSON out, in the time and the memory that its settings allow."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple, TypeVar

import numpy as np

from maskwise.errors import DataError
from maskwise.export.prediction import Prediction
from maskwise.export.prepare_photos import Prepared
from maskwise.export.reader import Bundle
from maskwise.serving.config import ServeSettings
from maskwise.serving.explain import explain_face, shown_png
from maskwise.serving.metrics import Metrics
from maskwise.serving.multipart import Upload
from maskwise.serving.photo_header import pixels_of
from maskwise.serving.receive_body import Bodies
from maskwise.serving.refusals import RefusedError
from maskwise.serving.schema import prediction_json
from maskwise.serving.workers import FacesRead, Photo, Work, Workers, predictions_of

_Made = TypeVar("_Made")
Gone = Callable[[], Awaitable[Any]]
"""Waits until the client is gone."""
CHECKED_AT_ONCE_BYTES = 128 * 2**10
_NOTHING_FOUND: dict[str, Any] = {
    "width_px": None,
    "height_px": None,
    "faces_found": None,
    "cropped": False,
    "predictions": [],
    "error": None,
}


class PredictOptions(NamedTuple):
    """How photos are to be predicted."""

    faces: FacesRead
    abstain_below: float | None
    calibrated: bool


class Caller(NamedTuple):
    """Who sent a request."""

    request_id: str
    client: str
    """The address, or what a proxy calls it."""
    gone: Gone


class Shares:
    """How many photos each client has waiting or worked on. Used by the event loop alone."""

    def __init__(self, most: int) -> None:
        self.most, self.taken = most, Counter[str]()

    @contextlib.contextmanager
    def hold(self, client: str, photos: int) -> Iterator[None]:
        """Count ``photos`` until the end of the block; ``RefusedError`` (429) where they are too many."""
        self.refuse(client, photos)
        self.taken[client] += photos
        try:
            yield
        finally:
            self.taken[client] -= photos
            if not self.taken[client]:
                del self.taken[client]

    def refuse(self, client: str, photos: int = 1) -> None:
        """429 where ``photos`` more of this client would be too many."""
        if self.taken[client] + photos > self.most:
            raise RefusedError(429, "too_many_photos", "You have too many photos waiting. Try again later.", 1)


class Service:
    """One bundle behind HTTP. Its coroutines belong to one event loop."""

    def __init__(self, bundle: Bundle, settings: ServeSettings, facts: dict[str, Any], metrics: Metrics) -> None:
        self.bundle, self.settings, self.facts, self.metrics = bundle, settings, facts, metrics
        self.bodies = Bodies(settings.body_bytes, settings.held_bytes)
        self.workers = Workers(bundle, settings, metrics)
        self.shares = Shares(settings.client_images)
        self.warm = self.draining = False
        self.faces = faces_offered(bundle)
        self._explaining = 0
        self._explainer = ThreadPoolExecutor(1, thread_name_prefix="explaining")
        metrics.watch("queue_photos", "Photos waiting or worked on.", lambda: self.workers.waiting)
        metrics.watch("held_body_bytes", "Bytes of bodies held.", lambda: self.bodies.held_bytes)
        metrics.watch("ready", "1 once warm, 0 while draining.", lambda: float(self.warm and not self.draining))

    @property
    def name(self) -> str:
        """The bundle's."""
        return self.bundle.manifest.name

    def warm_up(self) -> None:
        """Predict once for nobody, so that the first client does not wait for memory and detectors."""
        photo = np.full((480, 360, 3), 127, dtype=np.uint8)
        prepared = self.bundle.prepare(photo)
        self.bundle.predict_prepared([prepared])
        self.bundle.networks.predict([prepared] * self.settings.batch_images)
        if "each" in self.faces:
            self.bundle.predict_faces(photo)
        self.warm = True

    def refuse_unready(self) -> None:
        """503 before it is warm, while it is about to stop, and where workers are gone."""
        if self.draining:
            raise RefusedError(503, "draining", "The service is about to stop.", 5)
        if not self.workers.alive():
            raise RefusedError(503, "broken", "The service no longer works.")
        if not self.warm:
            raise RefusedError(503, "starting", "The service is starting.", 1)

    def refuse_photos(self, client: str) -> None:
        """503 where not even one photo more would be taken now, 429 where none of this client would."""
        self.refuse_unready()
        self.shares.refuse(client)
        if self.workers.full():
            raise self.workers.busy()

    def options(self, faces: FacesRead | None, abstain_below: float | None, *, calibrated: bool) -> PredictOptions:
        """The options with their defaults; 422 for what this bundle cannot do."""
        chosen = faces or self.faces[-1]
        if chosen not in self.faces:
            raise RefusedError(422, "no_framing", "This model predicts whole photos only: use faces=whole.")
        if calibrated and self.bundle.manifest.temperature is None:
            raise RefusedError(422, "not_calibrated", "This model was not calibrated: leave calibrated out.")
        return PredictOptions(chosen, abstain_below, calibrated)

    async def predict(self, uploads: Sequence[Upload], options: PredictOptions, caller: Caller) -> bytes:
        """The response's JSON. ``RefusedError`` where the queue is full, no photo can be read or the client is gone."""
        with self.shares.hold(caller.client, len(uploads)):
            photos, problems = await self._checked(uploads)
            work = await self._predict(photos, options.faces, caller.gone)
        problems |= {photo.number: photo.problem for photo in work.photos if photo.problem is not None}
        for problem in problems.values():
            self.metrics.rejected.labels(f"photo_{problem.code}").inc()
        if len(problems) == len(uploads):
            raise _of_all(list(problems.values()))
        results: list[dict[str, Any]] = [
            {"image": number, "name": upload.name, **_NOTHING_FOUND} for number, upload in enumerate(uploads)
        ]
        for number, problem in problems.items():
            results[number]["error"] = problem.as_json()
        predictions = predictions_of(self.bundle, work, calibrated=options.calibrated)
        for photo, found in zip(work.photos, predictions, strict=True):
            results[photo.number] |= {
                "width_px": photo.width_px,
                "height_px": photo.height_px,
                "faces_found": _faces_found(photo, options.faces),
                "cropped": any(each.face is not None for each in photo.prepared),
                "predictions": [_as_json(each, options.abstain_below) for each in found],
            }
        return json.dumps({"request_id": caller.request_id, "results": results}).encode()

    async def explain(self, upload: Upload, faces: FacesRead, number: int, caller: Caller) -> bytes:
        """The JSON of what prediction ``number`` for a photo depends on; 422 where there is none of that number."""
        if self._explaining > self.settings.explain_waiting:
            raise self.workers.busy()
        self._explaining += 1
        try:
            with self.shares.hold(caller.client, 1):
                photos, problems = await self._checked([upload])
                if problems:
                    raise problems[0]
                work = await self._predict(photos, faces, caller.gone)
            (photo,) = photos
            if photo.problem is not None:
                raise photo.problem
            if number >= len(photo.prepared):
                got = f"This photo has {len(photo.prepared)} predictions."
                raise RefusedError(422, "no_such_face", f"face must be the number of a prediction. {got}")
            prediction = predictions_of(self.bundle, work, calibrated=False)[0][number]
            explained = self._explainer.submit(self._explained, photo.prepared[number], prediction, caller.request_id)
            return await _unless_gone(asyncio.wrap_future(explained), caller.gone)
        finally:
            self._explaining -= 1

    def stop(self) -> None:
        """End all threads."""
        self.workers.stop()
        self._explainer.shutdown(cancel_futures=True)
        self.bundle.close()

    async def _checked(self, uploads: Sequence[Upload]) -> tuple[list[Photo], dict[int, RefusedError]]:
        """(the photos that may be decoded, what is wrong with the others)."""
        # Of a PNG all bytes are looked at, which takes a moment: not on the event loop.
        small = sum(len(upload.data) for upload in uploads) < CHECKED_AT_ONCE_BYTES
        return self._check(uploads) if small else await asyncio.to_thread(self._check, uploads)

    def _check(self, uploads: Sequence[Upload]) -> tuple[list[Photo], dict[int, RefusedError]]:
        photos: list[Photo] = []
        problems: dict[int, RefusedError] = {}
        for number, upload in enumerate(uploads):
            try:
                pixels = pixels_of(upload.data, self.settings.photo_pixels, f"photo {number + 1}")
                photos.append(Photo(upload.data, pixels, number))
            except RefusedError as refusal:
                problems[number] = refusal
        return photos, problems

    async def _predict(self, photos: list[Photo], faces: FacesRead, gone: Gone) -> Work:
        loop = asyncio.get_running_loop()
        finished: asyncio.Future[None] = loop.create_future()

        def done(_: Work) -> None:
            loop.call_soon_threadsafe(_resolve, finished)

        work = Work(photos, faces, done)
        if not photos:
            return work
        self.workers.take(work)
        try:
            await _unless_gone(finished, gone)
        except (RefusedError, asyncio.CancelledError):
            work.dropped = True
            raise
        if work.failed:
            raise RefusedError(500, "internal", "The service failed. See its log under the request's id.")
        return work

    def _explained(self, prepared: Prepared, prediction: Prediction, request_id: str) -> bytes:
        rows = min(self.settings.explain_rows, *(len(pixels) for pixels in prepared.pixels))
        cols = min(self.settings.explain_cols, *(pixels.shape[1] for pixels in prepared.pixels))
        explained = {
            "request_id": request_id,
            "grid_rows": rows,
            "grid_cols": cols,
            "box_xyxy_px": None if prediction.face is None else list(prediction.face.box_xyxy_px),
            "class_name": prediction.class_name,
            "drop": explain_face(self.bundle, prepared, rows, cols).tolist(),
            "shown_png_base64": base64.b64encode(shown_png(prepared)).decode(),
        }
        return json.dumps(explained).encode()


def faces_offered(bundle: Bundle) -> tuple[FacesRead, ...]:
    """How the bundle can predict photos; the last is the default."""
    try:
        bundle.preparer.refuse_unframed()
    except DataError:
        return ("whole",)
    return ("whole", "each") if bundle.preparer.like_training() is None else ("whole", "each", "auto")


async def _unless_gone(wanted: asyncio.Future[_Made], gone: Gone) -> _Made:
    """What ``wanted`` gives; ``RefusedError`` as soon as ``gone`` says that the client is."""
    left = asyncio.ensure_future(gone())
    try:
        await asyncio.wait({wanted, left}, return_when=asyncio.FIRST_COMPLETED)
        if not wanted.done():
            wanted.cancel()
            raise RefusedError(400, "client_gone", "The connection was closed before the response was there.")
        return wanted.result()
    finally:
        left.cancel()


def _resolve(finished: asyncio.Future[None]) -> None:
    if not finished.done():
        finished.set_result(None)


def _faces_found(photo: Photo, faces: FacesRead) -> int | None:
    """How many faces the detector found; None where it did not look."""
    return len(photo.prepared) if faces == "each" else photo.prepared[0].found if photo.prepared else None


def _as_json(prediction: Prediction, abstain_below: float | None) -> dict[str, Any]:
    return prediction_json(
        prediction.to_dict(abstain_below), None if prediction.face is None else prediction.face.score
    )


def _of_all(problems: list[RefusedError]) -> RefusedError:
    """What is wrong with a request of which no photo can be read: its photos' problem, or 422 where they differ."""
    first = problems[0]
    same = all(each.status == first.status for each in problems)
    return (
        first if same else RefusedError(422, "no_readable_photo", f"No photo can be read. The first: {first.message}")
    )
