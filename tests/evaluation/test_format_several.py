from __future__ import annotations

import dataclasses
import json

import numpy as np

from evaluation.conftest import MakePredictions
from maskwise.cli.plain_json import plain_json
from maskwise.evaluation.comparison import compare
from maskwise.evaluation.format_several import format_ranking, format_several
from maskwise.evaluation.ranking import PairGain, RankedArm, Ranking
from maskwise.labels import Task
from maskwise.score import Score

TASK = Task(attributes=("mask", "gender"))


def test_every_arm_stands_against_the_first(make_predictions: MakePredictions) -> None:
    good = make_predictions(20, 2, task=TASK)
    bad = dataclasses.replace(good, probs_NC=np.roll(good.probs_NC, 1, axis=1))
    comparisons = [compare(bad, run, TASK, np.random.default_rng(0), resamples=50) for run in (good, bad)]
    lines = format_several(comparisons, ("base", "new", "same")).splitlines()
    assert max(map(len, lines)) <= 78
    assert lines[0].startswith("2 arms against base: 40 photos of 20 people")
    assert lines[3].split() == ["arm", "macro", "F1", "gain", "higher?", "accuracy"]
    assert lines[5].startswith("new")
    assert lines[5].split()[-2] == "holds"
    assert lines[6].split()[-4:-1] == ["does", "not", "hold"]
    assert lines[8].split() == ["arm", "gain", "in", "accuracy"]  # there was no room beside the others
    assert lines[13].split() == ["gain", "in", "macro", "F1", "mask", "gender"]
    assert any("use --rank" in line for line in lines)
    assert sum(line.startswith("one run each: ") for line in lines) == 1


def test_a_ranking_in_words() -> None:
    pairs = (PairGain(1, 0, Score(0.1, 0.02, 0.18), 0.0005), PairGain(0, 2, Score(0.01, -0.05, 0.07), 0.7))
    arms = (RankedArm(1, 0.6, 1, 1), RankedArm(0, 0.5, 2, 3), RankedArm(2, 0.49, 2, 3))
    lines = format_ranking(Ranking(70, 10, arms, pairs), ("a", "b", "c")).splitlines()
    assert "70 photos of 10 people" in lines[0]
    head = lines.index("")
    assert lines[head + 1].split() == ["rank", "may", "be", "macro", "F1"]
    assert [line.split() for line in lines[head + 2 : head + 5]] == [
        ["1", "1", "b", "0.600"],
        ["2", "2–3", "a", "0.500"],
        ["3", "2–3", "c", "0.490"],
    ]
    assert lines[head + 7].split() == ["b", "a", "+0.100", "[+0.020,", "+0.180]", "<", "0.001"]
    assert lines[head + 8].endswith("0.700")


def test_json_keeps_names_and_has_no_nan() -> None:
    printed = plain_json({"scores": (Score(0.5, float("nan"), float("inf")), True, 3, "과")})
    assert json.loads(printed) == {"scores": [{"value": 0.5, "low": None, "high": None}, True, 3, "과"]}


def test_long_names_and_three_attributes_fit_eighty_columns(make_predictions: MakePredictions) -> None:
    good = make_predictions(20, 2)
    other = dataclasses.replace(good, probs_NC=np.roll(good.probs_NC, 1, axis=1))
    names = ("base", "a-name-that-is-very-long-indeed", "another-one-as-long-as-that-is")
    comparisons = [compare(good, run, Task(), np.random.default_rng(0), resamples=20) for run in (good, other)]
    text = format_several(comparisons, names)
    assert max(map(len, text.splitlines())) <= 78
    assert text.count("a-name-that-is-very-long-") > 1
