"""What a fold's training is bound to: class weights over what the sampler shows."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
import torch

from maskwise.fitting.bind_fit import bind_fit
from maskwise.fitting.photo_set import PhotoSet
from maskwise.recipe.config import Recipe
from maskwise.records import Image, Ints
from maskwise.sampling.build import build_sampling
from maskwise.training.batches import TargetRows
from maskwise.training.training_inputs import Fit
from support.tables import people_table

TABLE = people_table(60, np.random.default_rng(0))
SAMPLERS: list[dict[str, Any]] = [
    {"kind": "natural"},
    {"kind": "weighted"},
    {"kind": "balanced_batches"},
    {"kind": "oversample_rare"},
    {"kind": "oversample_rare", "share": 0.3},
    {"kind": "oversample_group", "group": {"gender": "male"}, "share": 0.8},
    {"kind": "oversample_random"},
    {"kind": "undersample_masked"},
    {"kind": "undersample_masked", "then": {"kind": "weighted"}},
]
WEIGHTS: list[dict[str, Any]] = [
    {"kind": "inverse_share"},
    {"kind": "effective_number"},
    {"kind": "sqrt_inverse_clipped"},
]


def _fit(rows: TargetRows | None = None, **settings: Any) -> tuple[Recipe, Fit]:
    settings = {
        "name": "fold",
        "split": {"kind": "hold_out", "share": 0.2},
        "model": {"backbone": {"kind": "baseline_cnn"}, "weights": {"kind": "none"}},
        **settings,
    }
    recipe = Recipe.model_validate_json(json.dumps(settings))

    def no_pixels(index_M: Ints) -> Image:
        raise AssertionError(f"the pixels of {len(index_M)} photos are read")

    return recipe, bind_fit(recipe, PhotoSet(TABLE, no_pixels, rows=rows))


def _mean_loss(fit: Fit, epochs: int = 3) -> float:
    """Of a model without an opinion, over some epochs' batches as the loop would make them."""
    losses, counts = [], []
    for epoch in range(epochs):
        for index_M in fit.source.plan(epoch):
            target_NC, weight_N = fit.source._label(index_M)
            target_NC = fit.source.soften(target_NC, torch.from_numpy(TABLE.age_years_N[index_M]))
            losses.append(fit.objective_at(0.0)(torch.zeros(target_NC.shape), target_NC, weight_N).item())
            counts.append(len(index_M) if weight_N is None else float(weight_N.sum()))
    return float(np.average(losses, weights=counts))


@pytest.mark.parametrize("class_weights", WEIGHTS, ids=lambda value: str(value["kind"]))
@pytest.mark.parametrize("sampling", SAMPLERS, ids=str)
def test_flat_logits_have_the_same_loss_with_and_without_class_weights(
    sampling: dict[str, Any], class_weights: dict[str, Any]
) -> None:
    """So a term of a sum keeps its share of it, whatever the sampler."""
    _, plain = _fit(sampling=sampling, loss={"kind": "focal"})
    expected = (17 / 18) ** 2 * np.log(18)
    assert _mean_loss(plain) == pytest.approx(expected, rel=1e-5)
    recipe, fit = _fit(sampling=sampling, loss={"kind": "focal", "class_weights": class_weights})
    times_N = torch.from_numpy(build_sampling(recipe.sampling).times_shown(TABLE))
    one_hot_NC = torch.eye(18)[torch.from_numpy(TABLE.train_class_N)]
    on_average = fit.objective_at(0.0)(torch.zeros(len(TABLE), 18), one_hot_NC, times_N)
    assert on_average.item() == pytest.approx(expected, rel=1e-5)
    # With replacement the shares of one epoch differ from their mean; elsewhere they do not.
    exact = sampling["kind"] in ("natural", "oversample_rare") or sampling == {"kind": "undersample_masked"}
    assert _mean_loss(fit) == pytest.approx(expected, rel=1e-4 if exact else 0.15)


def test_final_trains_as_much_of_focal_as_it_says() -> None:
    """Before, 0.6 · focal of the weighted sampler was 2.2 · focal: the weights had the mean 1 over the photos."""
    terms = [
        {"weight": 0.4, "loss": {"kind": "f1"}},
        {"weight": 0.6, "loss": {"kind": "focal", "class_weights": {"kind": "inverse_share"}}},
    ]
    _, fit = _fit(sampling={"kind": "balanced_batches"}, loss={"kind": "weighted_sum", "terms": terms})
    present = len(np.unique(TABLE.train_class_N))
    index_M = np.concatenate([np.flatnonzero(TABLE.train_class_N == c)[:1] for c in np.unique(TABLE.train_class_N)])
    one_hot_NC = torch.eye(18)[torch.from_numpy(TABLE.train_class_N[index_M])]
    # One photo of each class: of F1 2 · 1/18 / (1 + present / 18) for each that is present, out of 18.
    f1 = 1 - present / 18 * (2 / 18) / (1 + present / 18)
    value = fit.objective_at(0.0)(torch.zeros(present, 18), one_hot_NC, None)
    assert value.item() == pytest.approx(0.4 * f1 + 0.6 * (17 / 18) ** 2 * np.log(18), rel=1e-5)


def test_softened_and_pseudo_labeled_targets_count_as_they_are_seen() -> None:
    n = len(TABLE)
    rng = np.random.default_rng(1)
    rows = TargetRows(rng.dirichlet(np.ones(18), n).astype(np.float32), rng.uniform(0.1, 1, n).astype(np.float32))
    settings: dict[str, Any] = {"targets": [{"kind": "label_smoothing", "epsilon": 0.3}]}
    _, fit = _fit(rows, **settings, loss={"kind": "focal", "class_weights": {"kind": "inverse_share"}})
    assert _mean_loss(fit) == pytest.approx((17 / 18) ** 2 * np.log(18), rel=1e-4)
