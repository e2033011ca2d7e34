from __future__ import annotations

import re

from maskwise.labels import Task
from maskwise.reports.photo_cards import card, chips, difference_lines, differing_attributes

TASK = Task()


def test_only_what_differs_is_said() -> None:
    assert list(map(str, differing_attributes(TASK, 1, 0))) == ["age 30 to 59 → under 30"]
    assert [each.attribute for each in differing_attributes(TASK, 1, 6)] == ["mask", "age"]
    assert differing_attributes(TASK, 5, 5) == []


def test_the_right_class_is_marked_on_its_side_of_the_arrow() -> None:
    found = differing_attributes(TASK, 1, 0)
    for after_is_right, sides in ((False, ("right", "wrong")), (True, ("wrong", "right"))):
        html = difference_lines(found, after_is_right=after_is_right)
        assert re.findall(r'class="(\w+)">30 to 59<.*class="(\w+)">under 30<', html) == [sides]


def test_chips_count_what_the_cards_bear() -> None:
    both = [differing_attributes(TASK, 1, 0), differing_attributes(TASK, 1, 6)]
    text = chips(both, "Which <are> shown")
    assert ">all 2</button>" in text
    assert ">age (2)</button>" in text
    assert ">mask worn → incorrect (1)</button>" in text
    assert 'aria-label="Which &lt;are&gt; shown"' in text
    assert 'data-attributes="mask|age"' in card(both[1], "summary", "inner")
