"""The sections and settings of a recipe, one by one; what must fit together is ``config``'s to check."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from maskwise.augment.config import AugmentConfig, MixingConfig, NoMixing
from maskwise.data.config import DataConfig, SplitConfig
from maskwise.faces.config import CropConfig, FullFrame
from maskwise.labels import Attribute, PhotoGroup, Task
from maskwise.losses.config import AuxiliaryConfig, CrossEntropy, LossConfig, TargetConfig
from maskwise.models.config import ModelConfig
from maskwise.recipe.self_training_config import SelfTraining
from maskwise.recipe.train_config import RuntimeConfig, TrainConfig
from maskwise.sampling.config import Natural, SamplerConfig
from maskwise.settings import Settings


class InputConfig(Settings):
    """What a photo is made into before a model sees it; saved with the weights."""

    crop: CropConfig = FullFrame()
    """Which part of the photo is used."""

    height_px: int = Field(default=128, ge=8)
    """Height of the model's input after the crop was resized."""

    width_px: int = Field(default=96, ge=8)
    """Width of the model's input after the crop was resized."""


class PredictConfig(Settings):
    """How a trained model predicts."""

    views: tuple[Literal["as_is", "mirrored"], ...] = ("as_is",)
    """The probabilities are the mean over these views of a photo; add mirrored for flip averaging."""

    fold_vote: Literal["soft", "hard"] = "soft"
    """How the models of a k-fold run become one. soft: the mean of their probabilities. hard: one vote each for the
    most probable class; the highest mean probability decides ties. Held-out scores are of one model either way."""

    fold_views: Literal["all", "in_turn"] = "all"
    """Which views each model of a k-fold run predicts new photos in. all: all of them. in_turn: one each, by turns, so
    that the mean of the models is over all views for the time of one. Heads on a backbone that stood still see all
    views even so: these are computed once for all heads. Held-out scores are of one model in all views either way."""

    @model_validator(mode="after")
    def _refuse_nonsense(self) -> Self:
        if not self.views or len(set(self.views)) != len(self.views):
            raise ValueError("predict.views must be one or more different views. Use [as_is] or [as_is, mirrored].")
        if self.fold_views == "in_turn" and len(self.views) == 1:
            raise ValueError("predict.fold_views must be all with one view, got in_turn. Leave it out, or add a view.")
        return self


class Part(Settings):
    """A model of its own for some of the attributes. A section that it leaves out is the recipe's; null is left out."""

    attributes: tuple[Attribute, ...]
    """What this model reads. Each attribute of the task belongs to one part, or to several of the same attributes."""

    trains_on: PhotoGroup | None = None
    """Only these photos train this model, e.g. {mask: worn}; validated and scored are all. Unset: all."""

    input: InputConfig | None = None
    sampling: SamplerConfig | None = None
    augment: tuple[AugmentConfig, ...] | None = None
    mixing: MixingConfig | None = None
    model: ModelConfig | None = None
    targets: tuple[TargetConfig, ...] | None = None
    loss: LossConfig | None = None
    auxiliary: AuxiliaryConfig | None = None
    train: TrainConfig | None = None


class Distillation(Settings):
    """Learn from what a finished run predicts for the training photos, beside the labels.

    Hinton, Vinyals and Dean 2015, arXiv 1503.02531. `maskwise distill RUN` fills it in.
    """

    teacher: Annotated[str, Field(pattern=r"^[0-9a-f]{16}$")]
    """The id of the run. For a scored recipe it must have held out the same people, fold by fold."""

    share: float = Field(default=1.0, gt=0, le=1)
    """How much of the loss comes from the teacher; the rest is the recipe's loss on the labels."""

    temperature: float = Field(default=4.0, ge=1, le=20)
    """Logits of both are divided by it: higher shows more of what the teacher thinks of the less probable classes."""


class RecipeFields(Settings):
    """Everything that a recipe says, each setting legal by itself."""

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")]
    """What the run is called on the board; letters, digits, dots, dashes."""

    seed: int = Field(default=0, ge=0)
    """The seed of initialization, sampling and augmentation. Who is held out depends on split.seed alone."""

    task: Task = Task()
    data: DataConfig = DataConfig()
    split: SplitConfig
    input: InputConfig = InputConfig()
    sampling: SamplerConfig = Natural()
    augment: tuple[AugmentConfig, ...] = ()
    mixing: MixingConfig = NoMixing()
    model: ModelConfig
    targets: tuple[TargetConfig, ...] = ()
    loss: LossConfig = CrossEntropy()
    auxiliary: AuxiliaryConfig | None = None
    train: TrainConfig = TrainConfig()
    parts: tuple[Part, ...] = ()
    """Separate models for groups of attributes, whose probabilities are multiplied; those of models for the same
    attributes are averaged before. Empty: one model reads all."""

    self_training: SelfTraining | None = None
    distillation: Distillation | None = None
    predict: PredictConfig = PredictConfig()
    runtime: RuntimeConfig = RuntimeConfig()
