"""From a run's folder to its report: gather, compute maps where photos are wanted, render."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np

from maskwise.listeners import Listener
from maskwise.reports.pick_photos import surest_mistakes, typical_hits
from maskwise.reports.run_page import run_page
from maskwise.reports.run_story import RunStory, tell_run

EXPLAINED = 6
"""Photos whose maps are shown: as many mistakes, and as many that are predicted rightly."""


class RunReport(NamedTuple):
    """What was found, and the page."""

    story: RunStory
    text: str


def run_report(
    folder: Path, data: Path | None, cache: Path, listener: Listener, *, photos: bool = True, maps: bool = True
) -> RunReport:
    """The report of the finished run or ensemble in ``folder``; without ``photos``, or without ``data``, numbers alone.

    Without ``maps`` the models are not loaded: no torch, and neither maps nor augmented photos.
    ``StoreError`` for a run that is not finished or held nobody out; ``DataError`` where ``data`` is another data set.
    """
    story = tell_run(folder, data, cache, listener)
    if not photos or not maps or story.data is None:
        return RunReport(story, run_page(story, (), (), photos=photos))

    from maskwise.reports.explain_photos import augmented_photos, explain_photos

    places = np.concatenate([surest_mistakes(story.predictions, EXPLAINED), typical_hits(story.predictions, EXPLAINED)])
    explained, augmented = explain_photos(story, places, listener), augmented_photos(story, listener)
    return RunReport(story, run_page(story, explained, augmented))
