"""Mixing: values by hand, torchvision's MixUp and CutMix as references, and who may be whose partner."""

from __future__ import annotations

from typing import Literal

import numpy as np
import pytest
import torch
from torch import Tensor
from torchvision.transforms import v2

from maskwise.augment.mixing import Mixed, cutmix, half_cutmix, mix_weights, mixup

HEIGHT, WIDTH = 16, 20


def images(n: int = 2) -> Tensor:
    return torch.from_numpy(np.random.default_rng(0).random((n, 3, HEIGHT, WIDTH), dtype=np.float32))


def numbered(n: int) -> Tensor:
    """Photo i is i / n everywhere, so a pixel shows where it comes from."""
    return (torch.arange(n) / n).view(n, 1, 1, 1).expand(n, 3, HEIGHT, WIDTH).clone()


def one_hot(classes: list[int], n_classes: int = 6) -> Tensor:
    return torch.eye(n_classes)[torch.tensor(classes)]


def halve(
    images_NCHW: Tensor,
    target_NC: Tensor,
    *,
    seed: int = 0,
    halves: Literal["left_right", "upper_lower"] = "left_right",
    partner: Literal["any", "same_class", "oldest"] = "any",
    jitter: float = 0.0,
    p: float = 1.0,
) -> Mixed:
    rng = np.random.default_rng(seed)
    return half_cutmix(
        images_NCHW, target_NC, rng, halves=halves, partner=partner, oldest_classes=(2, 5), jitter=jitter, p=p
    )


@pytest.mark.parametrize("seed", range(5))
def test_mixup_is_torchvisions_at_each_photos_own_share(seed: int) -> None:
    before, labels = images(), one_hot([0, 1])
    out, target_NC, *_ = mixup(before, labels, np.random.default_rng(seed), alpha=1, p=1)
    for i in (0, 1):  # in a batch of two, each is the other's partner, as torchvision rolls a batch
        drawn = {"lam": float(target_NC[i, i]), "labels": labels, "batch_size": 2}
        reference = v2.MixUp(num_classes=6)
        torch.testing.assert_close(out[i], reference.transform(before, drawn)[i])
        torch.testing.assert_close(target_NC[i], reference.transform(labels, drawn)[i])


def test_mixup_shares_follow_the_beta_distribution() -> None:
    n, alpha = 4000, 0.4
    _, target_NC, *_ = mixup(torch.zeros(n, 3, 1, 1), torch.eye(n), np.random.default_rng(1), alpha=alpha, p=1)
    share_N = target_NC.diagonal()
    assert float(share_N.mean()) == pytest.approx(0.5, abs=0.03)
    assert float(share_N.var()) == pytest.approx(1 / (4 * (2 * alpha + 1)), abs=0.01)  # of Beta(alpha, alpha)


@pytest.mark.parametrize("seed", range(5))
def test_cutmix_is_torchvisions_for_the_same_box(seed: int) -> None:
    before, labels = images(), one_hot([0, 1])
    out, target_NC, *_ = cutmix(before, labels, np.random.default_rng(seed), alpha=1, p=1)
    for i, j in ((0, 1), (1, 0)):
        pasted_HW = (out[i] == before[j]).all(0)
        rows, columns = torch.where(pasted_HW.any(1))[0].tolist(), torch.where(pasted_HW.any(0))[0].tolist()
        box = (columns[0], rows[0], columns[-1] + 1, rows[-1] + 1) if rows else (0, 0, 0, 0)
        area = (box[2] - box[0]) * (box[3] - box[1]) / (HEIGHT * WIDTH)
        drawn = {"box": box, "lam_adjusted": 1 - area, "labels": labels, "batch_size": 2}
        reference = v2.CutMix(num_classes=6)
        assert torch.equal(out[i], reference.transform(before, drawn)[i])
        torch.testing.assert_close(target_NC[i], reference.transform(labels, drawn)[i])


def test_cutmix_boxes_have_the_photos_shape_and_reach_every_corner() -> None:
    n = 3000
    out, target_NC, *_ = cutmix(numbered(n), torch.eye(n), np.random.default_rng(3), alpha=1, p=1)
    pasted_NHW = (out != numbered(n)).any(1)
    assert torch.allclose(pasted_NHW.double().mean((1, 2)).float(), 1 - target_NC.diagonal(), atol=1e-6)
    assert float(pasted_NHW[:, [0, 0, -1, -1], [0, -1, 0, -1]].float().mean(0).min()) > 0.05
    inside_N = ~(pasted_NHW[:, [0, -1]].any((1, 2)) | pasted_NHW[:, :, [0, -1]].any((1, 2))) & pasted_NHW.any((1, 2))
    high_N, wide_N = pasted_NHW.any(2).sum(1)[inside_N], pasted_NHW.any(1).sum(1)[inside_N]
    assert float((high_N / HEIGHT - wide_N / WIDTH).abs().max()) <= 1 / HEIGHT  # up to whole pixels


def test_cutmix_pastes_one_minus_the_share_of_the_area() -> None:
    n = 300
    before = (torch.arange(n) / n).view(n, 1, 1, 1).expand(n, 3, 100, 100)
    out, _, *_ = cutmix(before, torch.eye(n), np.random.default_rng(2), alpha=1e6, p=1)  # every share is about 0.5
    high_N = (out != before).any((1, 3)).sum(1)
    assert set(high_N.tolist()) <= set(range(35, 72))
    assert float((high_N >= 70).float().mean()) > 0.2  # 100 · √0.5 where the box lies inside


@pytest.mark.parametrize("halves", ["left_right", "upper_lower"])
def test_half_cutmix_by_hand(halves: Literal["left_right", "upper_lower"]) -> None:
    before = images()
    seen = set()
    for seed in range(8):
        out, target_NC, *_ = halve(before, one_hot([0, 4]), seed=seed, halves=halves)
        first = out[0, :, : HEIGHT // 2] if halves == "upper_lower" else out[0, :, :, : WIDTH // 2]
        from_own = before[0, :, : HEIGHT // 2] if halves == "upper_lower" else before[0, :, :, : WIDTH // 2]
        own_first = torch.equal(first, from_own)
        seen.add(own_first)
        upper, lower = (before[0], before[1]) if own_first else (before[1], before[0])
        by_hand = (
            torch.cat([upper[:, :8], lower[:, 8:]], 1)
            if halves == "upper_lower"
            else torch.cat([upper[:, :, :10], lower[:, :, 10:]], 2)
        )
        assert torch.equal(out[0], by_hand)
        assert target_NC[0].tolist() == [0.5, 0, 0, 0, 0.5, 0]
    assert seen == {True, False}  # either half may be the photo's own


def test_jitter_moves_the_cut_and_the_target_follows() -> None:
    n = 500
    out, target_NC, *_ = halve(numbered(n), torch.eye(n), jitter=0.1)
    pasted_N = (out != numbered(n)).any(1).double().mean((1, 2)).float()
    assert torch.allclose(pasted_N, 1 - target_NC.diagonal(), atol=1e-6)
    assert set((pasted_N * WIDTH).round().int().tolist()) == {8, 9, 10, 11, 12}  # 0.4 … 0.6 of 20 columns


def test_a_partner_of_the_same_class_leaves_the_target_and_a_class_of_one_unchanged() -> None:
    target_NC = one_hot([0, 3, 0, 3, 1, 0])
    before = numbered(6)
    partners: dict[int, set[int]] = {i: set() for i in range(6)}
    for seed in range(30):
        out, mixed_NC, *_ = halve(before, target_NC, seed=seed, partner="same_class")
        assert torch.equal(mixed_NC, target_NC)
        for i in range(6):
            partners[i] |= {round(6 * value) for value in out[i].flatten().tolist()} - {i}
    assert partners == {0: {2, 5}, 1: {3}, 2: {0, 5}, 3: {1}, 4: set(), 5: {0, 2}}


def test_one_half_comes_from_the_oldest_where_the_batch_has_any() -> None:
    target_NC = one_hot([0, 2, 3, 5, 1])
    before = numbered(5)
    partners: dict[int, set[int]] = {i: set() for i in range(5)}
    for seed in range(30):
        out, mixed_NC, *_ = halve(before, target_NC, seed=seed, partner="oldest")
        assert float(mixed_NC[:, [2, 5]].sum(1).min()) >= 0.5
        for i in range(5):
            partners[i] |= {round(5 * value) for value in out[i].flatten().tolist()} - {i}
    assert partners == {0: {1, 3}, 1: {3}, 2: {1, 3}, 3: {1}, 4: {1, 3}}

    without = one_hot([0, 1, 3, 4, 0])
    out, mixed_NC, *_ = halve(before, without, partner="oldest")
    assert torch.equal(out, before)
    assert torch.equal(mixed_NC, without)


def test_the_class_of_a_soft_target_is_its_largest_share() -> None:
    soft_NC = torch.tensor([[0.6, 0.4, 0], [0.1, 0.8, 0.1], [0.7, 0, 0.3]])
    out, mixed_NC, *_ = halve(numbered(3), soft_NC, partner="same_class")
    assert torch.equal(out[1], numbered(3)[1])
    assert torch.allclose(mixed_NC[0], torch.tensor([0.65, 0.2, 0.15]))


@pytest.mark.parametrize("p", [0.2, 0.7])
def test_p_is_the_share_of_photos_that_are_mixed_with_any_other_alike(p: float) -> None:
    n = 40
    shown_NN = torch.zeros(n, n)
    for seed in range(200):
        _, target_NC, *_ = halve(torch.zeros(n, 3, 2, 2), torch.eye(n), seed=seed, p=p)
        shown_NN += target_NC.fill_diagonal_(0) * 2
    assert float(shown_NN.sum()) / (200 * n) == pytest.approx(p, abs=0.02)
    assert 0.6 < float(shown_NN.sum(0).std()) / (200 * p) ** 0.5 < 1.4  # of a binomial: everyone alike


def test_weights_of_mixed_photos_by_hand() -> None:
    """Photo 0 (weight 1) has 0.6 of itself and 0.4 of photo 1 (weight 0.5); 2 and 3 are alone; 3 counts nothing."""
    target_NC, weight_N = one_hot([0, 1, 2, 3], 4), torch.tensor([1.0, 0.5, 0.3, 0.0])
    partner_N, share_N = np.array([1, 0, 2, 3]), np.array([0.6, 0.5, 1.0, 1.0])
    mixed = Mixed(images(4), torch.zeros(4, 4), partner_N, share_N)
    weighed, counts_N = mix_weights(mixed, target_NC, weight_N)
    assert counts_N.tolist() == pytest.approx([0.8, 0.75, 0.3, 0.0])
    expected = [[0.75, 0.25, 0, 0], [2 / 3, 1 / 3, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]]
    torch.testing.assert_close(weighed.target_NC, torch.tensor(expected))
    assert weighed.own_share_N is not None
    assert weighed.own_share_N.tolist() == pytest.approx([0.75, 1 / 3, 1.0, 1.0])
    assert weighed.images_NCHW is mixed.images_NCHW


def test_a_mixed_photos_cross_entropy_is_that_of_its_two_at_their_own_weights() -> None:
    n, labels = 6, one_hot([0, 1, 2, 3, 4, 5])
    weight_N = torch.tensor([1.0, 1.0, 0.5, 0.25, 0.0, 0.8])
    logits_NC = torch.randn(n, 6, generator=torch.Generator().manual_seed(1))
    mixed = mixup(images(n), labels, np.random.default_rng(3), alpha=0.7, p=0.8)
    weighed, counts_N = mix_weights(mixed, labels, weight_N)
    assert mixed.partner_N is not None
    assert mixed.own_share_N is not None
    found_N = counts_N * -(weighed.target_NC * logits_NC.log_softmax(1)).sum(1)
    own_N1 = torch.from_numpy(mixed.own_share_N).float()[:, None]
    terms_NC = own_N1 * weight_N[:, None] * labels + (1 - own_N1) * (weight_N[:, None] * labels)[mixed.partner_N]
    torch.testing.assert_close(found_N, -(terms_NC * logits_NC.log_softmax(1)).sum(1))


def test_equal_weights_change_nothing_in_mixed_photos_and_no_mixing_changes_no_weight() -> None:
    labels, ones_N = one_hot([0, 1, 2, 3]), torch.ones(4)
    mixed = mixup(images(4), labels, np.random.default_rng(5), alpha=0.4, p=1.0)
    weighed, counts_N = mix_weights(mixed, labels, ones_N)
    assert torch.equal(weighed.target_NC, mixed.target_NC)
    assert torch.equal(counts_N, ones_N)
    unmixed, kept_N = mix_weights(Mixed(images(4), labels), labels, weight := torch.tensor([1.0, 0.2, 0.3, 0.4]))
    assert torch.equal(kept_N, weight)
    assert unmixed.partner_N is None
