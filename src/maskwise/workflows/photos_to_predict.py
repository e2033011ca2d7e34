"""The photos that ``predict`` is given, and their predictions as records; for runs and bundles alike. No torch."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from maskwise.data.layout import EVAL_CSV
from maskwise.data.manifest import read_eval, read_folder, refuse_other_case, unlabeled
from maskwise.errors import DataError, must
from maskwise.labels import Task
from maskwise.listeners import Listener, note_left_out
from maskwise.probabilities import Probabilities
from maskwise.records import PhotoTable, Predictions
from maskwise.seen_files import no_note

MOST_PIPED_BYTES = 256 * 2**20
PIPE = "-"
"""Stands for a photo that comes through standard input; also its name."""


@dataclass(frozen=True)
class InputPhotos:
    """The photos to predict."""

    root: Path
    """Their names are paths below it."""
    table: PhotoTable
    piped: bytes | None = None
    """The contents of the photo named ``-``."""

    def __len__(self) -> int:
        return len(self.table)

    def read(self, name: str) -> bytes:
        """The contents of a photo's file; ``DataError`` where it cannot be read."""
        if name == PIPE and self.piped is not None:
            return self.piped
        try:
            return (self.root / name).read_bytes()
        except OSError as error:
            remedy = "Check it, or leave it out."
            raise DataError(must(name, "a readable file", error.strerror or "an error", remedy)) from None


def list_photos(sources: Sequence[Path], task: Task, note: Callable[[str], None] = no_note) -> InputPhotos:
    """The photos of ``sources``: photos, folders of photos, data sets (their eval part), and ``-`` for standard input.

    Of one source, photos are named by their path below it; of several, by the path as it was given. ``DataError`` names
    all sources that are not there. What lies in a folder and is no photo is counted and named in a note.
    """
    # A named pipe is there, and would never end.
    absent = [str(s) for s in sources if str(s) != PIPE and not (s.is_file() or s.is_dir())]
    if absent:
        remedy = "Check the path."
        raise DataError([must(f"INPUT {path}", "a photo or a folder of photos", "nothing", remedy) for path in absent])
    piped = sys.stdin.buffer.read(MOST_PIPED_BYTES + 1) if Path(PIPE) in sources else None
    if piped is not None and len(piped) > MOST_PIPED_BYTES:
        raise DataError(
            must("the photo in standard input", f"of at most {MOST_PIPED_BYTES:,} bytes", "more", "Cut it.")
        )
    if len(sources) == 1 and sources[0].is_dir():
        return InputPhotos(sources[0], _in_folder(sources[0], task, note))
    if len(sources) == 1:
        (source,) = sources
        return InputPhotos(source.parent, task.label(unlabeled(np.array([source.name], object))), piped)
    names: list[str] = []
    for source in sources:
        names += (
            [str(source / name) for name in _in_folder(source, task, note).photo_N]
            if source.is_dir()
            else [str(source)]
        )
    table = unlabeled(np.array(list(dict.fromkeys(names)), object))
    return InputPhotos(Path(), task.label(table), piped)


def _in_folder(folder: Path, task: Task, note: Callable[[str], None]) -> PhotoTable:
    refuse_other_case(folder)
    return read_eval(folder, task) if (folder / EVAL_CSV).is_file() else read_folder(folder, note)


def report_problems(problems: Sequence[str], skip_unreadable: bool, listener: Listener) -> None:
    """Refuse unreadable photos, all of them together, or with ``skip_unreadable`` note each."""
    if problems and not skip_unreadable:
        raise DataError([*problems, f"{len(problems)} photos must be readable. Fix them, or add --skip-unreadable."])
    note_left_out(listener, problems)


def as_predictions(table: PhotoTable, probabilities: Probabilities) -> Predictions:
    """Probabilities of new photos, in the order of ``table``."""
    return Predictions(
        photo_N=table.photo_N,
        person_N=table.person_N,
        class_N=table.class_N,
        probs_NC=probabilities.probs_NC,
        seen_N=np.full(len(table), "test", dtype=object),
        age_years_N=probabilities.age_years_N,
    )
