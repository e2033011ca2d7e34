"""The service itself, without HTTP: photos' bytes in, JSON out, in the time and the memory that its settings allow."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple, TypeVar

import numpy as np

from maskwise.errors import DataError
from maskwise.export.prediction import Prediction
from maskwise.export.prepare_photos import Prepared
from maskwise.export.reader import Bundle
from maskwise.serving.config import ServeSettings
from maskwise.serving.explain import explain, shown_png
from maskwise.serving.metrics import Metrics
from maskwise.serving.multipart import Upload
from maskwise.serving.photo_header import pixels_of
from maskwise.serving.receive_body import Bodies
from maskwise.serving.refusals import RefusedError
from maskwise.serving.schema import prediction_json
from maskwise.serving.workers import Faces, Photo, Work, Workers, predictions_of

Made = TypeVar("Made")
Gone = Callable[[], Awaitable[Any]]
"""Waits until the client is gone."""


class PredictOptions(NamedTuple):
    """How photos are to be predicted."""

    faces: Faces
    abstain_below: float | None
    calibrated: bool


class Service:
    """One bundle behind HTTP. Its coroutines belong to one event loop."""

    def __init__(self, bundle: Bundle, settings: ServeSettings, facts: dict[str, Any], metrics: Metrics) -> None:
        self.bundle, self.settings, self.facts, self.metrics = bundle, settings, facts, metrics
        self.bodies = Bodies(settings.body_bytes, settings.held_bytes)
        self.workers = Workers(bundle, settings, metrics)
        self.warm = self.draining = False
        self.faces = faces_offered(bundle)
        self._explaining = 0
        self._explainer = ThreadPoolExecutor(1, thread_name_prefix="explaining")
        metrics.watch("queue_photos", "Photos waiting or worked on.", lambda: self.workers.waiting)
        metrics.watch("held_body_bytes", "Bytes of bodies held.", lambda: self.bodies.held_bytes)
        metrics.watch("ready", "1 once warm, 0 while draining.", lambda: float(self.warm and not self.draining))

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

    def refuse_photos(self) -> None:
        """503 where not even one photo more would be taken now."""
        self.refuse_unready()
        if self.workers.full():
            raise self.workers.busy()

    def options(self, faces: Faces | None, abstain_below: float | None, *, calibrated: bool) -> PredictOptions:
        """The options with their defaults; 422 for what this bundle cannot do."""
        chosen = faces or self.faces[-1]
        if chosen not in self.faces:
            raise RefusedError(422, "no_framing", "This model predicts whole photos only: use faces=whole.")
        if calibrated and self.bundle.manifest.temperature is None:
            raise RefusedError(422, "not_calibrated", "This model was not calibrated: leave calibrated out.")
        return PredictOptions(chosen, abstain_below, calibrated)

    async def predict(self, uploads: Sequence[Upload], options: PredictOptions, request_id: str, gone: Gone) -> bytes:
        """The response's JSON. ``RefusedError`` where the queue is full, no photo can be read or the client is gone."""
        photos, problems = self._look_at(uploads)
        work = await self._read(photos, options.faces, gone)
        problems |= {photo.number: photo.problem for photo in work.photos if photo.problem is not None}
        for problem in problems.values():
            self.metrics.rejected.labels(f"photo_{problem.code}").inc()
        if len(problems) == len(uploads):
            raise _of_all(list(problems.values()))
        results: list[dict[str, Any]] = [
            {"image": number, "name": upload.name, "width_px": None, "height_px": None, "answers": [], "error": None}
            for number, upload in enumerate(uploads)
        ]
        for number, problem in problems.items():
            results[number]["error"] = problem.as_json()
        predictions = predictions_of(self.bundle, work, calibrated=options.calibrated)
        for photo, found in zip(work.photos, predictions, strict=True):
            results[photo.number] |= {
                "width_px": photo.width_px,
                "height_px": photo.height_px,
                "answers": [_as_json(each, options.abstain_below) for each in found],
            }
        return json.dumps({"request_id": request_id, "results": results}).encode()

    async def explain(self, upload: Upload, faces: Faces, number: int, request_id: str, gone: Gone) -> bytes:
        """The JSON of what prediction ``number`` for a photo depends on; 422 where there is none of that number."""
        if self._explaining > self.settings.explain_waiting:
            raise self.workers.busy()
        self._explaining += 1
        try:
            photo = Photo(upload.data, pixels_of(upload.data, self.settings.photo_pixels), 0)
            work = await self._read([photo], faces, gone)
            if photo.problem is not None:
                raise photo.problem
            if number >= len(photo.prepared):
                got = f"This photo has {len(photo.prepared)} predictions."
                raise RefusedError(422, "no_such_face", f"face must be the number of a prediction. {got}")
            prediction = predictions_of(self.bundle, work, calibrated=False)[0][number]
            explained = self._explainer.submit(self._explained, photo.prepared[number], prediction, request_id)
            return await _unless_gone(asyncio.wrap_future(explained), gone)
        finally:
            self._explaining -= 1

    def stop(self) -> None:
        """End all threads."""
        self.workers.stop()
        self._explainer.shutdown(cancel_futures=True)
        self.bundle.close()

    def _look_at(self, uploads: Sequence[Upload]) -> tuple[list[Photo], dict[int, RefusedError]]:
        """(the photos whose headers are fine, what is wrong with the others)."""
        photos: list[Photo] = []
        problems: dict[int, RefusedError] = {}
        for number, upload in enumerate(uploads):
            try:
                photos.append(Photo(upload.data, pixels_of(upload.data, self.settings.photo_pixels), number))
            except RefusedError as refusal:
                problems[number] = refusal
        return photos, problems

    async def _read(self, photos: list[Photo], faces: Faces, gone: Gone) -> Work:
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
            "drop": explain(self.bundle, prepared, rows, cols).tolist(),
            "shown_png_base64": base64.b64encode(shown_png(prepared)).decode(),
        }
        return json.dumps(explained).encode()


def faces_offered(bundle: Bundle) -> tuple[Faces, ...]:
    """How the bundle can predict photos; the last is the default."""
    try:
        bundle.preparer.refuse_unframed()
    except DataError:
        return ("whole",)
    return ("whole", "each")


async def _unless_gone(wanted: asyncio.Future[Made], gone: Gone) -> Made:
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
