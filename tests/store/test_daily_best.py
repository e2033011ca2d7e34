from __future__ import annotations

from maskwise.store.daily_best import daily_best, format_curves
from support.board_week import week_of_rows


def test_the_best_so_far_never_falls_and_leaves_optimistic_runs_out() -> None:
    rows = week_of_rows()
    (curve,) = daily_best(rows)
    days_shown = [(day.date.day, day.n_runs, day.best.record.name, day.improved) for day in curve.days]
    assert days_shown == [(6, 2, "late", True), (7, 1, "tuesday", True), (10, 1, "tuesday", False)]
    lines = format_curves([curve], 200).splitlines()
    assert lines[2].split() == ["2025-01-06", "2", "0.450", "[0.100,", "0.900]", *lines[2].split()[5:7], "new"]
    assert not lines[4].endswith("new")
    assert max(map(len, format_curves([curve], 50).splitlines())) <= 50
    assert format_curves([], 80) == "no finished run with a score yet"
