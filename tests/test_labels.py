"""The task: hand-worked classes, borders and marginals, and the refusals."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from maskwise.labels import GENDER_CLASSES, MASK_CLASSES, Task
from support.tables import photo_table


def test_joint_class_is_mask_times_six_plus_gender_times_three_plus_age() -> None:
    task = Task()
    for mask in range(3):
        for gender in range(2):
            for age in range(3):
                codes = {"mask": np.array([mask]), "gender": np.array([gender]), "age": np.array([age])}
                assert task.joint_class(codes)[0] == mask * 6 + gender * 3 + age  # type: ignore[arg-type]


def test_codes_and_joint_class_are_inverse() -> None:
    task = Task()
    classes = np.arange(task.n_classes)
    assert np.array_equal(task.joint_class(task.codes(classes)), classes)


def test_a_person_of_exactly_a_border_age_belongs_to_the_older_group() -> None:
    ages = np.array([18, 29, 30, 59, 60, 72, -1])
    assert Task().age_group(ages).tolist() == [0, 0, 1, 1, 2, 2, -1]


def test_training_border_moves_training_labels_only() -> None:
    task = Task(train_age_borders_years=(30, 58))
    table = task.label(photo_table(mask=[0, 0, 0], gender=[1, 1, 1], age_years=[57, 58, 60]))
    assert table.class_N.tolist() == [4, 4, 5]
    assert table.train_class_N.tolist() == [4, 5, 5]


def test_unknown_attributes_give_an_unknown_class() -> None:
    table = Task().label(photo_table(mask=[0, -1, 0], gender=[1, 1, -1], age_years=[40, 40, 40]))
    assert table.class_N.tolist() == [4, -1, -1]
    assert Task().codes(table.class_N)["age"].tolist() == [1, -1, -1]


def test_other_tasks_are_settings() -> None:
    task = Task(attributes=("mask", "age"), age_borders_years=(20, 30, 40, 60))
    assert task.sizes == (3, 5)
    assert task.n_classes == 15
    assert task.classes("age") == ("under 20", "20 to 29", "30 to 39", "40 to 59", "60 and over")
    assert task.class_names[-1] == "not_worn · 60 and over"
    table = task.label(photo_table(mask=[2], gender=[-1], age_years=[35]))
    assert table.class_N.tolist() == [12]  # the gender is unknown, and not among the attributes


def test_classes_without_a_photo_are_named_once() -> None:
    task = Task(attributes=("mask", "gender"))
    assert task.absent_classes(np.arange(6)) == ()
    assert task.absent_classes(np.array([0, 1, 2, 4, 5])) == ("incorrect · female",)
    assert task.absent_classes(np.array([4, 5, -1])) == ("mask worn", "mask incorrect")
    assert task.absent_classes(np.array([0, 4])) == ("mask incorrect", "gender female")


def test_marginals_by_hand() -> None:
    task = Task(attributes=("mask", "gender"))
    probs = np.array([[0.1, 0.2, 0.3, 0.0, 0.15, 0.25]])
    assert np.allclose(task.marginal(probs, "mask"), [[0.3, 0.3, 0.4]])
    assert np.allclose(task.marginal(probs, "gender"), [[0.55, 0.45]])


@given(st.integers(0, 17))
def test_class_names_name_every_code(joint: int) -> None:
    task = Task()
    codes = task.codes(np.array([joint]))
    mask, gender, age = task.class_names[joint].split(" · ")
    assert (mask, gender) == (MASK_CLASSES[codes["mask"][0]], GENDER_CLASSES[codes["gender"][0]])
    assert age == task.classes("age")[codes["age"][0]]


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"age_borders_years": (60, 30)}, "rising"),
        ({"age_borders_years": ()}, "rising"),
        ({"attributes": ("mask", "mask")}, "different attributes"),
        ({"train_age_borders_years": (58,)}, "as many as"),
        ({"train_age_borders_years": (30, 60)}, "no effect"),
        ({"attributes": ("mask",), "train_age_borders_years": (30, 58)}, "no effect"),
    ],
)
def test_nonsense_is_refused_with_the_reason(settings: dict[str, object], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        Task(**settings)  # type: ignore[arg-type]
