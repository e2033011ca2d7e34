"""What a training leaves in its folder. No torch, so that whoever only reads runs can use it."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from maskwise.errors import StoreError, must
from maskwise.files import parse_json, sealed, sha256_of, unsealed, write_atomically

WEIGHTS = "weights.safetensors"
LOG = "log.jsonl"
"""One line an epoch."""
DONE = "fold.json"
"""Written last: the training came to its end."""
_CHECKED = (WEIGHTS, LOG)
_REMEDY = "Delete its folder, and train again: the run goes on from there."


def write_done(folder: Path, summary: Mapping[str, Any]) -> None:
    """Write ``summary`` of the training in ``folder``, with the checksums of what it leaves."""
    checksums = {name: sha256_of(folder / name) for name in _CHECKED}
    write_atomically(folder / DONE, sealed(json.dumps({**summary, "checksums": checksums}, indent=2)))


class Done(NamedTuple):
    """What is read of a training that came to its end."""

    best_epoch: int
    """From 0."""
    seconds: float


def read_done(folder: Path) -> Done:
    """The summary of the training in ``folder``. ``StoreError`` where it, or what the training left, was damaged."""
    path = folder / DONE
    data = unsealed(path.read_bytes())
    try:
        done = parse_json(data or b"")
        summary = Done(int(done["best_epoch"]), float(done["seconds"]))
        checksums = dict(done.get("checksums", {}))  # earlier versions wrote none
    except (ValueError, KeyError, TypeError, OverflowError):
        raise StoreError(must(str(path), "as the training wrote it", "something else", _REMEDY)) from None
    for name, expected in checksums.items():
        left = folder / name
        if not left.is_file() or sha256_of(left) != expected:
            raise StoreError(must(str(left), "as the training wrote it", "a damaged one or none", _REMEDY))
    return summary
