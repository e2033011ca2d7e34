"""Pictures in, predictions out, and what the page says when there is none."""

from __future__ import annotations

import base64
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import BrowserContext, Page, Route, expect

from serving.page.conftest import BODY_BYTES, Pictures, Seen, opened
from support.running_service import Running, running_service

pytestmark = pytest.mark.slow

KEY = "a-key-that-is-long-enough-0123456789"


def test_a_chosen_picture_is_read(page: Page, seen: Seen, service: Running, pictures: Pictures) -> None:
    page.set_input_files("#file", pictures.two)
    expect(page.locator("#boxes .box")).to_have_count(2)
    expect(page.locator("#status")).to_contain_text("2 faces found. Face 1: appears to be")
    expect(page.locator("#caption")).to_have_text("The picture: two.jpg")
    assert page.locator("#reading .attribute").count() == 3
    response = api_response(service, pictures.two)
    shares = page.locator("#reading .share").all_inner_texts()
    wanted = [share for shares in response["predictions"][0]["probs"].values() for share in shares.values()]
    assert len(shares) == 8
    for text, share in zip(shares, wanted, strict=True):
        assert abs(float(re.sub(r"[<>% ]", "", text)) - 100 * share) <= 1
    assert f"about {round(response['predictions'][0]['age_years'])} years" in page.inner_text("#reading")
    expect_boxes_on_the_faces(page, response)
    page.locator("#faces input").nth(1).check()
    expect(page.locator("#status")).to_contain_text("Face 2: appears to be")
    expect(page.locator(".box.chosen .tag")).to_have_text("2")
    assert seen.errors == []
    assert seen.hosts == {service.url.split("/")[2]}


def test_a_drawn_person_can_be_tried(page: Page, seen: Seen, service: Running) -> None:
    samples = page.locator(".samples button")
    assert samples.count() == 2
    samples.nth(1).click()
    expect(page.locator("#reading .attribute")).to_have_count(3)
    expect(page.locator("#caption")).to_have_text("A drawn person")
    assert seen.errors == []
    assert seen.hosts == {service.url.split("/")[2]}


def test_the_card_is_shown_as_it_is_meant(context: BrowserContext, service: Running) -> None:
    page = context.new_page()
    card = "# Model card: <b>x</b>\n\n## Scores\n\n| a | b |\n| --- | --- |\n| 1 | **2** |\n\n- one\n- `two`\n"
    facts = {"name": "x", "card": card, "licences": "# Licenses\n\nNone.", "limits": {}}
    page.route("**/v1/model*", lambda route: route.fulfill(json=facts))
    opened(page, service)
    page.click("#about summary")
    root = page.locator("#about-card")
    assert root.locator("h3").all_inner_texts() == ["Model card: <b>x</b>", "Licenses"]
    assert root.locator("tr").all_inner_texts() == ["a\tb", "1\t2"]
    assert root.locator("li").all_inner_texts() == ["one", "two"]
    assert root.locator("b").count() == 0


def test_the_address_docs_leads_somewhere(page: Page, seen: Seen, service: Running) -> None:
    page.goto(f"{service.url}docs")
    expect(page.locator("h1")).to_have_text("Use it from a program")
    page.get_by_role("link", name="Back to the page").click()
    expect(page.locator("#languages")).to_be_visible()
    assert seen.errors == []


def test_a_dropped_picture_is_read(page: Page, seen: Seen, pictures: Pictures) -> None:
    drop(page, pictures.one, "image/png", name="<img src=x onerror=alert(1)>.png")
    expect(page.locator("#boxes .box")).to_have_count(1)
    expect(page.locator("#caption")).to_have_text("The picture: <img src=x onerror=alert(1)>.png")
    assert page.locator("#caption img").count() == 0
    assert seen.errors == []


def test_what_is_dropped_but_no_picture_is_refused(page: Page, seen: Seen, pictures: Pictures) -> None:
    drop(page, pictures.one, "text/html", name="page.html")
    expect(page.locator("#problem")).to_contain_text("not a picture that the service takes")
    page.evaluate(
        "() => { const data = new DataTransfer(); data.setData('text/uri-list', 'https://example.org/a.jpg');"
        "document.dispatchEvent(new DragEvent('drop', {dataTransfer: data, bubbles: true})) }"
    )
    expect(page.locator("#problem")).to_contain_text("That was a link")
    assert seen.requests == 0
    assert seen.errors == []


def test_a_pasted_picture_is_read(page: Page, seen: Seen, pictures: Pictures) -> None:
    with_file(
        page, pictures.one, "image/png", "image.png",
        "document.dispatchEvent(new ClipboardEvent('paste', {clipboardData: data, bubbles: true}))",
    )  # fmt: skip
    expect(page.locator("#boxes .box")).to_have_count(1)
    expect(page.locator("#caption")).to_have_text("A pasted picture")
    assert seen.errors == []


def test_what_it_looks_at_is_shown_on_request(page: Page, seen: Seen, pictures: Pictures) -> None:
    page.set_input_files("#file", pictures.one)
    page.click("#why-button")
    expect(page.locator(".seen img")).to_be_visible()
    expect(page.locator("#why p")).to_contain_text(re.compile("covered"))
    size = page.evaluate("() => [document.querySelector('.seen img').naturalWidth, innerWidth]")
    assert size[0] == 36  # the width that the network is shown
    assert page.evaluate("() => [document.querySelector('.seen canvas').width]") == [6]
    assert seen.errors == []


def test_no_face_is_said_kindly_with_what_to_do(page: Page, seen: Seen, pictures: Pictures) -> None:
    page.set_input_files("#file", pictures.none)
    expect(page.locator("#problem")).to_contain_text("No face was found.")
    expect(page.locator("#problem")).to_contain_text("larger, brighter")
    page.get_by_role("button", name="Predict the picture as a whole").click()
    expect(page.locator("#reading")).to_contain_text("The photo was predicted as a whole.")
    page.click("#why-button")
    expect(page.locator(".seen img")).to_be_visible()
    expect(page.locator("#problem")).to_be_empty()
    assert seen.errors == []


def test_too_large_a_picture_can_be_sent_smaller(page: Page, seen: Seen, pictures: Pictures) -> None:
    assert pictures.heavy.stat().st_size > BODY_BYTES
    page.set_input_files("#file", pictures.heavy)
    expect(page.locator("#problem")).to_contain_text("too large for the service")
    assert seen.requests == 0  # the page knows the limit
    page.get_by_role("button", name="Send a smaller copy").click()
    expect(page.locator("#boxes .box")).to_have_count(1)
    assert seen.errors == []


def test_the_service_may_say_that_it_is_too_large(
    context: BrowserContext, service: Running, pictures: Pictures
) -> None:
    page = context.new_page()
    page.route("**/v1/model*", lambda route: route.abort())
    opened(page, service, knows_model=False)
    page.set_input_files("#file", pictures.heavy)
    expect(page.locator("#problem")).to_contain_text("too large for the service")


def test_files_that_are_no_pictures_are_reported(page: Page, pictures: Pictures) -> None:
    page.set_input_files("#file", {"name": "a.jpg", "mimeType": "image/jpeg", "buffer": b"no picture at all"})
    expect(page.locator("#problem")).to_contain_text("not a picture that the service takes")
    half = pictures.two.read_bytes()[:3000]
    page.set_input_files("#file", {"name": "b.jpg", "mimeType": "image/jpeg", "buffer": half})
    expect(page.locator("#problem")).to_contain_text("This picture cannot be read.")


def test_a_busy_service_is_asked_again(page: Page, pictures: Pictures) -> None:
    refused: list[str] = []

    def busy_twice(route: Route) -> None:
        if len(refused) == 2:
            route.continue_()
            return
        refused.append(route.request.url)
        error = {"request_id": "x", "error": {"code": "busy", "message": "Later."}}
        route.fulfill(status=503, headers={"Retry-After": "1"}, json=error)

    page.route("**/v1/predict*", busy_twice)
    page.set_input_files("#file", pictures.one)
    expect(page.locator("#status")).to_contain_text("Next try in 1 s (1 of 5)")
    expect(page.locator("#status")).to_contain_text("(2 of 5)")
    expect(page.locator("#boxes .box")).to_have_count(1)
    assert len(refused) == 2


def test_a_service_that_is_gone_is_reported_and_tried_again(page: Page, pictures: Pictures) -> None:
    page.route("**/v1/predict*", lambda route: route.abort())
    page.set_input_files("#file", pictures.one)
    expect(page.locator("#problem")).to_contain_text("The service does not respond.")
    page.unroute("**/v1/predict*")
    page.get_by_role("button", name="Try again").click()
    expect(page.locator("#boxes .box")).to_have_count(1)
    expect(page.locator("#problem")).to_be_empty()


def test_a_key_is_asked_for(context: BrowserContext, small_bundle: Path, pictures: Pictures, tmp_path: Path) -> None:
    keys = tmp_path / "keys"
    keys.write_text(f"{KEY}\n")
    keys.chmod(0o600)
    with running_service(small_bundle, tmp_path, "--api-key-file", str(keys)) as running:
        page = opened(context.new_page(), running, knows_model=False)
        page.set_input_files("#file", pictures.one)
        expect(page.locator("#problem")).to_contain_text("needs an API key")
        expect(page.locator("#key")).to_be_focused()
        page.keyboard.type("wrong")
        page.keyboard.press("Enter")
        expect(page.locator("#problem")).to_contain_text("does not know this key")
        page.fill("#key", KEY)
        page.keyboard.press("Enter")
        expect(page.locator("#boxes .box")).to_have_count(1)
        expect(page.locator("#key-form")).to_be_hidden()
        expect(page.locator("#about-name")).to_contain_text("small")


def with_file(page: Page, path: Path, kind: str, name: str, then: str) -> None:
    page.evaluate(
        "async ([text, kind, name]) => { const bytes = Uint8Array.from(atob(text), each => each.charCodeAt(0));"
        f"const data = new DataTransfer(); data.items.add(new File([bytes], name, {{type: kind}})); {then} }}",
        [base64.b64encode(path.read_bytes()).decode(), kind, name],
    )


def drop(page: Page, path: Path, kind: str, name: str) -> None:
    drop = "document.querySelector('#stage').dispatchEvent(new DragEvent('drop', {dataTransfer: data, bubbles: true}))"
    with_file(page, path, kind, name, drop)


def api_response(service: Running, path: Path) -> dict[str, Any]:
    with service.client() as client:
        reply = client.post("/v1/predict", content=path.read_bytes(), headers={"Content-Type": "image/jpeg"})
    result: dict[str, Any] = reply.json()["results"][0]
    return result


def expect_boxes_on_the_faces(page: Page, response: dict[str, Any]) -> None:
    photo = page.locator("#photo").bounding_box()
    assert photo is not None
    for number, face in enumerate(response["predictions"]):
        box = page.locator(".box").nth(number).bounding_box()
        assert box is not None
        left, top, right, bottom = np.array(face["box_xyxy_px"]) * photo["width"] / response["width_px"]
        assert [box["x"] - photo["x"], box["y"] - photo["y"]] == pytest.approx([left, top], abs=1.5)
        assert [box["width"], box["height"]] == pytest.approx([right - left, bottom - top], abs=1.5)
