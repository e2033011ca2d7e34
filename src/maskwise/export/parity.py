"""Does the bundle predict what the run predicts? The same photos through both, from the files on."""

from __future__ import annotations

import dataclasses
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from maskwise.data.shards import bytes_of
from maskwise.drawing.portraits import PHOTO_STATES, draw_person, draw_photo
from maskwise.evaluation.metrics import macro_f1
from maskwise.records import Ints, Predictions
from maskwise.seeds import rng_for

TOLERANCE = 1e-4
"""Largest difference of a probability that an fp32 export may have."""
DRAWN_PEOPLE = 2


@dataclass(frozen=True)
class Parity:
    """How far the predictions of a bundle are from those of its run."""

    precision: str
    photos: int
    inputs: str
    """"held out", "trained on" or "drawn": which photos were compared."""
    largest_difference: float
    """Of a probability."""
    mean_difference: float
    decisions_equal: float
    """Share of photos with the same most probable joint class."""
    largest_age_difference_years: float | None
    macro_f1_run: float | None = None
    """On these photos, where they are held out."""
    macro_f1_bundle: float | None = None

    @property
    def holds(self) -> bool:
        """Whether an fp32 bundle predicts as its run does."""
        return self.largest_difference <= TOLERANCE and self.decisions_equal == 1


def compare_predictions(
    run: Predictions, bundle: Predictions, precision: str, inputs: str, class_N: Ints | None = None
) -> Parity:
    """``bundle`` against ``run`` for the same photos in the same order; ``class_N`` is the truth of held-out ones."""
    difference_NC = np.abs(run.probs_NC.astype(np.float64) - bundle.probs_NC)
    ages = None
    if run.age_years_N is not None and bundle.age_years_N is not None:
        ages = float(np.abs(run.age_years_N - bundle.age_years_N).max())
    parity = Parity(
        precision=precision,
        photos=len(run),
        inputs=inputs,
        largest_difference=float(difference_NC.max()),
        mean_difference=float(difference_NC.mean()),
        decisions_equal=float((run.probs_NC.argmax(axis=1) == bundle.probs_NC.argmax(axis=1)).mean()),
        largest_age_difference_years=ages,
    )
    if class_N is None:
        return parity
    scores = (macro_f1(class_N, each.probs_NC) for each in (run, bundle))
    return dataclasses.replace(parity, macro_f1_run=next(scores), macro_f1_bundle=next(scores))


@contextmanager
def linked_photos(data: Path, names: Sequence[str]) -> Iterator[Path]:
    """A folder of some photos of ``data``, so that run and bundle see just these, in this order; links where it can be.

    The number of a photo in ``names`` is its name without the ending.
    """
    read = bytes_of(data)
    with tempfile.TemporaryDirectory() as scratch:
        for place, name in enumerate(names):
            photo = Path(scratch) / f"{place:07d}{Path(name).suffix}"
            if (data / name).is_file():
                photo.symlink_to((data / name).resolve())
            else:
                photo.write_bytes(read(name))
        yield Path(scratch)


@contextmanager
def drawn_photos() -> Iterator[Path]:
    """A folder of portraits drawn by code, for a run whose photos are not at hand."""
    with tempfile.TemporaryDirectory() as scratch:
        for number in range(DRAWN_PEOPLE):
            person = draw_person(rng_for(0, "parity", number), 25 + 30 * number, ("male", "female")[number % 2])
            for place, state in enumerate(PHOTO_STATES):
                photo = draw_photo(person, state, rng_for(0, "parity photo", number, place))
                cv2.imwrite(str(Path(scratch) / f"{number}-{state}.png"), photo[..., ::-1])
        yield Path(scratch)
