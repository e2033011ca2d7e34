"""Crops: against torchvision, without a face, never larger than the photo."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torchvision.transforms import CenterCrop as TorchvisionCenterCrop

from maskwise.faces.build import build_crop
from maskwise.faces.config import CenterCrop, CropConfig, FullFrame


@pytest.mark.parametrize(("height", "width"), [(512, 384), (511, 383), (420, 333)])
def test_center_crop_is_torchvisions(height: int, width: int) -> None:
    photo = np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)
    ours = build_crop(CenterCrop(height_px=400, width_px=200))(photo, None)
    theirs = TorchvisionCenterCrop((400, 200))(torch.from_numpy(photo).permute(2, 0, 1)).permute(1, 2, 0).numpy()
    assert ours.shape == (400, 200, 3)
    assert np.array_equal(ours, theirs)


def test_a_photo_smaller_than_the_window_is_kept_whole_in_that_direction() -> None:
    photo = np.arange(30 * 40 * 3, dtype=np.uint8).reshape(30, 40, 3)
    assert build_crop(CenterCrop(height_px=400, width_px=20))(photo, None).shape == (30, 20, 3)


@pytest.mark.parametrize("config", [FullFrame(), CenterCrop(height_px=10, width_px=8)])
def test_contract_of_every_crop(config: CropConfig) -> None:
    photo = np.random.default_rng(0).integers(0, 256, (24, 16, 3), dtype=np.uint8)
    before = photo.copy()
    crop = build_crop(config)
    first, second = crop(photo, None), crop(photo, None)
    assert first.dtype == np.uint8
    assert first.ndim == 3
    assert 0 < first.shape[0] <= 24
    assert 0 < first.shape[1] <= 16
    assert np.array_equal(first, second)
    assert np.array_equal(photo, before)
