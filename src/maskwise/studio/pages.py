"""The studio's pages by the code that writes them to files. Whatever takes long is for the ``PageMaker``. No torch.

``StoreError`` and ``DataError`` as the verbs have them.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from maskwise.errors import DataError, StoreError, must
from maskwise.labels import Task
from maskwise.listeners import Listener
from maskwise.reports.audit_page import audit_page
from maskwise.reports.audit_tables import correction_rows, suspects
from maskwise.reports.board_page import board_page
from maskwise.reports.eda_page import eda_page
from maskwise.reports.review_script import list_key
from maskwise.reports.run_comparison import run_comparison
from maskwise.reports.run_report import run_report
from maskwise.store.board import read_board
from maskwise.store.layout import RECORD
from maskwise.store.marks import read_marks
from maskwise.store.runs import StoredRun, list_runs, read_record
from maskwise.studio.frame import (
    Choice,
    corrections_tools,
    framed,
    live_fragment,
    live_page,
    polled,
    run_tools,
    running_fragment,
)
from maskwise.studio.live import read_progress
from maskwise.workflows.audit_labels import audit_labels
from maskwise.workflows.compare_runs import compare_runs, name_arms, read_arms
from maskwise.workflows.explore_data import explore_data

SUSPECTS = 40
_MOST_RUNNING = 20
RUNNING = "/running"


class AuditedList(NamedTuple):
    """The rows that a page of likely wrong labels shows, for saving what is decided about them."""

    data_name: str
    rows: tuple[tuple[str, ...], ...]


class StudioPages:
    """The pages of the store ``store``; ``data``: the data set, None where each run's own is taken."""

    def __init__(self, store: Path, data: Path | None, cache: Path) -> None:
        self.store, self.data, self.cache = store, data, cache
        self.lists: dict[str, AuditedList] = {}
        """By key, of all pages of likely wrong labels that were made."""

    def find(self, run_id: str) -> StoredRun:
        """The run of that id, and nothing else that the store's folder holds."""
        folder = self.store / run_id
        record = read_record(folder)
        if record.run_id != run_id:
            raise StoreError(must(f"{folder}", "named as its run id", record.run_id, "Is it a copy?"))
        return StoredRun(folder, record)

    def content_of(self, run: StoredRun) -> str:
        """Changes whenever the run's kept files do."""
        return hashlib.sha256((run.folder / RECORD).read_bytes()).hexdigest()

    def data_of(self, run: StoredRun) -> Path | None:
        """The data set at hand, else the run's own; None where that is gone."""
        remembered = run.record.data.folder
        if self.data is not None:
            return self.data
        return Path(remembered) if remembered and Path(remembered).is_dir() else None

    def data_at_hand(self) -> Path:
        """The data set at hand, else that of the newest run whose data are there. ``DataError`` where there is none."""
        found = [self.data, *(self.data_of(run) for run in list_runs(self.store).runs)]
        folder = next(filter(None, found), None)
        if folder is None:
            raise DataError(must("--data", "given", "none, and no run's own is there", "Start it with --data DIR."))
        return folder

    def choices(self) -> list[Choice]:
        """Finished runs that held people out, newest first."""
        return [
            Choice(run.record.run_id, _in_words(run))
            for run in list_runs(self.store).runs
            if run.record.status == "finished" and run.record.holds_people_out
        ]

    def board(self) -> str:
        """The board, with the trainings under way above it."""
        found = read_board(self.store)
        html = board_page(found, reports=_reports([row.record.run_id for row in found.rows]))
        return framed(html, "/", polled(RUNNING, self.running()))

    def running(self) -> str:
        """The trainings under way, as a piece of a page."""
        runs = [run for run in list_runs(self.store).runs if run.record.status == "running"]
        shown = []
        for run in runs[:_MOST_RUNNING]:
            with contextlib.suppress(StoreError):  # its own page says what is wrong with it
                shown.append((run, read_progress(run, time.time())))
        return running_fragment(shown)

    def live(self, run: StoredRun) -> str:
        """How far the training ``run`` is, as a piece of a page."""
        return live_fragment(read_progress(run, time.time()))

    def training(self, run: StoredRun) -> str:
        """The page of a run that is not finished."""
        return framed(live_page(run.record, self.live(run)), f"/runs/{run.record.run_id}", self.tools(run, maps=True))

    def tools(self, run: StoredRun, *, maps: bool) -> str:
        """Tags of ``run``, and where to go from it."""
        return run_tools(run.record, read_marks(run.folder, run.record.run_id), maps=maps)

    def report(self, run: StoredRun, listener: Listener, *, maps: bool) -> str:
        """The report; with ``maps`` the models are loaded, which needs torch."""
        return run_report(run.folder, self.data_of(run), self.cache, listener, maps=maps).text

    def explored(self, folder: Path, listener: Listener, *, faces: bool) -> str:
        """The page about the data set at ``folder``."""
        explored = explore_data(folder, Task(), self.cache, listener, faces=faces)
        return framed(eda_page(explored, f"Data set {folder.resolve().name}"), "/data", _look_for_faces(faces))

    def compare(self, runs: Sequence[StoredRun], listener: Listener) -> str:
        """The second run against the first."""
        listener.on_stage("comparing", 1)
        sides = [[run] for run in runs]
        arms = read_arms(sides)
        found = compare_runs(arms, name_arms(sides))
        reports = _reports([run.record.run_id for run in runs])
        return framed(run_comparison(found, sides, arms, self.data_of(runs[0]), reports), "/compare")

    def audit(self, run_ids: Sequence[str], data: Path, listener: Listener) -> str:
        """Likely wrong labels by the held-out predictions of the runs."""
        audited = audit_labels(self.store, run_ids, data, None, listener)
        rows = correction_rows(audited, suspects(audited, SUSPECTS))
        key = list_key(rows)
        self.lists[key] = AuditedList(data.resolve().name, tuple(tuple(map(str, row)) for row in rows))
        return framed(audit_page(audited, SUSPECTS), "/audit", corrections_tools(key))


def content_of_folder(folder: Path) -> str:
    """Changes whenever a file below ``folder`` is added, removed or written."""
    digest = hashlib.sha256()
    for above, folders, names in os.walk(folder):
        folders.sort()
        for name in sorted(names):
            place = os.path.join(above, name)  # noqa: PTH118 - of tens of thousands of files
            try:
                about = os.stat(place)  # noqa: PTH116
            except OSError:  # a link to nothing
                about = os.lstat(place)
            digest.update(os.fsencode(f"{above}/{name}\0{about.st_size}\0{about.st_mtime_ns}\0"))
    return digest.hexdigest()


def _reports(run_ids: Sequence[str]) -> dict[str, str]:
    return {run_id: f"/runs/{run_id}" for run_id in run_ids}


def _in_words(run: StoredRun) -> str:
    scores = run.record.scores
    score = f", macro F1 {scores.macro_f1.value:.3f}" if scores else ""
    return f"{run.record.name} ({run.record.run_id[:8]}{score}, {run.record.created_utc[:10]})"


def _look_for_faces(found: bool) -> str:
    return "" if found else '<p class="ways"><a href="/data?faces=1">Look for faces, too (takes a while)</a></p>'
