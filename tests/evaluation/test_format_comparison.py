from __future__ import annotations

import dataclasses

import numpy as np

from evaluation.conftest import MakePredictions
from maskwise.evaluation.comparison import Comparison, compare, compare_arms
from maskwise.evaluation.format_comparison import format_comparison, signed
from maskwise.evaluation.shared_photos import align_arms
from maskwise.labels import Task
from maskwise.score import Score
from maskwise.text_table import text_width

TASK = Task(attributes=("mask", "gender"))


def compared(make_predictions: MakePredictions, pairs: int = 1, photos_each: int = 2) -> Comparison:
    arms = [[make_predictions(20, photos_each, seed=0, task=TASK)] * pairs for _ in range(2)]
    worse = [dataclasses.replace(run, probs_NC=np.roll(run.probs_NC, 1, axis=1)) for run in arms[1]]
    if pairs == 1:
        return compare(worse[0], arms[0][0], TASK, np.random.default_rng(0), resamples=50)
    return compare_arms(align_arms([worse, arms[0]], TASK), np.random.default_rng(0), resamples=50)


def test_every_gain_is_shown_in_aligned_columns(make_predictions: MakePredictions) -> None:
    found = compared(make_predictions)
    text = format_comparison(found, "old", "new", classes=True)
    headline = format_comparison(found, "old", "new")
    assert text.endswith(f"\n\n{headline}")
    assert headline.startswith("new against old: 40 photos of 20 people; ")
    assert "\nclass" not in headline
    lines = text.splitlines()
    gain = found.joint.macro_f1.gain
    joint = next(line for line in lines if line.startswith("joint class"))
    assert joint.endswith(f"{gain.value:+.3f} [{gain.low:+.3f}, {gain.high:+.3f}]")
    header = next(k for k, line in enumerate(lines) if line.startswith("class"))
    rows = lines[header + 1 : header + 7]
    assert [row.split()[0] for row in rows] == list("012345")
    place = lines[header].index("F1 new") + len("F1 new")
    assert all(row[place - 1].isdigit() and row[place : place + 1].strip() == "" for row in rows)
    assert any(line.startswith("new has the higher macro F1 than old ") and line.endswith(": holds") for line in lines)
    assert not text.endswith("\n")


def test_headline_fits_eighty_columns_with_long_names(make_predictions: MakePredictions) -> None:
    text = format_comparison(compared(make_predictions), "a-name-that-is-very-long-indeed", "new")
    assert max(map(len, text.splitlines())) <= 78
    assert "a-name-that-is-very-lo…" in text


def test_rows_by_class_fit_eighty_columns(make_predictions: MakePredictions) -> None:
    right = make_predictions(40, 2)
    wrong = dataclasses.replace(right, probs_NC=np.roll(right.probs_NC, 1, axis=1))
    found = compare(wrong, right, Task(), np.random.default_rng(0), resamples=20)
    text = format_comparison(found, "a-name-that-is-long", "another-name-that-is-long", classes=True)
    assert max(map(text_width, text.splitlines())) <= 78
    assert sum(line.startswith("class ") for line in text.splitlines()) > 1


def test_mcnemar_is_shown_with_its_weakness(make_predictions: MakePredictions) -> None:
    found = compared(make_predictions)
    assert found.mcnemar is not None
    text = format_comparison(found, "old", "new")
    assert f"only old is right on {found.mcnemar.only_a} photos, only new on {found.mcnemar.only_b}" in text
    assert "too small" in text
    lonely = format_comparison(compared(make_predictions, photos_each=1), "old", "new")
    assert "too small" not in lonely
    assert "intervals are by photo" in lonely


def test_several_runs_show_each_gain(make_predictions: MakePredictions) -> None:
    found = compared(make_predictions, pairs=3)
    text = format_comparison(found, "old", "new")
    assert "new against old, 3 runs each" in text
    assert "interval over people and seeds" in text
    assert text.count(f"{found.pair_gains[0]:+.3f}, {found.pair_gains[1]:+.3f}, {found.pair_gains[2]:+.3f}") == 1
    assert "McNemar" not in text
    assert "one run each" not in text


def test_what_weakens_the_comparison_is_said(make_predictions: MakePredictions) -> None:
    found = dataclasses.replace(
        compared(make_predictions), n_left_out=3, n_trained_on=2, optimistic=(True, False), n_people=1
    )
    text = format_comparison(found, "old", "new")
    assert "one run each: " in text
    assert "3 photos are left out" in text
    assert "2 of these photos were trained on" in text
    assert "optimistic: old chose" in text
    assert "optimistic: new" not in text
    assert "no intervals: they need at least two people" in text


def test_gains_have_a_sign_and_absent_ones_a_dash() -> None:
    nan = float("nan")
    assert signed(Score(0.0211, -0.004, 0.0382)) == "+0.021 [-0.004, +0.038]"
    assert signed(Score(-0.5, nan, nan)) == "-0.500"
    assert signed(Score(nan, nan, nan)) == "–"
