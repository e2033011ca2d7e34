from __future__ import annotations

import numpy as np

from maskwise.reports.run_numbers import ScoredTable, largest_confusions, scored_table
from maskwise.score import Score


def test_the_largest_confusions_come_first_and_say_only_what_differs() -> None:
    names = ["worn · male", "worn · female", "bare · male", "bare · female"]
    counts = np.array([[5, 3, 0, 0], [0, 9, 0, 1], [4, 0, 4, 0], [0, 0, 0, 2]])
    assert largest_confusions(counts, names) == [
        ["bare · male → worn", "4", "50%"],
        ["worn · male → female", "3", "38%"],
        ["worn · female → bare", "1", "10%"],
    ]


def test_a_score_of_too_few_people_has_no_bar() -> None:
    found = Score(0.5, 0.2, 0.8)
    cells: list[list[str | ScoredTable]] = [["few", ScoredTable(found, 3)], ["many", ScoredTable(found, 30)]]
    few, many = scored_table(["", "F1"], cells).split("<tbody>")[1].split("</tr>")[:2]
    assert "too few people" in few
    assert "<i " not in few
    assert "<i " in many
