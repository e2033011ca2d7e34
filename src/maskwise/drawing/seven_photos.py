"""From one portrait to a person's seven photos: five masks worn right, one worn wrong, none.

Each photo has its own small turn, size, place and light, as seven photos of one person have.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import cv2
import numpy as np

from maskwise.drawing.draw_masks import draw_mask, share_in_photo
from maskwise.drawing.mask_plan import CLOTH_KINDS, MaskPlan, draw_wrong_wearing, plan_mask
from maskwise.drawing.usable_faces import why_unusable
from maskwise.errors import DataError, must
from maskwise.records import FaceBox, Floats, Image

__all__ = ["DrawnPhoto", "plan_incorrect", "seven_photos", "why_unusable"]

MOST_PHOTOS, FEWEST_PHOTOS = 7, 3
_LEAST_IN_PHOTO = 0.6
"""A mask worn wrong of which less lies in the photo would not be seen for what it is."""


@dataclass(frozen=True)
class DrawnPhoto:
    """One photo of a person, and what was drawn on it."""

    name: str
    """The file's name without its ending: mask1 … mask5, incorrect_mask, normal."""
    photo_HWC: Image
    plan: MaskPlan | None
    """None where no mask was drawn."""
    landmarks_px: tuple[tuple[float, float], ...]
    """Where the face is in this photo."""

    def log(self) -> dict[str, Any]:
        """What was drawn where, for a line of JSON."""
        points = [[round(x, 2), round(y, 2)] for x, y in self.landmarks_px]
        return {"photo": self.name, "landmarks_px": points, "mask": None if self.plan is None else asdict(self.plan)}


def seven_photos(
    portrait_HWC: Image, face: FaceBox, rng: np.random.Generator, variation: float = 1.0, photos: int = MOST_PHOTOS
) -> list[DrawnPhoto]:
    """mask1 … mask5 of different kinds, incorrect_mask and normal, all of the portrait's size.

    The portrait is an RGB photo of one unmasked ``face``; ``why_unusable`` says whether it will do. ``variation`` is
    how much pose and light change from photo to photo; 0 leaves all but the masks alone. Fewer ``photos`` (3 to 7)
    leave out the last of the masks worn right. ``DataError`` for other numbers, or landmarks that do not stand as in
    a face.
    """
    if not FEWEST_PHOTOS <= photos <= MOST_PHOTOS:
        rule, remedy = f"{FEWEST_PHOTOS} to {MOST_PHOTOS}", "Every person has an incorrect mask and none, too."
        raise DataError(must("photos of a portrait", rule, photos, remedy))
    landmarks_52 = np.array(face.landmarks_px)
    worn = photos - 2
    kinds = [CLOTH_KINDS[k] for k in rng.permutation(len(CLOTH_KINDS))[:worn]]
    wearers = [(f"mask{k + 1}", plan_mask(rng, "right", kind)) for k, kind in enumerate(kinds)]
    wrong = plan_incorrect(portrait_HWC, landmarks_52, rng)
    plans = [*wearers, ("incorrect_mask", wrong), ("normal", None)]
    return [_draw(name, portrait_HWC, landmarks_52, plan, rng, variation) for name, plan in plans]


def plan_incorrect(portrait_HWC: Image, landmarks_52_px: Floats, rng: np.random.Generator) -> MaskPlan:
    """A mask worn wrong in a way that can be seen in this photo; below the nose where all others lie outside it."""
    plan = plan_mask(rng, draw_wrong_wearing(rng))
    if share_in_photo(portrait_HWC, landmarks_52_px, plan) < _LEAST_IN_PHOTO:
        return plan_mask(rng, "nose_out", plan.kind)
    return plan


def _draw(
    name: str,
    portrait_HWC: Image,
    landmarks_52_px: Floats,
    plan: MaskPlan | None,
    rng: np.random.Generator,
    variation: float,
) -> DrawnPhoto:
    """Change pose and light a little, then draw the mask, so that it has the changed photo's light and noise."""
    photo_HWC, points_52 = portrait_HWC.copy(), landmarks_52_px
    if variation > 0:
        photo_HWC, points_52 = _vary(portrait_HWC, landmarks_52_px, rng, variation)
    if plan is not None:
        photo_HWC = draw_mask(photo_HWC, points_52, plan)
    return DrawnPhoto(name, photo_HWC, plan, tuple((float(x), float(y)) for x, y in points_52))


def _vary(photo_HWC: Image, points_52: Floats, rng: np.random.Generator, variation: float) -> tuple[Image, Floats]:
    """The photo turned, enlarged and moved by a few hundredths, a little brighter or darker; the points with it."""
    height, width = photo_HWC.shape[:2]
    degrees, enlarged = float(rng.normal(0, 2) * variation), 1 + float(rng.uniform(0, 0.05) * variation)
    shift_xy = rng.uniform(-0.02, 0.02, 2) * variation * np.array([width, height])
    matrix_23 = cv2.getRotationMatrix2D((width / 2, height / 2), float(np.clip(degrees, -5, 5)), enlarged)
    matrix_23[:, 2] += shift_xy
    moved_HWC = cv2.warpAffine(
        photo_HWC, matrix_23, (width, height), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT_101
    )
    gain, lift = 1 + float(rng.uniform(-0.12, 0.1) * variation), float(rng.uniform(-6, 6) * variation)
    lit_HWC = cv2.addWeighted(moved_HWC, gain, moved_HWC, 0, lift)
    return np.asarray(lit_HWC, dtype=np.uint8), points_52 @ matrix_23[:, :2].T + matrix_23[:, 2]
