"""From finished runs to the page that compares them: which photos changed, the photos themselves, links to reports."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from maskwise.errors import DataError, counted, must
from maskwise.evaluation.shared_photos import Arms
from maskwise.records import Image
from maskwise.reports.compare_page import compare_page, photos_to_show
from maskwise.reports.run_gallery import opener
from maskwise.store.runs import StoredRun
from maskwise.workflows.compare_runs import ComparedRuns, changed_of_arms


def run_comparison(
    found: ComparedRuns,
    runs: Sequence[Sequence[StoredRun]],
    arms: Arms,
    data: Path | None,
    reports: Mapping[str, str],
) -> str:
    """The page, with links to ``reports`` (run id → address); without ``data`` it shows no photo.

    ``DataError`` where not one of the photos can be read below ``data``.
    """
    changed = changed_of_arms(arms, found.names) if arms.n_pairs == 1 else []
    open_photo = opener(data)
    images = {name: open_photo(name) for name in photos_to_show(changed)}
    notes = _unread(data, images)
    return compare_page(found, runs, changed, arms.task, images.get, notes=notes, reports=reports)


def _unread(data: Path | None, images: dict[str, Image | None]) -> list[str]:
    """What is to be said of photos that cannot be shown."""
    absent = [name for name, image in images.items() if image is None]
    if data is None or not absent:
        return ["No photos are shown. Name the data set with --data DIR for these."] if absent else []
    if len(absent) == len(images):
        got = f"one without {absent[0]}"
        raise DataError(must(f"--data {data}", "the data set of these runs", got, "Name that one, or --no-photos."))
    return [f"{counted(len(absent), 'photo')} could not be read, the first: {absent[0]}"]
