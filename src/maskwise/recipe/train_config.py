"""How a model is fitted: epochs, batches, precision, what learns when, which checkpoint is kept, and where it runs."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from maskwise.errors import must
from maskwise.recipe.optimizer_config import AdamW, OptimizerConfig
from maskwise.recipe.schedule_config import Cosine, OneCycle, ScheduleConfig, Step
from maskwise.settings import Settings

Layout = Literal["channels_last", "contiguous"]
StepKind = Literal["eager", "compiled"]
OnNonfinite = Literal["stop", "skip"]


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
    """Batches whose gradients are averaged before a step: the effective batch is this many times larger. The last step
    of an epoch takes the batches that are left. A loss of whole batches, as f1, stays one of each small batch."""

    optimizer: OptimizerConfig = AdamW()
    """What turns gradients into steps."""

    layer_decay: float | None = Field(default=None, gt=0, lt=1)
    """Each block of the backbone learns at this share of the rate of the block after it, the last one at this share of
    the head's rate (arXiv 2003.10555): what is general changes less. 0.75 is usual. Unset: one rate for all."""

    pretrained_share: float | None = Field(default=None, gt=0, lt=1)
    """The backbone, and heads that were published with it, learn at this share of the rate. Unset: at the whole."""

    schedule: ScheduleConfig = Cosine()
    """How the rate changes over the epochs."""

    warmup_epochs: float = Field(default=0.0, ge=0)
    """The rate rises linearly over so many epochs (parts allowed); the schedule runs over those that are left."""

    clip_norm: float | None = Field(default=None, gt=0)
    """Gradients longer than this are shortened to it."""

    precision: Literal["fp32", "bf16", "fp16", "auto"] = "fp32"
    """Number format of the forward pass (torch autocast), in training and in prediction; weights, losses and
    probabilities stay in float32. fp16 needs a GPU to train; on a CPU such a run predicts in fp32.
    auto: a short measurement on this machine chooses fp32 or bf16, `layout` and `runtime.step`, which then stand in
    the run's recipe."""

    on_nonfinite: OnNonfinite = "stop"
    """When a step's loss, gradient or weights are infinite or no number. stop: end the training with an error that
    names the photos. skip: leave the step out, halve the rate and go on; the epoch cannot be the one that is kept. On a
    GPU skip waits for each step."""

    layout: Layout = "channels_last"
    """How images lie in memory: pixel by pixel, which suits most convolutions, or channel by channel. Sums round
    differently, and a dropout between convolutions hits other places."""

    batch_norm: Literal["sync", "local"] = "sync"
    """What batch norms see of a batch that several processes share (torchrun). sync: all of it, as with one process, so
    that numbers do not depend on how many there are; two small messages a layer, and no compiled steps. local: the
    share of each process, whose running statistics are averaged; give each 16 photos or more."""

    ema_decay: float | None = Field(default=None, gt=0, lt=1)
    """Keep a moving average of the weights with this decay a step, and score and ship that."""

    freeze_backbone_epochs: int = Field(default=0, ge=0)
    """For so many epochs only neck and head learn; the backbone's batch-norm statistics stand still too."""

    unfreeze_epochs: tuple[int, ...] = ()
    """Thaw the backbone in stages: its blocks are cut into as many groups as numbers stand here, as equal as can be;
    the group at the head's end learns from the first of these epochs on (0 is the first epoch), the next from the
    second, and so on (arXiv 1801.06146). [0, 2, 4]: thirds. The number of epochs stands for never."""

    frozen_blocks: int = Field(default=0, ge=0)
    """So many of the backbone's blocks at its input learn in no epoch. 0: none."""

    cached_views: int | None = Field(default=None, ge=1, le=64)
    """What the frozen part of a backbone makes of so many views of each photo is computed once and kept in the cache;
    what follows trains on that. For a backbone that is frozen in all epochs, or with frozen_blocks and the backbone
    faces. One view is the photo as it is, the others went through `augment`; every batch shows each photo in one of
    them. Unset: photos pass through in every epoch."""

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
    if isinstance(schedule, Step) and schedule.step_epochs >= train.epochs - warmup_epochs:
        rule = (
            f"below train.epochs less train.warmup_epochs ({train.epochs - warmup_epochs:g}), or the rate never drops"
        )
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
    if not train.always_frozen and not train.frozen_blocks:
        rule = "left out where the backbone learns"
        remedy = f"Leave it out, or set train.freeze_backbone_epochs to {train.epochs}, or train.frozen_blocks."
        yield must("train.cached_views", rule, train.cached_views, remedy)
    if train.frozen_blocks and (train.freeze_backbone_epochs or train.unfreeze_epochs):
        rule = "0 with train.cached_views and train.frozen_blocks"
        wrong = "freeze_backbone_epochs" if train.freeze_backbone_epochs else "unfreeze_epochs"
        yield must(f"train.{wrong}", rule, getattr(train, wrong), "Leave it out.")
    if train.precision != "fp32" and train.always_frozen:
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
