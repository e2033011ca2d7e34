"""HTML in every name that a page shows, of people, photos, folders, runs, notes and searches: it stays text."""

from __future__ import annotations

import csv
import dataclasses
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import NamedTuple

import pytest

from conftest import TINY_RECIPE
from maskwise.drawing.demo_set import write_demo_set
from maskwise.store.layout import RECORD
from maskwise.store.runs import StoredRun, list_runs
from maskwise.store.write_runs import start_run
from maskwise.studio.frame import framed, problems_page, waiting_page
from maskwise.studio.page_maker import PageMaker
from maskwise.studio.pages import StudioPages
from support.fits import Remember

NASTY = "<img src=x onerror=alert(1)>"
SPACE = """
name: rates
base: {recipe}
changes: {{train.epochs: 1}}
search:
  train.optimizer.rate: [0.001, 0.01]
sampler: {{kind: grid}}
runs: 2
"""


class Tags(HTMLParser):
    """What a browser would take for more than text."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.harmful: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Names here begin an element only where one of ours was not escaped."""
        self.harmful += [f"{tag} {name}={value}" for name, value in attrs if name.startswith("on") or value == "x"]


class Place(NamedTuple):
    """Data, a store and what its pages are made by."""

    root: Path
    data: Path
    pages: StudioPages
    runs: list[StoredRun]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory, cli: Callable[..., str]) -> Place:
    """Two runs on drawn people whose ids, folders and set bear ``NASTY``."""
    root = tmp_path_factory.mktemp("names")
    data = root / NASTY
    write_demo_set(data, 12, 2, 0, print, workers=1)
    table = data / "train" / "train.csv"
    head, *rows = csv.reader(table.read_text().splitlines())
    for number, row in enumerate(rows):
        old = data / "train" / "images" / row[head.index("path")]
        row[head.index("id")], row[head.index("path")] = f"{NASTY}{number}", f"{number}{NASTY}"
        old.rename(old.with_name(f"{number}{NASTY}"))
    with table.open("w", newline="") as file:
        csv.writer(file).writerows([head, *rows])
    recipe, store, cache = root / "tiny.yaml", root / "runs", root / "cache"
    recipe.write_text(TINY_RECIPE)
    places = ("--data", str(data), "--store", str(store), "--cache", str(cache), "--quiet")
    for seed in (0, 1):
        cli("train", str(recipe), *places, "--set", f"seed={seed}")
    for folder, record in list_runs(store).runs:  # no recipe has such a name, but a run from elsewhere may
        renamed = dataclasses.replace(record, name=f"{NASTY}{record.seed}")
        (folder / RECORD).write_text(renamed.to_json(), encoding="utf-8")
    runs = sorted(list_runs(store).runs, key=lambda run: run.record.seed)
    cli("tag", runs[0].record.run_id, "--note", NASTY, "--store", str(store))
    return Place(root, data, StudioPages(store, data, cache), runs)


def pages_of_verbs(place: Place, cli: Callable[..., str]) -> dict[str, str]:
    """The pages that verbs write."""
    store, data, out = ("--store", str(place.pages.store)), ("--data", str(place.data)), place.root / "out"
    first, second = (run.record.run_id for run in place.runs)
    space = place.root / "space.yaml"
    space.write_text(SPACE.format(recipe=place.root / "tiny.yaml"))
    out.mkdir()
    cache = ("--cache", str(place.pages.cache))
    cli("board", *store, "--html", str(out / "board.html"))
    cli("report", first, *store, *data, *cache, "--out", str(out / "report.html"), "--quiet")
    cli("eda", str(place.data), *cache, "--out", str(out / "eda.html"), "--quiet")
    cli("data", "audit", first, second, *store, *data, "--out", str(out / "audit"), "--quiet")
    cli("sweep", str(space), *store, *data, *cache, "--out", str(out / "sweep"), "--quiet")
    return {path.name: path.read_text(encoding="utf-8") for path in sorted(out.rglob("*.html"))}


def pages_of_studio(place: Place) -> dict[str, str]:
    """The pages of the studio, of a training under way and of what went wrong, too."""
    pages, (first, second), nobody = place.pages, place.runs, Remember()
    begun = dataclasses.replace(first.record, run_id="0" * 16, status="running", scores=None, checksums={})
    running = StoredRun(start_run(pages.store, begun), begun)
    job = PageMaker().job(("a",), lambda _: NASTY)
    return {
        "board": pages.board(),
        "report": framed(pages.report(first, nobody, maps=False), "/", pages.tools(first, maps=False)),
        "data": pages.explored(place.data, nobody, faces=False),
        "compare": pages.compare([first, second], nobody),
        "audit": pages.audit([first.record.run_id, second.record.run_id], place.data, nobody),
        "training": pages.training(running),
        "waiting": waiting_page(f"Report: {NASTY}", job),
        "problems": problems_page(NASTY, [NASTY]),
    }


@pytest.mark.slow
def test_names_stay_text_on_every_page(place: Place, cli: Callable[..., str]) -> None:
    made = {f"a verb's {name}": page for name, page in pages_of_verbs(place, cli).items()}
    made |= {f"studio's {name}": page for name, page in pages_of_studio(place).items()}
    assert len(made) == 13
    assert {name: Tags(page).harmful for name, page in made.items() if Tags(page).harmful} == {}
    assert [name for name, page in made.items() if "onerror=alert(1)" not in page] == []


def test_the_judge_sees_what_was_not_escaped() -> None:
    assert Tags(f"<p>{NASTY}</p>").harmful == ["img src=x", "img onerror=alert(1)"]
