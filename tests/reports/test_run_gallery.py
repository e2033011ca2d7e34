from __future__ import annotations

import numpy as np

from maskwise.reports.run_gallery import enlarged, heated


def test_what_says_nothing_stays_gray_and_what_speaks_is_colored() -> None:
    photo = np.full((20, 10, 3), (200, 100, 50), dtype=np.uint8)
    map_HW = np.zeros((20, 10))
    map_HW[:10] = 1.0
    shown = heated(photo, map_HW, 40)
    assert shown.shape == (40, 20, 3)
    assert np.ptp(shown[30:].astype(int), axis=2).max() == 0
    assert np.ptp(shown[:10].astype(int), axis=2).min() > 30


def test_photos_are_scaled_to_one_height() -> None:
    photo = np.random.default_rng(0).integers(0, 256, (60, 30, 3), dtype=np.uint8)
    assert enlarged(photo, 120).shape == (120, 60, 3)
    assert enlarged(photo, 20).shape == (20, 10, 3)
    assert np.array_equal(enlarged(photo, 60), photo)
