from __future__ import annotations

import dataclasses
import re
from pathlib import Path

import numpy as np
import pytest

from maskwise.labels import Task
from maskwise.listeners import Silent
from maskwise.records import Image, Predictions
from maskwise.reports.run_mistakes import mistakes, telling_mistakes
from maskwise.reports.run_story import RunStory, tell_run
from support.finished_runs import add_run


def predictions_of(pairs: list[tuple[int, int, float]]) -> Predictions:
    """(true joint class, predicted joint class, its probability) of each photo, each of its own person."""
    probs_NC = np.array(
        [[sure if code == seems else (1 - sure) / 17 for code in range(18)] for _, seems, sure in pairs]
    )
    return Predictions(
        photo_N=np.array([f"{k}.jpg" for k in range(len(pairs))], object),
        person_N=np.array([f"p{k}" for k in range(len(pairs))], object),
        class_N=np.array([true for true, *_ in pairs]),
        probs_NC=probs_NC,
        seen_N=np.full(len(pairs), "held_out", object),
    )


@pytest.fixture
def story(tmp_path: Path) -> RunStory:
    """Three are one age group too young, one of the other gender, one differs in age and mask, one is right."""
    run = add_run(tmp_path, "plain", [True, False] * 6)
    pairs = [(1, 0, 0.9), (1, 0, 0.8), (1, 0, 0.7), (0, 3, 0.6), (1, 6, 0.5), (2, 2, 0.9)]
    found = tell_run(run.folder, None, tmp_path / "cache", Silent())
    return dataclasses.replace(found, task=Task(), predictions=predictions_of(pairs))


def a_photo(_name: str) -> Image:
    return np.zeros((8, 6, 3), dtype=np.uint8)


def test_telling_mistakes_are_of_many_kinds_first(story: RunStory) -> None:
    shown = re.findall(r'alt="([^"]+)"', telling_mistakes(story, a_photo))
    assert [words.split()[0] for words in shown] == ["age", "gender", "mask", "age", "age"]
    assert telling_mistakes(story, lambda _: None) == ""


def test_chips_name_attributes_and_kinds_and_cards_bear_theirs(story: RunStory) -> None:
    text = "".join(mistakes(story, a_photo))
    assert "5 of 6 photos" in text
    assert ">age (4)</button>" in text
    assert ">age 30 to 59 → under 30 (4)</button>" in text
    assert text.count('data-attributes="age"') == 3
    assert 'data-attributes="mask|age"' in text
