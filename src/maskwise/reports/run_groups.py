"""A run's report: how well it predicts whom, by age in years, gender, mask, origin, light and size."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from maskwise.evaluation.groups import JOINT, GroupScores
from maskwise.reports.charts import shortened_list
from maskwise.reports.forest import FEW_PEOPLE, ForestRow, forest
from maskwise.reports.line_charts import charts, scores_chart
from maskwise.reports.page import paragraph, table
from maskwise.reports.run_numbers import ScoredTable, more, scored_table
from maskwise.reports.run_story import Grouping, RunStory
from maskwise.score import Score
from maskwise.text_table import score


def groups(story: RunStory) -> list[str]:
    """Accuracy of the joint class of every group on one axis, and a table per trait of all attributes."""
    rows = []
    for grouping in story.groupings:
        rows.append(ForestRow(grouping.title, None))
        rows += [
            ForestRow(group.name, group.accuracy[JOINT], f"{group.people:,} people", group.people)
            for group in grouping.groups
        ]
    return [
        paragraph(
            "Accuracy of the joint class among the held-out photos of each group, with 95 % intervals by person. Not "
            "macro F1: that of a group would be a mean over other classes than that of another group."
        ),
        forest(rows),
        *(more(f"{grouping.title}, all attributes", *_whole(grouping)) for grouping in story.groupings),
    ]


def _whole(grouping: Grouping) -> list[str]:
    return [*([paragraph(grouping.note)] if grouping.note else []), _accuracies(grouping.groups)]


def by_age(story: RunStory) -> list[str]:
    """Accuracy by the labeled age in years, the borders of the age groups drawn in."""
    if not story.by_age_years:
        return [paragraph("The ages in years are in the data set, which was not at hand.")]
    names = [JOINT, *story.task.attributes]
    borders = story.task.age_borders_years
    drawn = [
        scores_chart(
            f"accuracy, {name}",
            [(_middle(group.name), _of_enough(group.accuracy[name], group.people)) for group in story.by_age_years],
            borders,
            "labeled age in years",
        )
        for name in names
    ]
    head = ["age", "photos", "people", *names]
    rows = [
        [
            group.name,
            f"{group.photos:,}",
            f"{group.people:,}",
            *(score(_of_enough(group.accuracy[name], group.people), 2) for name in names),
        ]
        for group in story.by_age_years
    ]
    words = (
        f"Dashed: the borders {' and '.join(map(str, borders))}. Next to a border one year decides about right and "
        f"wrong, so accuracy dips there in every run. Ages of fewer than {FEW_PEOPLE} people have no interval."
    )
    return [charts(*drawn), paragraph(words), more("Scores by age as a table", table(head, rows))]


def differences(groupings: Sequence[Grouping]) -> list[str]:
    """How far each group lies from all others; marked where the interval leaves out zero."""
    several = [grouping for grouping in groupings if len(grouping.groups) > 1]
    tables = [
        scored_table(
            [grouping.title, *grouping.groups[0].against_rest, "people"],
            [_difference(group) for group in grouping.groups],
        )
        for grouping in several
    ]
    found = [words for grouping in several for group in grouping.groups for words in verdicts(grouping.title, group)]
    count = sum(len(grouping.groups) * len(grouping.groups[0].against_rest) for grouping in groupings)
    words = (
        "Accuracy in a group less accuracy among all other photos; below 0 it is predicted worse. Marked * where the "
        f"95 % interval leaves 0 out: of {count} comparisons, about {max(1, round(0.05 * count))} do so by chance."
    )
    listed = shortened_list(found) if found else paragraph("No interval leaves 0 out.")
    return [paragraph(words), listed, more("All differences as tables", *tables)]


def verdicts(title: str, group: GroupScores) -> list[str]:
    """A plain sentence for each difference between ``group`` and all others whose interval leaves 0 out."""
    if group.people < FEW_PEOPLE:
        return []
    return [
        f"{title}, {group.name}: {name} is predicted {'better' if found.value > 0 else 'worse'} than for the others, "
        f"accuracy {_signed(found, group.people).removesuffix(' *')}."
        for name, found in group.against_rest.items()
        if _excludes_zero(found)
    ]


def _of_enough(found: Score, people: int) -> Score:
    """Without an interval where it would be of too few people."""
    return found if people >= FEW_PEOPLE else Score(found.value, math.nan, math.nan)


def _middle(name: str) -> int:
    """The age in years, or the middle of ``20 to 24``."""
    ends = [int(end) for end in name.split(" to ")]
    return sum(ends) // len(ends)


def _accuracies(found: Sequence[GroupScores]) -> str:
    names = [*found[0].accuracy]
    rows: list[list[str | ScoredTable]] = [
        [
            group.name,
            *(ScoredTable(group.accuracy[name], group.people) for name in names),
            f"{group.photos:,}",
            f"{group.people:,}",
        ]
        for group in found
    ]
    return scored_table(["", *names, "photos", "people"], rows)


def _difference(group: GroupScores) -> list[str]:
    return [group.name, *(_signed(found, group.people) for found in group.against_rest.values()), f"{group.people:,}"]


def _signed(found: Score, people: int) -> str:
    if np.isnan(found.value):
        return "–"
    if people < FEW_PEOPLE:
        return f"{found.value:+.2f} (too few people)"
    inner = "" if np.isnan(found.low) else f" [{found.low:+.2f}, {found.high:+.2f}]"
    return f"{found.value:+.2f}{inner}{' *' if _excludes_zero(found) else ''}"


def _excludes_zero(found: Score) -> bool:
    return bool(found.low > 0 or found.high < 0)
