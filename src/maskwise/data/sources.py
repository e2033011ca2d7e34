"""Where the photos of a data set come from: ``sources.json``, written by the import beside ``train/``."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from maskwise.errors import DataError
from maskwise.files import parse_json, write_atomically

SOURCES = "sources.json"
BARE = "none"
"""The word for sources of bare faces, on which no mask was drawn."""
AS_THEY_ARE = "as they are"
"""The word for sources whose photos show masks, or say that they show none."""
FORMAT = 1
"""Raised when the file changes so that older readers would misread it."""


@dataclass(frozen=True)
class Source:
    """One set of faces that was taken over. Free of dates and of places on a disk."""

    name: str
    """Part of every id of the source; unique within a data set."""
    format: str
    """Where its labels stood: utkface, csv …"""
    licence: str
    """In the user's words or the format's; "" where nobody said."""
    folder: str
    """The last part of the path that was read."""
    masks: str
    """drawn (by code, on bare faces; a photo that is labeled with a mask stays as it is), none (bare faces alone) or
    as they are."""
    seed: int
    min_age_years: int
    limit: int | None
    linked: bool
    """Whether the photos are links to the files of the source."""
    words: dict[str, dict[str, str]] = field(default_factory=dict)
    """What was said of the columns and words of a CSV file, or of folders."""
    finished: bool = False
    people: int = 0
    """Rows of train.csv."""
    photos: int = 0
    rejected: int = 0
    """Rows of the import report."""
    age_is_bin: bool = False
    """True where an age was only known as a range: train.csv has its middle, and its ends in age_low, age_high."""

    @property
    def request(self) -> dict[str, object]:
        """How it was imported, without what came of it."""
        outcome = {"finished", "people", "photos", "rejected", "age_is_bin", "licence"}
        kept = {name: value for name, value in dataclasses.asdict(self).items() if name not in outcome}
        return kept | {"words": {kind: words for kind, words in self.words.items() if words}}

    def __str__(self) -> str:
        terms = self.licence or "license not stated"
        state = "" if self.finished else ", not finished"
        ages = ", ages from bins" if self.age_is_bin else ""
        return f"{self.name} ({self.format}, {terms}): {self.people} people, masks {self.masks}{ages}{state}"


def read_sources(root: Path) -> list[Source]:
    """The sources of the data set at ``root``; none where it was not imported. ``DataError`` for a broken file."""
    path = root / SOURCES
    if not path.is_file():
        return []
    try:
        content = parse_json(path.read_text(encoding="utf-8"))
        if content["format"] != FORMAT:
            raise DataError(
                f"{path} must be of format {FORMAT}, got {content['format']}. Read it with a newer maskwise."
            )
        return [Source(**fields) for fields in content["sources"]]
    except (ValueError, KeyError, TypeError) as error:
        raise DataError(
            f"{path} must list the data set's sources, got something else ({error}). Restore it."
        ) from error


def describe_sources(root: Path) -> list[str]:
    """One line for each source of the data set; none for a file that cannot be read, which a check reports."""
    try:
        return [f"source {source}" for source in read_sources(root)]
    except DataError:
        return []


def write_sources(root: Path, sources: Sequence[Source]) -> None:
    """Replace the list of sources."""
    content = {"format": FORMAT, "sources": [dataclasses.asdict(source) for source in sources]}
    write_atomically(root / SOURCES, json.dumps(content, ensure_ascii=False, indent=1) + "\n")
