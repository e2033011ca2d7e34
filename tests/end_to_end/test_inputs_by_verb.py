"""What people really have × every verb: each cell of the table is a check, or the reason why there is none.

Places, tables and damaged runs stand in ``test_places_by_verb``.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from support.odd_inputs import (
    CP949,
    HIDDEN,
    NFC,
    NFD,
    PEOPLE,
    PIPE,
    SPOILED,
    TINY,
    VERBS,
    OddPlace,
    Table,
    run_command,
)
from support.quirks import write_quirky


def says(verb: str, *words: str, code: int = 0) -> Callable[[Table], None]:
    """The verb ended with ``code`` and printed ``words``."""
    return lambda table: table.done[verb].assert_exit(code, *words)


def silent(verb: str, word: str) -> Callable[[Table], None]:
    """The verb printed nothing of ``word``."""

    def check(table: Table) -> None:
        assert word.lower() not in table.done[verb].text.lower()

    return check


def lists(file: str, *names: str) -> Callable[[Table], None]:
    """The first column of a table that a verb wrote has ``names``."""

    def check(table: Table) -> None:
        assert not set(names) - set(table.names(file))

    return check


def lacks(file: str, *names: str) -> Callable[[Table], None]:
    """The first column of a table that a verb wrote has none of ``names``, and others."""

    def check(table: Table) -> None:
        assert table.names(file)
        assert not set(names) & set(table.names(file))

    return check


def there(pattern: str) -> Callable[[Table], None]:
    """A verb wrote such a file."""

    def check(table: Table) -> None:
        assert any(table.place.folder.glob(pattern))

    return check


def mentions(file: str, *words: str) -> Callable[[Table], None]:
    """A file that a verb wrote holds ``words``."""

    def check(table: Table) -> None:
        text = (table.place.folder / file).read_text(encoding="utf-8")
        assert all(word in text for word in words), text[:2000]

    return check


def whole_set(table: Table) -> None:
    """All 24 people and all photos but the damaged one were trained on."""
    data = json.loads(table.record().read_text())["data"]
    assert (data["n_people"], data["n_photos"]) == (24, 24 * 7 - 1)


def whole_import(table: Table) -> None:
    """The same people and photos were imported."""
    table.done["data import"].assert_exit(0, "24 people, 167 photos")


def later(verb: str) -> Callable[[Table], None]:
    """A photo that was damaged after the training is left out with its name."""
    return lambda table: table.done[verb].assert_exit(0, f"left out: {table.damaged_later}", "must be a sound JPEG")


def served(name: str, *, predicted: bool) -> Callable[[Table], None]:
    """A photo in the body was predicted, or refused beside the others."""

    def check(table: Table) -> None:
        results = {each["name"]: each for each in json.loads(table.done["serve"].out)["results"]}
        assert bool(results[name]["predictions"]) == predicted
        assert (results[name]["error"] is None) == predicted

    return check


TABLES_ALONE = "it reads tables, no photos and no folders"
AS_TRAINED = "it reads photos by the names that the training knows; `train` says the rest"
BY_LIST = "eval/info.csv names what it reads; `data check` names the rest"
BODY = "photos are the body of a request: there are no files' names and no folders"
UTF8_TABLE = "the tables of a set are UTF-8, so no row names it; `data check` says so"
NO_FOLDERS = "a set has one level of folders, which train.csv names; tests/data/test_odd_files.py has such a one"
IN_TRAIN = f"train/images/{SPOILED}/mask1.jpg"
NOT_READ = "left out (4): clip.mp4, live.jpg, .hidden.jpg, closed/ (cannot be listed)"
SKIPPED = "files that are no photos or hidden, skipped (2): "

Cell = Callable[[Table], None] | str
ROWS: dict[str, tuple[Cell, ...]] = {
    "a damaged photo": (
        says("data check", f"{IN_TRAIN}: the photo must be a sound JPEG", code=1),
        mentions("import/import-report.csv", IN_TRAIN),
        says("data masks", "broken.jpg: refused: broken.jpg must be a sound JPEG"),
        says("eda", f"left out: {IN_TRAIN} must be a sound JPEG"),
        says("train", f"left out: {IN_TRAIN}: the photo must be a sound JPEG"),
        later("export"),
        says("predict run", "left out: broken.jpg must be a sound JPEG"),
        says("predict bundle", "left out: broken.jpg must be a sound JPEG"),
        TABLES_ALONE,
        says("submit", "left out: eval/images/broken.jpg must be a sound JPEG", "given the mean of all predictions"),
        later("report"),
        later("data audit"),
        served("broken.jpg", predicted=False),
    ),
    "a HEIC file from a phone": (
        silent("data check", ".heic"),
        there("import/train/images/*/mask1.heic"),
        there("masks/b/normal.*"),
        says("eda", "heif (1)"),
        whole_set,
        AS_TRAINED,
        lists("run.csv", "b.heic"),
        lists("bundle.csv", "b.heic"),
        says("evaluate", "5 photos"),
        lists("submission.csv", "b.heic"),
        AS_TRAINED,
        AS_TRAINED,
        served("b.heic", predicted=True),
    ),
    "a photo without an ending": (
        silent("data check", "noending"),
        whole_import,
        there("masks/noending/normal.*"),
        says("eda", "24 with 7"),
        whole_set,
        AS_TRAINED,
        lists("run.csv", "noending"),
        lists("bundle.csv", "noending"),
        says("evaluate", "5 photos"),
        lists("submission.csv", "noending"),
        AS_TRAINED,
        AS_TRAINED,
        served("noending", predicted=True),
    ),
    "a name in the other of Unicode's forms": (
        silent("data check", NFC),
        whole_import,
        there(f"masks/{NFD}/normal.*"),
        says("eda", "24 people"),
        whole_set,
        AS_TRAINED,
        lists("run.csv", f"{NFD}.jpg"),
        lists("bundle.csv", f"{NFD}.jpg"),
        says("evaluate", "5 photos"),
        lists("submission.csv", f"{NFC}.jpg"),
        AS_TRAINED,
        says("data audit", "gallery:"),
        BODY,
    ),
    "a name that is not UTF-8": (
        says("data check", "\\udcbb", "the path of a row in train/train.csv", code=1),
        UTF8_TABLE,
        there(f"masks/{CP949.removesuffix('.jpg')}/normal.*"),
        UTF8_TABLE,
        UTF8_TABLE,
        UTF8_TABLE,
        lists("run.csv", CP949),
        lists("bundle.csv", CP949),
        says("evaluate", "5 photos"),
        UTF8_TABLE,
        UTF8_TABLE,
        UTF8_TABLE,
        BODY,
    ),
    "a hidden photo": (
        says("data check", f"{HIDDEN}/.mask1.jpg: a file here must be", code=1),
        mentions("import/import-report.csv", f"{HIDDEN}/.mask1.jpg"),
        says("data masks", NOT_READ),
        says("eda", SKIPPED, f"{HIDDEN}/.mask1.jpg"),
        says("train", SKIPPED, f"{HIDDEN}/.mask1.jpg"),
        AS_TRAINED,
        says("predict run", NOT_READ),
        says("predict bundle", NOT_READ),
        TABLES_ALONE,
        BY_LIST,
        AS_TRAINED,
        says("data audit", f"{HIDDEN}/.mask1.jpg"),
        BODY,
    ),
    "a named pipe": (
        says("data check", f"{PIPE}/live.jpg: a file here must be", code=1),
        mentions("import/import-report.csv", f"{PIPE}/live.jpg"),
        lacks("masks/refused.csv", "live.jpg"),
        says("eda", f"{PIPE}/live.jpg"),
        says("train", f"{PIPE}/live.jpg"),
        AS_TRAINED,
        lacks("run.csv", "live.jpg"),
        lacks("bundle.csv", "live.jpg"),
        TABLES_ALONE,
        lacks("submission.csv", "live.jpg"),
        AS_TRAINED,
        says("data audit", f"{PIPE}/live.jpg"),
        BODY,
    ),
    "a folder that may not be listed": (
        NO_FOLDERS,
        NO_FOLDERS,
        says("data masks", NOT_READ),
        NO_FOLDERS,
        NO_FOLDERS,
        AS_TRAINED,
        says("predict run", NOT_READ),
        says("predict bundle", NOT_READ),
        TABLES_ALONE,
        BY_LIST,
        AS_TRAINED,
        NO_FOLDERS,
        BODY,
    ),
}


@pytest.mark.parametrize("kind", ROWS)
def test_no_cell_is_empty(kind: str) -> None:
    assert len(ROWS[kind]) == len(VERBS)
    assert all(callable(cell) or len(cell) > 10 for cell in ROWS[kind])


CHECKS = [(kind, verb, cell) for kind, row in ROWS.items() for verb, cell in zip(VERBS, row, strict=True)]


@pytest.mark.parametrize(
    "check", [pytest.param(cell, id=f"{kind}, {verb}") for kind, verb, cell in CHECKS if not isinstance(cell, str)]
)
def test_a_cell(odd_table: Table, check: Callable[[Table], None]) -> None:
    check(odd_table)  # asserts


def test_what_cannot_be_learned_is_said(tmp_path: Path) -> None:
    """A set of bare faces, of fewer photos than a batch has."""
    place = OddPlace(tmp_path, write_quirky(tmp_path / "data", tuple(PEOPLE)), tmp_path)
    (tmp_path / "tiny.yaml").write_text(TINY)
    for photo in (place.data / "train/images").glob("*/*"):
        if photo.stem != "normal":
            photo.unlink()
    unlearned = "No photo of mask worn, mask incorrect to learn from"
    done = run_command(*place.words("train"))
    done.assert_exit(0, unlearned, "train.batch_size is 64, but 12 photos train in fold 0")
    assert "column person" not in done.text
    run_command(*place.words("export")).assert_exit(0)
    assert unlearned in (tmp_path / "export/MODEL_CARD.md").read_text(encoding="utf-8")
