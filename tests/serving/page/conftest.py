"""The page in a real browser, calling a real service."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Request, expect, sync_playwright

from maskwise.records import Image
from support.faces_drawn import bare_face
from support.running_service import Running, running_service

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
BODY_BYTES = 300_000
READ_WITHIN_MS = 20_000

expect.set_options(timeout=READ_WITHIN_MS)


class Pictures(NamedTuple):
    """Files to show to the page."""

    one: Path
    two: Path
    """Two faces."""
    none: Path
    """Nobody."""
    heavy: Path
    """More bytes than the service takes."""
    film: Path
    """What the camera sees."""


class Seen:
    """What the page did while a test ran."""

    def __init__(self, page: Page) -> None:
        self.errors: list[str] = []
        self.hosts: set[str] = set()
        self.requests = self.under_way = self.most_under_way = 0
        page.on("console", lambda message: self.errors.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on("request", self._on_request)
        page.on("requestfinished", self._on_end)
        page.on("requestfailed", self._on_end)

    def _on_request(self, request: Request) -> None:
        if not request.url.startswith(("blob:", "data:")):
            self.hosts.add(request.url.split("/")[2])
        if request.method == "POST":
            self.requests += 1
            self.under_way += 1
            self.most_under_way = max(self.most_under_way, self.under_way)

    def _on_end(self, request: Request) -> None:
        self.under_way -= request.method == "POST"


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Pictures:
    folder = tmp_path_factory.mktemp("pictures")
    faces = [bare_face(number)[0] for number in (0, 1)]
    noise = np.random.default_rng(0).integers(0, 40, (900, 900, 3), dtype=np.uint8)
    noise[100:612, 200:584] = faces[0]
    made = {
        "one.png": faces[0],
        "two.jpg": np.hstack(faces),
        "none.png": np.full((300, 400, 3), 190, np.uint8),
        "heavy.png": noise,
    }
    for name, pixels in made.items():
        assert cv2.imwrite(str(folder / name), pixels[:, :, ::-1])
    _write_film(folder / "film.y4m", faces[0])
    one, two, none, heavy = (folder / name for name in made)
    return Pictures(one, two, none, heavy, folder / "film.y4m")


@pytest.fixture(scope="module")
def service(small_bundle: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    limits = [f"body_bytes={BODY_BYTES}"]
    with running_service(small_bundle, tmp_path_factory.mktemp("for-page"), settings=limits) as running:
        yield running


@pytest.fixture(scope="module")
def browser(pictures: Pictures) -> Iterator[Browser]:
    if CHROMIUM is None:
        pytest.skip("no Chromium or Chrome on this machine: install one to test the page")
    options = [
        "--no-sandbox",
        "--use-fake-device-for-media-stream",
        f"--use-file-for-fake-video-capture={pictures.film}",
        "--deny-permission-prompts",  # contexts that were granted the camera see no prompt
    ]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=options)
        yield browser
        browser.close()


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    context = browser.new_context(locale="en-US", viewport={"width": 1280, "height": 900})
    yield context
    context.close()


@pytest.fixture
def page(context: BrowserContext, service: Running) -> Page:
    return opened(context.new_page(), service)


@pytest.fixture
def seen(page: Page) -> Seen:
    """Begins to look when the page is open; ``page`` and ``seen`` go together."""
    return Seen(page)


def _write_film(path: Path, face: Image) -> None:
    """Twenty frames of ``face`` on gray, which a browser takes for a camera."""
    frame = np.full((480, 640, 3), 150, np.uint8)
    frame[:, 140:500] = cv2.resize(face, (360, 480), interpolation=cv2.INTER_AREA)
    planes = cv2.cvtColor(frame, cv2.COLOR_RGB2YUV_I420).tobytes()
    path.write_bytes(b"YUV4MPEG2 W640 H480 F20:1 Ip A1:1 C420jpeg\n" + (b"FRAME\n" + planes) * 20)


def opened(page: Page, service: Running, knows_model: bool = True) -> Page:
    page.goto(service.url)
    expect(page.locator("#languages [aria-pressed=true]")).to_have_count(1)
    if knows_model:
        expect(page.locator("#about")).to_be_visible()
    return page
