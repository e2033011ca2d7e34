"""A run's report: how well it reads whom, by age in years, gender, mask, origin, light and size."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

import numpy as np

from maskwise.evaluation.groups import JOINT, GroupScores
from maskwise.reports.line_charts import charts, scores_chart
from maskwise.reports.page import paragraph, table
from maskwise.reports.run_numbers import more, scored_table
from maskwise.reports.run_story import Grouping, RunStory
from maskwise.score import Score
from maskwise.text_table import score


def groups(story: RunStory) -> list[str]:
    """A table a trait: accuracy of every reading in every group."""
    parts = [
        paragraph(
            "Accuracy among the held-out photos of each group, with 95 % intervals by person. Not macro F1: that of a "
            "group would be a mean over other classes than that of another group."
        )
    ]
    for grouping in story.groupings:
        parts.append(f"<h3>{escape(grouping.title)}</h3>")
        parts += [paragraph(grouping.note)] if grouping.note else []
        parts.append(_accuracies(grouping.groups))
    return parts


def by_age(story: RunStory) -> list[str]:
    """Accuracy by the labelled age in years, the borders of the age groups drawn in."""
    if not story.by_age_years:
        return [paragraph("The ages in years are in the data set, which was not at hand.")]
    readings = [JOINT, *story.task.attributes]
    borders = story.task.age_borders_years
    drawn = [
        scores_chart(
            f"accuracy, {reading}",
            [(int(group.name), group.accuracy[reading]) for group in story.by_age_years],
            borders,
            "labelled age in years",
        )
        for reading in readings
    ]
    head = ["age", "photos", "people", *readings]
    rows = [
        [group.name, f"{group.photos:,}", f"{group.people:,}", *(score(group.accuracy[name], 2) for name in readings)]
        for group in story.by_age_years
    ]
    words = (
        f"Dashed: the borders {' and '.join(map(str, borders))}. Next to a border one year decides about right and "
        "wrong, so accuracy dips there in every run. Ages with one person have no interval."
    )
    return [charts(*drawn), paragraph(words), more("Scores by age as a table", table(head, rows))]


def differences(groupings: Sequence[Grouping]) -> list[str]:
    """How far each group lies from all others; marked where the interval leaves out zero."""
    parts = []
    for grouping in groupings:
        if len(grouping.groups) > 1:
            head = [grouping.title, "people", *grouping.groups[0].against_rest]
            parts.append(scored_table(head, [_difference(group) for group in grouping.groups]))
    count = sum(len(grouping.groups) * len(grouping.groups[0].against_rest) for grouping in groupings)
    words = (
        "Accuracy in a group less accuracy among all other photos; below 0 the group is read worse. Marked * where the "
        f"95 % interval leaves 0 out: of {count} comparisons, about {max(1, round(0.05 * count))} do so by chance."
    )
    return [paragraph(words), *parts]


def _accuracies(found: Sequence[GroupScores]) -> str:
    readings = [*found[0].accuracy]
    rows: list[list[str | Score]] = [
        [group.name, f"{group.photos:,}", f"{group.people:,}", *(group.accuracy[name] for name in readings)]
        for group in found
    ]
    return scored_table(["", "photos", "people", *readings], rows)


def _difference(group: GroupScores) -> list[str]:
    return [group.name, f"{group.people:,}", *(_signed(found) for found in group.against_rest.values())]


def _signed(found: Score) -> str:
    if np.isnan(found.value):
        return "–"
    inner = "" if np.isnan(found.low) else f" [{found.low:+.2f}, {found.high:+.2f}]"
    return f"{found.value:+.2f}{inner}{' *' if _tells(found) else ''}"


def _tells(found: Score) -> bool:
    return bool(found.low > 0 or found.high < 0)
