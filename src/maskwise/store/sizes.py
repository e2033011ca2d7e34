"""How much room every run takes on the disk, and what for."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from maskwise.errors import counted
from maskwise.files import TEMPORARY_PREFIX
from maskwise.store.layout import PREDICTIONS, PSEUDO_LABELS, TEACHER
from maskwise.store.runs import StoredRun
from maskwise.text_table import fitted, shortened

_WEIGHT_ENDINGS = (".safetensors", ".pt", ".ckpt")


@dataclass(frozen=True)
class RunSize:
    """One run's bytes."""

    run: StoredRun
    weights_bytes: int
    """Kept weights, and the states from which an unfinished training goes on."""
    predictions_bytes: int
    """Held-out predictions and pseudo-labels."""
    other_bytes: int
    """Recipe, logs, scores."""

    @property
    def total_bytes(self) -> int:
        """All of it."""
        return self.weights_bytes + self.predictions_bytes + self.other_bytes


def size_of_run(run: StoredRun) -> RunSize:
    """Add up the files of a run; what vanishes meanwhile counts nothing."""
    weights = predictions = other = 0
    for name, size in _files(run.folder):
        if name.endswith(_WEIGHT_ENDINGS):
            weights += size
        elif name in (PREDICTIONS, PSEUDO_LABELS, TEACHER):
            predictions += size
        else:
            other += size
    return RunSize(run, weights, predictions, other)


def folder_bytes(folder: Path) -> int:
    """All files below ``folder``; 0 where there is none."""
    return sum(size for _, size in _files(folder))


def leftovers(store: Path) -> list[Path]:
    """Half-written and half-deleted folders of killed processes: may be deleted when nothing works on the store."""
    return sorted(store.glob(f"{TEMPORARY_PREFIX}*")) if store.is_dir() else []


def format_sizes(sizes: Sequence[RunSize], leftover_bytes: int, cache_bytes: int, width: int) -> str:
    """The largest first, and the sum. Ends without a line break."""
    ordered = sorted(sizes, key=lambda each: (-each.total_bytes, each.run.record.run_id))
    rows: list[tuple[str, ...]] = [("name", "run", "status", "weights", "predictions", "other", "all")]
    rows += [
        (
            shortened(each.run.record.name, max(8, width // 4)),
            each.run.record.run_id[:8],
            each.run.record.status,
            *map(in_words, (each.weights_bytes, each.predictions_bytes, each.other_bytes, each.total_bytes)),
        )
        for each in ordered
    ]
    total = sum(each.total_bytes for each in sizes)
    lines = [
        *(fitted(rows, width, left=(0, 1, 2)) if sizes else []),
        f"{counted(len(sizes), 'run')}: {in_words(total)}",
    ]
    if leftover_bytes:
        lines.append(f"left by killed processes: {in_words(leftover_bytes)} in folders {TEMPORARY_PREFIX}…")
    lines.append(f"pixel cache, which may be deleted at any time: {in_words(cache_bytes)}")
    return "\n".join(lines)


def in_words(size_bytes: int) -> str:
    """``13.9 MB``, in powers of 1000."""
    for unit, scale in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if size_bytes >= scale:
            return f"{size_bytes / scale:.1f} {unit}"
    return f"{size_bytes} B"


def _files(folder: Path) -> Iterator[tuple[str, int]]:
    """Name and size of every file below ``folder``; links are not followed."""
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    yield from _files(Path(entry.path))
                else:
                    yield entry.name, entry.stat(follow_symlinks=False).st_size
    except FileNotFoundError:
        return
