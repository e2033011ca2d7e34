"""Which operations the policies draw, how often and how strongly; the tables against torchvision's."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor
from torchvision.transforms import v2

from maskwise.augment import policies
from maskwise.augment.policies import (
    IMAGENET,
    NARROW,
    NARROW_WITH_INVERT,
    WIDE,
    OperationSpace,
    auto_augment,
    levels,
    rand_augment,
    trivial_augment,
)
from maskwise.records import Floats, Strings

FACTORS = ("brightness", "color", "contrast", "sharpness")
HEIGHT, WIDTH = 128, 112


class Spy:
    """Stands in for ``operate_`` and keeps what it was called with."""

    def __init__(self) -> None:
        self.slots: list[tuple[Strings, Floats]] = []

    def __call__(self, _images_NCHW: Tensor, operation_N: Strings, level_N: Floats) -> None:
        self.slots.append((operation_N, level_N))


@pytest.fixture
def spy(monkeypatch: pytest.MonkeyPatch) -> Spy:
    spy = Spy()
    monkeypatch.setattr(policies, "operate_", spy)
    return spy


def blank(n: int) -> Tensor:
    return torch.zeros(n, 3, HEIGHT, WIDTH).expand(n, 3, HEIGHT, WIDTH)


def plain(name: str) -> str:
    """torchvision's TranslateX is our translate_x."""
    return {"ShearX": "shear_x", "ShearY": "shear_y", "TranslateX": "translate_x", "TranslateY": "translate_y"}.get(
        name, name.lower()
    )


@pytest.mark.parametrize(
    ("ours", "theirs", "n_steps"),
    [
        (NARROW, v2.RandAugment._AUGMENTATION_SPACE, 31),
        (NARROW_WITH_INVERT, v2.AutoAugment._AUGMENTATION_SPACE | {"Identity": (lambda *_: None, False)}, 10),
        (WIDE, v2.TrivialAugmentWide._AUGMENTATION_SPACE, 31),
    ],
    ids=["rand", "auto", "trivial"],
)
def test_ranges_are_torchvisions_at_every_strength(ours: OperationSpace, theirs: dict[str, Any], n_steps: int) -> None:
    assert set(ours) == {plain(name) for name in theirs}
    for name, (magnitudes_of, signed) in theirs.items():
        expected = magnitudes_of(n_steps, HEIGHT, WIDTH)
        reach = ours[plain(name)]  # type: ignore[index]
        assert reach.signed == signed
        if expected is None:
            continue
        drawn_N = np.full(n_steps, plain(name), dtype=np.object_)
        level_N = levels(ours, drawn_N, np.linspace(0, 1, n_steps), np.ones(n_steps), HEIGHT, WIDTH)
        if plain(name) == "posterize":
            level_N = np.round(level_N)
        np.testing.assert_allclose(level_N - (plain(name) in FACTORS), expected.numpy(), atol=1e-5)


def test_signed_levels_turn_round_where_nothing_happens() -> None:
    drawn_N = np.array(["rotate", "brightness", "posterize"], dtype=np.object_)
    back_N = levels(NARROW, drawn_N, np.full(3, 0.5), np.full(3, -1.0), HEIGHT, WIDTH)
    np.testing.assert_allclose(back_N, [-15, 0.55, 6])


def test_the_searched_pairs_are_those_of_torchvision() -> None:
    theirs = [
        tuple((plain(name), probability, step or 0) for name, probability, step in pair)
        for pair in v2.AutoAugment()._get_policies(v2.AutoAugmentPolicy.IMAGENET)
    ]
    assert list(IMAGENET) == theirs


def test_rand_augment_draws_all_operations_alike_at_one_strength(spy: Spy) -> None:
    n = 7000
    rand_augment(torch.zeros(n, 3, 1, 331), np.random.default_rng(0), n_ops=3, magnitude=15, p=1)
    assert len(spy.slots) == 3
    for operation_N, level_N in spy.slots:
        counts = Counter(operation_N.tolist())
        assert set(counts) == set(NARROW)
        assert all(abs(count - n / 14) < 4.5 * (n / 14) ** 0.5 for count in counts.values())
        assert set(level_N[operation_N == "rotate"]) == {-15.0, 15.0}
        assert set(level_N[operation_N == "color"]) == {0.55, 1.45}
        assert set(level_N[operation_N == "translate_x"]) == {-75.0, 75.0}
        assert set(level_N[operation_N == "solarize"]) == {0.5}
        assert abs(np.mean(level_N[operation_N == "rotate"] > 0) - 0.5) < 0.1


def test_trivial_augment_draws_one_operation_at_every_strength(spy: Spy) -> None:
    n = 14000
    trivial_augment(torch.zeros(n, 3, 1, 1), np.random.default_rng(0), p=1)
    ((operation_N, level_N),) = spy.slots
    assert set(operation_N) == set(WIDE)
    turned = level_N[operation_N == "rotate"]
    assert len(set(np.round(np.abs(turned), 6))) == 31
    assert float(np.abs(turned).max()) == 135
    assert abs(float(np.abs(turned).mean()) - 67.5) < 4


def test_auto_augment_follows_the_probabilities_of_its_pairs(spy: Spy) -> None:
    n = 20000
    auto_augment(torch.zeros(n, 3, 1, 1), np.random.default_rng(0), p=1)
    for slot, (operation_N, level_N) in enumerate(spy.slots):
        expected: Counter[str] = Counter()
        for pair in IMAGENET:
            expected[pair[slot][0]] += pair[slot][1] * n / 25  # type: ignore[assignment]
        expected["identity"] = n - sum(expected.values())
        counts = Counter(operation_N.tolist())
        assert set(counts) == set(expected)
        for name, count in counts.items():
            assert abs(count - expected[name]) < 4.5 * expected[name] ** 0.5, name
        if slot == 1:  # rotate stands there at strengths 9 and 8 of 9
            np.testing.assert_allclose(sorted(set(np.abs(level_N[operation_N == "rotate"]))), [30 * 8 / 9, 30])


def test_p_is_the_share_of_photos_that_are_changed_in_any_slot(spy: Spy) -> None:
    rand_augment(torch.zeros(4000, 3, 1, 1), np.random.default_rng(1), n_ops=6, magnitude=9, p=0.25)
    changed_N = np.any([operation_N != "identity" for operation_N, _ in spy.slots], axis=0)
    assert abs(float(changed_N.mean()) - 0.25) < 0.03
