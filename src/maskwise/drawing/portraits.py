"""Photos of drawn people, 384 × 512: pose, light and backdrop vary from photo to photo, the person stays.

>>> person = draw_person(np.random.default_rng(1), 34, "female")
>>> photo_HWC = draw_photo(person, "mask1", np.random.default_rng(2))
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from maskwise.drawing.body import paint_body
from maskwise.drawing.canvas import HEIGHT_PX, WIDTH_PX, Canvas, Color, Pose, mix, shade
from maskwise.drawing.draw_masks import draw_mask, plan_mask
from maskwise.drawing.hair import paint_back_hair, paint_beard, paint_front_hair
from maskwise.drawing.head import mouth_y, paint_features, paint_glasses, paint_head
from maskwise.drawing.mask_plan import ClothKind
from maskwise.drawing.seven_photos import plan_incorrect
from maskwise.drawing.traits import Person, draw_person
from maskwise.errors import DataError, must, nearest
from maskwise.records import Floats, Image
from maskwise.seeds import rng_for

__all__ = ["PHOTO_STATES", "Person", "draw_person", "draw_photo"]

PHOTO_STATES = ("mask1", "mask2", "mask3", "mask4", "mask5", "incorrect_mask", "normal")
"""A person's seven photos, by the names of their files."""
_KIND_OF_STATE: dict[str, ClothKind] = {
    "mask1": "surgical",
    "mask2": "kf94",
    "mask3": "dark",
    "mask4": "n95",
    "mask5": "patterned",
}


@dataclass(frozen=True)
class _Scene:
    """What belongs to one photo."""

    head: Pose
    body: Pose
    light_x: float
    """Where the light comes from: -1 left, 1 right."""
    brightness: float
    warmth: float
    noise: float
    backdrop: Color
    mask_seed: int
    """Of the mask alone: with or without one, all else is the same."""


def draw_photo(person: Person, state: str, rng: np.random.Generator) -> Image:
    """A photo (512 × 384 × 3, RGB) of ``person`` in one of ``PHOTO_STATES``; the same ``rng`` gives the same bytes.

    ``DataError`` for another ``state``.
    """
    if state not in PHOTO_STATES:
        raise DataError(
            must("photo state", "the name of one of a person's photos", state, nearest(state, PHOTO_STATES))
        )
    scene = _draw_scene(person, rng)
    canvas = Canvas(_backdrop(scene), scene.head)
    paint_back_hair(canvas, person)
    paint_body(canvas.posed(scene.body), person)
    face_HW = paint_head(canvas, person, scene.light_x)
    paint_beard(canvas, person, face_HW, rng)
    paint_features(canvas, person, face_HW)
    _put_on_mask(canvas, person, state, rng_for(scene.mask_seed, "demo mask"))
    paint_front_hair(canvas, person, rng)
    paint_glasses(canvas, person)
    return _develop(canvas.pixels_HWC, scene, rng)


def _draw_scene(person: Person, rng: np.random.Generator) -> _Scene:
    unit_px = 84 * float(rng.uniform(0.93, 1.06))
    center = (WIDTH_PX / 2 + float(rng.normal(0, 7)), 242 + float(rng.normal(0, 7)))
    head = Pose(
        unit_px,
        center,
        roll_rad=float(np.clip(rng.normal(0, 0.045), -0.12, 0.12)),
        yaw=float(np.clip(rng.normal(0, 0.06), -0.15, 0.15)),
        pitch=float(np.clip(rng.normal(0, 0.03), -0.07, 0.07)),
    )
    body = Pose(unit_px, center, roll_rad=0.2 * head.roll_rad)
    tint: Color = (float(rng.uniform(120, 255)), float(rng.uniform(120, 255)), float(rng.uniform(120, 255)))
    return _Scene(
        head=head,
        body=body,
        light_x=float(rng.uniform(-1, 1)),
        brightness=float(rng.uniform(0.86, 1.08)),
        warmth=float(rng.normal(0, 0.025)),
        noise=float(rng.uniform(2, 5)),
        backdrop=shade(mix(person.style.backdrop, tint, 0.15), float(rng.uniform(0.85, 1.05))),
        mask_seed=int(rng.integers(2**31)),
    )


def _backdrop(scene: _Scene) -> Image:
    """A studio wall, brighter behind the head."""
    y_h1, x_1w = np.linspace(-1, 1, 32, dtype=np.float32)[:, None], np.linspace(-1, 1, 24, dtype=np.float32)[None]
    glow_hw = 1.04 - 0.16 * ((x_1w - 0.3 * scene.light_x) ** 2 + (y_h1 + 0.2) ** 2)
    small_hwC = np.clip(glow_hw[..., None] * np.array(scene.backdrop, np.float32), 0, 255).astype(np.uint8)
    return np.asarray(cv2.resize(small_hwC, (WIDTH_PX, HEIGHT_PX), interpolation=cv2.INTER_CUBIC), dtype=np.uint8)


def _put_on_mask(canvas: Canvas, person: Person, state: str, rng: np.random.Generator) -> None:
    """The mask that ``draw_masks`` would draw on a photo of this face; glasses and hair come over it."""
    if state == "normal":
        return
    points_52 = landmarks_px(canvas.pose, person)
    if state == "incorrect_mask":
        plan = plan_incorrect(canvas.pixels_HWC, points_52, rng)
    else:
        plan = plan_mask(rng, "right", _KIND_OF_STATE[state])
    canvas.pixels_HWC[...] = draw_mask(canvas.pixels_HWC, points_52, plan)


def landmarks_px(pose: Pose, person: Person) -> Floats:
    """Eyes, nose tip and mouth corners (x, y), those on the photo's left first."""
    features, bones = person.features, person.bones
    x, wide, y = features.eye_spacing, features.lip_width, mouth_y(bones)
    return pose.to_px(np.array([(-x, 0.0), (x, 0.0), (0.0, bones.nose_y - 0.06), (-wide, y), (wide, y)]))


def _develop(pixels_HWC: Image, scene: _Scene, rng: np.random.Generator) -> Image:
    """Light from one side, warmth and grain."""
    side_W = 1 + 0.09 * scene.light_x * np.linspace(-1, 1, WIDTH_PX)
    tint_C = scene.brightness * np.array([1 + scene.warmth, 1, 1 - scene.warmth])
    grain_hw = rng.standard_normal((HEIGHT_PX // 2, WIDTH_PX // 2), dtype=np.float32) * np.float32(scene.noise)
    grain_HW = cv2.resize(grain_hw, (WIDTH_PX, HEIGHT_PX), interpolation=cv2.INTER_LINEAR)
    lit_HWC = pixels_HWC * (side_W[:, None] * tint_C).astype(np.float32)
    return np.asarray(cv2.add(lit_HWC, cv2.merge([grain_HW] * 3), dtype=cv2.CV_8U), dtype=np.uint8)
