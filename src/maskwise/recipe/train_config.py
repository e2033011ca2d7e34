"""How a model is fitted: optimiser, schedule, precision, which checkpoint is kept, and where it runs."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from maskwise.errors import must
from maskwise.settings import Settings

Rate = Annotated[float, Field(gt=0)]
Layout = Literal["channels_last", "contiguous"]
StepKind = Literal["eager", "compiled"]


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


class NAdam(Settings):
    """Adam with Nesterov's look ahead (Dozat 2016, openreview OM0jvwB8jIp57ZJjtNEZ), weight decay decoupled."""

    kind: Literal["nadam"] = "nadam"

    rate: Rate = 1e-3
    """Learning rate after warm-up."""

    weight_decay: float = Field(default=0.01, ge=0)
    """Decay of all weights except biases and normalisation."""


class RAdam(Settings):
    """Adam that trusts its step sizes only once they are known well enough (arXiv 1908.03265), decay decoupled."""

    kind: Literal["radam"] = "radam"

    rate: Rate = 1e-3
    """Learning rate; a warm-up is hardly needed."""

    weight_decay: float = Field(default=0.01, ge=0)
    """Decay of all weights except biases and normalisation."""


class Adamax(Settings):
    """Adam with the largest gradient so far in place of the mean square (arXiv 1412.6980, section 7.1)."""

    kind: Literal["adamax"] = "adamax"

    rate: Rate = 2e-3
    """Learning rate after warm-up."""

    weight_decay: float = Field(default=0.0, ge=0)
    """L2 penalty, part of the gradient, on all weights except biases and normalisation."""


class RMSprop(Settings):
    """Gradients divided by the root of their mean square (Hinton 2012, lecture 6e); EfficientNets were made with it."""

    kind: Literal["rmsprop"] = "rmsprop"

    rate: Rate = 1e-3
    """Learning rate after warm-up."""

    smoothing: float = Field(default=0.99, ge=0, lt=1)
    """Share of the mean square that is carried on a step."""

    momentum: float = Field(default=0.0, ge=0, lt=1)
    """Share of the last step that is carried on."""

    weight_decay: float = Field(default=0.0, ge=0)
    """L2 penalty, part of the gradient, on all weights except biases and normalisation."""


class Adagrad(Settings):
    """Gradients divided by the root of the sum of all their squares so far (Duchi et al. 2011, JMLR 12)."""

    kind: Literal["adagrad"] = "adagrad"

    rate: Rate = 1e-2
    """Learning rate after warm-up; the steps shrink by themselves."""

    weight_decay: float = Field(default=0.0, ge=0)
    """L2 penalty, part of the gradient, on all weights except biases and normalisation."""


OptimizerConfig = Annotated[
    AdamW | Adam | SGD | NAdam | RAdam | Adamax | RMSprop | Adagrad, Field(discriminator="kind")
]


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


class CosineRestarts(Settings):
    """Several half cosines one after the other, each from the full rate (SGDR, arXiv 1608.03983)."""

    kind: Literal["cosine_restarts"] = "cosine_restarts"

    cycles: int = Field(default=3, ge=2, le=100)
    """How often the rate falls; together the cycles fill the epochs."""

    length_factor: float = Field(default=1.0, ge=1, le=10)
    """Each cycle is so many times longer than the one before (T_mult in the paper)."""

    final_share: float = Field(default=0.01, ge=0, lt=1)
    """What is left of the rate at the end of each cycle."""


class OneCycle(Settings):
    """The rate rises to its peak and falls to almost nothing, both along half a cosine (arXiv 1708.07120).

    The shape of torch's OneCycleLR with two phases; momentum stays as it is. It begins with its own warm-up.
    """

    kind: Literal["one_cycle"] = "one_cycle"

    rise_share: float = Field(default=0.3, gt=0, lt=1)
    """Share of the training in which the rate rises."""

    start_share: float = Field(default=0.04, ge=0, lt=1)
    """The first rate, as a share of the optimizer's rate, which is the peak."""

    final_share: float = Field(default=4e-6, ge=0, lt=1)
    """The last rate, as a share of the peak."""


class Polynomial(Settings):
    """The rate falls to zero as a power of the time that is left, as torch's PolynomialLR."""

    kind: Literal["polynomial"] = "polynomial"

    power: float = Field(default=1.0, gt=0, le=100)
    """1 falls along a line; larger powers fall earlier."""


ScheduleConfig = Annotated[
    Constant | Step | Cosine | CosineRestarts | OneCycle | Polynomial, Field(discriminator="kind")
]


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

    layer_decay: float | None = Field(default=None, gt=0, lt=1)
    """Each block of the backbone learns at this share of the rate of the block after it, the last one at this share of
    the head's rate (arXiv 2003.10555): what is general changes less. 0.75 is usual. Unset: one rate for all."""

    schedule: ScheduleConfig = Cosine()
    """How the rate changes over the epochs."""

    warmup_epochs: float = Field(default=0.0, ge=0)
    """The rate rises linearly from zero over so many epochs (parts allowed); the schedule follows."""

    clip_norm: float | None = Field(default=None, gt=0)
    """Gradients longer than this are shortened to it."""

    precision: Literal["fp32", "bf16", "fp16", "auto"] = "fp32"
    """Number format of the forward pass (torch autocast); weights and losses stay in float32. fp16 needs a GPU.
    auto: a short measurement on this machine chooses fp32 or bf16, `layout` and `runtime.step`, which then stand in
    the run's recipe."""

    layout: Layout = "channels_last"
    """How images lie in memory: pixel by pixel, which suits most convolutions, or channel by channel. Sums round
    differently, and a dropout between convolutions hits other places."""

    ema_decay: float | None = Field(default=None, gt=0, lt=1)
    """Keep a moving average of the weights with this decay a step, and score and ship that."""

    freeze_backbone_epochs: int = Field(default=0, ge=0)
    """For so many epochs only neck and head learn; the backbone's batch-norm statistics stand still too."""

    unfreeze_epochs: tuple[int, ...] = ()
    """Thaw the backbone in stages: its blocks are cut into as many groups as numbers stand here, as equal as can be;
    the group at the head's end learns from the first of these epochs on (0 is the first epoch), the next from the
    second, and so on (arXiv 1801.06146). [0, 2, 4]: thirds. The number of epochs stands for never."""

    cached_views: int | None = Field(default=None, ge=1, le=64)
    """For a backbone that is frozen in all epochs: its features of so many views of each photo are computed once and
    kept in the cache, and only neck and head train, on these, in seconds. One view is the photo as it is, the others
    went through `augment`; every batch shows each photo in one of them. Unset: photos pass through in every epoch."""

    checkpoint: CheckpointConfig = InnerHoldOut()
    """Which epoch's weights are kept."""

    @model_validator(mode="after")
    def _refuse_nonsense(self) -> Self:
        problems = [*_rate_problems(self), *_freezing_problems(self), *_patience_problems(self)]
        if problems:
            raise ValueError("\n".join(problems))
        return self

    @property
    def always_frozen(self) -> bool:
        """Whether the backbone learns in no epoch."""
        return self.epochs in {self.freeze_backbone_epochs, *self.unfreeze_epochs[:1]}


def _rate_problems(train: TrainConfig) -> Iterator[str]:
    warmup_epochs, schedule = train.warmup_epochs, train.schedule
    if warmup_epochs >= train.epochs:
        yield must("train.warmup_epochs", f"below train.epochs ({train.epochs})", warmup_epochs, "Shorten it.")
    elif warmup_epochs and isinstance(schedule, OneCycle):
        remedy = "Set train.schedule.rise_share instead."
        yield must("train.warmup_epochs", "0 with the one_cycle schedule, which rises by itself", warmup_epochs, remedy)
    if isinstance(schedule, Step) and schedule.step_epochs >= train.epochs:
        rule = f"below train.epochs ({train.epochs}), or the rate never drops"
        remedy = "Use schedule.kind constant instead."
        yield must("train.schedule.step_epochs", rule, schedule.step_epochs, remedy)


def _freezing_problems(train: TrainConfig) -> Iterator[str]:
    frozen_epochs, begins = train.freeze_backbone_epochs, train.unfreeze_epochs
    if frozen_epochs > train.epochs:
        remedy = "Set it to train.epochs to freeze the backbone all the time."
        yield must("train.freeze_backbone_epochs", f"at most train.epochs ({train.epochs})", frozen_epochs, remedy)
    if frozen_epochs and begins:
        remedy = f"Leave it out and begin train.unfreeze_epochs at {frozen_epochs}."
        yield must("train.freeze_backbone_epochs", "0 with train.unfreeze_epochs", frozen_epochs, remedy)
    rising = all(earlier < later for earlier, later in itertools.pairwise((-1, *begins, train.epochs + 1)))
    if begins and not rising:
        rule = f"a rising list of epochs from 0 to train.epochs ({train.epochs})"
        yield must("train.unfreeze_epochs", rule, list(begins), "For example [0, 1].")
    elif begins == (0,):
        yield "train.unfreeze_epochs must hold something back, got [0]. Leave it out, or name a later epoch."
    if train.layer_decay is not None and train.always_frozen:
        rule = "left out where the backbone is frozen all the time"
        yield must("train.layer_decay", rule, train.layer_decay, "It would have no effect.")
    if train.cached_views is not None:
        yield from _cached_views_problems(train)


def _cached_views_problems(train: TrainConfig) -> Iterator[str]:
    if not train.always_frozen:
        rule = "left out where the backbone learns"
        remedy = f"Leave it out, or set train.freeze_backbone_epochs to {train.epochs}."
        yield must("train.cached_views", rule, train.cached_views, remedy)
    if train.precision != "fp32":
        rule = "fp32 with train.cached_views (neck and head are too small to gain)"
        yield must("train.precision", rule, train.precision, "Leave it out.")


def _patience_problems(train: TrainConfig) -> Iterator[str]:
    patience = getattr(train.checkpoint, "patience_epochs", None)
    if patience is not None and patience >= train.epochs:
        rule = f"below train.epochs ({train.epochs}), or it never stops early"
        yield must("train.checkpoint.patience_epochs", rule, patience, "Leave it out.")


class RuntimeConfig(Settings):
    """Where and how fast it runs. Nothing here changes more than the rounding of sums, so run ids do not contain it."""

    device: Literal["auto", "cpu", "cuda"] = "auto"
    """auto takes the GPU where there is one."""

    workers: int = Field(default=1, ge=0)
    """Threads that prepare batches while the model computes; 0 prepares them in between."""

    step: StepKind = "eager"
    """compiled: torch.compile makes one program of the forward and backward pass first, which takes a minute or more
    and needs a C++ compiler on CPUs. Sums round a little differently then, as on other hardware."""

    checkpoint_every_s: float = Field(default=60.0, ge=0)
    """Seconds between two saved states; a killed run loses at most so much."""
