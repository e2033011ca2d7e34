"""The camera, which is a film here."""

from __future__ import annotations

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from serving.page.conftest import Seen

pytestmark = pytest.mark.slow


def test_the_camera_takes_a_photo_and_goes_out(context: BrowserContext, page: Page, seen: Seen) -> None:
    start_camera(context, page)
    expect(page.locator("#shot")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#boxes .box")).to_have_count(1)
    expect(page.locator("#caption")).to_have_text("A photo from the camera")
    assert track_state(page) == "ended"
    assert seen.errors == []


def test_live_frames_follow_each_other(context: BrowserContext, page: Page, seen: Seen) -> None:
    start_camera(context, page)
    page.get_by_role("button", name="Live").click()
    expect(page.locator("#boxes .box")).to_have_count(1)
    expect(page.locator("#status")).to_contain_text("predictions per second")
    assert seen.requests >= 3
    assert seen.most_under_way == 1  # the next frame waits for the last response
    page.get_by_role("button", name="Stop the camera").click()
    expect(page.locator("#camera-on")).to_be_focused()
    assert track_state(page) == "ended"
    requests = seen.requests
    page.wait_for_timeout(500)
    assert seen.requests == requests
    assert seen.errors == []


def test_the_camera_goes_out_when_the_page_is_hidden(context: BrowserContext, page: Page) -> None:
    start_camera(context, page)
    page.evaluate(
        "() => { Object.defineProperty(document, 'hidden', {get: () => true});"
        "document.dispatchEvent(new Event('visibilitychange')) }"
    )
    expect(page.locator("#camera-on")).to_be_visible()
    assert track_state(page) == "ended"


def test_a_refused_camera_is_reported(page: Page, seen: Seen) -> None:
    page.click("#camera-on")
    expect(page.locator("#problem")).to_contain_text("The camera may not be used.")
    expect(page.locator("#choose")).to_be_visible()
    assert seen.errors == []


@pytest.mark.parametrize(
    ("name", "message"),
    [("NotFoundError", "No camera was found."), ("NotReadableError", "The camera cannot be started.")],
)
def test_a_camera_that_cannot_be_had_is_reported(page: Page, name: str, message: str) -> None:
    refuse = f"async () => {{ throw new DOMException('', '{name}') }}"
    page.evaluate(f"() => {{ navigator.mediaDevices.getUserMedia = {refuse} }}")
    page.click("#camera-on")
    expect(page.locator("#problem")).to_contain_text(message)


def test_waiting_for_the_permission_can_be_given_up(context: BrowserContext, page: Page) -> None:
    """A permission that comes after that must not leave the camera on."""
    context.grant_permissions(["camera"])
    page.evaluate(
        "() => { const media = navigator.mediaDevices, real = media.getUserMedia.bind(media);"
        "media.getUserMedia = async (constraints) => { await new Promise((go) => { window.allow = go });"
        "const stream = await real(constraints); window.track = stream.getTracks()[0]; return stream } }"
    )
    page.click("#camera-on")
    expect(page.locator("#status")).to_contain_text("permission")
    page.get_by_role("button", name="Stop the camera").click()
    page.evaluate("() => window.allow()")
    page.wait_for_function("() => window.track?.readyState === 'ended'")
    expect(page.locator("#video")).to_be_hidden()


def start_camera(context: BrowserContext, page: Page) -> None:
    context.grant_permissions(["camera"])
    page.click("#camera-on")
    expect(page.locator("#status")).to_contain_text("The camera is on.")
    page.evaluate("() => { window.track = document.querySelector('#video').srcObject.getTracks()[0] }")
    assert track_state(page) == "live"


def track_state(page: Page) -> str:
    state: str = page.evaluate("() => window.track.readyState")
    return state
