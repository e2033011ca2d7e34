"""Each operation against torchvision's functional of the same meaning, and against values worked by hand."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import get_args

import numpy as np
import pytest
import torch
from torch import Tensor
from torchvision.transforms.v2 import functional as reference

from maskwise.augment.operations import OPERATIONS, OperationName, operate_

BILINEAR = reference.InterpolationMode.BILINEAR


def images(n: int = 4, height: int = 15, width: int = 12) -> Tensor:
    return torch.from_numpy(np.random.default_rng(0).random((n, 3, height, width), dtype=np.float32))


def tall(values: list[float]) -> Tensor:
    """One photo, as high as there are values and one pixel wide, alike in all channels."""
    return torch.tensor(values, dtype=torch.float64).view(1, 1, -1, 1).repeat(1, 3, 1, 1)


def moved(photo: Tensor, right_px: int, down_px: int) -> Tensor:
    return reference.affine(photo, 0, [right_px, down_px], 1, [0.0, 0.0], interpolation=BILINEAR)  # type: ignore[no-any-return]


def sheared(photo: Tensor, x: float, y: float) -> Tensor:
    degrees = [math.degrees(math.atan(x)), math.degrees(math.atan(y))]
    return reference.affine(photo, 0, [0, 0], 1, degrees, interpolation=BILINEAR, center=[0, 0])  # type: ignore[no-any-return]


REFERENCES: dict[OperationName, tuple[Callable[[Tensor, float], Tensor], list[float]]] = {
    "identity": (lambda photo, _: photo, [0, 1, 2, 3]),
    "shear_x": (lambda photo, level: sheared(photo, level, 0), [-0.3, 0.0, 0.2, 0.99]),
    "shear_y": (lambda photo, level: sheared(photo, 0, level), [-0.3, 0.0, 0.2, 0.99]),
    "translate_x": (lambda photo, level: moved(photo, int(level), 0), [-3.7, 0.0, 2.9, 40.0]),
    "translate_y": (lambda photo, level: moved(photo, 0, int(level)), [-3.7, 0.0, 2.9, 40.0]),
    "rotate": (lambda photo, level: reference.rotate(photo, level, interpolation=BILINEAR), [-135.0, -9.0, 30.0, 0.0]),
    "brightness": (reference.adjust_brightness, [0.01, 1.0, 1.5, 1.99]),
    "color": (reference.adjust_saturation, [0.01, 1.0, 1.5, 1.99]),
    "contrast": (reference.adjust_contrast, [0.01, 1.0, 1.5, 1.99]),
    "sharpness": (reference.adjust_sharpness, [0.01, 1.0, 1.5, 1.99]),
    "posterize": (lambda photo, level: reference.posterize(photo, round(level)), [1.0, 2.4, 3.6, 7.0]),
    "solarize": (reference.solarize, [0.0, 0.3, 0.7, 1.0]),
    "autocontrast": (lambda photo, _: reference.autocontrast(photo), [0, 0, 0, 0]),
    "equalize": (lambda photo, _: reference.equalize(photo), [0, 0, 0, 0]),
    "invert": (lambda photo, _: reference.invert(photo), [0, 0, 0, 0]),
}


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("name", get_args(OperationName))
@pytest.mark.parametrize("squeeze", [1.0, 0.4], ids=["full range", "pale"])
def test_every_operation_is_torchvisions_at_each_photos_own_level(
    name: OperationName, dtype: torch.dtype, squeeze: float
) -> None:
    expected, levels = REFERENCES[name]
    before = 0.3 * (1 - squeeze) + squeeze * images(4, 40, 33).to(dtype)
    kept = before.clone()
    out = OPERATIONS[name](before, torch.tensor(levels, dtype=dtype))
    for photo, result, level in zip(before, out, levels, strict=True):
        torch.testing.assert_close(result, expected(photo, level), atol=2e-5, rtol=0)
    assert torch.equal(before, kept)


@pytest.mark.parametrize(
    "name",
    ["shear_x", "shear_y", "translate_x", "translate_y", "rotate", "brightness", "color", "contrast", "sharpness"],
)
def test_no_strength_changes_nothing(name: OperationName) -> None:
    still = 1.0 if name in ("brightness", "color", "contrast", "sharpness") else 0.0
    assert torch.allclose(OPERATIONS[name](images(), torch.full((4,), still)), images(), atol=1e-5)


def test_every_name_has_its_operation() -> None:
    assert set(OPERATIONS) == set(get_args(OperationName)) == set(REFERENCES)


def test_rotating_by_a_quarter_turn_is_counter_clockwise() -> None:
    square = images(1, 8, 8)
    turned = OPERATIONS["rotate"](square, torch.tensor([90.0]))
    assert torch.allclose(turned, torch.rot90(square, 1, (2, 3)), atol=1e-5)


def test_colors_by_hand() -> None:
    photo = torch.tensor([0.5, 0.25, 0.75]).view(1, 3, 1, 1)
    gray = 0.2989 * 0.5 + 0.587 * 0.25 + 0.114 * 0.75  # 0.3817
    expected = torch.tensor([gray + 1.5 * (0.5 - gray), gray + 1.5 * (0.25 - gray), gray + 1.5 * (0.75 - gray)])
    assert torch.allclose(OPERATIONS["color"](photo, torch.tensor([1.5])).flatten(), expected, atol=1e-6)


def test_posterize_solarize_and_autocontrast_by_hand() -> None:
    photo = tall([0.2, 0.3, 0.55, 0.8])

    def column(name: OperationName, level: float) -> list[float]:
        out = OPERATIONS[name](photo, torch.tensor([level], dtype=torch.float64))
        return [round(value, 6) for value in out[0, 0, :, 0].tolist()]

    assert column("posterize", 2) == [0.0, 0.25, 0.5, 0.75]
    assert column("posterize", 8) == [0.2, 0.3, 0.55, 0.8]
    assert column("solarize", 0.55) == [0.2, 0.3, 0.45, 0.2]
    assert column("autocontrast", 0) == [0.0, 0.166667, 0.583333, 1.0]


def test_equalize_spreads_a_narrow_histogram_and_leaves_a_flat_photo_alone() -> None:
    # 510 dark pixels and 255 bright ones: step = 510 // 255 = 2, so dark → (0 + 1) // 2 = 0, bright → (510 + 1) // 2.
    narrow = tall([100 / 255] * 510 + [110 / 255] * 255)
    out = OPERATIONS["equalize"](narrow, torch.zeros(1))[0, 0, :, 0]
    assert set(out.tolist()) == {0.0, 1.0}
    assert int((out == 0).sum()) == 510

    flat = torch.full((1, 3, 20, 20), 77 / 255)
    assert torch.equal(OPERATIONS["equalize"](flat, torch.zeros(1)), flat)
    assert torch.equal(OPERATIONS["autocontrast"](flat, torch.zeros(1)), flat)


def test_a_photo_gets_the_operation_that_it_drew_and_no_other() -> None:
    before = images(5)
    out = before.clone()
    drawn = np.array(["invert", "identity", "brightness", "brightness", "solarize"], dtype=np.object_)
    operate_(out, drawn, np.array([0, 0, 0.5, 0.25, 0.6]))
    assert torch.equal(out[0], 1 - before[0])
    assert torch.equal(out[1], before[1])
    assert torch.allclose(out[2], before[2] * 0.5)
    assert torch.allclose(out[3], before[3] * 0.25)
    assert torch.allclose(out[4], reference.solarize(before[4], 0.6))
