"""From what a user types to the folder of a run."""

from __future__ import annotations

import difflib
import logging
from pathlib import Path

from maskwise.errors import StoreError, printable
from maskwise.files import at_home
from maskwise.listeners import DAMAGED
from maskwise.store.layout import RECORD
from maskwise.store.runs import StoredRun, StoredRuns, list_runs

_SHORTEST_PREFIX = 4
_NAMES_SHOWN = 5
_LOGGER = logging.getLogger("maskwise.store")


def find_run(store: Path, ref: str) -> Path:
    """The folder of the run that ``ref`` means: a path, a run id, a name, or 4 or more digits that begin just one id.

    They are tried in this order. Several runs may share a name (other seeds, say): the newest finished one is meant.
    A path, an id and a prefix also find a run that is not finished. ``StoreError`` where nothing fits, with the names
    that come close, or where a prefix fits several. A damaged record may be a newer run of that name: then a warning is
    logged, which stderr shows.
    """
    if ref and (at_home(ref) / RECORD).is_file():
        return at_home(ref)
    listing = list_runs(store)
    return (
        _by_id(listing, ref)
        or _by_name(listing, ref)
        or _by_prefix(listing, ref)
        or _refuse_unknown(store, listing, ref)
    )


def _by_id(listing: StoredRuns, ref: str) -> Path | None:
    return next((run.folder for run in listing.runs if run.record.run_id == ref), None)


def _by_name(listing: StoredRuns, ref: str) -> Path | None:
    named = [run for run in listing.runs if run.record.name == ref]
    finished = [run for run in named if run.record.status == "finished"]
    if named and not finished:
        raise StoreError(
            f"run {ref!r} must be finished, got {len(named)} of that name and none that is ({_shown(named)}). "
            "Give the same train command again, or name the run by its id."
        )
    if not finished:
        return None
    if listing.damaged:
        record, others = finished[0].record, len(listing.damaged) - 1
        meant = (
            f"{ref!r} means run {record.run_id}, begun {record.created_utc}, the newest of that name that can be read"
        )
        more = f" (and {others} more)" if others else ""
        _LOGGER.warning("%s", printable(f"{DAMAGED}: {listing.damaged[0]}{more} {meant}."))
    return finished[0].folder


def _by_prefix(listing: StoredRuns, ref: str) -> Path | None:
    if len(ref) < _SHORTEST_PREFIX:
        return None
    fitting = [run for run in listing.runs if run.record.run_id.startswith(ref)]
    if len(fitting) > 1:
        raise StoreError(f"a prefix must fit one run, got {ref!r}, which fits {_shown(fitting)}. Give more digits.")
    return fitting[0].folder if fitting else None


def _refuse_unknown(store: Path, listing: StoredRuns, ref: str) -> Path:
    problem = f"run must be an id, a prefix of one (at least {_SHORTEST_PREFIX} digits), a name or a path, got {ref!r}."
    unreadable = listing.skipped[:_NAMES_SHOWN]  # it may be one of these
    if not listing.runs:
        hint = f"{store} holds no runs yet: train one, or choose another --store."
        raise StoreError([f"{problem} {hint}", *unreadable])
    words = {run.record.name for run in listing.runs} | {run.record.run_id for run in listing.runs}
    near = difflib.get_close_matches(ref, sorted(words), n=_NAMES_SHOWN, cutoff=0.5)
    if near:
        raise StoreError([f"{problem} Did you mean {' or '.join(near)}?", *unreadable])
    raise StoreError([f"{problem} The newest runs of {store} are {_shown(list(listing.runs))}.", *unreadable])


def _shown(runs: list[StoredRun]) -> str:
    some = ", ".join(f"{run.record.run_id} ({run.record.name})" for run in runs[:_NAMES_SHOWN])
    more = len(runs) - _NAMES_SHOWN
    return f"{some} and {more} more" if more > 0 else some
