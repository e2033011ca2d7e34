"""What an answer says in words, and answers as a table, worked by hand."""

from __future__ import annotations

import json

import numpy as np
import pytest

from maskwise.export.prediction import Prediction
from maskwise.export.prediction_table import predictions_csv
from maskwise.labels import Task
from maskwise.records import FaceBox

TASK = Task(attributes=("mask", "gender"))
"""Six classes: worn, incorrect and not worn, each male, then female."""
PROBS = np.array([0.3, 0.25, 0.05, 0.3, 0.05, 0.05])
FACE = FaceBox((1.25, 2, 30, 40.04), (), 0.9)


def test_words_follow_the_joint_class_and_abstain_one_by_one() -> None:
    answer = Prediction(TASK, PROBS)
    assert (answer.class_code, answer.class_name) == (0, "worn · male")
    assert answer.confidence == pytest.approx(0.3)
    assert answer.attribute_probs("mask") == pytest.approx({"worn": 0.55, "incorrect": 0.35, "not_worn": 0.1})
    assert answer.attribute_probs("gender") == pytest.approx({"male": 0.4, "female": 0.6})
    # Female is the more probable gender, but the words never contradict the joint class.
    assert answer.words() == {"mask": "worn", "gender": "male"}
    assert answer.words(0.5) == {"mask": "worn", "gender": "abstain"}
    assert answer.abstains(0.31)
    assert not answer.abstains(0.3)
    assert not answer.abstains(None)


def test_json_of_an_answer() -> None:
    told = json.loads(json.dumps(Prediction(TASK, PROBS, 31.5, FACE).to_dict(0.5)))
    assert (told["class"], told["class_name"], told["mask"], told["gender"]) == (
        "abstain",
        "abstain",
        "worn",
        "abstain",
    )
    assert told["probs"] == PROBS.tolist()
    assert told["box_xyxy_px"] == [1.25, 2, 30, 40.04]
    assert told["age_years"] == 31.5
    assert Prediction(TASK, PROBS).to_dict()["class"] == 0


def test_a_table_of_faces() -> None:
    rows = [("a.jpg", [Prediction(TASK, PROBS, 31.5, FACE), Prediction(TASK, PROBS[::-1], 40, FACE)]), ("b,c.jpg", [])]
    text = predictions_csv(rows, TASK, boxes=True, with_age=True, abstain_below=None)
    assert text.splitlines() == [
        "photo,face,left_px,top_px,right_px,bottom_px,class,mask,gender,age_years,confidence,p_0,p_1,p_2,p_3,p_4,p_5",
        "a.jpg,0,1.2,2.0,30.0,40.0,0,worn,male,31.5,0.3,0.3,0.25,0.05,0.3,0.05,0.05",
        "a.jpg,1,1.2,2.0,30.0,40.0,2,incorrect,male,40,0.3,0.05,0.05,0.3,0.05,0.25,0.3",
        '"b,c.jpg",,,,,,no_face,,,,,,,,,,',
    ]
