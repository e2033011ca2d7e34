"""A small bundle, photos of drawn people, and services that predict them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import cv2
import httpx
import numpy as np
import pytest

from support.faces_drawn import bare_face
from support.running_service import Running, running_service
from support.small_bundle import write_small_bundle

BODY_BYTES = 300_000
TIGHT = (
    f"body_bytes={BODY_BYTES}",
    "held_bytes=3000000",
    "photo_pixels=1000000",
    "request_images=4",
    "header_seconds=0.5",
    "body_seconds=0.8",
    "connections=80",
    "explain_rows=3",
    "explain_cols=2",
)


def jpeg(number: int) -> bytes:
    """The file of a photo of one drawn person, 384 × 512."""
    photo_HWC, _ = bare_face(number)
    return bytes(cv2.imencode(".jpg", photo_HWC[:, :, ::-1])[1])


@pytest.fixture(scope="session")
def small_bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The bundle that all services here serve."""
    return write_small_bundle(tmp_path_factory.mktemp("small") / "bundle")


@pytest.fixture(scope="session")
def photos() -> list[bytes]:
    """Files of three drawn people."""
    return [jpeg(number) for number in range(3)]


@pytest.fixture(scope="session")
def no_face() -> bytes:
    """A PNG file without a face."""
    return bytes(cv2.imencode(".png", np.full((120, 100, 3), (20, 90, 160), np.uint8))[1])


@pytest.fixture(scope="session")
def temporary(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the service's temporary files would be."""
    return tmp_path_factory.mktemp("temporary")


@pytest.fixture(scope="session")
def service(small_bundle: Path, temporary: Path) -> Iterator[Running]:
    """A service with small limits."""
    with running_service(small_bundle, temporary, settings=TIGHT) as running:
        yield running


@pytest.fixture
def client(service: Running) -> Iterator[httpx.Client]:
    """A client of it."""
    with service.client() as each:
        yield each
