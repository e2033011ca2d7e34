"""The optimizers and their settings."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from maskwise.errors import must
from maskwise.settings import Settings

LearningRate = Annotated[float, Field(gt=0, description="Learning rate after warm-up.")]
Decay = Annotated[
    float, Field(ge=0, description="Decoupled decay of all weights except biases and normalization (arXiv 1711.05101).")
]
L2Penalty = Annotated[
    float, Field(ge=0, description="Part of the gradient, of all weights except biases and normalization.")
]
Share = Annotated[float, Field(ge=0, lt=1)]
Betas = Annotated[
    tuple[Share, Share],
    Field(description="Shares of the mean gradient and of its mean square that are carried on a step."),
]


class AdamW(Settings):
    """Adam with decoupled weight decay (Loshchilov & Hutter 2019, arXiv 1711.05101)."""

    kind: Literal["adamw"] = "adamw"
    rate: LearningRate = 1e-3
    weight_decay: Decay = 0.01
    betas: Betas = (0.9, 0.999)


class Adam(Settings):
    """Adam (Kingma & Ba 2015, arXiv 1412.6980)."""

    kind: Literal["adam"] = "adam"
    rate: LearningRate = 1e-3
    weight_decay: L2Penalty = 0.0
    betas: Betas = (0.9, 0.999)


class SGD(Settings):
    """Stochastic gradient descent with momentum."""

    kind: Literal["sgd"] = "sgd"
    rate: LearningRate = 1e-2
    momentum: float = Field(default=0.9, ge=0, lt=1)
    """Share of the last step that is carried on."""

    weight_decay: L2Penalty = 0.0
    nesterov: bool = False
    """Look ahead along the momentum (Nesterov 1983; Sutskever et al. 2013, ICML)."""

    @model_validator(mode="after")
    def _refuse_looking_ahead_without_momentum(self) -> Self:
        if self.nesterov and self.momentum == 0:
            rule = "false without train.optimizer.momentum (it would have no effect)"
            raise ValueError(must("train.optimizer.nesterov", rule, True, "Set momentum, 0.9 for example."))
        return self


class NAdam(Settings):
    """Adam with Nesterov's look ahead (Dozat 2016, openreview OM0jvwB8jIp57ZJjtNEZ), weight decay decoupled."""

    kind: Literal["nadam"] = "nadam"
    rate: LearningRate = 1e-3
    weight_decay: Decay = 0.01
    betas: Betas = (0.9, 0.999)


class RAdam(Settings):
    """Adam that trusts its step sizes only once they are known well enough (arXiv 1908.03265), decay decoupled."""

    kind: Literal["radam"] = "radam"
    rate: LearningRate = 1e-3
    """Learning rate; a warm-up is hardly needed."""

    weight_decay: Decay = 0.01
    betas: Betas = (0.9, 0.999)


class Adamax(Settings):
    """Adam with the largest gradient so far in place of the mean square (arXiv 1412.6980, section 7.1)."""

    kind: Literal["adamax"] = "adamax"
    rate: LearningRate = 2e-3
    weight_decay: L2Penalty = 0.0
    betas: Betas = (0.9, 0.999)


class RMSprop(Settings):
    """Gradients divided by the root of their mean square (Hinton 2012, lecture 6e); EfficientNets were made with it."""

    kind: Literal["rmsprop"] = "rmsprop"
    rate: LearningRate = 1e-3
    smoothing: float = Field(default=0.99, ge=0, lt=1)
    """Share of the mean square that is carried on a step."""

    momentum: float = Field(default=0.0, ge=0, lt=1)
    """Share of the last step that is carried on."""

    weight_decay: L2Penalty = 0.0


class Adagrad(Settings):
    """Gradients divided by the root of the sum of all their squares so far (Duchi et al. 2011, JMLR 12)."""

    kind: Literal["adagrad"] = "adagrad"
    rate: LearningRate = 1e-2
    """Learning rate after warm-up; the steps shrink by themselves."""

    weight_decay: L2Penalty = 0.0


OptimizerConfig = Annotated[
    AdamW | Adam | SGD | NAdam | RAdam | Adamax | RMSprop | Adagrad, Field(discriminator="kind")
]
