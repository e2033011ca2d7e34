"""The pages as people open them: from the disk, in a browser, wide and narrow, light and dark, and on paper."""

from __future__ import annotations

import csv
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from conftest import Workplace
from maskwise.data.relabel import read_corrections
from support.axe import axe_file, serious_findings

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(shutil.which("chromium") is None, reason="no chromium is installed"),
]
Cli = Callable[..., str]
PAGES = ("report", "bare", "board", "compare", "eda", "audit", "sweep")
WIDTHS_PX = (1280, 390)
SPACE = """
name: pages
base: {base}
search:
  train.batch_size: [8, 16]
  train.optimizer.rate: [0.001, 0.01]
sampler: {{kind: grid}}
runs: 2
"""


@pytest.fixture(scope="module")
def pages(workplace: Workplace, trained: Path, cli: Cli, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A page of each kind, of a run on drawn people."""
    out = tmp_path_factory.mktemp("pages")
    data, cache = ("--data", str(workplace.data)), ("--cache", str(workplace.cache))
    cli("report", str(trained), *data, *cache, "--out", str(out / "report.html"), "--quiet")
    cli("report", str(trained), "--out", str(out / "bare.html"), "--no-photos", "--quiet")
    cli(*workplace.train("--quiet", "--set", "seed=1", "--set", "name=other"))
    cli("board", "--store", str(workplace.store), "--html", str(out / "board.html"))
    compared = ("compare", "tiny", "other", "--store", str(workplace.store), "--data", str(workplace.data))
    cli(*compared, "--out", str(out / "compare.html"))
    cli("eda", str(workplace.data), *cache, "--out", str(out / "eda.html"), "--quiet")
    cli("data", "audit", str(trained), *data, "--out", str(out / "audit"), "--quiet")
    for name in ("audit.html", "corrections.csv"):
        shutil.copyfile(out / "audit" / name, out / name)
    (out / "space.yaml").write_text(SPACE.format(base=workplace.recipe))
    cli("sweep", str(out / "space.yaml"), *data, *cache, "--store", str(out / "runs"), "--out", str(out / "swept"))
    shutil.copyfile(out / "swept" / "sweep.html", out / "sweep.html")
    return {name: out / f"{name}.html" for name in PAGES}


class Visit:
    """An open page, and what went wrong with it."""

    def __init__(self, browser: Browser, file: Path, width_px: int, scheme: str) -> None:
        self.page: Page = browser.new_page(
            viewport={"width": width_px, "height": 900},
            color_scheme="dark" if scheme == "dark" else "light",
        )
        self.errors: list[str] = []
        self.requested: list[str] = []
        self.page.on("console", lambda message: self.errors.append(message.text))
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.on("request", lambda request: self.requested.append(request.url))
        self.page.goto(file.as_uri())

    def asked_elsewhere(self) -> list[str]:
        """What was fetched besides the file itself and what lies in it."""
        return [url for url in self.requested if not url.startswith(("file:", "data:"))]

    def too_wide_px(self) -> int:
        """How far the page can be pushed sideways."""
        root = "document.documentElement"
        return int(self.page.evaluate(f"{root}.scrollWidth - {root}.clientWidth"))


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width_px", WIDTHS_PX)
@pytest.mark.parametrize("name", PAGES)
def test_a_page_opens_from_the_disk(
    browser: Browser, pages: dict[str, Path], name: str, width_px: int, scheme: str
) -> None:
    visit = Visit(browser, pages[name], width_px, scheme)
    page = visit.page
    page.locator("details").evaluate_all("all => all.forEach(each => each.open = true)")
    page.evaluate("window.scrollTo(0, document.documentElement.scrollHeight)")
    broken = "all => all.filter(each => !each.complete || !each.naturalWidth).length"
    page.locator("img").evaluate_all("all => all.forEach(each => each.loading = 'eager')")
    page.wait_for_function("[...document.images].every(each => each.complete)")
    assert page.locator("img").evaluate_all(broken) == 0
    assert page.locator("img:not([alt]), svg:not([aria-label])").count() == 0
    assert visit.too_wide_px() == 0
    assert visit.errors == []
    assert visit.asked_elsewhere() == []
    assert len([url for url in visit.requested if url.startswith("file:")]) == 1
    page.close()


@pytest.mark.skipif(not axe_file().is_file(), reason="no axe-core is here: python tests/support/axe.py brings it")
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width_px", WIDTHS_PX)
@pytest.mark.parametrize("name", PAGES)
def test_axe_finds_nothing_serious(
    browser: Browser, pages: dict[str, Path], name: str, width_px: int, scheme: str
) -> None:
    page = Visit(browser, pages[name], width_px, scheme).page
    page.locator("details").evaluate_all("all => all.forEach(each => each.open = true)")
    assert serious_findings(page) == []
    page.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", PAGES)
def test_text_and_charts_stand_out_from_the_page(
    browser: Browser, pages: dict[str, Path], name: str, scheme: str
) -> None:
    """Contrast of 4.5 : 1 for words and 3 : 1 for lines (WCAG 2.2, 1.4.3 and 1.4.11)."""
    visit = Visit(browser, pages[name], 1280, scheme)
    contrast = """([selector, property]) => {
      const light = color => color.match(/[\\d.]+/g).slice(0, 3).map(c => c / 255)
        .map(c => c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4)
        .reduce((sum, c, k) => sum + c * [0.2126, 0.7152, 0.0722][k], 0)
      const back = light(getComputedStyle(document.body).backgroundColor)
      return [...document.querySelectorAll(selector)].map(each => light(getComputedStyle(each)[property]))
        .map(mine => (Math.max(mine, back) + 0.05) / (Math.min(mine, back) + 0.05))
    }"""
    words = visit.page.evaluate(contrast, ["p, th, figcaption, li, summary, h2", "color"])
    assert min(words) >= 4.5
    for selector, property_ in ((".lines text", "fill"), (".lines .drawn", "stroke"), (".lines .dot", "fill")):
        assert min(visit.page.evaluate(contrast, [selector, property_]), default=9) >= (
            4.5 if "text" in selector else 3
        )
    visit.page.close()


def test_the_galleries_of_a_report_open_and_close(browser: Browser, pages: dict[str, Path]) -> None:
    page = Visit(browser, pages["report"], 390, "light").page
    page.locator("details.fold").evaluate_all("all => all.forEach(each => each.open = true)")
    for gallery in (".case", ".person", "details.more"):
        cards = page.locator(gallery)
        assert cards.count() > 0
        for number in range(cards.count()):
            card = cards.nth(number)
            was_open = card.get_attribute("open") is not None
            card.locator("summary").click()
            assert (card.get_attribute("open") is not None) is not was_open
    page.locator("nav a", has_text="Model card").click()
    assert page.url.endswith("#model-card")
    top = page.locator("#model-card").evaluate("each => each.getBoundingClientRect().top")
    assert -5 <= top < 900
    page.close()


def test_mistakes_are_filtered_by_chips(browser: Browser, pages: dict[str, Path]) -> None:
    page = Visit(browser, pages["report"], 1280, "light").page
    cards, chips = page.locator(".case"), page.locator(".chips button")
    everything = cards.count()
    for number in range(1, chips.count()):
        chip = chips.nth(number)
        chip.click()
        assert chip.get_attribute("aria-pressed") == "true"
        assert page.locator('.chips [aria-pressed="true"]').count() == 1
        shown = page.locator(".case:visible").count()
        assert f"({shown})" in chip.inner_text()
    chips.first.click()
    assert page.locator(".case:visible").count() == everything
    page.close()


def test_changed_photos_of_a_comparison_are_filtered_by_chips(browser: Browser, pages: dict[str, Path]) -> None:
    page = Visit(browser, pages["compare"], 1280, "light").page
    groups = page.locator(".changed")
    assert groups.count() == 2
    for number in range(2):
        group = groups.nth(number)
        other = groups.nth(1 - number).locator(".case:visible").count()
        chip = group.locator(".chips button").nth(1)
        chip.click()
        assert f"({group.locator('.case:visible').count()})" in chip.inner_text()
        assert groups.nth(1 - number).locator(".case:visible").count() == other
        card = group.locator(".case:visible").first
        card.locator("summary").click()
        assert "probability of the label" in card.inner_text()
        group.locator(".chips button").first.click()
    page.close()


def test_names_on_a_board_and_a_comparison_lead_to_the_report(browser: Browser, pages: dict[str, Path]) -> None:
    for name in ("board", "compare"):
        page = Visit(browser, pages[name], 1280, "light").page
        page.locator("main a", has_text="tiny").first.click()
        assert page.locator("h1").inner_text() == "Report: tiny"
        page.close()


def test_a_click_on_a_class_opens_more_of_it(browser: Browser, pages: dict[str, Path]) -> None:
    page = Visit(browser, pages["eda"], 390, "light").page
    link = page.locator(".bars a").first
    card = page.locator(link.get_attribute("href") or "")
    assert card.get_attribute("open") is None
    assert card.locator(":scope > p").first.is_hidden()
    link.click()
    card.locator(":scope > p").first.wait_for()
    assert -5 <= card.evaluate("each => each.getBoundingClientRect().top") < 900
    card.locator("summary").click()
    assert card.get_attribute("open") is None
    link.click()
    card.locator(":scope > p").first.wait_for()
    page.close()


def test_the_contents_stay_beside_a_wide_report_and_the_first_screen_has_all(
    browser: Browser, pages: dict[str, Path]
) -> None:
    page = Visit(browser, pages["report"], 1280, "light").page
    glance = page.locator("#at-a-glance")
    for selector in (".forest", ".confusion", ".telling img"):
        assert glance.locator(selector).first.bounding_box()["y"] < 900  # type: ignore[index]
    page.evaluate("window.scrollTo(0, 3000)")
    box = page.locator("nav.contents").bounding_box()
    assert box is not None
    assert box["y"] < 100
    assert box["x"] + box["width"] <= page.locator("main").bounding_box()["x"]  # type: ignore[index]
    page.close()


def test_a_phone_shows_the_largest_confusions_in_place_of_the_matrix(browser: Browser, pages: dict[str, Path]) -> None:
    for width_px, whole in ((1280, True), (390, False)):
        page = Visit(browser, pages["report"], width_px, "light").page
        page.locator("details.fold").evaluate_all("all => all.forEach(each => each.open = true)")
        assert page.locator(".whole").is_visible() is whole
        assert page.locator(".largest").is_visible() is not whole
        page.close()


@pytest.mark.parametrize("name", ["report", "compare", "eda"])
def test_on_a_phone_sections_are_folded_and_links_and_paper_open_them(
    browser: Browser, pages: dict[str, Path], name: str
) -> None:
    wide = Visit(browser, pages[name], 1280, "light").page
    folds = wide.locator("details.fold").count()
    assert folds >= 2
    assert wide.locator("details.fold[open]").count() == folds
    wide.close()
    page = Visit(browser, pages[name], 390, "light").page
    assert page.locator("details.fold").count() == folds
    assert page.locator("details.fold[open]").count() == 0
    last = page.locator("nav.contents a").last
    inner = page.locator(f"{last.get_attribute('href')} details > :not(summary)").first
    assert not inner.is_visible()
    page.emulate_media(media="print")
    assert inner.is_visible()
    page.emulate_media(media="screen")
    last.press("Enter")
    inner.wait_for()
    assert page.locator("details.fold[open]").count() == 1
    page.locator("details.fold > summary").last.press("Enter")
    assert page.locator("details.fold[open]").count() == 0
    last.press("Enter")  # the address stays, and the section opens again
    inner.wait_for()
    page.close()


def test_a_phone_sees_scores_confusions_and_mistakes_in_two_screens(browser: Browser, pages: dict[str, Path]) -> None:
    page = Visit(browser, pages["report"], 390, "light").page
    for selector in (".forest", ".confusion", ".telling img"):
        assert page.locator(selector).first.bounding_box()["y"] < 2 * 844  # type: ignore[index]
    assert page.evaluate("document.documentElement.scrollHeight") < 4 * 844
    page.close()


def test_a_board_is_sorted_thinned_and_compared_by_clicks(browser: Browser, pages: dict[str, Path]) -> None:
    page = Visit(browser, pages["board"], 1280, "light").page
    head = page.locator(".sortable th").first
    for order in ("descending", "ascending"):
        head.locator("button").click()
        assert head.get_attribute("aria-sort") == order
    page.locator(".columns button", has_text="accuracy").click()
    assert page.locator(".sortable th", has_text="accuracy").is_hidden()
    differs = page.locator(".sortable .differs")
    assert differs.first.is_hidden()
    page.locator(".sorting select").select_option(index=1)
    chosen = page.locator(".sortable tr.base")
    assert chosen.locator(".differs").inner_text() == "this run"
    others = page.locator(".sortable tbody tr:not(.base) .differs span")
    assert "seed=1" in others.all_inner_texts() or "seed=0" in others.all_inner_texts()
    page.locator(".sorting select").select_option(index=0)
    assert differs.first.is_hidden()
    page.close()


def test_an_audit_is_reviewed_by_keys_alone_and_remembered(
    browser: Browser, pages: dict[str, Path], tmp_path: Path
) -> None:
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    page = context.new_page()
    page.goto(pages["audit"].as_uri())
    count = page.locator(".item").count()
    assert count >= 4
    for key in ("a", "r", "s", "a", "u"):
        page.keyboard.press(key)
    said = f"3 of {count} decided: 1 accepted, 1 rejected, 1 skipped"
    assert page.locator(".bar output").inner_text() == said
    # After the undo the fourth is under the cursor again; back to the second, which is accepted after all.
    page.keyboard.press("ArrowUp")
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("a")
    page.reload()
    assert page.locator(".bar output").inner_text().endswith("2 accepted, 0 rejected, 1 skipped")
    with page.expect_download() as download:
        page.locator('[data-act="download"]').press("Enter")
    download.value.save_as(tmp_path / "corrections.csv")
    with (
        (tmp_path / "corrections.csv").open(newline="") as file,
        (pages["audit"].parent / "corrections.csv").open(newline="") as suggested,
    ):
        rows, before = list(csv.DictReader(file)), list(csv.DictReader(suggested))
    assert [row["accept"] for row in rows] == ["yes", "yes", *["no"] * (len(rows) - 2)]
    assert [{**row, "accept": "no"} for row in rows] == before
    (taken,) = read_corrections([str(tmp_path / "corrections.csv")])
    assert len(taken.ids) == len({row["id"] for row in rows[:2]})
    context.close()


def test_a_card_of_an_audit_leads_to_its_line_and_back(browser: Browser, pages: dict[str, Path]) -> None:
    page = Visit(browser, pages["audit"], 390, "light").page
    page.keyboard.press("r")
    item, line = page.locator("#row-1"), page.locator("#line-3")
    item.locator("a").click()
    assert page.url.endswith("#line-3")
    assert 0 <= line.evaluate("each => each.getBoundingClientRect().top") < 900
    assert line.locator("td").nth(1).inner_text() == "no"
    page.keyboard.press("a")
    assert line.locator("td").nth(1).inner_text() == "yes"
    line.locator("a").click()
    assert 0 <= item.evaluate("each => each.getBoundingClientRect().top") < 900
    page.close()


@pytest.mark.parametrize("name", PAGES)
def test_a_page_prints_whole(browser: Browser, pages: dict[str, Path], name: str, tmp_path: Path) -> None:
    page = Visit(browser, pages[name], 794, "light").page  # A4 at 96 dots an inch
    page.emulate_media(media="print")
    page.pdf(path=tmp_path / "page.pdf", format="A4")
    assert (tmp_path / "page.pdf").stat().st_size > 10_000
    edge = page.locator("table, pre").evaluate_all(
        "all => Math.max(0, ...all.map(each => each.getBoundingClientRect().right))"
    )
    assert edge <= 794
    page.close()
