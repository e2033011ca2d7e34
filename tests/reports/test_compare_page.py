from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from maskwise.evaluation.changed_photos import ChangedPhoto
from maskwise.records import Image
from maskwise.reports.compare_page import compare_page, most_changed, photos_to_show, verdict_sentence
from maskwise.score import Score
from maskwise.workflows.compare_runs import ComparedRuns, changed_of_arms, compare_runs, name_arms, read_arms
from support.finished_runs import TASK, add_run

NAN = math.nan


def a_photo(_name: str) -> Image:
    return np.zeros((8, 6, 3), dtype=np.uint8)


def changed_photo(photo: str, person: str, gain: float, true: int = 0) -> ChangedPhoto:
    """b is right where ``true`` is 0, and a where it is 1."""
    return ChangedPhoto(photo, person, true, 1, 0, gain)


@pytest.mark.parametrize(
    ("gain", "said"),
    [
        (Score(0.02, 0.01, 0.03), "b is better than a for new people: its macro F1 is 0.020 higher"),
        (Score(-0.02, -0.03, -0.01), "b is worse than a for new people: its macro F1 is 0.020 lower"),
        (Score(0.02, -0.01, 0.05), "Inconclusive: for new people b may be better or worse than a"),
        (Score(0.0, 0.0, 0.0), "b and a predict these photos equally well."),
        (Score(0.02, NAN, NAN), "Nothing can be said of b and a"),
    ],
)
def test_a_verdict_is_one_plain_sentence(gain: Score, said: str) -> None:
    sentence = verdict_sentence(gain, "a", "b")
    assert sentence.startswith(said)
    assert sentence.count(". ") == 0
    if gain.value and gain.low == gain.low:
        assert f"{gain.low:+.3f} to {gain.high:+.3f}" in sentence


def test_photos_are_one_a_person_the_largest_change_first() -> None:
    changed = [changed_photo("1.jpg", "p", 0.2), changed_photo("2.jpg", "p", -0.5), changed_photo("3.jpg", "q", 0.4)]
    assert [each.photo for each in most_changed(changed, 9)] == ["2.jpg", "3.jpg"]
    assert [each.photo for each in most_changed(changed, 1)] == ["2.jpg"]
    others = [changed_photo("4.jpg", "", 0.1), changed_photo("5.jpg", "", 0.1)]
    assert len(most_changed(others, 9)) == 2


def test_the_page_has_a_bounded_number_of_pictures(tmp_path: Path) -> None:
    found, html = page_of([False] * 70 + [True], [True] * 70 + [False], tmp_path)
    assert "70 photos of 70 people. 24 are shown, 46 are left out." in html
    assert "1 photos of 1 people. All are shown." not in html
    assert "1 photo of 1 person. All are shown." in html
    assert html.count("<img") == 25
    assert html.count('data-change="better"') == html.count('data-change="worse"') == 1
    assert "mask incorrect → worn (" in html
    assert "b is better than a for new people" in html
    assert found.names == ("a", "b")


def test_many_arms_share_the_pictures() -> None:
    many = [(f"arm {n}", [changed_photo(f"{n} {k}.jpg", f"p{k}", 0.1) for k in range(40)]) for n in range(60)]
    assert len(photos_to_show(many)) == 120
    assert len(photos_to_show(many[:1])) == 24
    assert photos_to_show([]) == []


def test_equal_runs_and_several_seeds_are_said_to_be_so(tmp_path: Path) -> None:
    _, html = page_of([True, False] * 6, [True, False] * 6, tmp_path)
    assert "b and a predict these photos equally well." in html
    assert "Both predict the same class for every photo." in html
    runs = [
        [add_run(tmp_path / "s", name, [True, k > 3] * 4) for name in names] for k, names in enumerate(["cd", "ef"])
    ]
    found = compare_runs(read_arms(runs), name_arms(runs), rank=True)
    html = compare_page(found, runs, [], TASK, a_photo, reports={runs[0][0].record.run_id: "c.html"})
    assert "Changed photos are shown where " in html
    assert '<a href="c.html" translate="no">' in html
    assert "ranking on" in html


def test_a_class_is_said_to_be_better_only_beyond_chance(tmp_path: Path) -> None:
    _, html = page_of([False, True, True] * 12, [True, True, True] * 12, tmp_path)
    assert "<li>worn: better, F1 +" in html
    assert "<li>not_worn" not in html


def page_of(right_a: list[bool], right_b: list[bool], store: Path) -> tuple[ComparedRuns, str]:
    runs = [[add_run(store, "a", right_a)], [add_run(store, "b", right_b)]]
    arms, names = read_arms(runs), name_arms(runs)
    found = compare_runs(arms, names)
    return found, compare_page(found, runs, changed_of_arms(arms, names), TASK, a_photo)


def test_names_are_text(tmp_path: Path) -> None:
    runs = [[add_run(tmp_path, "a & <i>", [True, False] * 5)], [add_run(tmp_path, "b", [False, True] * 5)]]
    arms, names = read_arms(runs), name_arms(runs)
    html = compare_page(compare_runs(arms, names), runs, changed_of_arms(arms, names), TASK, a_photo, notes=["<u>"])
    assert "<i>" not in html
    assert "a &amp; &lt;i&gt;" in html
    assert "&lt;u&gt;" in html
