"""Which run's report lies beside a page, so that the page can link to it."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from html import escape
from pathlib import Path
from urllib.parse import quote

REPORTS_FOLDER = "reports"
"""Below the page's own folder, reports are looked for here, too."""
_MOST_FILES = 5_000
_HEAD_BYTES = 1024
_MARK = re.compile(rb'<meta name="maskwise-run" content="([0-9a-f]{8,64})">')


def mark_of_run(run_id: str) -> str:
    """The line in a report's head by which it is found."""
    return f'<meta name="maskwise-run" content="{escape(run_id)}">'


def reports_beside(page: Path) -> dict[str, str]:
    """Run id → address relative to ``page``, of reports in its folder or in ``reports/`` below; the newest of a run."""
    newest: dict[str, tuple[float, str]] = {}
    for file in _pages_near(page.parent):
        run_id = _run_of(file)
        if run_id is not None:
            address = quote(os.fsencode(file.relative_to(page.parent).as_posix()))
            newest[run_id] = max(newest.get(run_id, (0.0, "")), (file.stat().st_mtime, address))
    return {run_id: address for run_id, (_, address) in newest.items()}


def linked(name: str, run_id: str, reports: Mapping[str, str]) -> str:
    """``name`` as HTML, a link where the run's report is among ``reports``."""
    address = reports.get(run_id)
    if address is None:
        return f'<span translate="no">{escape(name)}</span>'
    return f'<a href="{escape(address)}" translate="no">{escape(name)}</a>'


def _pages_near(folder: Path) -> Iterator[Path]:
    files = (
        file for place in (folder, folder / REPORTS_FOLDER) if place.is_dir() for file in sorted(place.glob("*.html"))
    )
    yield from (file for _, file in zip(range(_MOST_FILES), files, strict=False) if file.is_file())


def _run_of(file: Path) -> str | None:
    """Whose report it is; None for any other page, and for one that cannot be read."""
    try:
        with file.open("rb") as opened:
            found = _MARK.search(opened.read(_HEAD_BYTES))
    except OSError:
        return None
    return None if found is None else found[1].decode()
