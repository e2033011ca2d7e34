"""What models say of single photos, as records: pages can show them without torch."""

from __future__ import annotations

from dataclasses import dataclass

from maskwise.records import Floats, Image


@dataclass(frozen=True)
class ExplainedPhoto:
    """One photo as one model sees it."""

    place: int
    """Its position in the predictions."""
    model: str
    """Which model: one that never saw the person."""
    pixels_HWC: Image
    """What the model sees."""
    for_predicted_HW: Floats
    """What speaks for the prediction, 0 to 1."""
    for_label_HW: Floats | None
    """What speaks for the label; None where that is predicted."""


@dataclass(frozen=True)
class AugmentedPhoto:
    """A training photo as the model sees it, and several samples of the augmentation and mixing of it."""

    model: str
    """The part's name; "" where one model predicts all."""
    photo: str
    plain_HWC: Image
    drawn: tuple[Image, ...]
