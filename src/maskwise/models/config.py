"""What a recipe can say about the model. No torch is imported here."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from maskwise.errors import must
from maskwise.settings import Settings

BUNDLED_NAME = "tf_efficientnet_lite0"
"""The one timm architecture that the bundled weights belong to."""

WEIGHT_FILE_SUFFIXES = (".safetensors", ".pth", ".pt")

_UNUSABLE_TORCHVISION = {
    "squeezenet": "it ends in a convolution, so there is no classifier to take off",
    "googlenet": "it returns auxiliary outputs while training",
    "inception_v3": "it returns auxiliary outputs while training",
    "vit_h_14": "its pretrained weights change its input size",
}


class TimmBackbone(Settings):
    """Any image classifier of timm, without its classifier."""

    kind: Literal["timm"] = "timm"

    name: str = BUNDLED_NAME
    """A name that `timm.list_models()` knows, with or without a weights tag, e.g. resnet50.a1_in1k."""


class TorchvisionBackbone(Settings):
    """An image classifier of torchvision, without its last linear layer."""

    kind: Literal["torchvision"] = "torchvision"

    name: str = "resnext50_32x4d"
    """A name that `torchvision.models.list_models()` knows. The default is the source write-up's final choice."""

    @model_validator(mode="after")
    def _refuse_unusable(self) -> Self:
        for prefix, reason in _UNUSABLE_TORCHVISION.items():
            if self.name.startswith(prefix):
                raise ValueError(
                    must(
                        "model.backbone.name",
                        "a classifier that turns a photo into one row of features",
                        self.name,
                        f"Choose another: {reason}.",
                    )
                )
        return self


class BaselineCnn(Settings):
    """The small net of the competition's official baseline: convolutions of 32, 64 and 128 channels, then the mean."""

    kind: Literal["baseline_cnn"] = "baseline_cnn"

    dropout: float = Field(default=0.25, ge=0, lt=1)
    """Share of activations that is dropped after the second and the third convolution while training."""


class Faces(Settings):
    """The face network: MobileNet-v1 that was trained on faces, then on age and gender. Any size from 32 × 32 on."""

    kind: Literal["faces"] = "faces"

    features: Literal["last", "last_and_halves"] = "last_and_halves"
    """last: the mean over the last block's maps, 1024 numbers. last_and_halves: beside it the means over the upper and
    the lower half of the seventh block's maps, 2048 numbers in all; they show how a mask is worn."""


Backbone = Annotated[TimmBackbone | TorchvisionBackbone | BaselineCnn | Faces, Field(discriminator="kind")]


class LinearNeck(Settings):
    """One linear layer between backbone and head; its output is the embedding."""

    kind: Literal["linear"] = "linear"

    features: int = Field(default=128, ge=1)
    """Width of the embedding, D."""

    activation: Literal["none", "relu"] = "none"
    """What follows the linear layer."""

    dropout: float = Field(default=0.0, ge=0, lt=1)
    """Share of the backbone's features that is dropped before the linear layer while training."""


class JointHead(Settings):
    """One linear layer to all joint classes."""

    kind: Literal["joint"] = "joint"


class AttributesHead(Settings):
    """One linear layer an attribute; the joint logit is their sum, so the attributes are read independently."""

    kind: Literal["attributes"] = "attributes"

    gender: Literal["linear", "published"] = "linear"
    """published: the gender head that came with the face network is added to the linear one, and goes on learning."""


class CosineHead(Settings):
    """The joint logit is scale · cos θ, θ the angle between the embedding and a learned vector of the class.

    What the losses `arcface` and `ldam` need; others can use it too.
    """

    kind: Literal["cosine"] = "cosine"

    scale: float = Field(default=16.0, ge=1, le=256)
    """Largest logit, fixed. It bounds how sure the model can be: 18 classes need 7 for a probability of 0.99 if their
    vectors lie far apart (Wang et al. 2018, arXiv 1801.09414), and more where they lie close. Face recognition with
    many thousand people uses 64."""


class CosineAttributesHead(Settings):
    """For each attribute the logits scale · cos θ, θ the angle to a learned vector of its class; the joint logit is
    their sum. What the loss `arcface` needs within `per_attribute`; others can use it too.
    """

    kind: Literal["cosine_attributes"] = "cosine_attributes"

    scale: float = Field(default=16.0, ge=1, le=256)
    """Largest logit of an attribute, fixed; see the head `cosine`."""


Head = Annotated[JointHead | AttributesHead | CosineHead | CosineAttributesHead, Field(discriminator="kind")]


class AgeHead(Settings):
    """A linear layer beside the head for the age, one logit per year. Needs `auxiliary: {kind: age_distribution}`.

    The classes are read from the same embedding, so what this learns about ages can help them.
    """

    kind: Literal["linear"] = "linear"

    first_age_years: int = Field(default=16, ge=0, le=120)
    """Youngest age that can be predicted; younger people count as this old."""

    last_age_years: int = Field(default=75, ge=0, le=120)
    """Oldest age that can be predicted; older people count as this old."""

    @model_validator(mode="after")
    def _refuse_empty_range(self) -> Self:
        if self.last_age_years <= self.first_age_years:
            rule = f"above model.age_head.first_age_years ({self.first_age_years})"
            raise ValueError(must("model.age_head.last_age_years", rule, self.last_age_years, "Raise it."))
        return self

    @property
    def n_ages(self) -> int:
        """Number of age bins of one year, A."""
        return self.last_age_years - self.first_age_years + 1


class PublishedAgeHead(Settings):
    """The age head that came with the face network: a hidden layer and 100 years, which go on learning.

    The years join the groups: the log of their mass in each age group, times a learned factor, is added to the joint
    logits. Needs `auxiliary: {kind: age_distribution}`.
    """

    kind: Literal["published"] = "published"

    group_factor: float = Field(default=1.0, ge=0, le=10)
    """What the learned factor begins with."""

    @property
    def first_age_years(self) -> int:
        """Youngest age that can be predicted."""
        return 1

    @property
    def n_ages(self) -> int:
        """Number of age bins of one year, A."""
        return 100


class NoWeights(Settings):
    """Start from random numbers."""

    kind: Literal["none"] = "none"


class PretrainedWeights(Settings):
    """Download the backbone's weights from timm's or torchvision's home; later runs use the downloaded copy."""

    kind: Literal["pretrained"] = "pretrained"

    version: Literal["DEFAULT", "IMAGENET1K_V1", "IMAGENET1K_V2"] = "DEFAULT"
    """Which weights of a torchvision model; DEFAULT is torchvision's best. With timm the tag stands in the name."""


class BundledWeights(Settings):
    """ImageNet weights of EfficientNet-Lite0 from an installed package: nothing is downloaded."""

    kind: Literal["bundled"] = "bundled"


class FacesWeights(Settings):
    """The published weights of the face network, from the cache: `maskwise weights add faces` brings them there."""

    kind: Literal["faces"] = "faces"


class WeightsFile(Settings):
    """Weights of the backbone from a file; the file's own classifier, if there is one, is left out."""

    kind: Literal["path"] = "path"

    file: str
    """A .safetensors file, or a .pth or .pt file that torch can load without running code from it."""

    @model_validator(mode="after")
    def _refuse_other_files(self) -> Self:
        if not self.file.endswith(WEIGHT_FILE_SUFFIXES):
            rule = f"a file ending in {', '.join(WEIGHT_FILE_SUFFIXES)}"
            raise ValueError(must("model.weights.file", rule, self.file, "Save the weights in one of these formats."))
        return self


Weights = Annotated[
    NoWeights | PretrainedWeights | BundledWeights | FacesWeights | WeightsFile, Field(discriminator="kind")
]


class ModelConfig(Settings):
    """A backbone, an optional neck, a head, an optional age head, and the weights that the backbone begins with."""

    backbone: Backbone = TimmBackbone()
    """What turns a photo into features."""

    neck: LinearNeck | None = None
    """A layer between backbone and head; without it the backbone's features are the embedding."""

    head: Head = JointHead()
    """What turns the embedding into joint logits."""

    age_head: Annotated[AgeHead | PublishedAgeHead, Field(discriminator="kind")] | None = None
    """What predicts the age in years beside the classes, if anything does."""

    dropout: float = Field(default=0.2, ge=0, lt=1)
    """Share of the embedding that is dropped before the head while training."""

    weights: Weights = BundledWeights()
    """What the backbone begins with."""

    @property
    def cosine_scale(self) -> float | None:
        """The scale of the cosine head; None with another head."""
        return self.head.scale if isinstance(self.head, CosineHead | CosineAttributesHead) else None

    @model_validator(mode="after")
    def _refuse_senseless_pairs(self) -> Self:
        problems = [*self._bundled_problems(), *self._pretrained_problems(), *self._faces_problems()]
        if problems:
            raise ValueError("\n".join(problems))
        return self

    def _bundled_problems(self) -> list[str]:
        fits = isinstance(self.backbone, TimmBackbone) and self.backbone.name == BUNDLED_NAME
        if not isinstance(self.weights, BundledWeights) or fits:
            return []
        rule = "of another kind for this backbone (bundled are the weights of EfficientNet-Lite0 only)"
        remedy = (
            f"Set model.backbone to {{kind: timm, name: {BUNDLED_NAME}}}, "
            "or model.weights to none, path or, where published, pretrained."
        )
        return [must("model.weights", rule, "bundled", remedy)]

    def _pretrained_problems(self) -> list[str]:
        if not isinstance(self.weights, PretrainedWeights):
            return []
        if isinstance(self.backbone, Faces):
            rule = "faces, path or none for the backbone faces"
            return [must("model.weights", rule, "pretrained", "Set model.weights to {kind: faces}.")]
        if isinstance(self.backbone, BaselineCnn):
            rule = "none or path for baseline_cnn (nobody published weights for it)"
            return [must("model.weights", rule, "pretrained", "Set model.weights to {kind: none}.")]
        if isinstance(self.backbone, TimmBackbone) and self.weights.version != "DEFAULT":
            rule = "DEFAULT with a timm backbone (it would have no effect)"
            remedy = "Write the weights tag into model.backbone.name, e.g. resnet50.a1_in1k."
            return [must("model.weights.version", rule, self.weights.version, remedy)]
        return []

    def _faces_problems(self) -> list[str]:
        if isinstance(self.backbone, Faces) and self.neck is None:
            return []
        if (published := self._published_heads()) is not None:
            rule = "of another kind without the backbone faces, and with a neck"
            return [must(published, rule, "published", "Set model.backbone to {kind: faces} and leave out model.neck.")]
        if not isinstance(self.weights, FacesWeights) or isinstance(self.backbone, Faces):
            return []
        rule = "of another kind for this backbone (faces are the weights of the face network only)"
        return [must("model.weights", rule, "faces", "Set model.backbone to {kind: faces}, or choose other weights.")]

    def _published_heads(self) -> str | None:
        """The address of a head that came with the face network; None without one."""
        if isinstance(self.head, AttributesHead) and self.head.gender == "published":
            return "model.head.gender"
        return "model.age_head.kind" if isinstance(self.age_head, PublishedAgeHead) else None
