"""The competition's submission file."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from maskwise.errors import DataError
from maskwise.evaluation.matching import AMBIGUOUS, MISSING, match_photos
from maskwise.files import write_atomically
from maskwise.records import Predictions
from maskwise.tables import capped, exact_csv_text


def write_submission(predictions: Predictions, order: Sequence[str], path: Path) -> None:
    """Write ``ImageID,ans`` with the most probable joint class (an integer) of every image, in ``order``.

    ``order`` is the column ImageID of eval/info.csv; an image is found by its path or its unique file name, and
    predictions of other photos are passed over. An existing file is replaced. ``DataError`` lists images that have no
    prediction, fit several, or stand twice in ``order``.
    """
    place_M = match_photos(order, predictions.photo_N)
    reasons = {MISSING: "got none", AMBIGUOUS: "got several of that file name"}
    problems = [
        f"image {image!r} must have one prediction, {reasons[place]}. Predict the whole evaluation part."
        for image, place in zip(order, place_M.tolist(), strict=True)
        if place in reasons
    ]
    seen: set[str] = set()
    for image in order:
        if image in seen:
            problems.append(f"image {image!r} must stand once in the order, got it again. Correct info.csv.")
        seen.add(image)
    if problems:
        raise DataError(capped(problems))
    class_M = predictions.probs_NC.argmax(axis=1)[place_M]
    rows = zip(order, class_M.tolist(), strict=True)
    write_atomically(path, exact_csv_text([("ImageID", "ans"), *rows]))
