"""A folder of portraits → each person's photos with masks drawn on, and what was drawn where."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath

from maskwise.data.contents import content_of
from maskwise.data.manifest import read_folder
from maskwise.data.readable import read_photo
from maskwise.errors import DataError, must
from maskwise.files import draft_folder, sync_folder
from maskwise.seeds import rng_for
from maskwise.tables import csv_text
from maskwise.workflows.draw_import import DRAWN_LOG, UnusablePortraitError, draw_files

LOG, REFUSED = "drawn.jsonl", "refused.csv"
DRAWING_THREADS = 2


@dataclass(frozen=True)
class Portrait:
    """One portrait: what was drawn of it, or why nothing was."""

    photo: str
    """Its path below the folder."""
    log: tuple[str, ...]
    """One line of JSON for each photo."""
    refused: str = ""


def draw_portraits(
    folder: Path, out: Path, photos: int, seed: int, advance: Callable[[int], None]
) -> tuple[list[Portrait], list[Portrait]]:
    """Draw masks on every portrait below ``folder``; (those drawn on, those refused).

    The new folder ``out`` gets one for each portrait, named as it is without its ending, with 3 to 7 ``photos``,
    ``drawn.jsonl`` (one line per photo) and ``refused.csv`` (photo, reason). A portrait's masks depend on the seed and
    its own contents alone. ``out`` appears only when it is complete. ``advance(n)`` is called after every n portraits.
    ``DataError`` where ``out`` exists, or there is no photo below ``folder``.
    """
    if out.exists():
        raise DataError(must("OUT", "a folder that does not exist yet", str(out), "Choose another name."))
    names = read_folder(folder).photo_N.tolist()
    homes = _homes(names)
    with draft_folder(out) as draft:
        portraits = []
        with ThreadPoolExecutor(DRAWING_THREADS) as pool:
            draw = partial(_draw_one, folder, draft, photos=photos, seed=seed)
            for portrait in pool.map(draw, names, homes):
                portraits.append(portrait)
                advance(1)
        drawn, refused = [p for p in portraits if not p.refused], [p for p in portraits if p.refused]
        (draft / LOG).write_text("".join(f"{line}\n" for p in drawn for line in p.log), encoding="utf-8")
        rows = [("photo", "reason"), *((p.photo, p.refused) for p in refused)]
        (draft / REFUSED).write_text(csv_text(rows), encoding="utf-8", errors="surrogateescape")
        draft.replace(out)
        sync_folder(out.parent)
    return drawn, refused


def _homes(names: list[str]) -> list[str]:
    """The folder of each portrait: its name without the ending, with it where two would meet."""
    short = [str(PurePosixPath(name).with_suffix("")) for name in names]
    times = Counter(name.lower() for name in short)
    return [name if times[name.lower()] == 1 else full for name, full in zip(short, names, strict=True)]


def _draw_one(folder: Path, root: Path, name: str, home: str, *, photos: int, seed: int) -> Portrait:
    try:
        data, photo = read_photo(lambda each: (folder / each).read_bytes(), name)
        rng = rng_for(seed, "masks on a portrait", int(content_of(data), 16))
        files = draw_files(photo, rng, photos)
    except UnusablePortraitError as error:
        return Portrait(name, (), error.reason)
    except DataError as error:
        return Portrait(name, (), "; ".join(error.problems))
    log = files.pop(DRAWN_LOG).decode().splitlines()
    place = root / home
    place.mkdir(parents=True, exist_ok=True)
    for file, content in files.items():
        (place / file).write_bytes(content)
    return Portrait(name, tuple(json.dumps({"portrait": name, "folder": home} | json.loads(line)) for line in log))
