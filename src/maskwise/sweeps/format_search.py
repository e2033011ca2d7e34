"""A search's ranking as plain text."""

from __future__ import annotations

import shlex

from maskwise.evaluation.comparison import verdict
from maskwise.evaluation.format_comparison import signed
from maskwise.sweeps.format_sweep import CHANCE_TO_HOLD
from maskwise.sweeps.search_lists import SearchPlan
from maskwise.sweeps.search_settings import SearchRow, SearchScores
from maskwise.text_table import ABSENT, duration, fitted, score, wrapped


def format_plan(plan: SearchPlan) -> list[str]:
    """How much will be trained, and what is left out."""
    seeds, arms = len(plan.reference.recipes), 1 + len(plan.alternatives)
    name = plan.reference.recipes[0].name
    headline = (
        f"{len(plan.alternatives)} alternatives to {name}, {seeds} seed{'s' * (seeds > 1)}: {arms * seeds} trainings"
    )
    return [headline, *(f"left out: {line}" for line in plan.left_out)]


def format_search(found: SearchScores, width: int) -> str:
    """The table, best first, how to switch the best on, and what a reader must know, within ``width`` columns.

    Ends without a line break.
    """
    blocks = [
        [*wrapped([_heading(found)], width), "", *_table(found.rows, width)],
        wrapped(_remarks(found), width),
    ]
    return "\n\n".join("\n".join(block) for block in blocks)


def _heading(found: SearchScores) -> str:
    plan = found.plan
    return (
        f"{len(plan.alternatives)} alternatives to {plan.reference.recipes[0].name}, each a single change, on "
        f"{found.n_photos:,} held-out photos of {found.n_people:,} people of {found.data_name}; [low, high] is the "
        "95 % interval over people, and the difference is that of pairs"
    )


def _table(rows: tuple[SearchRow, ...], width: int) -> list[str]:
    cells = [("", "what", "macro F1", "difference", "better?", "time", "run")]
    for rank, row in enumerate(rows, start=1):
        gain = (ABSENT, ABSENT) if row.gain is None else (signed(row.gain), verdict(row.gain))
        ids = ",".join(run.record.run_id[:8] for run in row.arm.runs)
        cells.append((str(rank), row.arm.planned.what, score(row.macro_f1), *gain, duration(row.seconds), ids))
    return fitted(cells, width, left=(1, 2, 3, 4, 6), keep=2)


def _remarks(found: SearchScores) -> list[str]:
    lines = [f"failed: {arm.planned.what}: {arm.failure}" for arm in found.failed]
    lines += [f"left out: {line}" for line in found.plan.left_out]
    best, tried = found.rows[0], len(found.rows) - 1
    if best.gain is not None:
        switches = " ".join(f"--set {shlex.quote(change)}" for change in best.arm.planned.changes)
        lines.append(f"to try the best again: {switches}")
    lines.append(
        f"{tried} alternatives were compared, and the best of many looks better than it is: if none changed anything, "
        f"{CHANCE_TO_HOLD * tried:.1f} of them would be said to hold by chance. Train the best with other seeds, on "
        "another split.seed, before you keep it"
    )
    lines.append(_about_seeds(len(found.plan.reference.recipes)))
    if any(run.record.optimistic for row in found.rows for run in row.arm.runs):
        lines.append("optimistic: checkpoints were chosen on the scored people, so all of this is too high")
    return lines


def _about_seeds(seeds: int) -> str:
    if seeds == 1:
        return "one run each says nothing of other seeds: add --seeds 3"
    return f"macro F1 and time are means over {seeds} seeds; the interval of macro F1 is that of one run"
