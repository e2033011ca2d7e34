"""How a model is fitted: optimiser, schedule, precision, which checkpoint is kept, and where it runs."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from maskwise.errors import must
from maskwise.settings import Settings

Rate = Annotated[float, Field(gt=0)]


class AdamW(Settings):
    """Adam with decoupled weight decay (Loshchilov & Hutter 2019, arXiv 1711.05101)."""

    kind: Literal["adamw"] = "adamw"

    rate: Rate = 1e-3
    """Learning rate after warm-up."""

    weight_decay: float = Field(default=0.01, ge=0)
    """Decay of all weights except biases and normalisation."""


class Adam(Settings):
    """Adam (Kingma & Ba 2015, arXiv 1412.6980)."""

    kind: Literal["adam"] = "adam"

    rate: Rate = 1e-3
    """Learning rate after warm-up."""


class SGD(Settings):
    """Stochastic gradient descent with momentum."""

    kind: Literal["sgd"] = "sgd"

    rate: Rate = 1e-2
    """Learning rate after warm-up."""

    momentum: float = Field(default=0.9, ge=0, lt=1)
    """Share of the last step that is carried on."""

    weight_decay: float = Field(default=0.0, ge=0)
    """Decay of all weights except biases and normalisation."""


OptimizerConfig = Annotated[AdamW | Adam | SGD, Field(discriminator="kind")]


class Constant(Settings):
    """The rate stays as it is."""

    kind: Literal["constant"] = "constant"


class Step(Settings):
    """The rate is multiplied by ``gamma`` every ``step_epochs`` epochs, as torch's StepLR."""

    kind: Literal["step"] = "step"

    step_epochs: int = Field(default=20, ge=1)
    """Epochs between two drops."""

    gamma: float = Field(default=0.5, gt=0, lt=1)
    """Factor of each drop."""


class Cosine(Settings):
    """The rate falls along half a cosine to ``final_share`` of itself (arXiv 1608.03983, without restarts)."""

    kind: Literal["cosine"] = "cosine"

    final_share: float = Field(default=0.01, ge=0, lt=1)
    """What is left of the rate at the end."""


ScheduleConfig = Annotated[Constant | Step | Cosine, Field(discriminator="kind")]


class InnerHoldOut(Settings):
    """Keep the epoch with the best macro F1 on an inner hold-out: people taken out of the training part."""

    kind: Literal["inner_hold_out"] = "inner_hold_out"

    share: float = Field(default=0.1, gt=0, lt=1)
    """Share of the training people that choose instead of train."""

    patience_epochs: int | None = Field(default=None, ge=1)
    """Stop when so many epochs in a row brought no better score. Unset: train all epochs."""


class Last(Settings):
    """Keep the last epoch; all training people train."""

    kind: Literal["last"] = "last"


class ScoredPeople(Settings):
    """Keep the epoch that scores best on the very people of the final score. The score is then marked as optimistic."""

    kind: Literal["scored_people"] = "scored_people"

    patience_epochs: int | None = Field(default=None, ge=1)
    """Stop when so many epochs in a row brought no better score. Unset: train all epochs."""


CheckpointConfig = Annotated[InnerHoldOut | Last | ScoredPeople, Field(discriminator="kind")]


class TrainConfig(Settings):
    """The training of one model."""

    epochs: int = Field(default=4, ge=1)
    """Passes over what the sampler draws."""

    batch_size: int = Field(default=32, ge=2)
    """Photos a forward pass; the last batches of an epoch are one smaller where the number does not divide."""

    accumulate_batches: int = Field(default=1, ge=1)
    """Batches whose gradients are averaged before a step: the effective batch is this many times larger."""

    optimizer: OptimizerConfig = AdamW()
    """What turns gradients into steps."""

    schedule: ScheduleConfig = Cosine()
    """How the rate changes over the epochs."""

    warmup_epochs: float = Field(default=0.0, ge=0)
    """The rate rises linearly from zero over so many epochs (parts allowed); the schedule follows."""

    clip_norm: float | None = Field(default=None, gt=0)
    """Gradients longer than this are shortened to it."""

    precision: Literal["fp32", "bf16", "fp16"] = "fp32"
    """Number format of the forward pass (torch autocast); weights and losses stay in float32. fp16 needs a GPU."""

    ema_decay: float | None = Field(default=None, gt=0, lt=1)
    """Keep a moving average of the weights with this decay a step, and score and ship that."""

    freeze_backbone_epochs: int = Field(default=0, ge=0)
    """For so many epochs only neck and head learn; the backbone's batch-norm statistics stand still too."""

    checkpoint: CheckpointConfig = InnerHoldOut()
    """Which epoch's weights are kept."""

    @model_validator(mode="after")
    def _refuse_nonsense(self) -> Self:
        problems = []
        if self.warmup_epochs >= self.epochs:
            problems.append(
                must(
                    "train.warmup_epochs",
                    f"below train.epochs ({self.epochs})",
                    self.warmup_epochs,
                    "Shorten it.",
                )
            )
        if self.freeze_backbone_epochs > self.epochs:
            problems.append(
                must(
                    "train.freeze_backbone_epochs",
                    f"at most train.epochs ({self.epochs})",
                    self.freeze_backbone_epochs,
                    "Set it to train.epochs to freeze the backbone all the time.",
                )
            )
        if isinstance(self.schedule, Step) and self.schedule.step_epochs >= self.epochs:
            problems.append(
                must(
                    "train.schedule.step_epochs",
                    f"below train.epochs ({self.epochs}), or the rate never drops",
                    self.schedule.step_epochs,
                    "Use schedule.kind constant instead.",
                )
            )
        patience = getattr(self.checkpoint, "patience_epochs", None)
        if patience is not None and patience >= self.epochs:
            problems.append(
                must(
                    "train.checkpoint.patience_epochs",
                    f"below train.epochs ({self.epochs}), or it never stops early",
                    patience,
                    "Leave it out.",
                )
            )
        if problems:
            raise ValueError("\n".join(problems))
        return self


class RuntimeConfig(Settings):
    """Where and how fast it runs. Nothing here changes a result on the same device, so run ids do not contain it."""

    device: Literal["auto", "cpu", "cuda"] = "auto"
    """auto takes the GPU where there is one."""

    workers: int = Field(default=1, ge=0)
    """Threads that prepare batches while the model computes; 0 prepares them in between."""

    checkpoint_every_s: float = Field(default=60.0, ge=0)
    """Seconds between two saved states; a killed run loses at most so much."""
