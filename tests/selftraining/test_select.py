from __future__ import annotations

import dataclasses
import subprocess
import sys

import numpy as np
import pytest
from pydantic import TypeAdapter, ValidationError
from scipy.special import softmax

from maskwise.errors import DataError
from maskwise.recipe.self_training_config import (
    Confident,
    Everything,
    Hard,
    KeepConfig,
    PseudoLabelConfig,
    Soft,
    TopShare,
)
from maskwise.records import Floats, Predictions
from maskwise.selftraining.build import build_selector
from maskwise.selftraining.select import keep_top_share

KEEPS: tuple[KeepConfig, ...] = (Everything(), Confident(threshold=0.5), TopShare(share=0.3))
KINDS: tuple[PseudoLabelConfig, ...] = (
    *(Hard(keep=k) for k in KEEPS),
    *(Soft(keep=k, weight=0.25) for k in KEEPS),
)


def rng() -> np.random.Generator:
    return np.random.default_rng(0)


def unlabeled(probs_NC: Floats) -> Predictions:
    n = len(probs_NC)
    return Predictions(
        photo_N=np.array([f"{k:04d}.jpg" for k in range(n)], object),
        person_N=np.full(n, "", object),
        class_N=np.full(n, -1),
        probs_NC=probs_NC,
        seen_N=np.full(n, "test", object),
    )


def random_photos(n: int = 100, n_classes: int = 4) -> Predictions:
    return unlabeled(rng().dirichlet(np.full(n_classes, 0.4), n).astype(np.float32))


@pytest.mark.parametrize("config", KINDS)
def test_every_kind_gives_targets_of_photos_that_were_predicted(config: PseudoLabelConfig) -> None:
    photos = random_photos()
    photo_id_M, target_MC, weight_M = build_selector(config)(photos, rng())
    place_of = {photo: place for place, photo in enumerate(photos.photo_N)}
    place_M = np.array([place_of[photo] for photo in photo_id_M])
    assert np.all(np.diff(place_M) > 0)
    assert target_MC.shape == (len(photo_id_M), 4)
    assert set(weight_M.tolist()) == {config.weight}
    np.testing.assert_allclose(target_MC.sum(axis=1), 1, atol=1e-12)
    np.testing.assert_array_equal(target_MC.argmax(axis=1), photos.probs_NC[place_M].argmax(axis=1))


@pytest.mark.parametrize("config", KINDS)
@pytest.mark.parametrize("seen", ["held_out", "trained_on"])
def test_never_a_labeled_photo(config: PseudoLabelConfig, seen: str) -> None:
    photos = random_photos()
    one_seen = np.where(np.arange(100) == 7, seen, "test").astype(object)
    with pytest.raises(DataError, match=r"unlabeled .*, got 1 of 100 .*, first '0007.jpg'"):
        build_selector(config)(dataclasses.replace(photos, seen_N=one_seen), rng())
    predicted = np.where(np.arange(100) < 3, 0, -1)
    with pytest.raises(DataError, match="got 3 of 100"):
        build_selector(config)(dataclasses.replace(photos, class_N=predicted), rng())


@pytest.mark.parametrize("config", KINDS)
def test_no_photos_give_no_labels(config: PseudoLabelConfig) -> None:
    photo_id_M, target_MC, weight_M = build_selector(config)(random_photos(0), rng())
    assert len(photo_id_M) == len(weight_M) == 0
    assert target_MC.shape == (0, 4)


def test_hard_labels_by_hand() -> None:
    photos = unlabeled(np.array([[0.95, 0.05], [0.2, 0.8], [0.1, 0.9], [0.55, 0.45]]))
    photo_id_M, target_MC, _ = build_selector(Hard(keep=Confident(threshold=0.9)))(photos, rng())
    assert photo_id_M.tolist() == ["0000.jpg", "0002.jpg"]
    assert target_MC.tolist() == [[1, 0], [0, 1]]


def test_soft_targets_by_hand() -> None:
    photos = unlabeled(np.array([[0.6, 0.3, 0.1]]))
    # Squares 0.36, 0.09, 0.01 of sum 0.46.
    _, target_MC, _ = build_selector(Soft(temperature=0.5))(photos, rng())
    assert target_MC[0] == pytest.approx([0.36 / 0.46, 0.09 / 0.46, 0.01 / 0.46])
    _, kept_MC, _ = build_selector(Soft(temperature=1.0))(photos, rng())
    assert kept_MC[0] == pytest.approx([0.6, 0.3, 0.1])


def test_sharpening_is_a_softmax_of_logits_over_temperature() -> None:
    photos = random_photos(50)
    _, target_MC, _ = build_selector(Soft(temperature=0.1))(photos, rng())
    expected = softmax(np.log(photos.probs_NC.astype(np.float64)) / 0.1, axis=1)
    np.testing.assert_allclose(target_MC, expected, atol=1e-9)


def test_very_low_temperatures_become_hard_instead_of_nothing() -> None:
    photos = unlabeled(np.full((2, 18), [0.06] + [0.94 / 17] * 17))
    _, target_MC, _ = build_selector(Soft(temperature=1e-4))(photos, rng())
    assert target_MC[0, 0] == pytest.approx(1)


def test_top_share_by_hand() -> None:
    # Class 0: 0.9, 0.6, 0.7 of which half is 1.5, rounded up 2; class 1: one photo, kept though it is the least sure.
    photos = unlabeled(np.array([[0.9, 0.1], [0.6, 0.4], [0.45, 0.55], [0.7, 0.3]]))
    assert keep_top_share(photos.probs_NC, rng(), share=0.5).tolist() == [True, False, True, True]
    assert keep_top_share(photos.probs_NC, rng(), share=1.0).all()


def test_a_share_of_many_photos_is_exact() -> None:
    kept_N = keep_top_share(np.tile([0.7, 0.3], (100, 1)), rng(), share=0.07)
    assert kept_N.sum() == 7


def test_top_share_keeps_the_shares_of_the_classes() -> None:
    photos = random_photos(1000)
    kept_N = keep_top_share(photos.probs_NC, rng(), share=0.2)
    class_N = photos.probs_NC.argmax(axis=1)
    predicted_C, kept_C = np.bincount(class_N), np.bincount(class_N[kept_N])
    assert kept_C.tolist() == np.ceil(predicted_C * 0.2 - 1e-9).astype(int).tolist()
    confidence_N = photos.probs_NC.max(axis=1)
    for class_ in range(4):
        of_class = class_N == class_
        assert confidence_N[of_class & kept_N].min() >= confidence_N[of_class & ~kept_N].max()


def test_chance_decides_among_equals_and_only_there() -> None:
    equal_NC = np.tile([0.7, 0.3], (40, 1))
    one, again = (keep_top_share(equal_NC, np.random.default_rng(1), share=0.5) for _ in range(2))
    other = keep_top_share(equal_NC, np.random.default_rng(2), share=0.5)
    np.testing.assert_array_equal(one, again)
    assert one.sum() == other.sum() == 20
    assert not np.array_equal(one, other)
    different = random_photos().probs_NC
    np.testing.assert_array_equal(
        keep_top_share(different, np.random.default_rng(1), share=0.5),
        keep_top_share(different, np.random.default_rng(2), share=0.5),
    )


def test_settings_read_from_plain_values_and_refuse_nonsense() -> None:
    adapter: TypeAdapter[PseudoLabelConfig] = TypeAdapter(PseudoLabelConfig)
    read = adapter.validate_python({"kind": "soft", "keep": {"kind": "top_share", "share": 0.2}})
    assert read == Soft(keep=TopShare(share=0.2))
    for wrong in ({"kind": "soft", "temperature": 0.0}, {"kind": "hard", "temperature": 0.5}, {"kind": "sharp"}):
        with pytest.raises(ValidationError):
            adapter.validate_python(wrong)


def test_the_room_needs_no_torch() -> None:
    code = "import sys, maskwise.selftraining.build; print('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout == "False\n"
