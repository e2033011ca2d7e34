from __future__ import annotations

import re

import numpy as np
import pytest

from conftest import Workplace
from maskwise.labels import Task
from maskwise.listeners import Silent
from maskwise.reports.eda_page import attribute_rows, eda_page, mean_face, spread
from maskwise.workflows.explore_data import Exploration, explore_data


@pytest.fixture(scope="module")
def explored(workplace: Workplace, tmp_path_factory: pytest.TempPathFactory) -> Exploration:
    return explore_data(workplace.data, Task(), tmp_path_factory.mktemp("cache"), Silent(), faces=False)


def test_classes_stand_by_size_and_lead_to_their_photos(explored: Exploration) -> None:
    html = eda_page(explored, "a set")
    (bars,) = re.findall(r'<table class="bars">.*?</table>', html)[:1]
    widths = [float(width) for width in re.findall(r"width:([\d.]+)%", bars)]
    assert widths == sorted(widths, reverse=True)
    targets = re.findall(r'href="#(class-\d+)"', bars)
    assert targets
    assert all(f'id="{target}"' in html for target in targets)
    assert len(targets) == sum(row.photos > 0 for row in explored.numbers.classes)


def test_without_photos_nothing_leads_to_them(explored: Exploration) -> None:
    html = eda_page(explored, "a set", photos=False)
    assert "<img" not in html
    assert "#class-" not in html


def test_each_attribute_counts_all_photos(explored: Exploration) -> None:
    rows = {name: attribute_rows(explored.numbers, explored.task, name) for name in explored.task.attributes}
    assert {name: sum(photos for _, photos, _ in found) for name, found in rows.items()} == dict.fromkeys(
        ("mask", "gender", "age"), 24 * 7
    )
    assert [(name, photos) for name, photos, _ in rows["mask"]] == [("worn", 120), ("incorrect", 24), ("not_worn", 24)]
    assert rows["mask"][0][2] == "120 · 71%"


def test_brightness_is_drawn_and_one_size_is_said(explored: Exploration) -> None:
    html = eda_page(explored, "a set")
    assert 'aria-label="photos by brightness, from 0.' in html
    assert "All photos are 384 pixels wide." in html


def test_a_choice_is_spread_evenly() -> None:
    assert spread(np.arange(5), 8).tolist() == [0, 1, 2, 3, 4]
    assert spread(np.arange(10, 31), 3).tolist() == [10, 20, 30]


def test_a_mean_face_is_the_mean() -> None:
    photos = np.random.default_rng(0).integers(0, 256, (2100, 3, 2, 3), dtype=np.uint8)
    chosen = np.arange(0, 2100, 2)
    np.testing.assert_array_equal(mean_face(photos, chosen), np.rint(photos[chosen].mean(axis=0)).astype(np.uint8))
