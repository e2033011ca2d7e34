"""The losses' settings: defaults build, nonsense is refused with the way out."""

from __future__ import annotations

import pytest
from pydantic import TypeAdapter, ValidationError

from maskwise.losses.config import (
    F1,
    CrossEntropy,
    Focal,
    LabelSmoothing,
    Ldam,
    LossConfig,
    SoftAgeBorder,
    SoftClasses,
    TargetConfig,
    Term,
    WeightedSum,
)

LOSS: TypeAdapter[LossConfig] = TypeAdapter(LossConfig)
TARGET: TypeAdapter[TargetConfig] = TypeAdapter(TargetConfig)


def sum_with(term: str) -> str:
    return f'{{"kind": "weighted_sum", "terms": [{term}, {{"weight": 1, "loss": {{"kind": "focal"}}}}]}}'


def test_the_source_write_ups_final_loss_is_the_default_sum() -> None:
    terms = WeightedSum().terms
    assert [(term.weight, term.loss.kind) for term in terms] == [(0.4, "f1"), (0.6, "focal")]


def test_a_recipe_names_kinds() -> None:
    text = """{"kind": "weighted_sum", "terms": [
        {"weight": 1, "loss": {"kind": "cross_entropy", "class_weights": {"kind": "effective_number", "beta": 0.9}}},
        {"weight": 2.5, "loss": {"kind": "f1"}}]}"""
    loss = LOSS.validate_json(text)
    assert isinstance(loss, WeightedSum)
    assert loss.terms[1] == Term(weight=2.5, loss=F1())
    assert (
        LOSS.validate_json(sum_with('{"weight": 0.4, "loss": {"kind": "f1"}}').replace("1,", "0.6,")) == WeightedSum()
    )
    assert LOSS.validate_json(LOSS.dump_json(loss)) == loss


@pytest.mark.parametrize(
    "text",
    [
        '{"kind": "dice"}',
        '{"kind": "focal", "gamma": 0}',
        '{"kind": "f1", "class_weights": {"kind": "none"}}',
        '{"kind": "cross_entropy", "class_weights": {"kind": "effective_number", "beta": 1}}',
        '{"kind": "cross_entropy", "class_weights": {"kind": "sqrt_inverse_clipped", "max_ratio": 1}}',
        '{"kind": "arcface", "margin": 0}',
        '{"kind": "arcface", "margin": 1.6}',
        '{"kind": "arcface", "scale": 30}',
        '{"kind": "ldam", "reweight_from": 1}',
        '{"kind": "balanced_softmax", "tau": 0}',
        '{"kind": "attributes_cross_entropy", "age_weight": 0}',
        sum_with('{"weight": 0, "loss": {"kind": "f1"}}'),
        sum_with('{"weight": 1, "loss": {"kind": "weighted_sum"}}'),
    ],
)
def test_nonsense_is_refused(text: str) -> None:
    with pytest.raises(ValidationError):
        LOSS.validate_json(text)


def test_a_sum_needs_two_different_losses() -> None:
    with pytest.raises(ValidationError, match=r"loss\.terms must be two or more, got 1"):
        WeightedSum(terms=(Term(weight=1.0, loss=F1()),))
    with pytest.raises(ValidationError, match=r"loss\.terms must be different losses"):
        WeightedSum(terms=(Term(weight=1.0, loss=Focal()), Term(weight=2.0, loss=Focal())))
    # The same kind with other settings is another loss.
    assert len(WeightedSum(terms=(Term(weight=1, loss=Focal()), Term(weight=1, loss=Focal(gamma=5)))).terms) == 2
    assert CrossEntropy().class_weights.kind == "none"


@pytest.mark.parametrize("kind", ["arcface", "ldam", "balanced_softmax", "attributes_cross_entropy"])
def test_every_single_loss_can_stand_alone_and_in_a_sum(kind: str) -> None:
    alone = LOSS.validate_json(f'{{"kind": "{kind}"}}')
    total = LOSS.validate_json(sum_with(f'{{"weight": 1, "loss": {{"kind": "{kind}"}}}}'))
    assert isinstance(total, WeightedSum)
    assert total.terms[0].loss == alone
    assert LOSS.validate_json(LOSS.dump_json(alone)) == alone


def test_a_beta_that_is_never_used_is_refused() -> None:
    with pytest.raises(ValidationError, match=r"loss\.reweight_beta must .*reweight_from is null"):
        Ldam(reweight_from=None, reweight_beta=0.99)
    # A recipe that is written out says the default; it can be read again.
    assert LOSS.validate_json(LOSS.dump_json(Ldam(reweight_from=None))) == Ldam(reweight_from=None)


def test_targets_are_kept_apart_by_their_kind() -> None:
    for target in (LabelSmoothing(epsilon=0.2), SoftClasses(), SoftAgeBorder(margin_years=1)):
        assert TARGET.validate_json(TARGET.dump_json(target)) == target
    with pytest.raises(ValidationError):
        TARGET.validate_json('{"kind": "soft_age_border", "margin_years": 0}')
    with pytest.raises(ValidationError, match="kind"):
        TARGET.validate_json('{"epsilon": 0.1}')
