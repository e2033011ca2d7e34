"""What a recipe can say about the loss and about the target rows. No torch is imported here."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from maskwise.errors import must
from maskwise.settings import Settings


class NoClassWeights(Settings):
    """Every photo counts the same."""

    kind: Literal["none"] = "none"


class InverseShare(Settings):
    """Every class counts the same in sum: a class weighs 1 / (its number of photos)."""

    kind: Literal["inverse_share"] = "inverse_share"


class EffectiveNumber(Settings):
    """A class weighs (1 − β) / (1 − βⁿ) for n photos: near-copies count less (Cui et al. 2019, arXiv 1901.05555)."""

    kind: Literal["effective_number"] = "effective_number"

    beta: float = Field(default=0.999, gt=0, lt=1)
    """Near 0 all classes weigh the same, near 1 they weigh 1 / n. The paper tries 0.9, 0.99, 0.999 and 0.9999."""


class SqrtInverseClipped(Settings):
    """A class weighs 1 / √(its number of photos), but never more than ``max_ratio`` times the lightest class."""

    kind: Literal["sqrt_inverse_clipped"] = "sqrt_inverse_clipped"

    max_ratio: float = Field(default=5.0, gt=1)
    """Heaviest weight over lightest weight, at most."""


ClassWeights = Annotated[
    NoClassWeights | InverseShare | EffectiveNumber | SqrtInverseClipped, Field(discriminator="kind")
]


class CrossEntropy(Settings):
    """Cross-entropy with the target row."""

    kind: Literal["cross_entropy"] = "cross_entropy"

    class_weights: ClassWeights = NoClassWeights()
    """How much more rare classes count; the mean over the training photos is 1."""


class Focal(Settings):
    """Cross-entropy that counts photos less the surer the model is of them (Lin et al. 2017, arXiv 1708.02002)."""

    kind: Literal["focal"] = "focal"

    gamma: float = Field(default=2.0, gt=0)
    """How fast sure photos fade: the factor is (1 − p)^gamma. 0 would be cross_entropy."""

    class_weights: ClassWeights = NoClassWeights()
    """How much more rare classes count; the mean over the training photos is 1."""


class F1(Settings):
    """1 − macro F1 of a batch, with probabilities in place of decisions."""

    kind: Literal["f1"] = "f1"


SingleLoss = Annotated[CrossEntropy | Focal | F1, Field(discriminator="kind")]


class Term(Settings):
    """One loss of a sum and its weight."""

    weight: float = Field(gt=0, allow_inf_nan=False)
    """What the loss is multiplied by."""

    loss: SingleLoss
    """The loss."""


class WeightedSum(Settings):
    """Several losses added up, e.g. 0.4 · f1 + 0.6 · focal."""

    kind: Literal["weighted_sum"] = "weighted_sum"

    terms: tuple[Term, ...] = (Term(weight=0.4, loss=F1()), Term(weight=0.6, loss=Focal()))
    """The losses and their weights, two or more. The default is the source write-up's final loss."""

    @model_validator(mode="after")
    def _refuse_pointless_sums(self) -> Self:
        if len(self.terms) < 2:
            remedy = "Add a term, or use the loss itself in place of weighted_sum."
            raise ValueError(must("loss.terms", "two or more", len(self.terms), remedy))
        losses = [term.loss for term in self.terms]
        if any(loss in losses[:k] for k, loss in enumerate(losses)):
            kinds = [loss.kind for loss in losses]
            raise ValueError(must("loss.terms", "different losses", kinds, "Put equal terms together in one."))
        return self


LossConfig = Annotated[CrossEntropy | Focal | F1 | WeightedSum, Field(discriminator="kind")]


class LabelSmoothing(Settings):
    """Move a share of every target row to all classes alike (Szegedy et al. 2016, arXiv 1512.00567)."""

    kind: Literal["label_smoothing"] = "label_smoothing"

    epsilon: float = Field(default=0.1, gt=0, lt=1)
    """The share that is moved."""


TargetConfig = LabelSmoothing
"""The one kind so far. A second makes this a union, tagged by ``kind`` like the others."""
