"""Pages in Korean as people read them: no English sentence is left, and a browser that prefers Korean shows it."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from conftest import Workplace
from support.korean import english_left

if TYPE_CHECKING:
    from playwright.sync_api import Browser

Cli = Callable[..., str]


@pytest.fixture(scope="module")
def pages(workplace: Workplace, trained: Path, cli: Cli, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A page of each kind, in Korean."""
    out = tmp_path_factory.mktemp("korean")
    places = ("--cache", str(workplace.cache), "--quiet")
    korean, data = ("--language", "ko"), ("--data", str(workplace.data))
    cli("report", str(trained), *data, *places, *korean, "--out", str(out / "report.html"))
    cli("report", str(trained), *korean, "--quiet", "--out", str(out / "bare.html"), "--no-photos")
    cli("board", "--store", str(workplace.store), *korean, "--html", str(out / "board.html"))
    cli("eda", str(workplace.data), *places, *korean, "--out", str(out / "eda.html"))
    cli("data", "audit", str(trained), *data, *korean, "--quiet", "--out", str(out / "audit"))
    return {name: out / f"{name}.html" for name in ("report", "bare", "board", "eda")} | {
        "audit": out / "audit" / "audit.html"
    }


@pytest.mark.parametrize("name", ["report", "bare", "board", "eda", "audit"])
def test_no_english_is_left(pages: dict[str, Path], name: str) -> None:
    html = pages[name].read_text()
    assert '<html lang="ko">' in html
    assert english_left(html, "tiny", "Drawn") == []


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("chromium") is None, reason="no chromium is installed")
@pytest.mark.parametrize(
    ("locale", "heading", "counted"),
    [
        ("ko-KR", "틀렸을 가능성이 큰 라벨", "1개 결정: 수락 1, 거절 0, 건너뜀 0"),
        ("en-US", "Likely wrong labels", "1 accepted, 0 rejected, 0 skipped"),
        ("de-DE", "Likely wrong labels", "1 accepted, 0 rejected, 0 skipped"),
    ],
)
def test_without_a_language_it_is_the_browser_s(
    browser: Browser,
    trained: Path,
    workplace: Workplace,
    cli: Cli,
    tmp_path: Path,
    locale: str,
    heading: str,
    counted: str,
) -> None:
    """Also in what the page's script writes; from the disk."""
    cli("data", "audit", str(trained), "--data", str(workplace.data), "--quiet", "--out", str(tmp_path / "audit"))
    context = browser.new_context(locale=locale)
    page = context.new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto((tmp_path / "audit" / "audit.html").as_uri())
    page.keyboard.press("a")
    assert page.locator("h1").inner_text() == heading
    assert page.locator("html").get_attribute("lang") == locale[:2].replace("de", "en")
    assert counted in page.locator(".bar output").inner_text()
    assert errors == []
    context.close()
