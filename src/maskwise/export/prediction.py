"""What is predicted for one face or photo."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from maskwise.labels import Attribute, Task
from maskwise.records import FaceBox, Floats
from maskwise.store.task_columns import ATTRIBUTE_COLUMN

ABSTAIN = "abstain"


@dataclass(frozen=True, eq=False)
class Prediction:
    """The probabilities of all joint classes, and what follows from them."""

    task: Task
    probs_C: Floats
    age_years: float | None = None
    """Expected age; None without an age head."""
    face: FaceBox | None = None
    """The face that is meant, in pixels of the photo; None for a whole photo."""

    @cached_property
    def class_code(self) -> int:
        """The most probable joint class."""
        return int(self.probs_C.argmax())

    @property
    def class_name(self) -> str:
        """Its name, as ``worn · female · under 30``."""
        return self.task.class_names[self.class_code]

    @property
    def confidence(self) -> float:
        """Its probability."""
        return float(self.probs_C[self.class_code])

    @property
    def mask(self) -> str | None:
        """The mask class of the joint class; None where it is not predicted."""
        return self.words().get("mask")

    @property
    def gender(self) -> str | None:
        """The same for the gender."""
        return self.words().get("gender")

    @property
    def age_group(self) -> str | None:
        """The same for the age group."""
        return self.words().get("age")

    @property
    def probabilities(self) -> dict[str, dict[str, float]]:
        """Of each class of each attribute: ``prediction.probabilities["mask"]["worn"]``."""
        return {ATTRIBUTE_COLUMN[attribute]: self.attribute_probs(attribute) for attribute in self.task.attributes}

    def line(self, abstain_below: float | None = None) -> str:
        """As ``worn · female · 30 to 59  0.83  (34 years)``."""
        years = "" if self.age_years is None else f"  ({self.age_years:.0f} years)"
        return f"{' · '.join(self.words(abstain_below).values())}  {self.confidence:.2f}{years}"

    def __repr__(self) -> str:
        return f"Prediction({self.line()})"

    def attribute_probs(self, attribute: Attribute) -> dict[str, float]:
        """The probability of each class of ``attribute``: the joint ones summed over the others."""
        marginal_A = self.task.marginal(self.probs_C[None], attribute)[0]
        return dict(zip(self.task.classes(attribute), marginal_A.tolist(), strict=True))

    def words(self, abstain_below: float | None = None) -> dict[str, str]:
        """The class of each attribute in the most probable joint class, so that they never contradict each other.

        With ``abstain_below``, ``"abstain"`` for an attribute of which that class is less probable than this.
        """
        codes = self.task.codes(np.array([self.class_code]))
        words: dict[str, str] = {}
        for attribute in self.task.attributes:
            word = self.task.classes(attribute)[int(codes[attribute][0])]
            unsure = abstain_below is not None and self.attribute_probs(attribute)[word] < abstain_below
            words[attribute] = ABSTAIN if unsure else word
        return words

    def abstains(self, abstain_below: float | None) -> bool:
        """Whether the joint class is less probable than ``abstain_below``."""
        return abstain_below is not None and self.confidence < abstain_below

    def to_dict(self, abstain_below: float | None = None) -> dict[str, Any]:
        """All of it as JSON types; the names are those of a predictions file."""
        words = self.words(abstain_below)
        return {
            "class": ABSTAIN if self.abstains(abstain_below) else self.class_code,
            "class_name": ABSTAIN if self.abstains(abstain_below) else self.class_name,
            **{ATTRIBUTE_COLUMN[attribute]: words[attribute] for attribute in self.task.attributes},
            "age_years": self.age_years,
            "confidence": self.confidence,
            "probabilities": self.probabilities,
            "joint_probabilities": self.probs_C.tolist(),
            "box_xyxy_px": None if self.face is None else list(self.face.box_xyxy_px),
        }
