from __future__ import annotations

import dataclasses

import numpy as np

from evaluation.conftest import MakePredictions
from maskwise.evaluation.evaluate import evaluate
from maskwise.evaluation.format_table import format_table
from maskwise.labels import Task
from maskwise.text_table import text_width


def test_table_shows_every_score_in_aligned_columns(make_predictions: MakePredictions) -> None:
    task = Task(attributes=("mask", "gender"))
    found = evaluate(make_predictions(40, photos_each=2, task=task), task, np.random.default_rng(0), resamples=50)
    lines = format_table(found, classes=True).splitlines()
    assert any(line.startswith("80 photos of 40 people; ") for line in lines)
    assert max(map(len, format_table(found).splitlines())) <= 78
    score = found.joint.macro_f1
    joint = next(line for line in lines if line.startswith("joint class"))
    assert f"{score.value:.3f} [{score.low:.3f}, {score.high:.3f}]" in joint
    header = next(k for k, line in enumerate(lines) if "precision" in line)
    rows = lines[header + 1 : header + 7]
    assert [row.split()[0] for row in rows] == list("012345")
    place = lines[header].index("recall") + len("recall")
    assert all(row[place - 1].isdigit() and row[place : place + 1].strip() == "" for row in rows)
    assert "trained on" not in "\n".join(lines)
    assert format_table(found, classes=True).endswith(f"\n\n{format_table(found)}")


def test_what_weakens_the_scores_is_said(make_predictions: MakePredictions) -> None:
    found = evaluate(make_predictions(3), Task(), np.random.default_rng(0), resamples=5)
    assert max(map(text_width, format_table(found, classes=True).splitlines())) <= 78
    text_lines = format_table(dataclasses.replace(found, optimistic=True, n_trained_on=2))
    assert max(map(len, text_lines.splitlines())) <= 78
    text = " ".join(text_lines.split())
    assert "each counted as its own person" in text
    assert "intervals are by photo" in text
    assert "2 of these photos were trained on" in text
    assert "optimistic: the checkpoint was chosen on " in text


def test_scores_without_meaning_show_a_dash(make_predictions: MakePredictions) -> None:
    found = evaluate(make_predictions(1), Task(), np.random.default_rng(0), resamples=5)
    text = " ".join(format_table(found, classes=True).split())
    assert "nan" not in text
    assert "–" in text
    assert "no intervals: they need at least two people" in text
