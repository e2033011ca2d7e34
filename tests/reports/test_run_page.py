"""The report of runs that nobody trained: every section is there, names are text, no network is used."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path

import numpy as np
import pytest

from maskwise.evaluation.groups import GroupScores
from maskwise.intended_use import OPTIMISTIC
from maskwise.labels import Task
from maskwise.listeners import Silent
from maskwise.records import Predictions
from maskwise.reports.explained import AugmentedPhoto, ExplainedPhoto
from maskwise.reports.run_groups import differences
from maskwise.reports.run_page import run_page
from maskwise.reports.run_story import Grouping, RunStory, tell_run
from maskwise.reports.training_curves import TrainingCurve
from maskwise.score import Score
from support.finished_runs import add_run

NASTY = "<script>alert('x')</script>&\"'"
HEADINGS = (
    "At a glance",
    "The surest mistakes",
    "What is taken for what",
    "Classes",
    "By group",
    "By age in years",
    "Confidence",
    "The hardest people",
    "Where the models look",
    "What augmentation does",
    "Training",
    "Model card",
    "Repeat it",
)


def whole_task_predictions() -> Predictions:
    """Every joint class twice, of 12 people, most photos read rightly."""
    rng = np.random.default_rng(0)
    class_N = np.arange(36) % 18
    probs_NC = rng.dirichlet(np.full(18, 0.1), 36)
    right = rng.random(36) < 0.7
    probs_NC[right] = 0.2 * probs_NC[right] + 0.8 * np.eye(18)[class_N[right]]
    return Predictions(
        photo_N=np.array([f"train/images/{NASTY}/{k:02d}.jpg" for k in range(36)], object),
        person_N=np.array([f"{NASTY}{k % 12}" for k in range(36)], object),
        class_N=class_N,
        probs_NC=probs_NC,
        seen_N=np.full(36, "held_out", object),
    )


@pytest.fixture
def story(tmp_path: Path) -> RunStory:
    run = add_run(tmp_path, "plain", [True, False, True] * 8)
    return tell_run(run.folder, None, tmp_path / "cache", Silent())


def external(text: str) -> list[str]:
    """What a browser would fetch."""
    return re.findall(r"(?:src|href)=\"(?!data:|#)[^\"]*|url\([^)]*\)|@import", text)


def test_every_section_is_there_without_data_and_says_what_is_missing(story: RunStory) -> None:
    text = run_page(story, (), ())
    assert re.findall(r"<h2>([^<]+)</h2>", text) == list(HEADINGS)
    assert re.findall(r'href="#([^"]+)"', text) == re.findall(r'<section id="([^"]+)"', text)
    assert "The data set was not at hand" in text
    assert "<img" not in text
    assert external(text) == []
    assert text.count("<script>") == 1  # the chips
    assert "Optimistic" not in text


def test_the_numbers_are_those_of_the_run(story: RunStory) -> None:
    text = run_page(story, (), ())
    found = story.evaluation
    assert f"{found.joint.macro_f1.value:.3f} <small>" in text
    assert f"{found.n_people} people" in text
    wrong = int(np.sum(story.predictions.probs_NC.argmax(axis=1) != story.predictions.class_N))
    assert f"{wrong} of {len(story.predictions)} photos are predicted wrongly" in text
    assert text.count('<details class="case"') == wrong
    assert "maskwise ladder" in text
    assert story.record.data.checksum in text


def test_what_was_chosen_on_the_scored_people_is_marked(story: RunStory) -> None:
    chosen = dataclasses.replace(story, evaluation=dataclasses.replace(story.evaluation, optimistic=True))
    assert run_page(chosen, (), ()).count(OPTIMISTIC) == 2


def test_whatever_names_hold_they_are_text(story: RunStory) -> None:
    from maskwise.evaluation.evaluate import evaluate

    predictions, task = whole_task_predictions(), Task()
    score = Score(0.5, 0.4, 0.6)
    group = GroupScores(NASTY, 4, 2, {"joint class": score}, {"joint class": score})
    nasty = dataclasses.replace(
        story,
        record=dataclasses.replace(story.record, name=NASTY, command=("maskwise", NASTY), versions={NASTY: NASTY}),
        task=task,
        predictions=predictions,
        evaluation=evaluate(predictions, task, np.random.default_rng(0), resamples=5),
        curves=(TrainingCurve(NASTY, (2.0, 1.0), (0.1, 0.2), 2),),
        groupings=tuple(
            Grouping(f"By {name}", (group_of(group, task),), NASTY) for name in (*task.attributes, "origin")
        ),
        settings=((NASTY, NASTY),),
        missing=(NASTY,),
    )
    pixels = np.zeros((16, 12, 3), dtype=np.uint8)
    explained = [ExplainedPhoto(0, NASTY, pixels, np.zeros((16, 12)), np.ones((16, 12)))]
    augmented = [AugmentedPhoto(NASTY, f"{NASTY}/{NASTY}", pixels, (pixels, pixels))]
    text = run_page(nasty, explained, augmented)
    assert "<script>alert" not in text
    assert text.count("&lt;script&gt;") > 40
    assert external(text) == []
    assert text.count("data:image/jpeg") == 3 + 3
    bare = run_page(nasty, explained, augmented, photos=False)
    assert "<img" not in bare
    assert "data:image" not in bare
    assert "Made without photos" in bare


def group_of(group: GroupScores, task: Task) -> GroupScores:
    """The same group, with a score for each attribute."""
    scores = dict.fromkeys(("joint class", *task.attributes), group.accuracy["joint class"])
    return dataclasses.replace(group, accuracy=scores, against_rest=scores)


def test_differences_are_marked_where_the_interval_leaves_zero_out() -> None:
    scores = [{"joint class": Score(-0.1, -0.2, -0.05)}, {"joint class": Score(0.1, -0.05, 0.2)}]
    groups = tuple(GroupScores(name, 9, 9, found, found) for name, found in zip(("a", "b"), scores, strict=True))
    text = "".join(differences([Grouping("By origin", groups)]))
    assert "-0.10 [-0.20, -0.05] *" in text
    assert "+0.10 [-0.05, +0.20]<" in text
    few = tuple(dataclasses.replace(group, people=3) for group in groups)
    assert "-0.10 (too few people)" in "".join(differences([Grouping("By origin", few)]))
    sentence = "By origin, a: joint class is predicted worse than for the others, accuracy -0.10 [-0.20, -0.05]."
    assert text.count("is predicted worse than") + text.count("is predicted better than") == 1
    assert f"<li>{sentence}</li>" in text
    assert "No interval leaves 0 out." in "".join(differences([Grouping("By origin", few)]))


def test_classes_that_no_training_photo_shows_are_named(story: RunStory) -> None:
    data = dataclasses.replace(story.record.data, absent_classes=("mask worn", "mask incorrect"))
    unlearned = dataclasses.replace(story, record=dataclasses.replace(story.record, data=data))
    assert "No photo of mask worn, mask incorrect " in run_page(unlearned, (), ())
    assert "to learn from" not in run_page(story, (), ())
