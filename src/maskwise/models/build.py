"""From a ``ModelConfig`` to a model."""

from __future__ import annotations

from typing import assert_never

import torch
from torch import Tensor, nn

from maskwise.files import at_home
from maskwise.labels import Task
from maskwise.models import backbones, config, face_network, heads, weights
from maskwise.models.backbones import RGB, Backbone
from maskwise.records import Output


class MaskwiseModel(nn.Module):
    """images_NCHW → ``Output``: backbone, neck, dropout, head, and the age head if there is one.

    ``backbone``, ``neck``, ``head`` and ``age_head`` are submodules, so each can be frozen or given its own learning
    rate.
    ``mean_C`` and ``std_C`` (RGB in [0, 1]) are the normalization that the images must have gone through.
    """

    def __init__(
        self,
        backbone: nn.Module,
        neck: nn.Module,
        dropout: float,
        head: nn.Module,
        age_head: nn.Module | None,
        normalized: tuple[RGB, RGB],
        years_to_groups: nn.Module | None = None,
    ) -> None:
        super().__init__()
        self.backbone = backbone
        self.neck = neck
        self.dropout = nn.Dropout(dropout)
        self.head = head
        self.age_head = age_head
        self.years_to_groups = years_to_groups
        self.mean_C, self.std_C = normalized

    def forward(self, images_NCHW: Tensor) -> Output:
        """Joint logits N × C and age logits N × A or None, both in float32, under mixed precision too; the embedding
        N × D before the dropout."""
        return self.of_features(self.backbone(images_NCHW))

    def of_features(self, features_ND: Tensor) -> Output:
        """What follows the backbone, whose output ``features_ND`` is."""
        embedding_ND = self.neck(features_ND)
        kept_ND = self.dropout(embedding_ND)
        attribute_logits_NA = None
        if self.training and isinstance(self.head, heads.CosineAttributesHead):
            of_attributes = self.head.attribute_logits(kept_ND)
            logits_NC, attribute_logits_NA = heads.added_up(of_attributes), torch.cat(of_attributes, dim=1)
        else:
            logits_NC = self.head(kept_ND).float()
        age_logits_NA = None if self.age_head is None else self.age_head(kept_ND).float()
        if self.years_to_groups is not None:
            logits_NC = logits_NC + self.years_to_groups(age_logits_NA)
        return Output(logits_NC, embedding_ND, age_logits_NA, attribute_logits_NA)


def build_model(model: config.ModelConfig, task: Task, *, load_weights: bool = True) -> MaskwiseModel:
    """The model of a recipe, in training mode, on the CPU; C is the number of the task's joint classes.

    With ``load_weights=False`` neither a hub nor a package nor a file is touched: for a finished run, whose own weights
    follow. Initial weights come from torch's global generator. Raises RecipeError for a name that the library does not
    know and WeightsError where weights cannot be had or do not fit.
    """
    backbone = _build_backbone(model, load_weights)
    if load_weights:
        _load_local_weights(model.weights, backbone)
    neck, features = _build_neck(model.neck, backbone.features)
    head = _build_head(model.head, features, task)
    # Last of all, so that the other layers begin alike with and without it.
    age_head, years_to_groups = _build_age_head(model.age_head, features, task)
    if load_weights and isinstance(model.weights, config.FacesWeights):
        weights.load_published_heads(head, age_head)
    return MaskwiseModel(backbone.module, neck, model.dropout, head, age_head, normalization(model), years_to_groups)


def normalization(model: config.ModelConfig) -> tuple[RGB, RGB]:
    """(mean_C, std_C) of RGB in [0, 1] that the model expects, without building it. RecipeError for unknown names."""
    match model.backbone:
        case config.TimmBackbone(name=name):
            return backbones.timm_normalization(name)
        case config.TorchvisionBackbone(name=name):
            backbones.refuse_unknown_torchvision(name)
            return backbones.IMAGENET_NORMALIZATION
        case config.BaselineCnn():
            return backbones.BASELINE_NORMALIZATION
        case config.Faces():
            return face_network.MEAN_RGB, face_network.STD_RGB
        case other:
            assert_never(other)


def _build_backbone(model: config.ModelConfig, load_weights: bool) -> Backbone:
    download = model.weights if load_weights and isinstance(model.weights, config.PretrainedWeights) else None
    match model.backbone:
        case config.TimmBackbone(name=name):
            return backbones.build_timm(name, pretrained=download is not None)
        case config.TorchvisionBackbone(name=name):
            return backbones.build_torchvision(name, version=download.version if download else None)
        case config.BaselineCnn(dropout=dropout):
            return backbones.build_baseline_cnn(dropout)
        case config.Faces(features=features):
            return backbones.build_faces(halves=features == "last_and_halves")
        case other:
            assert_never(other)


def _load_local_weights(choice: config.Weights, backbone: Backbone) -> None:
    match choice:
        case config.BundledWeights():
            weights.load_bundled(backbone)
        case config.FacesWeights():
            weights.load_faces(backbone)
        case config.WeightsFile(file=file):
            weights.load_from_file(backbone, at_home(file))
        case config.NoWeights() | config.PretrainedWeights():
            return  # Nothing to load, or downloaded while the backbone was built.
        case other:
            assert_never(other)


def _build_neck(neck: config.LinearNeck | None, in_features: int) -> tuple[nn.Module, int]:
    """The neck and the width of the embedding."""
    if neck is None:
        return nn.Identity(), in_features
    return heads.linear_neck(in_features, neck.features, neck.activation, neck.dropout), neck.features


def _build_age_head(
    age_head: config.AgeHead | config.PublishedAgeHead | None, features: int, task: Task
) -> tuple[nn.Module | None, nn.Module | None]:
    """(the age head, what its years add to the joint logits)."""
    match age_head:
        case None:
            return None, None
        case config.AgeHead(n_ages=n_ages):
            return heads.nearly_zero_linear(features, n_ages), None
        case config.PublishedAgeHead(n_ages=n_ages, first_age_years=first, group_factor=factor):
            joins = heads.YearsToGroups(torch.arange(first, first + n_ages), task, factor)
            return heads.PublishedLayers(n_ages), joins if "age" in task.attributes else None
        case other:
            assert_never(other)


def _build_head(head: config.Head, features: int, task: Task) -> nn.Module:
    match head:
        case config.JointHead():
            return heads.JointHead(features, task.sizes)
        case config.AttributesHead(gender=gender):
            published = (
                task.attributes.index("gender") if gender == "published" and "gender" in task.attributes else None
            )
            return heads.AttributesHead(features, task.sizes, published)
        case config.CosineHead(scale=scale):
            return heads.CosineHead(features, task.sizes, scale)
        case config.CosineAttributesHead(scale=scale):
            return heads.CosineAttributesHead(features, task.sizes, scale)
        case other:
            assert_never(other)
