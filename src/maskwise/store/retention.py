"""Deleting runs, and refusing to delete what something else needs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from maskwise.errors import StoreError, must
from maskwise.store.board import BoardRow, board_rows
from maskwise.store.kept_for import read_needs
from maskwise.store.run_record import RunRecord
from maskwise.store.runs import StoredRun, list_runs
from maskwise.store.write_runs import discard_run

TABLES = ("ladder", "claims")
"""Verbs whose tables are computed from the runs that they trained."""


def delete_runs(store: Path, folders: Sequence[Path]) -> list[RunRecord]:
    """Delete the runs in ``folders``, each at once by a rename, and return what they were.

    ``StoreError``, before anything is deleted, for what ``refuse_needed`` refuses; on the way for a run that another
    process works on.
    """
    doomed = refuse_needed(store, folders)
    # Ensembles go first: a kill on the way must not leave one without its members.
    for run in sorted(doomed, key=lambda each: not _members(each.record)):
        discard_run(run.folder)
    return [run.record for run in doomed]


def refuse_needed(store: Path, folders: Sequence[Path]) -> list[StoredRun]:
    """The runs in ``folders``, each once, if all may be deleted.

    ``StoreError`` for a run outside of the store and for one that something needs: the best of its kind on the board, a
    member of an ensemble, a result of the ladder or the claims, an export. An ensemble and its members can go together.
    Where a record of the store is damaged, nobody knows what that run needs: nothing may be deleted.
    """
    runs = {run.folder.resolve(): run for run in _readable_runs(store)}
    places = list(dict.fromkeys(folder.resolve() for folder in folders))
    elsewhere = [place for place in places if place not in runs]
    if elsewhere:
        remedy = "Choose its --store."
        raise StoreError([must("a run to delete", f"in the store {store}", str(each), remedy) for each in elsewhere])
    doomed = [runs[place] for place in places]
    reasons = needed_runs(store, list(runs.values()), {run.record.run_id for run in doomed})
    problems = [
        f"run {run.record.run_id} ({run.record.name}) must stay, as it {reason}. Leave it out."
        for run in doomed
        for reason in reasons.get(run.record.run_id, [])
    ]
    if problems:
        raise StoreError(problems)
    return doomed


def runs_to_prune(store: Path, keep_best: int) -> tuple[list[StoredRun], dict[str, list[str]]]:
    """The finished, scored runs beyond the ``keep_best`` best of each kind that nothing needs, and why others stay.

    A kind is one data set, task and set of held-out people. Runs without a score and unfinished ones are not touched.
    ``StoreError`` for a number below 1, and where a record of the store is damaged.
    """
    if keep_best < 1:
        raise StoreError(must("--keep-best", "1 or more", keep_best, "Name runs for `store delete` instead."))
    runs = _readable_runs(store)
    kept = {row.record.run_id for rows in _kinds(runs) for row in rows[:keep_best]}
    beyond = {row.record.run_id for rows in _kinds(runs) for row in rows[keep_best:]} - kept
    doomed, reasons = set(beyond), needed_runs(store, runs, beyond)
    # What stays may be an ensemble, whose members must then stay, too.
    while still_needed := doomed & set(reasons):
        doomed -= still_needed
        reasons = needed_runs(store, runs, doomed)
    spared = {run_id: why for run_id, why in reasons.items() if run_id in beyond}
    return [run for run in runs if run.record.run_id in doomed], spared


def needed_runs(store: Path, runs: Sequence[StoredRun], doomed: Iterable[str] = ()) -> dict[str, list[str]]:
    """Why runs must stay, by run id: words that go on "it …". Ensembles that are ``doomed`` need nothing."""
    doomed = set(doomed)
    reasons: dict[str, list[str]] = {}
    for rows in _kinds(runs):
        honest = [row for row in rows if not row.record.optimistic]
        for row in dict.fromkeys([rows[0].record.run_id, *(each.record.run_id for each in honest[:1])]):
            reasons.setdefault(row, []).append(f"is the best on the board of {rows[0].heading}")
    for run in runs:
        if run.record.run_id not in doomed:
            for member in _members(run.record):
                reasons.setdefault(member, []).append(f"is a member of the ensemble {run.record.name}")
        verb = run.record.command[1] if len(run.record.command) > 1 else ""
        if verb in TABLES:
            reasons.setdefault(run.record.run_id, []).append(f"is a result of `maskwise {verb}`, whose table needs it")
    for run_id, needs in read_needs(store).items():
        reasons.setdefault(run_id, []).extend(f"is needed by {what}" for what in needs)
    return reasons


def _readable_runs(store: Path) -> list[StoredRun]:
    """All runs of a store; ``StoreError`` names the damaged ones, whose members could be deleted unseen."""
    listing = list_runs(store)
    if listing.damaged:
        raise StoreError(
            [f"{problem} Until then nothing is deleted: it may need any run." for problem in listing.damaged]
        )
    return list(listing.runs)


def _kinds(runs: Sequence[StoredRun]) -> list[list[BoardRow]]:
    """The board's rows, best first, apart by data, task and held-out people."""
    kinds: dict[tuple[str, str], list[BoardRow]] = {}
    for row in board_rows(run.record for run in runs):
        kinds.setdefault((row.group, row.people), []).append(row)
    return list(kinds.values())


def _members(record: RunRecord) -> tuple[str, ...]:
    """Run ids of an ensemble's members; none for a trained run."""
    joined = record.recipe.get("ensemble")
    return tuple(joined.get("members", ())) if isinstance(joined, dict) else ()
