"""A tiny training: random photos whose brightness shows their class, a model of two layers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from maskwise.augment.build import build_augment
from maskwise.augment.config import Affine, Flip
from maskwise.augment.mixing import no_mixing
from maskwise.evaluation.metrics import accuracy, macro_f1
from maskwise.labels import Task
from maskwise.listeners import EpochReport, Listener, Silent, StepReport
from maskwise.losses.build import LossInputs, build_loss
from maskwise.losses.config import CrossEntropy
from maskwise.losses.weighted_sum import Objective
from maskwise.recipe.train_config import RuntimeConfig, TrainConfig
from maskwise.records import Floats, Image, InputSpec, Ints, Output, PhotoTable
from maskwise.sampling.build import build_sampling
from maskwise.sampling.config import Weighted
from maskwise.training.batches import BatchSource
from maskwise.training.inference import Inference
from maskwise.training.loop import train_model
from maskwise.training.training_inputs import Fit, Selection
from support.tables import photo_table

SPEC = InputSpec(height_px=8, width_px=6, crop={"kind": "full_frame"}, mean_C=(0.5,) * 3, std_C=(0.5,) * 3)
HOW = Inference(SPEC, ("as_is",), torch.device("cpu"))
TASK = Task(attributes=("mask",))


class TinyModel(nn.Module):
    """A convolution with batch-norm and dropout as the backbone, a linear head: everything that a resume can spoil."""

    def __init__(self) -> None:
        super().__init__()
        self.backbone = nn.Sequential(
            nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Dropout(0.2)
        )
        self.head = nn.Linear(4, TASK.n_classes)

    def forward(self, images_NCHW: Tensor) -> Output:
        embedding_ND = self.backbone(images_NCHW)
        return Output(self.head(embedding_ND), embedding_ND, None)


def tiny_model() -> TinyModel:
    """Always with the same first weights."""
    torch.manual_seed(0)
    return TinyModel()


def tiny_photos(n: int, rng: np.random.Generator) -> tuple[PhotoTable, Image]:
    """``n`` photos of three classes, a person each; brighter photos are of a higher class."""
    mask = rng.integers(0, 3, n)
    noise = rng.integers(-40, 40, (n, SPEC.height_px, SPEC.width_px, 3))
    pixels = np.clip(60 + 60 * mask[:, None, None, None] + noise, 0, 255).astype(np.uint8)
    return TASK.label(photo_table(mask.tolist(), [0] * n, [30] * n)), pixels


def tiny_fit(config: TrainConfig, runtime: RuntimeConfig | None = None, *, select: bool = True, seed: int = 0) -> Fit:
    """A training of 50 photos, chosen by 20 others."""
    table, pixels = tiny_photos(50, np.random.default_rng(0))
    other, other_pixels = tiny_photos(20, np.random.default_rng(1))

    def read(index: Ints) -> Image:
        return pixels[index]

    def read_other(index: Ints) -> Image:
        return other_pixels[index]

    def score(chosen: PhotoTable, probs_NC: Floats) -> tuple[float, float]:
        return macro_f1(chosen.class_N, probs_NC), accuracy(chosen.class_N, probs_NC)

    patience = getattr(config.checkpoint, "patience_epochs", None)
    return Fit(
        source=BatchSource(
            table=table,
            read=read,
            sample=build_sampling(Weighted()).sample,
            augment=build_augment([Flip(), Affine()]),
            soften=unchanged_targets,
            mix=no_mixing,
            n_classes=TASK.n_classes,
            batch_size=config.batch_size,
            seed=seed,
        ),
        selection=Selection(other, read_other, score, patience) if select else None,
        objective_at=cross_entropy_always,
        auxiliary=None,
        inference=HOW,
        config=config,
        runtime=runtime or RuntimeConfig(device="cpu", workers=0, checkpoint_every_s=0),
    )


def unchanged_targets(target_NC: Tensor, age_years_N: Tensor) -> Tensor:
    """Targets as they are."""
    return target_NC


def cross_entropy_always(progress: float) -> Objective:
    """Plain cross-entropy from the first epoch to the last."""
    return build_loss(CrossEntropy(), LossInputs(np.ones(TASK.n_classes, dtype=np.int64)))


class Killed(BaseException):
    """What a kill looks like from inside: nothing may catch it."""


class KillAt(Silent):
    """Kills the training after so many batches, at a place where nothing has been cleaned up."""

    def __init__(self, batches: int) -> None:
        self.left = batches

    def on_step(self, report: StepReport) -> None:
        self.left -= 1
        if self.left == 0:
            raise Killed


class Remember(Silent):
    """Keeps what a training reported."""

    def __init__(self) -> None:
        self.epochs: list[EpochReport] = []
        self.notes: list[str] = []

    def on_epoch(self, report: EpochReport) -> None:
        self.epochs.append(report)

    def on_note(self, text: str) -> None:
        self.notes.append(text)


def weights_after(fit: Fit, folder: Path, listener: Listener | None = None) -> dict[str, Tensor]:
    """The kept weights of a training in ``folder``."""
    return train_model(fit, tiny_model(), folder, listener or Silent()).state_dict()


def equal_weights(one: dict[str, Tensor], two: dict[str, Tensor]) -> bool:
    """Whether all tensors are equal, bit for bit."""
    return one.keys() == two.keys() and all(torch.equal(one[name], two[name]) for name in one)
