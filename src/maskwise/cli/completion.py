"""What a shell offers after TAB: recipes and runs."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import typer


def complete_recipe(incomplete: str) -> Iterator[tuple[str, str]]:
    """Shipped recipes with what they are for."""
    from maskwise.recipe.load import ladder_names, shipped_names, shipped_summary

    for name in [*shipped_names(), *ladder_names()]:
        if name.startswith(incomplete):
            yield name, shipped_summary(name)


def complete_run(ctx: typer.Context, incomplete: str) -> Iterator[tuple[str, str]]:
    """Names and ids of the runs in the store that the line names."""
    from maskwise.store.runs import list_runs

    store = ctx.params.get("store") or os.environ.get("MASKWISE_STORE") or "runs"
    if not Path(store).is_dir():
        return
    for run in list_runs(Path(store)).runs:
        record = run.record
        if record.name.startswith(incomplete):
            yield record.name, record.created_utc[:10]
        elif incomplete and record.run_id.startswith(incomplete):
            yield record.run_id, record.name
