"""A prediction in words, and predictions as a table, worked by hand."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from maskwise.export.prediction import Prediction
from maskwise.export.prediction_table import predictions_csv
from maskwise.labels import Task
from maskwise.records import FaceBox

TASK = Task(attributes=("mask", "gender"))
"""Six classes: worn, incorrect and not worn, each male, then female."""
PROBS = np.array([0.3, 0.25, 0.05, 0.3, 0.05, 0.05])
FACE = FaceBox((1.25, 2, 30, 40.04), (), 0.9)


def test_words_follow_the_joint_class_and_abstain_one_by_one() -> None:
    prediction = Prediction(TASK, PROBS)
    assert (prediction.class_code, prediction.class_name) == (0, "worn · male")
    assert prediction.confidence == pytest.approx(0.3)
    assert prediction.attribute_probs("mask") == pytest.approx({"worn": 0.55, "incorrect": 0.35, "not_worn": 0.1})
    assert prediction.attribute_probs("gender") == pytest.approx({"male": 0.4, "female": 0.6})
    # Female is the more probable gender, but the words never contradict the joint class.
    assert prediction.words() == {"mask": "worn", "gender": "male"}
    assert prediction.words(0.5) == {"mask": "worn", "gender": "abstain"}
    assert prediction.abstains(0.31)
    assert not prediction.abstains(0.3)
    assert not prediction.abstains(None)


@given(
    probs=st.lists(st.floats(0, 1, width=32), min_size=6, max_size=6),
    low=st.floats(0, 1),
    high=st.floats(0, 1),
)
def test_whatever_the_probabilities_an_attribute_abstains_only_with_its_class_and_more_as_the_bound_rises(
    probs: list[float], low: float, high: float
) -> None:
    prediction = Prediction(TASK, (np.array(probs) + 1e-6) / (np.sum(probs) + 6e-6))
    low, high = sorted((low, high))
    plain, some, more = (set(prediction.words(bound).items()) for bound in (None, low, high))
    assert " · ".join(word for _, word in sorted(plain, reverse=True)) == prediction.class_name
    assert some <= plain | {(name, "abstain") for name, _ in plain}
    assert more & plain <= some & plain  # what abstains below ``low`` abstains below ``high``
    assert prediction.abstains(high) >= prediction.abstains(low)
    # An attribute is at least as probable as the joint class that holds it.
    assert some == plain or low >= prediction.confidence - 1e-9


def test_json_of_a_prediction() -> None:
    fields = json.loads(json.dumps(Prediction(TASK, PROBS, 31.5, FACE).to_dict(0.5)))
    assert (fields["class"], fields["class_name"], fields["mask"], fields["gender"]) == (
        "abstain",
        "abstain",
        "worn",
        "abstain",
    )
    assert fields["joint_probabilities"] == PROBS.tolist()
    assert fields["probabilities"]["gender"] == pytest.approx({"male": 0.4, "female": 0.6})
    assert fields["box_xyxy_px"] == [1.25, 2, 30, 40.04]
    assert fields["age_years"] == 31.5
    assert Prediction(TASK, PROBS).to_dict()["class"] == 0


def test_a_table_of_faces() -> None:
    rows = [("a.jpg", [Prediction(TASK, PROBS, 31.5, FACE), Prediction(TASK, PROBS[::-1], 40, FACE)]), ("b,c.jpg", [])]
    text = predictions_csv(rows, TASK, boxes=True, with_age=True, abstain_below=None)
    assert text.splitlines() == [
        "photo,face,left_px,top_px,right_px,bottom_px,class,mask,gender,age_years,confidence,"
        "p_worn,p_incorrect,p_not_worn,p_male,p_female,p_worn_male,p_worn_female,p_incorrect_male,p_incorrect_female,"
        "p_not_worn_male,p_not_worn_female",
        "a.jpg,0,1.2,2.0,30.0,40.0,0,worn,male,31.5,0.3,0.55,0.35,0.1,0.4,0.6,0.3,0.25,0.05,0.3,0.05,0.05",
        "a.jpg,1,1.2,2.0,30.0,40.0,2,incorrect,male,40,0.3,0.1,0.35,0.55,0.6,0.4,0.05,0.05,0.3,0.05,0.25,0.3",
        '"b,c.jpg",,,,,,no_face,,,,,,,,,,,,,,,',
    ]


def test_a_prediction_in_a_line_and_by_name() -> None:
    prediction = Prediction(Task(), np.eye(18)[4] * 0.66 + 0.02, 34.4)
    assert prediction.line() == "worn · female · 30 to 59  0.68  (34 years)"
    assert repr(prediction) == f"Prediction({prediction.line()})"
    assert prediction.line(0.9) == "abstain · abstain · abstain  0.68  (34 years)"
    assert (prediction.mask, prediction.gender, prediction.age_group) == ("worn", "female", "30 to 59")
    assert prediction.probabilities["age_group"]["30 to 59"] == pytest.approx(0.78)
    assert Prediction(TASK, PROBS).age_group is None
