from __future__ import annotations

import cv2
import numpy as np
import pytest
from scipy.fft import dctn

from maskwise.data.near_copies import ALIKE, SIDE_PX, WAVES, lowest_waves, near_copies
from maskwise.records import Floats, Image


def scene(rng: np.random.Generator) -> Image:
    """A picture with coarse and fine parts as photos have them, the finer the fainter; 150 × 120."""
    parts = [
        cv2.resize(rng.normal(0, 60 / step, (5 * step, 4 * step, 3)), (120, 150), interpolation=cv2.INTER_CUBIC)
        for step in (1, 2, 4, 8, 15)
    ]
    total: Floats = np.sum(parts, axis=0)
    return np.clip(128 + total, 0, 255).astype(np.uint8)


SCENES = [scene(np.random.default_rng(seed)) for seed in range(40)]


def changed(photo: Image, how: str) -> Image:
    match how:
        case "brighter":
            return np.asarray(np.clip(photo * 0.8 + 40, 0, 255), dtype=np.uint8)
        case "smaller":
            return np.asarray(cv2.resize(photo, (60, 75), interpolation=cv2.INTER_AREA), dtype=np.uint8)
        case "mirrored":
            return np.ascontiguousarray(photo[:, ::-1])
        case "cut":
            return photo[2:-1, 1:-1]
        case _:
            data = cv2.imencode(".jpg", photo, [cv2.IMWRITE_JPEG_QUALITY, 30])[1]
            return np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR), dtype=np.uint8)


def test_a_description_is_the_low_waves_of_the_cosine_transform() -> None:
    photo = np.random.default_rng(0).integers(0, 256, (SIDE_PX, SIDE_PX, 3), dtype=np.uint8)
    gray = cv2.cvtColor(photo, cv2.COLOR_RGB2GRAY).astype(np.float64)
    waves_F = dctn(gray, norm="ortho")[:WAVES, :WAVES].reshape(-1)[1:]
    np.testing.assert_allclose(lowest_waves(photo), waves_F / np.linalg.norm(waves_F), atol=1e-5)


@pytest.mark.parametrize("how", ["brighter", "smaller", "mirrored", "cut", "compressed"])
def test_a_changed_copy_is_found_and_nothing_else(how: str) -> None:
    photos = [*SCENES, changed(SCENES[7], how)]
    waves_NF = np.stack([lowest_waves(photo) for photo in photos])
    pairs = near_copies(waves_NF, np.arange(len(photos)))
    assert [(pair.one, pair.other) for pair in pairs] == [(7, len(SCENES))]
    assert ALIKE <= pairs[0].alike <= 1.001


def test_photos_of_one_group_are_no_pair_and_the_order_plays_no_part() -> None:
    photos = [*SCENES, changed(SCENES[3], "cut"), changed(SCENES[9], "brighter")]
    waves_NF = np.stack([lowest_waves(photo) for photo in photos])
    group_N = np.arange(len(photos))
    group_N[-2] = group_N[3]
    assert [(pair.one, pair.other) for pair in near_copies(waves_NF, group_N)] == [(9, 41)]
    order = np.random.default_rng(1).permutation(len(photos))
    (pair,) = near_copies(waves_NF[order], group_N[order])
    assert {int(order[pair.one]), int(order[pair.other])} == {9, 41}


def test_blocks_join_up(monkeypatch: pytest.MonkeyPatch) -> None:
    photos = [*SCENES, *(changed(photo, "brighter") for photo in SCENES)]
    waves_NF = np.stack([lowest_waves(photo) for photo in photos])
    whole = near_copies(waves_NF, np.arange(80))
    monkeypatch.setattr("maskwise.data.near_copies._BLOCK", 7)
    parts = near_copies(waves_NF, np.arange(80))
    assert len(whole) >= 40
    assert [pair[:2] for pair in whole] == [pair[:2] for pair in parts]
    assert near_copies(waves_NF[:1], np.arange(1)) == []


def test_a_plain_picture_breaks_nothing() -> None:
    waves_NF = np.stack([lowest_waves(np.full((20, 20, 3), value, dtype=np.uint8)) for value in (0, 128, 255)])
    assert np.isfinite(waves_NF).all()
    assert all(np.isfinite(pair.alike) for pair in near_copies(waves_NF, np.arange(3)))
