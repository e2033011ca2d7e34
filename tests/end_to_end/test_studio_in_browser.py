"""The studio as people use it: opened with its token, walked through, tagged, decided in, watched as a run trains."""

from __future__ import annotations

import dataclasses
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import pytest

from conftest import Workplace
from maskwise.data.relabel import read_corrections
from maskwise.recipe.load import load_recipe
from maskwise.store.layout import log_path
from maskwise.store.marks import read_marks
from maskwise.store.write_runs import start_run
from support.axe import axe_file, serious_findings
from support.faces_drawn import bare_face
from support.finished_runs import run_record
from support.running_studio import RunningStudio, running_studio

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Page

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(shutil.which("chromium") is None, reason="no chromium is installed"),
]
PATIENCE_MS = 120_000


@pytest.fixture(scope="module")
def store(trained: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store of its own, as runs are added and tagged here."""
    store = tmp_path_factory.mktemp("studio") / "runs"
    shutil.copytree(trained, store / trained.name)
    return store


@pytest.fixture(scope="module")
def studio(store: Path, workplace: Workplace) -> Iterator[RunningStudio]:
    with running_studio(store, workplace.cache, "--data", str(workplace.data)) as running:
        yield running


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    context = browser.new_context(viewport={"width": 1280, "height": 900}, locale="en-US")
    context.set_default_timeout(PATIENCE_MS)
    yield context
    context.close()


@pytest.fixture
def page(context: BrowserContext, studio: RunningStudio) -> Page:
    """The board, opened by the address with the token."""
    page = context.new_page()
    page.goto(studio.address)
    page.wait_for_selector("table.sortable")
    return page


def test_the_token_is_needed_and_leaves_the_address(context: BrowserContext, studio: RunningStudio, page: Page) -> None:
    assert page.url == f"{studio.base}/"
    other = context.browser.new_context().new_page()  # type: ignore[union-attr]
    for address in (f"{studio.base}/", f"{studio.base}/?token=wrong"):
        response = other.goto(address)
        assert response is not None
        assert response.status == 401
        assert "maskwise studio" in other.locator("p").inner_text()


def test_from_the_board_to_a_report_and_back(page: Page, trained: Path) -> None:
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.locator("table.sortable a", has_text="tiny").first.press("Enter")
    page.wait_for_selector(".glance")
    assert page.url.endswith(f"/runs/{trained.name}")
    page.go_back()
    page.wait_for_selector("table.sortable")
    page.get_by_role("link", name="Data").click()
    page.get_by_role("heading", name="Classes", exact=True).wait_for()
    assert errors == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width_px", [1280, 390])
def test_no_page_can_be_pushed_sideways_or_is_hard_to_use(
    browser: Browser, studio: RunningStudio, trained: Path, width_px: int, scheme: str
) -> None:
    context = browser.new_context(
        viewport={"width": width_px, "height": 900}, color_scheme="dark" if scheme == "dark" else "light"
    )
    page = context.new_page()
    page.goto(studio.address)
    page.wait_for_selector("header.studio")
    run = trained.name
    for address in ("/", f"/runs/{run}", "/compare", "/data", f"/audit?run={run}", "/predict", "/runs/0123456789ab"):
        page.goto(f"{studio.base}{address}")
        page.wait_for_selector("main :is(table, form, ul, .bar, .fact, svg, [role=alert])", timeout=PATIENCE_MS)
        root = "document.documentElement"
        assert page.evaluate(f"{root}.scrollWidth - {root}.clientWidth") == 0, address
        if axe_file().is_file():
            assert serious_findings(page) == [], address
    context.close()


def test_a_tag_is_set_and_taken_by_keys(page: Page, store: Path, trained: Path) -> None:
    page.goto(f"{page.url}runs/{trained.name}")
    page.wait_for_selector(".glance")
    page.get_by_label("Tags").fill("paper")
    page.keyboard.press("Enter")
    given = page.locator("form.tags [data-tag=paper]")
    given.wait_for()
    assert read_marks(store / trained.name, trained.name).tags == ("paper",)
    page.get_by_label("Tags").fill("two words")
    page.keyboard.press("Enter")
    assert page.get_by_label("Tags").evaluate("each => each.validity.patternMismatch")
    given.press("Enter")
    given.wait_for(state="detached")
    assert read_marks(store / trained.name, trained.name).tags == ()


def test_corrections_are_saved_beside_the_runs(page: Page, store: Path, trained: Path) -> None:
    page.goto(f"{page.url}audit?run={trained.name}")
    page.wait_for_selector(".item")
    page.keyboard.press("a")
    page.keyboard.press("r")
    page.get_by_role("button", name="Save corrections").press("Enter")
    page.locator(".decisions output", has_text="1 accepted, saved in").wait_for()
    (path,) = store.glob("corrections-*.csv")
    assert len(read_corrections([path])[0].ids) == 1


def test_a_training_is_watched_as_its_log_grows(page: Page, store: Path) -> None:
    recipe = load_recipe("baseline", ["train.epochs=4"]).model_dump(mode="json")
    record = dataclasses.replace(run_record("growing"), recipe=recipe)
    folder = start_run(store, record)
    page.locator(".running a", has_text="growing").click()
    page.locator("main", has_text="0 of 4 epochs").wait_for()
    log = log_path(folder, 0)
    log.parent.mkdir()
    lines = ""
    for epoch in range(2):
        row = {"fold": 0, "epoch": epoch, "epochs": 4, "loss": 2.0 - epoch, "rate": 0.1, "macro_f1": None}
        lines += json.dumps({**row, "accuracy": None, "best": True, "photos": 9, "seconds": 5.0}) + "\n"
        log.write_text(lines)
        page.locator("main", has_text=f"{epoch + 1} of 4 epochs").wait_for()
    assert page.locator("main svg").count() == 1
    shutil.rmtree(folder)


def test_a_real_training_is_watched_until_its_report(page: Page, store: Path, workplace: Workplace) -> None:
    words = workplace.with_store(store).train("--quiet", "--set", "name=watched", "--set", "train.epochs=12")
    process = subprocess.Popen(
        [sys.executable, "-m", "maskwise", *words],
        stdout=subprocess.DEVNULL,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    page.locator(".running a", has_text="watched").click()
    page.locator("main", has_text="of 12 epochs").wait_for()
    page.wait_for_selector(".glance")
    assert process.wait(120) == 0
    assert page.locator("h1").inner_text() == "Report: watched"


def test_a_photo_is_predicted(page: Page, trained: Path, tmp_path: Path) -> None:
    photo = tmp_path / "photo.png"
    assert cv2.imwrite(str(photo), bare_face(0)[0][:, :, ::-1])
    page.get_by_role("link", name="Predict").click()
    page.get_by_role("link", name="tiny").first.click()
    page.locator("#file").set_input_files(photo)
    page.locator("#reading").get_by_text("Appears to be").first.wait_for()
    page.get_by_role("link", name="Board").click()
    page.wait_for_selector("table.sortable")
    assert page.locator("nav [aria-current]").inner_text() == "Board"
