"""From features to joint logits and ages: the neck and the heads."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

from maskwise.labels import Task
from maskwise.models.face_network import FEATURES

PUBLISHED_HIDDEN = 256
"""Width of the hidden layer of the heads that came with the face network."""
LEAST_MASS = 1e-5
"""A smaller mass of years in a group counts as this one, so that its log stays finite."""
HEAD_WEIGHT_STD = 0.01
"""Standard deviation of a new head's weights: small, so that training begins at nearly equal probabilities."""


class JointHead(nn.Module):
    """One linear layer: embedding_ND → logits_NC with C = the product of ``attribute_sizes``."""

    def __init__(self, features: int, attribute_sizes: tuple[int, ...]) -> None:
        super().__init__()
        self.joint = nearly_zero_linear(features, math.prod(attribute_sizes))

    def forward(self, embedding_ND: Tensor) -> Tensor:
        """Joint logits, N × C."""
        logits_NC: Tensor = self.joint(embedding_ND)
        return logits_NC


class AttributesHead(nn.Module):
    """One linear layer an attribute: embedding_ND → logits_NC, the sum of the attributes' logits.

    The joint logit of class (i, j, k) is ``mask_i + gender_j + age_k``. Its softmax is exactly the product of the
    three softmaxes, because exp turns the sum into a product and the sum over all classes factors.
    """

    def __init__(self, features: int, attribute_sizes: tuple[int, ...], published: int | None = None) -> None:
        """``published`` is the place of the attribute that has a published layer besides, if one has."""
        super().__init__()
        self.attributes = nn.ModuleList([nearly_zero_linear(features, size) for size in attribute_sizes])
        self.published = None if published is None else PublishedLayers(attribute_sizes[published])
        self.place = published

    def forward(self, embedding_ND: Tensor) -> Tensor:
        """Joint logits, N × C, classes in mixed-radix order (first attribute slowest)."""
        logits = [linear(embedding_ND) for linear in self.attributes]
        if self.published is not None and self.place is not None:
            logits[self.place] = logits[self.place] + self.published(embedding_ND)
        return added_up(logits)


class CosineHead(nn.Module):
    """embedding_ND → logits_NC = scale · cos θ, θ the angle between the embedding and each class's vector.

    Wang et al. 2018, arXiv 1801.09414; Deng et al. 2019, arXiv 1801.07698: both lengths are taken out. Always computed
    in float32: with the 8 bits of bfloat16, angles below 5 degrees would all be 0.
    """

    def __init__(self, features: int, attribute_sizes: tuple[int, ...], scale: float) -> None:
        super().__init__()
        self.class_vectors = nn.Parameter(torch.empty(math.prod(attribute_sizes), features))
        nn.init.normal_(self.class_vectors)
        self.scale = scale

    def forward(self, embedding_ND: Tensor) -> Tensor:
        """Joint logits, N × C, in float32 from -scale to scale; 0 for an embedding of zeros."""
        with torch.autocast(embedding_ND.device.type, enabled=False):
            embedding_ND = functional.normalize(embedding_ND.float(), dim=1)
            vectors_CD = functional.normalize(self.class_vectors.float(), dim=1)
            return self.scale * functional.linear(embedding_ND, vectors_CD)


class PublishedLayers(nn.Module):
    """The two layers of a head that came with the face network: of its 1024 features, the first of an embedding."""

    def __init__(self, outputs: int) -> None:
        super().__init__()
        self.hidden = nn.Linear(FEATURES, PUBLISHED_HIDDEN)
        self.last = nn.Linear(PUBLISHED_HIDDEN, outputs)

    def forward(self, embedding_ND: Tensor) -> Tensor:
        """N × outputs."""
        logits_NA: Tensor = self.last(self.hidden(embedding_ND[:, :FEATURES]).relu())
        return logits_NA


class YearsToGroups(nn.Module):
    """Age logits N × A → what joins the joint logits: factor · log of the years' mass in each age group, N × C."""

    def __init__(self, years_A: Tensor, task: Task, factor: float) -> None:
        super().__init__()
        self.factor = nn.Parameter(torch.tensor(factor))
        group_A = torch.bucketize(years_A, torch.tensor(task.age_borders_years), right=True)
        share_AG = nn.functional.one_hot(group_A, len(task.classes("age"))).float()
        self.register_buffer("share_AG", share_AG, persistent=False)
        self.sizes, self.place = task.sizes, task.attributes.index("age")

    def forward(self, age_logits_NA: Tensor) -> Tensor:
        """N × C."""
        mass_NG = (age_logits_NA.float().softmax(dim=1) @ self.get_buffer("share_AG")).clamp(min=LEAST_MASS)
        nothing_N = torch.zeros_like(mass_NG[:, :1])
        parts = [nothing_N.expand(-1, size) for size in self.sizes]
        parts[self.place] = self.factor * mass_NG.log()
        return added_up(parts)


class CosineAttributesHead(nn.Module):
    """A cosine head an attribute: embedding_ND → joint logits N × C, the sums of the attributes' logits."""

    def __init__(self, features: int, attribute_sizes: tuple[int, ...], scale: float) -> None:
        super().__init__()
        self.attributes = nn.ModuleList([CosineHead(features, (size,), scale) for size in attribute_sizes])

    def attribute_logits(self, embedding_ND: Tensor) -> list[Tensor]:
        """N × classes of the attribute for each attribute, in float32 from -scale to scale."""
        return [head(embedding_ND) for head in self.attributes]

    def forward(self, embedding_ND: Tensor) -> Tensor:
        """Joint logits, N × C, classes in mixed-radix order (first attribute slowest)."""
        return added_up(self.attribute_logits(embedding_ND))


def added_up(logits_NA: list[Tensor]) -> Tensor:
    """Joint logits, N × C, from one N × A tensor an attribute; the first attribute is the slowest.

    >>> added_up([torch.tensor([[0., 10.]]), torch.tensor([[1., 2., 3.]])])
    tensor([[ 1.,  2.,  3., 11., 12., 13.]])
    """
    joint_NC = logits_NA[0]
    for next_NA in logits_NA[1:]:
        joint_NC = (joint_NC[:, :, None] + next_NA[:, None, :]).flatten(1)
    return joint_NC


def linear_neck(in_features: int, features: int, activation: str, dropout: float) -> nn.Sequential:
    """Dropout, a linear layer, and a ReLU if ``activation`` is "relu": N × ``in_features`` → N × ``features``."""
    layers: list[nn.Module] = [nn.Dropout(dropout), nn.Linear(in_features, features)]
    if activation == "relu":
        layers.append(nn.ReLU())
    return nn.Sequential(*layers)


def nearly_zero_linear(in_features: int, out_features: int) -> nn.Linear:
    """A linear layer with weights of standard deviation ``HEAD_WEIGHT_STD`` (truncated normal) and zero bias."""
    linear = nn.Linear(in_features, out_features)
    with torch.no_grad():
        nn.init.trunc_normal_(linear.weight, std=HEAD_WEIGHT_STD)
        nn.init.zeros_(linear.bias)
    return linear
