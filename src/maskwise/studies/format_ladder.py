"""The ladder as plain text: the write-up's table beside ours."""

from __future__ import annotations

from collections.abc import Sequence

from maskwise.evaluation.comparison import TaskDifference, verdict
from maskwise.evaluation.format_comparison import signed
from maskwise.recipe.load import shipped_summary
from maskwise.studies.climb_ladder import ClimbedRung, LadderScores, RungScore
from maskwise.studies.published_ladder import PUBLISHED
from maskwise.text_table import ABSENT, duration, fitted, number, score, wrapped

BY_PHOTO = "*"


def format_ladder(ladder: LadderScores, width: int) -> str:
    """Scores beside the write-up's, changes to the day that each builds on, what each day was, what a reader must know.

    Keeps within ``width`` columns. Ends without a line break.
    """
    blocks = [
        [*wrapped([_heading(ladder)], width), "", *fitted(_scores(ladder.rungs), width, left=(0, 1, 2, 3, 4, 5, 7))],
        ["change to the day that it builds on", *fitted(_changes(ladder.rungs), width, left=(0, 1, 2, 3, 4, 5))],
        wrapped(_days(ladder.rungs), width, indent=" " * 4),
        wrapped(_cautions(ladder.rungs), width),
    ]
    return "\n\n".join("\n".join(block) for block in blocks)


def _heading(ladder: LadderScores) -> str:
    return (
        f"the source write-up's days: its leaderboard scores, and ours of {ladder.n_photos:,} photos of "
        f"{ladder.n_people:,} people of {ladder.data_name}, who are held out on every rung; [low, high] is the 95 % "
        "interval over people"
    )


def _scores(rungs: Sequence[RungScore]) -> list[tuple[str, ...]]:
    rows: list[tuple[str, ...]] = [
        ("", "write-up", "", "ours", "", "", "", ""),
        ("day", "accuracy", "macro F1", "accuracy", "macro F1", "best so far", "time", "run"),
    ]
    best = rungs[0]
    for rung in rungs:
        day = rung.climbed.rung.day
        best = max(best, rung, key=lambda each: each.scores.macro_f1.value)
        published = PUBLISHED[day]
        rows.append(
            (
                day + (BY_PHOTO if published.validated_by_photo else ""),
                _figure(published.accuracy),
                _figure(published.macro_f1),
                score(rung.scores.accuracy),
                score(rung.scores.macro_f1),
                f"{number(best.scores.macro_f1.value)} ({best.climbed.rung.title})",
                duration(rung.climbed.trained.record.seconds),
                rung.climbed.scored.record.run_id[:8],
            )
        )
    return rows


def _changes(rungs: Sequence[RungScore]) -> list[tuple[str, ...]]:
    rows: list[tuple[str, ...]] = [
        ("", "write-up", "", "ours", "", ""),
        ("day", "accuracy", "macro F1", "accuracy", "macro F1", "better?"),
    ]
    for rung in rungs:
        day, base = rung.climbed.rung.day, rung.climbed.rung.builds_on
        if base is None or rung.change is None:
            continue
        published, published_base = PUBLISHED[day], PUBLISHED[base]
        rows.append(
            (
                f"{day} against {base}",
                _difference(published.accuracy, published_base.accuracy),
                _difference(published.macro_f1, published_base.macro_f1),
                *_gains(rung.change),
            )
        )
    return rows


def _gains(change: TaskDifference) -> tuple[str, str, str]:
    return signed(change.accuracy.gain), signed(change.macro_f1.gain), verdict(change.macro_f1.gain)


def _days(rungs: Sequence[RungScore]) -> list[str]:
    lines = []
    for rung in (each.climbed.rung for each in rungs):
        lines.append(rung.title)
        lines.append(f"  write-up: {PUBLISHED[rung.day].what}")
        lines.append(f"  ours, {rung.recipe}: {shipped_summary(rung.recipe)}")
    return lines


def _cautions(rungs: Sequence[RungScore]) -> list[str]:
    lines = []
    if any(PUBLISHED[rung.climbed.rung.day].validated_by_photo for rung in rungs):
        lines.append(
            f"{BY_PHOTO} the write-up still validated by photo on this day, so its own validation was too high; our "
            "split is by person on every rung"
        )
    seconds_of_run = {each.trained.record.run_id: each.trained.record.seconds for each in _climbed(rungs)}
    lines += [
        "the write-up's scores are of the competition's test people: compare the changes, not the levels",
        f"time is that of the day's own training, {duration(sum(seconds_of_run.values()))} in all; a vote trains "
        "nothing more",
        "better? says whether macro F1 is higher for new people, by the interval; one run per rung says nothing of "
        "other seeds",
    ]
    return [*lines, *(line for each in _climbed(rungs) for line in _cautions_of(each))]


def _cautions_of(climbed: ClimbedRung) -> list[str]:
    record, title = climbed.scored.record, climbed.rung.title
    lines = []
    if record.folds > 1:
        lines.append(
            f"{title} trained {record.folds} models, each on {1 - 1 / record.folds:.0%} of the people; everybody is "
            "predicted by the one that did not see them"
        )
    if record.optimistic:
        lines.append(f"optimistic: {title} chose its checkpoint on the scored people, so its score is too high")
    return lines


def _climbed(rungs: Sequence[RungScore]) -> list[ClimbedRung]:
    return [rung.climbed for rung in rungs]


def _figure(published: float | None) -> str:
    """As many digits as were published."""
    return ABSENT if published is None else f"{published:g}"


def _difference(after: float | None, before: float | None) -> str:
    return ABSENT if after is None or before is None else f"{after - before:+.3f}"
