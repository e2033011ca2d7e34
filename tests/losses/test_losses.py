"""Each loss as a plain function: values worked by hand, torch and scikit-learn as references, extremes."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from sklearn.metrics import f1_score
from torch.nn import functional
from torch.testing import assert_close

from maskwise.losses.cross_entropy import cross_entropy
from maskwise.losses.f1 import f1, present
from maskwise.losses.focal import focal
from maskwise.losses.targets import label_smoothing

N, C = 7, 5


@pytest.fixture
def logits_NC() -> torch.Tensor:
    return torch.from_numpy(np.random.default_rng(0).normal(scale=3, size=(N, C)))


@pytest.fixture
def class_N() -> torch.Tensor:
    return torch.from_numpy(np.random.default_rng(1).integers(0, C, size=N))


@pytest.fixture
def soft_NC() -> torch.Tensor:
    return torch.from_numpy(np.random.default_rng(2).dirichlet(np.ones(C), size=N))


WEIGHT_C = torch.tensor([0.2, 1.0, 3.0, 0.7, 1.5], dtype=torch.float64)


def one_hot(class_N: torch.Tensor) -> torch.Tensor:
    return functional.one_hot(class_N, C).double()


def test_cross_entropy_is_torchs(logits_NC: torch.Tensor, class_N: torch.Tensor, soft_NC: torch.Tensor) -> None:
    expected_N = functional.cross_entropy(logits_NC, class_N, weight=WEIGHT_C, reduction="none")
    assert_close(cross_entropy(logits_NC, one_hot(class_N), class_weight_C=WEIGHT_C), expected_N)
    soft_N = functional.cross_entropy(logits_NC, soft_NC, weight=WEIGHT_C, reduction="none")
    assert_close(cross_entropy(logits_NC, soft_NC, class_weight_C=WEIGHT_C), soft_N)


@pytest.mark.parametrize("weight_C", [None, WEIGHT_C])
def test_smoothed_targets_are_torchs_label_smoothing(
    logits_NC: torch.Tensor, class_N: torch.Tensor, weight_C: torch.Tensor | None
) -> None:
    expected_N = functional.cross_entropy(logits_NC, class_N, weight=weight_C, reduction="none", label_smoothing=0.3)
    smoothed_NC = label_smoothing(one_hot(class_N), epsilon=0.3)
    assert_close(cross_entropy(logits_NC, smoothed_NC, class_weight_C=weight_C), expected_N)


def test_label_smoothing_by_hand_keeps_the_sum(soft_NC: torch.Tensor) -> None:
    assert_close(label_smoothing(torch.tensor([[1.0, 0, 0, 0]]), epsilon=0.4), torch.tensor([[0.7, 0.1, 0.1, 0.1]]))
    assert_close(label_smoothing(soft_NC, epsilon=0.25).sum(dim=1), torch.ones(N, dtype=torch.float64))


def test_focal_by_hand() -> None:
    # p = 3/4 and 1/4: (1/4)² · −log(3/4), and (3/4)² · −log(1/4) with weight 2; half of each for a half-half target.
    logits_NC = torch.log(torch.tensor([[3.0, 1.0], [3.0, 1.0], [3.0, 1.0]]))
    target_NC = torch.tensor([[1.0, 0.0], [0.0, 1.0], [0.5, 0.5]])
    easy, hard = math.log(4 / 3) / 16, 2 * 9 * math.log(4) / 16
    loss_N = focal(logits_NC, target_NC, gamma=2.0, class_weight_C=torch.tensor([1.0, 2.0]))
    assert_close(loss_N, torch.tensor([easy, hard, (easy + hard) / 2]))


def test_focal_goes_to_cross_entropy_as_gamma_goes_to_0(logits_NC: torch.Tensor, soft_NC: torch.Tensor) -> None:
    expected_N = cross_entropy(logits_NC, soft_NC)
    assert_close(focal(logits_NC, soft_NC, gamma=1e-12), expected_N)
    assert bool(torch.all(focal(logits_NC, soft_NC, gamma=2.0) < expected_N))


def test_f1_of_hard_predictions_is_scikit_learns() -> None:
    rng = np.random.default_rng(3)
    true_N, said_N = rng.integers(0, 4, size=40), rng.integers(0, C, size=40)
    logits_NC = 200 * functional.one_hot(torch.from_numpy(said_N), C).double()
    target_NC = one_hot(torch.from_numpy(true_N))
    # Class 4 is never true, though it is predicted.
    for classes, labels in (("present", range(4)), ("all", range(5))):
        expected = f1_score(true_N, said_N, average="macro", labels=labels)
        assert f1(logits_NC, target_NC, classes=classes).item() == pytest.approx(1 - expected)  # type: ignore[arg-type]
        weight_N = torch.from_numpy(rng.uniform(size=40))
        expected = f1_score(true_N, said_N, average="macro", labels=labels, sample_weight=weight_N.numpy())
        value = f1(logits_NC, target_NC, weight_N, classes=classes)  # type: ignore[arg-type]
        assert value.item() == pytest.approx(1 - expected)


def test_the_slope_of_f1_over_all_classes_is_that_over_the_present_ones_by_their_share(
    logits_NC: torch.Tensor,
) -> None:
    """Of 5 classes 2 are present: 2/5 of the slope, and nothing else differs."""
    target_NC = one_hot(torch.tensor([0, 1, 1, 0, 0, 1, 0]))
    slopes = []
    for classes in ("all", "present"):
        logits_NC = logits_NC.detach().requires_grad_()
        f1(logits_NC, target_NC, classes=classes).backward()  # type: ignore[no-untyped-call]
        slopes.append(logits_NC.grad)
    assert slopes[1] is not None
    assert_close(slopes[0], slopes[1] * 2 / 5)


def test_f1_over_all_classes_is_the_official_baselines() -> None:
    """Its F1Loss in other words: precision and recall of soft counts, 1 − the mean over all classes."""
    rng = np.random.default_rng(5)
    logits_NC, class_N = torch.from_numpy(rng.normal(size=(16, 18))), torch.from_numpy(rng.integers(0, 9, 16))
    probs_NC, target_NC = logits_NC.softmax(dim=1), functional.one_hot(class_N, 18).double()
    hits_C = (probs_NC * target_NC).sum(dim=0)
    precision_C, recall_C = hits_C / (probs_NC.sum(dim=0) + 1e-7), hits_C / (target_NC.sum(dim=0) + 1e-7)
    expected = 1 - (2 * precision_C * recall_C / (precision_C + recall_C + 1e-7)).mean()
    assert_close(f1(logits_NC, target_NC), expected, atol=1e-5, rtol=0)


def test_f1_by_hand() -> None:
    # p = 3/4, 1/4 and 1/2, 1/2. Class 0: 2 · 3/4 / (5/4 + 1) = 2/3; class 1: 2 · 1/2 / (3/4 + 1) = 4/7.
    logits_NC = torch.log(torch.tensor([[3.0, 1.0], [1.0, 1.0]]))
    assert f1(logits_NC, torch.eye(2)).item() == pytest.approx(1 - (2 / 3 + 4 / 7) / 2)


def test_label_smoothing_makes_no_class_present_in_f1(class_N: torch.Tensor) -> None:
    target_NC = one_hot(class_N).float()
    occurs_C = target_NC.sum(dim=0) > 0
    assert not bool(occurs_C.all())
    mixed_NC = 0.3 * target_NC + 0.7 * target_NC.roll(1, dims=0)
    for soft_NC in (target_NC, mixed_NC, label_smoothing(target_NC, epsilon=0.1)):
        assert present(soft_NC).any(dim=0).tolist() == occurs_C.tolist()
    nothing_to_tell_apart = f1(torch.zeros(2, 3), torch.full((2, 3), 1 / 3), classes="present")
    assert nothing_to_tell_apart.item() == 1


def test_a_class_of_photos_without_weight_is_not_present() -> None:
    logits_NC, target_NC = torch.randn(3, 4, generator=torch.Generator().manual_seed(0)), torch.eye(4)[:3]
    value = f1(logits_NC, target_NC, torch.tensor([1.0, 1.0, 0.0]), classes="present")
    assert_close(value, f1(logits_NC[:2], target_NC[:2], classes="present"))


def test_float64_gradients(logits_NC: torch.Tensor, soft_NC: torch.Tensor) -> None:
    logits_NC.requires_grad_()
    check = torch.autograd.gradcheck
    assert check(lambda x: cross_entropy(x, soft_NC, class_weight_C=WEIGHT_C), logits_NC)
    assert check(lambda x: focal(x, soft_NC, gamma=2.0, class_weight_C=WEIGHT_C), logits_NC)
    assert check(lambda x: focal(x, soft_NC, gamma=0.5), logits_NC)
    assert check(lambda x: f1(x, soft_NC), logits_NC)
    weight_N = torch.linspace(0, 1, N, dtype=torch.float64)
    assert check(lambda x: f1(x, soft_NC, weight_N, classes="present"), logits_NC)


@pytest.mark.parametrize("gamma", [0.5, 1.0, 2.0, 5.0])
def test_focal_has_a_finite_slope_where_the_model_is_certain(gamma: float) -> None:
    logits_NC = torch.tensor([[1e4, -1e4], [1e4, -1e4]], requires_grad=True)
    loss_N = focal(logits_NC, torch.eye(2), gamma=gamma)
    assert_close(loss_N.detach(), torch.tensor([0.0, 2e4]))
    loss_N.sum().backward()  # type: ignore[no-untyped-call]
    assert logits_NC.grad is not None
    assert bool(torch.isfinite(logits_NC.grad).all())
