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
    """How much more rare classes count; the mean over what the sampler shows is 1."""


class Focal(Settings):
    """Cross-entropy that counts photos less the more confident the model is (Lin et al. 2017, arXiv 1708.02002)."""

    kind: Literal["focal"] = "focal"

    gamma: float = Field(default=2.0, gt=0)
    """How fast photos of high confidence fade: the factor is (1 − p)^gamma. 0 would be cross_entropy."""

    class_weights: ClassWeights = NoClassWeights()
    """How much more rare classes count; the mean over what the sampler shows is 1."""


class F1(Settings):
    """1 − macro F1 of a batch, with probabilities in place of decisions."""

    kind: Literal["f1"] = "f1"

    classes: Literal["all", "present"] = "all"
    """Over which classes the mean is taken. all: absent ones count as 0, as in the competition's official baseline, so
    every batch pulls alike on each class that it holds. present: those in the batch; of a batch with few classes each
    pulls harder, by 18 over their number."""


class ArcFace(Settings):
    """Cross-entropy in which the true class must win by an angle (Deng et al. 2019, arXiv 1801.07698).

    Needs the model head `cosine`, whose scale it takes over.
    """

    kind: Literal["arcface"] = "arcface"

    margin: float = Field(default=0.5, gt=0, lt=1.5)
    """Angle in radians that is added between a photo and its own class while training. The paper's value is 0.5."""

    class_weights: ClassWeights = NoClassWeights()
    """How much more rare classes count; the mean over what the sampler shows is 1."""


class Ldam(Settings):
    """Cross-entropy in which the true class must win by a margin ∝ 1 / n^¼ (Cao et al. 2019, arXiv 1906.07413).

    Needs the model head `cosine`, whose scale it takes over.
    """

    kind: Literal["ldam"] = "ldam"

    max_margin: float = Field(default=0.5, gt=0, lt=2)
    """Margin of the rarest class, in units of a cosine."""

    reweight_from: float | None = Field(default=0.75, ge=0, lt=1)
    """Share of the training after which rare classes also weigh more, as effective_number does; null: never.
    The paper's 160 of 200 epochs are 0.8; 0.75 also takes effect in a training of four epochs."""

    reweight_beta: float = Field(default=0.9999, gt=0, lt=1)
    """The β of these weights, (1 − β) / (1 − βⁿ) for n photos."""

    @model_validator(mode="after")
    def _refuse_beta_without_effect(self) -> Self:
        if self.reweight_from is None and self.reweight_beta != type(self).model_fields["reweight_beta"].default:
            rule = "left out where reweight_from is null (it would have no effect)"
            raise ValueError(must("loss.reweight_beta", rule, self.reweight_beta, "Leave it out or set reweight_from."))
        return self


class BalancedSoftmax(Settings):
    """Cross-entropy on logits + tau · log of the class's share, so that the bare logits suit even shares.

    Ren et al. 2020, arXiv 2007.10740 (tau 1); Menon et al. 2021, arXiv 2007.07314 (logit-adjusted loss).
    """

    kind: Literal["balanced_softmax"] = "balanced_softmax"

    tau: float = Field(default=1.0, gt=0, le=4)
    """How much of the shares is taken out: 1 all of it, less a part. 0 would be cross_entropy."""


class AttributesCrossEntropy(Settings):
    """A cross-entropy for each attribute, added up with weights: the "3+2+3" loss, for any head.

    With the head `attributes`, hard targets and equal weights of 1 it is cross_entropy. Other losses for each
    attribute: per_attribute.
    """

    kind: Literal["attributes_cross_entropy"] = "attributes_cross_entropy"

    mask_weight: float = Field(default=1.0, gt=0, allow_inf_nan=False)
    """What the cross-entropy of the mask status is multiplied by."""

    gender_weight: float = Field(default=1.0, gt=0, allow_inf_nan=False)
    """What the cross-entropy of the gender is multiplied by."""

    age_weight: float = Field(default=1.0, gt=0, allow_inf_nan=False)
    """What the cross-entropy of the age group is multiplied by."""


class PerAttribute(Settings):
    """One loss for each attribute, added up with weights; class weights are those of the attribute's classes.

    arcface needs the model head `cosine_attributes`; the others go with any head.
    """

    kind: Literal["per_attribute"] = "per_attribute"

    loss: Annotated[CrossEntropy | Focal | F1 | ArcFace, Field(discriminator="kind")] = Focal()
    """The loss of each attribute."""

    mask_weight: float = Field(default=1.0, gt=0, allow_inf_nan=False)
    """What the loss of the mask status is multiplied by."""

    gender_weight: float = Field(default=1.0, gt=0, allow_inf_nan=False)
    """What the loss of the gender is multiplied by."""

    age_weight: float = Field(default=1.0, gt=0, allow_inf_nan=False)
    """What the loss of the age group is multiplied by."""

    @model_validator(mode="after")
    def _refuse_two_ways_to_one_loss(self) -> Self:
        if self.loss == CrossEntropy():
            remedy = "Use the kind attributes_cross_entropy, or set its class_weights."
            raise ValueError(must("loss.loss.kind", "another than cross_entropy", "cross_entropy", remedy))
        return self


PhotoLossConfig = CrossEntropy | Focal | ArcFace | Ldam | BalancedSoftmax
"""Losses of one photo, whose mean is that of a batch."""
AttributeLossConfig = AttributesCrossEntropy | PerAttribute
"""Losses of each attribute, added up."""
SingleLoss = Annotated[PhotoLossConfig | AttributeLossConfig | F1, Field(discriminator="kind")]


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


LossConfig = Annotated[PhotoLossConfig | AttributeLossConfig | F1 | WeightedSum, Field(discriminator="kind")]


class AgeDistribution(Settings):
    """Learn the age in years beside the classes, as a bell curve around the true age.

    Label distribution learning: Gao et al. 2017, arXiv 1611.01731. Needs `model.age_head`. Photos of unknown age cost
    nothing.
    """

    kind: Literal["age_distribution"] = "age_distribution"

    weight: float = Field(default=1.0, gt=0, allow_inf_nan=False)
    """What the term is multiplied by before it is added to the loss."""

    spread_years: float = Field(default=2.0, ge=0.1, le=50)
    """Standard deviation of the bell curve. With 2 years 95 % of it lie within 4 years of the true age."""


AuxiliaryConfig = AgeDistribution
"""The one kind so far. A second makes this a union, tagged by ``kind`` like the others."""


class LabelSmoothing(Settings):
    """Move a share of every target row to all classes alike (Szegedy et al. 2016, arXiv 1512.00567).

    The source write-up tried "0.6 to 1.0": as the share that is taken away that is an epsilon of 0.6 to 1.0, as the
    share that the true class keeps one of 0.4 to 0.0. Both readings can be tried.
    """

    kind: Literal["label_smoothing"] = "label_smoothing"

    epsilon: float = Field(default=0.1, gt=0, lt=1)
    """The share that is moved."""


class SoftClasses(Settings):
    """Share every target among all joint classes by nearness: exp(−distance / temperature), scaled to sum to 1.

    The distance of two joint classes counts a different mask status 1, a different gender 1, and age groups by how many
    groups they lie apart. This is our reading of the source write-up's "soft loss" ("no one-hot targets"), which it
    does not define.
    """

    kind: Literal["soft_classes"] = "soft_classes"

    temperature: float = Field(default=0.3, ge=0.1, le=10)
    """How far the shares reach. Of the competition's 18 classes, the true one keeps 0.97 of a row at 0.2, 0.84 to 0.87
    at 0.3, 0.55 to 0.60 at 0.5."""


class SoftAgeBorder(Settings):
    """Share the target of a photo near an age border between the two age groups, linearly in its age.

    Just at a training border both get a half. An age is a count of completed years, so it stands for its middle: at the
    border 60 with a margin of 2 years, the upper group gets 1/8, 3/8, 5/8, 7/8 of a photo aged 58, 59, 60, 61. Photos
    of unknown age stay as they are.
    """

    kind: Literal["soft_age_border"] = "soft_age_border"

    margin_years: int = Field(default=2, ge=1)
    """How many years on each side of a border are shared."""


TargetConfig = Annotated[LabelSmoothing | SoftClasses | SoftAgeBorder, Field(discriminator="kind")]
