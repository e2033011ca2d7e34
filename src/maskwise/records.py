"""What travels between the rooms: frozen dataclasses over numpy arrays. No torch is imported here.

Suffix letters name the axes: N photos, C joint classes, D embedding, A ages; H, W, C of an image in pixels.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from maskwise.errors import DataError, must

if TYPE_CHECKING:
    from torch import Tensor

Ints = NDArray[np.integer[Any]]
Floats = NDArray[np.floating[Any]]
Strings = NDArray[np.object_]
Image = NDArray[np.uint8]
"""A photo, height × width × 3, RGB."""


@dataclass(frozen=True)
class PhotoTable:
    """Photos of people as columns, one row per photo: what splits, samplers and the training loop see.

    Codes and ages are -1 where the data set does not say. ``photo_N`` is the path below the data set's root, with
    forward slashes. ``person_N`` is equal for photos that may show the same person: such photos are never parted.
    """

    photo_N: Strings
    person_N: Strings
    mask_N: Ints
    gender_N: Ints
    age_years_N: Ints
    origin_N: Strings
    """What the data set says of a person's origin, "" where it says nothing. For reports; never learned."""
    class_N: Ints
    """Joint class for scores; -1 until ``Task.label`` fills it."""
    train_class_N: Ints
    """Joint class for training, by the training-time age borders; -1 until ``Task.label`` fills it."""

    def __post_init__(self) -> None:
        _refuse_ragged(self)

    def __len__(self) -> int:
        return len(self.photo_N)

    def take(self, index: Ints | NDArray[np.bool_]) -> PhotoTable:
        """The rows at ``index`` (positions or a mask), in that order."""
        columns = {field.name: getattr(self, field.name)[index] for field in dataclasses.fields(self)}
        return PhotoTable(**columns)

    def at(self, photos: Iterable[str]) -> PhotoTable:
        """The rows of ``photos``, in that order; ``DataError`` for a photo that has none."""
        return self.take(rows_of(photos, self.photo_N))


@dataclass(frozen=True)
class FaceBox:
    """A detected face: corners in pixels of the whole photo, five landmarks (eyes, nose, mouth corners), a score."""

    box_xyxy_px: tuple[float, float, float, float]
    landmarks_px: tuple[tuple[float, float], ...]
    score: float


@dataclass(frozen=True)
class InputSpec:
    """How a photo becomes a model's input. Saved with the weights, so training and prediction cannot differ.

    decode (upright, RGB) → crop → resize to ``height_px`` × ``width_px`` → divide by 255 → subtract mean, divide by
    std.
    """

    height_px: int
    width_px: int
    crop: Mapping[str, Any]
    """The crop's settings as they stand in the recipe (a ``faces.config.CropConfig`` in JSON form)."""
    mean_C: tuple[float, float, float]
    std_C: tuple[float, float, float]


@dataclass(frozen=True)
class Batch:
    """One training step's photos on the device: ``class_N`` is the truth, ``target_NC`` is what the loss sees."""

    images_NCHW: Tensor
    class_N: Tensor
    target_NC: Tensor
    age_years_N: Tensor
    weight_N: Tensor | None = None
    """How much each photo counts in the loss; None: all alike."""
    partner_age_years_N: Tensor | None = None
    """The age of the photo that each was mixed with; None: nothing was mixed."""
    own_share_N: Tensor | None = None
    """How much of each photo is its own, where photos were mixed."""
    teacher_NC: Tensor | None = None
    """What a teacher predicts for each photo; None: nobody teaches."""


class Output(NamedTuple):
    """What every model returns. Always C joint logits, whatever the heads."""

    logits_NC: Tensor
    embedding_ND: Tensor
    age_logits_NA: Tensor | None
    attribute_logits_NA: Tensor | None = None
    """While it trains, the logits of each attribute side by side, of a head whose losses need them."""


@dataclass(frozen=True)
class Predictions:
    """The narrow waist: C probabilities per photo, and how the model came to see it.

    ``seen_N`` is "held_out" (a person the model never saw, truth known), "trained_on" or "test" (truth unknown to us).
    Whatever is fitted on predictions calls ``require_held_out`` first.
    """

    photo_N: Strings
    person_N: Strings
    class_N: Ints
    """True joint class, -1 where unknown."""
    probs_NC: Floats
    seen_N: Strings
    age_years_N: Floats | None = None
    """Predicted age in years, where the model has an age head."""
    optimistic: bool = False
    """True when the checkpoint was chosen on these very people: scores read too high and are marked so."""

    def __post_init__(self) -> None:
        _refuse_ragged(self)
        if self.probs_NC.ndim != 2:
            raise DataError(must("probs_NC", "a matrix, one row per photo", self.probs_NC.shape, "Reshape it."))
        sums_N = self.probs_NC.sum(axis=1, dtype=np.float64)
        if len(sums_N) and not (np.all(np.isfinite(sums_N)) and np.all(np.abs(sums_N - 1) < 1e-3)):
            worst = self.photo_N[int(np.argmax(np.nan_to_num(np.abs(sums_N - 1), nan=np.inf)))]
            raise DataError(
                f"probabilities of every photo must be finite and sum to 1, got other for {worst!r}. "
                "Make the predictions again."
            )

    def __len__(self) -> int:
        return len(self.photo_N)

    def take(self, index: Ints | NDArray[np.bool_]) -> Predictions:
        """The rows at ``index`` (positions or a mask), in that order."""
        return dataclasses.replace(
            self,
            photo_N=self.photo_N[index],
            person_N=self.person_N[index],
            class_N=self.class_N[index],
            probs_NC=self.probs_NC[index],
            seen_N=self.seen_N[index],
            age_years_N=None if self.age_years_N is None else self.age_years_N[index],
        )

    def at(self, photos: Iterable[str]) -> Predictions:
        """The rows of ``photos``, in that order; ``DataError`` for a photo that has none."""
        return self.take(rows_of(photos, self.photo_N))

    def require_held_out(self, purpose: str) -> None:
        """Refuse to fit ``purpose`` on anything but photos of people whom the model never saw."""
        other_N = self.seen_N != "held_out"
        if bool(np.any(other_N)):
            raise DataError(
                must(
                    f"predictions for {purpose}",
                    "held out (people the model never saw)",
                    f"{int(np.sum(other_N))} of {len(self)} that are {sorted(set(self.seen_N[other_N]))}",
                    "Use the held-out predictions of the run.",
                )
            )


def rows_of(photos: Iterable[str], photo_N: Strings) -> Ints:
    """The row of each of ``photos`` in ``photo_N``. ``DataError`` names the first that has none."""
    row_of = {str(photo): row for row, photo in enumerate(photo_N.tolist())}
    names = [str(photo) for photo in photos]
    absent = [name for name in names if name not in row_of]
    if absent:
        remedy = "Use photos of one data set."
        raise DataError(must("photos", "in the table", f"{len(absent)} that are not, first {absent[0]!r}", remedy))
    return np.array([row_of[name] for name in names], dtype=np.int64)


def _refuse_ragged(record: Any) -> None:
    lengths = {
        field.name: len(value)
        for field in dataclasses.fields(record)
        if isinstance(value := getattr(record, field.name), np.ndarray)
    }
    if len(set(lengths.values())) > 1:
        raise DataError(f"columns of {type(record).__name__} must be of one length, got {lengths}. Rebuild the table.")
