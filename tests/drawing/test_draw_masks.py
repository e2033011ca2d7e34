"""Masks on drawn people: what changes, what stays, and that the same plan gives the same bytes."""

from __future__ import annotations

import dataclasses

import cv2
import numpy as np
import pytest

from maskwise.drawing.draw_masks import draw_mask, plan_mask, share_in_photo
from maskwise.drawing.face_pose import read_pose
from maskwise.drawing.mask_light import read_light, soften
from maskwise.drawing.mask_plan import (
    CLOTH_KINDS,
    WEARINGS,
    WRONG_SHARES,
    ClothKind,
    MaskPlan,
    Print,
    Wearing,
    draw_wrong_wearing,
)
from maskwise.drawing.mask_shapes import cut_of, lay_mask
from maskwise.drawing.mask_textures import draw_cloth, grain
from maskwise.errors import DataError
from maskwise.records import Image
from maskwise.seeds import rng_for
from support.faces_drawn import bare_face, landmarks

GREEN = (30, 200, 60)
"""Like nothing in a drawn face."""


def plan(wearing: Wearing, kind: ClothKind = "cloth", **changes: object) -> MaskPlan:
    """A green mask, straight and without chance."""
    calm = {
        "colour_rgb": GREEN,
        "accent_rgb": GREEN,
        "shift_x": 0.0,
        "shift_y": 0.0,
        "tilt_rad": 0.0,
        "width": 1.0,
        "creases": 0.5,
    }
    return dataclasses.replace(plan_mask(rng_for(0, "plan"), wearing, kind), **{**calm, **changes})  # type: ignore[arg-type]


def is_green(photo_HWC: Image, x: float, y: float) -> bool:
    red, green, blue = (int(value) for value in photo_HWC[round(y), round(x)])
    return green > 1.3 * red and green > 1.3 * blue


def greens(wearing: Wearing, kind: ClothKind = "cloth", number: int = 0) -> dict[str, bool]:
    """Which parts of the face the mask covers."""
    photo_HWC, face = bare_face(number)
    points_52, pose = landmarks(face), read_pose(landmarks(face))
    drawn_HWC = draw_mask(photo_HWC, points_52, plan(wearing, kind))
    places = {
        "eyes": tuple(points_52[:2].mean(axis=0)),
        "nose": tuple(points_52[2]),
        "mouth": tuple(points_52[3:].mean(axis=0)),
        "chin": tuple(pose.place(np.array([[pose.mouth_x, pose.chin_y - 0.1]]))[0]),
        "left of the mouth": tuple(points_52[3]),
        "right of the mouth": tuple(points_52[4]),
    }
    return {name: is_green(drawn_HWC, *place) for name, place in places.items()}


@pytest.mark.parametrize("kind", CLOTH_KINDS)
def test_worn_right_it_covers_nose_mouth_and_chin(kind: ClothKind) -> None:
    covered = greens("right", kind)
    assert not covered.pop("eyes")
    assert all(covered.values()), covered


@pytest.mark.parametrize("number", range(4))
def test_worn_wrong_it_shows_what_it_should(number: int) -> None:
    nose_out, mouth_out, on_chin, one_ear = (greens(w, number=number) for w in WRONG_SHARES)
    assert not nose_out["nose"]
    assert nose_out["mouth"]
    assert nose_out["chin"]
    for covered in (mouth_out, on_chin):
        assert not covered["nose"]
        assert not covered["mouth"]
        assert covered["chin"]
    assert not any(one_ear.values())


def test_a_mask_on_the_chin_lies_lower_than_one_below_the_mouth() -> None:
    pose = read_pose(landmarks(bare_face()[1]))
    tops = [cut_of(pose, plan(wearing)).top for wearing in ("right", "nose_out", "mouth_out", "on_chin")]
    assert tops == sorted(tops)
    assert tops[0] < pose.nose_y < tops[1] < pose.mouth_y < tops[2] < tops[3] < pose.chin_y


@pytest.mark.parametrize("side", [-1, 1])
def test_one_ear_is_the_ear_of_the_plans_side(side: int) -> None:
    photo_HWC, face = bare_face()
    drawn_HWC = draw_mask(photo_HWC, landmarks(face), plan("one_ear", side=side))
    middle = read_pose(landmarks(face)).origin_xy_px[0]
    columns = np.flatnonzero((drawn_HWC != photo_HWC).any(axis=(0, 2)))
    assert np.all((columns - middle) * side > 0)
    assert len(columns) > 20


@pytest.mark.parametrize("wearing", WEARINGS)
@pytest.mark.parametrize("kind", CLOTH_KINDS)
def test_nothing_changes_far_from_the_lower_face_and_the_photo_given_stays(wearing: Wearing, kind: ClothKind) -> None:
    photo_HWC, face = bare_face(1)
    before_HWC = photo_HWC.copy()
    pose = read_pose(landmarks(face))
    drawn_HWC = draw_mask(photo_HWC, landmarks(face), plan_mask(rng_for(1, wearing), wearing, kind))
    assert np.array_equal(photo_HWC, before_HWC)
    assert drawn_HWC.shape == photo_HWC.shape
    assert drawn_HWC.dtype == np.uint8
    changed_y, changed_x = np.nonzero((drawn_HWC != photo_HWC).any(axis=2))
    assert len(changed_y) > 500
    x, y = ((np.array([changed_x, changed_y]).T - pose.origin_xy_px) / pose.unit_px).T
    assert y.min() > -0.45
    assert y.max() < pose.chin_y + 0.95
    assert np.abs(x).max() < 1.75


def test_the_same_plan_gives_the_same_bytes_and_another_seed_others() -> None:
    photo_HWC, face = bare_face()
    first, second, other = (
        draw_mask(photo_HWC, landmarks(face), plan_mask(rng_for(seed, "mask"), "right")) for seed in (3, 3, 4)
    )
    assert np.array_equal(first, second)
    assert not np.array_equal(first, other)


def test_kinds_and_prints_look_different() -> None:
    photo_HWC, face = bare_face()
    drawn = [draw_mask(photo_HWC, landmarks(face), plan("right", kind)) for kind in CLOTH_KINDS]
    drawn += [
        draw_mask(photo_HWC, landmarks(face), plan("right", "patterned", print=pattern, accent_rgb=(250, 250, 250)))
        for pattern in ("dots", "stripes", "checks", "blots")
    ]
    drawn.append(draw_mask(photo_HWC, landmarks(face), plan("right", "n95", valve=True)))
    assert len({photo.tobytes() for photo in drawn}) == len(drawn) == 11


def test_on_a_turned_head_the_far_side_is_shorter() -> None:
    """A face turned to the photo's right: its nose moves there, and of the mask's right half less is seen."""
    front = np.array([(160.0, 150), (240, 150), (200, 198), (168, 232), (232, 232)])
    turned = front.copy()
    turned[:, 0] = 200 + (front[:, 0] - 200) * np.cos(0.5)
    turned[2, 0] += 0.45 * 80 * np.sin(0.5)
    shares = []
    for points_52 in (front, turned):
        lay = lay_mask(read_pose(points_52), plan("right"))
        row = np.argmin(np.abs(lay.sheet.axes()[1][:, 0] - 1.0))
        seen = lay.inside_HW[row] > 0
        shares.append(float(np.mean(lay.u_HW[row][seen] > 0.5)))
    assert shares[0] == pytest.approx(0.5, abs=0.03)
    assert shares[1] < 0.35


def test_a_darker_photo_gets_a_darker_mask_and_a_side_in_shade_a_darker_side() -> None:
    photo_HWC, face = bare_face()
    pose = read_pose(landmarks(face))
    white = plan("right", colour_rgb=(240, 240, 240))
    slope_W = np.linspace(1.0, 0.45, photo_HWC.shape[1], dtype=np.float32)[None, :, None]
    shaded_HWC = (photo_HWC * slope_W).astype(np.uint8)
    dark_HWC = (photo_HWC * np.float32(0.5)).astype(np.uint8)
    left, right = (tuple(np.round(pose.place(np.array([[x, 1.0]]))[0]).astype(int)) for x in (-0.55, 0.55))

    def around(photo: Image, place: tuple[int, ...]) -> float:
        return float(photo[place[1] - 6 : place[1] + 7, place[0] - 6 : place[0] + 7].mean())

    bright, dark, shaded = (draw_mask(photo, landmarks(face), white) for photo in (photo_HWC, dark_HWC, shaded_HWC))
    assert around(dark, left) < 0.8 * around(bright, left)
    assert around(shaded, right) / around(shaded, left) < 0.93 * around(bright, right) / around(bright, left)
    assert read_light(shaded_HWC, pose).light_x < read_light(photo_HWC, pose).light_x


def test_the_photos_blur_and_noise_are_seen() -> None:
    photo_HWC, face = bare_face()
    pose = read_pose(landmarks(face))
    light = read_light(photo_HWC, pose)
    blurred = read_light(cv2.GaussianBlur(photo_HWC, (0, 0), 3.0), pose)
    rough = rng_for(0, "noise").normal(0, 6, photo_HWC.shape)
    noisy = read_light(np.clip(photo_HWC + rough, 0, 255).astype(np.uint8), pose)
    assert blurred.blur_px > light.blur_px + 1
    assert blurred.noise < light.noise < noisy.noise
    # Gray is a mean of the channels, so 6 in each of them is 6 · √(0.299² + 0.587² + 0.114²) = 4.0 there.
    assert noisy.noise == pytest.approx(4.0, abs=1.2)


@pytest.mark.parametrize("pattern", ["none", "dots", "checks"])
def test_white_cloth_in_the_brightest_warm_light_stays_white(pattern: Print) -> None:
    """Red would be 266 there: it must stop at 255 and not begin again at 10."""
    white = plan(
        "right", "patterned", colour_rgb=(248, 248, 248), accent_rgb=(248, 248, 248), print=pattern, creases=0.0
    )
    cloth_HWC = draw_cloth(white, 0.0, np.array([1.075, 1.0, 0.95]), rng_for(0, "cloth"))
    assert cloth_HWC.shape == (120, 160, 3)
    assert np.quantile(cloth_HWC[..., 0], 0.05) > 130
    assert np.median(cloth_HWC[..., 0]) > 240
    assert np.median(cloth_HWC[..., 0]) > np.median(cloth_HWC[..., 2])


def test_noise_for_photos_of_any_size() -> None:
    for height, width in ((40, 50), (700, 30), (1500, 2100)):
        noise_HW = grain(height, width, rng_for(0, "noise"))
        assert noise_HW.shape == (height, width)
        assert noise_HW.std() == pytest.approx(1, abs=0.06)


@pytest.mark.parametrize("blur_px", [0.8, 1.5, 3.0])
def test_softening_is_about_a_gaussian(blur_px: float) -> None:
    point_HW = np.zeros((41, 41), dtype=np.float32)
    point_HW[20, 20] = 1
    spread = soften(point_HW, blur_px).sum(axis=0)
    offsets = np.arange(41) - 20
    assert spread.sum() == pytest.approx(1, abs=1e-5)
    assert float(np.sqrt((spread * offsets**2).sum())) == pytest.approx(blur_px, rel=0.25)


def test_masks_may_stick_out_of_the_photo() -> None:
    photo_HWC, face = bare_face()
    pose = read_pose(landmarks(face))
    chin_row = int(pose.place(np.array([[0.0, pose.mouth_y + 0.1]]))[0, 1])
    cut_HWC = np.ascontiguousarray(photo_HWC[:chin_row])
    drawn_HWC = draw_mask(cut_HWC, landmarks(face), plan("right"))
    assert drawn_HWC.shape == cut_HWC.shape
    assert is_green(drawn_HWC, *landmarks(face)[2])
    assert share_in_photo(photo_HWC, landmarks(face), plan("right")) == 1
    assert 0.3 < share_in_photo(cut_HWC, landmarks(face), plan("right")) < 0.9
    assert share_in_photo(cut_HWC, landmarks(face), plan("on_chin")) == 0
    assert np.array_equal(draw_mask(cut_HWC[:40], landmarks(face), plan("on_chin")), cut_HWC[:40])


def test_plans_are_drawn_by_chance_alone_and_wrong_ones_by_their_shares() -> None:
    assert plan_mask(rng_for(1, "a"), "right") == plan_mask(rng_for(1, "a"), "right")
    plans = [plan_mask(rng_for(k, "many"), "right") for k in range(200)]
    assert {each.kind for each in plans} == set(CLOTH_KINDS)
    assert len({each.colour_rgb for each in plans}) > 150
    assert all(each.print != "none" for each in plans if each.kind == "patterned")
    assert all(0 <= channel <= 255 for each in plans for channel in (*each.colour_rgb, *each.accent_rgb))
    rng = rng_for(0, "ways")
    ways = [draw_wrong_wearing(rng) for _ in range(2000)]
    for way, share in WRONG_SHARES.items():
        assert ways.count(way) / 2000 == pytest.approx(share, abs=0.04)
    assert sum(WRONG_SHARES.values()) == pytest.approx(1)


def test_unknown_words_are_refused() -> None:
    with pytest.raises(DataError, match=r"wearing must .* got 'rigth'\. Did you mean 'right'"):
        plan_mask(rng_for(0, "x"), "rigth")  # type: ignore[arg-type]
    with pytest.raises(DataError, match="kind of mask must be"):
        plan_mask(rng_for(0, "x"), "right", "scarf")  # type: ignore[arg-type]
