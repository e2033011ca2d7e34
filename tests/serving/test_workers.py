"""Batches, order and bounds of the worker threads, with a bundle whose networks wait to be let go."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest

from maskwise.export.networks import Networks
from maskwise.export.prepare_photos import Prepared
from maskwise.export.reader import Bundle, load
from maskwise.probabilities import MemberProbabilities
from maskwise.records import Image
from maskwise.serving.config import ServeSettings
from maskwise.serving.metrics import Metrics
from maskwise.serving.refusals import RefusedError
from maskwise.serving.workers import FacesRead, Photo, Work, Workers, predictions_of


class Gated:
    """Networks that predict only when they may, and remember the sizes of batches."""

    def __init__(self, networks: Networks) -> None:
        self.real = networks
        self.open, self.called = threading.Event(), threading.Event()
        self.sizes: list[int] = []

    def predict(self, prepared: Sequence[Prepared]) -> MemberProbabilities:
        self.sizes.append(len(prepared))
        self.called.set()
        assert self.open.wait(20)
        return self.real.predict(prepared)


@pytest.fixture
def bundle(small_bundle: Path) -> Iterator[Bundle]:
    with load(small_bundle, threads=1) as loaded:
        yield loaded


@pytest.fixture
def gated(bundle: Bundle, monkeypatch: pytest.MonkeyPatch) -> Gated:
    gate = Gated(bundle.networks)
    monkeypatch.setattr(bundle, "networks", gate)
    return gate


def workers_of(bundle: Bundle, batch_images: int = 8, queue_images: int = 64, batch_wait_ms: float = 1000) -> Workers:
    settings = ServeSettings(
        batch_images=batch_images, queue_images=queue_images, request_images=1, batch_wait_ms=batch_wait_ms
    )
    return Workers(bundle, settings, Metrics())


class Request(Work):
    """Work that can be waited for."""

    def __init__(self, photos: Sequence[bytes], faces: FacesRead = "whole", pixels: int = 1) -> None:
        self.finished = threading.Event()
        listed = [Photo(data, pixels, number) for number, data in enumerate(photos)]
        super().__init__(listed, faces, lambda _: self.finished.set())


def test_what_waits_is_predicted_together(bundle: Bundle, gated: Gated, photos: list[bytes]) -> None:
    workers = workers_of(bundle)
    first, *others = [Request([photos[number % 3]]) for number in range(14)]
    workers.take(first)
    assert gated.called.wait(20)
    for request in others:
        workers.take(request)
    assert workers.waiting == 14
    gated.open.set()
    assert all(request.finished.wait(20) for request in [first, *others])
    assert gated.sizes == [1, 8, 5]
    assert workers.waiting == 0
    workers.stop()
    for number, request in enumerate([first, *others]):
        (prediction,) = predictions_of(bundle, request, calibrated=False)[0]
        expected = bundle.predict(photos[number % 3])[0]
        np.testing.assert_allclose(prediction.probs_C, expected.probs_C, atol=1e-6)
        assert prediction.age_years == pytest.approx(expected.age_years)


def test_a_face_does_not_wait_for_photos_longer_than_allowed(bundle: Bundle, gated: Gated, photos: list[bytes]) -> None:
    workers = workers_of(bundle, batch_wait_ms=0)
    requests = [Request([photo]) for photo in photos]
    for request in requests:
        workers.take(request)
    gated.open.set()
    assert all(request.finished.wait(20) for request in requests)
    assert gated.sizes == [1, 1, 1]
    workers.stop()


def test_more_than_may_wait_is_refused_and_leaves_the_queue_as_it_was(
    bundle: Bundle, gated: Gated, photos: list[bytes]
) -> None:
    workers = workers_of(bundle, queue_images=3)
    taken = Request(photos)
    workers.take(taken)
    assert workers.full()
    with pytest.raises(RefusedError) as error:
        workers.take(Request(photos[:1]))
    assert (error.value.status, error.value.code, workers.waiting) == (503, "busy", 3)
    assert error.value.retry_after_s is not None
    gated.open.set()
    assert taken.finished.wait(20)
    workers.take(again := Request(photos[:1]))
    assert again.finished.wait(20)
    workers.stop()


def test_dropped_work_is_not_done_and_leaves_the_queue(bundle: Bundle, gated: Gated, photos: list[bytes]) -> None:
    workers = workers_of(bundle)
    first, dropped, last = (Request([photo]) for photo in photos)
    workers.take(first)
    assert gated.called.wait(20)
    workers.take(dropped)
    workers.take(last)
    dropped.dropped = True
    gated.open.set()
    assert all(request.finished.wait(20) for request in (first, dropped, last))
    assert (gated.sizes, workers.waiting, dropped.photos[0].prepared) == ([1, 1], 0, [])
    workers.stop()


def test_photos_without_faces_and_unreadable_ones_are_finished_too(
    bundle: Bundle, photos: list[bytes], no_face: bytes
) -> None:
    workers = workers_of(bundle)
    request = Request([no_face, photos[0], photos[0][:3000]], "each")
    workers.take(request)
    assert request.finished.wait(20)
    predicted = predictions_of(bundle, request, calibrated=False)
    assert [len(each) for each in predicted] == [0, 1, 0]
    assert [photo.problem and photo.problem.code for photo in request.photos] == [None, None, "unreadable"]
    assert (workers.waiting, workers.alive()) == (0, True)
    workers.stop()


def test_large_photos_do_not_hold_up_small_ones(small_bundle: Path, photos: list[bytes]) -> None:
    """Of two threads one at most decodes a large photo, whatever the number of those that wait."""
    at_once, most = 0, 0
    lock = threading.Lock()
    with load(small_bundle, threads=2) as bundle:
        whole = bundle.preparer.whole

        def counted(image: Image, name: str) -> Prepared:
            nonlocal at_once, most
            with lock:
                at_once += 1
                most = max(most, at_once)
            prepared = whole(image, name)
            with lock:
                at_once -= 1
            return prepared

        bundle.preparer.whole = counted  # type: ignore[method-assign, assignment]
        workers = workers_of(bundle)
        large = [Request([photo], pixels=5_000_000) for photo in photos * 4]
        for request in large:
            workers.take(request)
        assert all(request.finished.wait(20) for request in large)
        workers.stop()
    assert most == 1


def test_a_network_that_fails_fails_the_request_alone(
    bundle: Bundle, photos: list[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(prepared: Sequence[Prepared]) -> MemberProbabilities:
        raise MemoryError

    workers = workers_of(bundle)
    with monkeypatch.context() as patched:
        patched.setattr(bundle.networks, "predict", broken)
        workers.take(failed := Request(photos[:1]))
        assert failed.finished.wait(20)
    workers.take(fine := Request(photos[:1]))
    assert fine.finished.wait(20)
    assert (failed.failed, fine.failed, workers.waiting, workers.alive()) == (True, False, 0, True)
    workers.stop()


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
@pytest.mark.parametrize("where", ["decoding", "predicting"])
def test_a_worker_that_meets_a_fault_is_replaced_and_its_request_fails(
    bundle: Bundle, photos: list[bytes], monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError

    workers = workers_of(bundle)
    for _ in range(3):
        with monkeypatch.context() as patched:
            owner, name = (bundle.preparer, "whole") if where == "decoding" else (bundle.networks, "predict")
            patched.setattr(owner, name, broken)
            workers.take(failed := Request(photos[:2], pixels=5_000_000))
            assert failed.finished.wait(20)
            assert failed.failed
    workers.take(fine := Request(photos, pixels=5_000_000))
    assert fine.finished.wait(20)
    assert (fine.failed, workers.waiting, workers.alive()) == (False, 0, True)
    assert len(predictions_of(bundle, fine, calibrated=False)) == 3
    assert b"maskwise_workers_replaced_total" in workers.metrics.text()
    workers.stop()


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_workers_that_end_under_load_are_replaced_and_every_other_request_is_predicted(
    small_bundle: Path, photos: list[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every tenth batch ends its thread, while more waits than is worked on."""
    with load(small_bundle, threads=3) as bundle:
        predict, calls = bundle.networks.predict, itertools.count(1)

        def breaking(prepared: Sequence[Prepared]) -> MemberProbabilities:
            if next(calls) % 10 == 0:
                raise ZeroDivisionError
            return predict(prepared)

        monkeypatch.setattr(bundle.networks, "predict", breaking)
        workers = workers_of(bundle, batch_images=2, queue_images=400, batch_wait_ms=0)
        requests = [Request([photos[number % len(photos)]]) for number in range(300)]
        for request in requests:
            workers.take(request)
        assert all(request.finished.wait(60) for request in requests)
        assert (workers.waiting, workers.alive()) == (0, True)
        monkeypatch.undo()
        failed = sum(request.failed for request in requests)
        ended = (next(calls) - 1) // 10
        assert 15 <= ended <= failed <= 2 * ended
        right = [bundle.predict(photo)[0].probs_C for photo in photos]
        for number, request in enumerate(requests):
            if not request.failed:
                ((found,),) = predictions_of(bundle, request, calibrated=False)
                np.testing.assert_allclose(found.probs_C, right[number % len(photos)], atol=1e-6)
        workers.stop()
