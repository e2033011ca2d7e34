"""The odd place that the tables of inputs share, and the browser that pages are opened in."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from support.odd_inputs import TINY, OddPlace, Table, no_listing, write_odd_photos, write_odd_set

if TYPE_CHECKING:
    from playwright.sync_api import Browser


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def odd_table(tmp_path_factory: pytest.TempPathFactory) -> Table:
    """Every verb has run on the odd place."""
    folder = tmp_path_factory.mktemp("odd")
    (folder / "tiny.yaml").write_text(TINY)
    made = Table(OddPlace(folder, write_odd_set(folder / "data"), write_odd_photos(folder / "photos")))
    with pytest.MonkeyPatch.context() as patch:
        no_listing(patch)
        made.run_all()
    return made
