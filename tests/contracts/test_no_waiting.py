"""On a GPU the processor must run ahead: nothing that a training does in every step may wait for the device."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import get_args

import numpy as np
import pytest
import torch
from torch import Tensor

from maskwise.augment.build import build_augmentation, build_mixing
from maskwise.augment.config import AugmentConfig, CutMix, HalfCutMix, MixingConfig, MixUp, NoMixing
from maskwise.labels import Task
from maskwise.listeners import Silent
from maskwise.losses import config as losses
from maskwise.losses.build import LossInputs, build_auxiliary, build_loss
from maskwise.recipe import optimizer_config as optimizers
from maskwise.recipe.train_config import RuntimeConfig, TrainConfig
from maskwise.records import Output
from maskwise.training.finite import READ_EVERY
from maskwise.training.loop import Trainer
from maskwise.training.photos_on_gpu import ResidentPhotos
from maskwise.training.stopping import stop_request
from support.fits import tiny_fit, tiny_model
from support.waits import META, Waits

TASK = Task()
AUGMENTATIONS = get_args(get_args(AugmentConfig)[0])
MIXINGS = (NoMixing(), MixUp(p=1.0), CutMix(p=1.0), *(HalfCutMix(partner=p, p=1.0) for p in ("same_class", "oldest")))
LOSSES = (
    losses.CrossEntropy(class_weights=losses.InverseShare()),
    losses.Focal(),
    losses.ArcFace(),
    losses.Ldam(reweight_from=0.5),
    losses.BalancedSoftmax(),
    losses.AttributesCrossEntropy(),
    losses.PerAttribute(),
    losses.F1(classes="present"),
    losses.WeightedSum(terms=(losses.Term(weight=0.4, loss=losses.F1()), losses.Term(weight=0.6, loss=losses.Focal()))),
)


def test_every_kind_is_asked() -> None:
    assert {type(mixing) for mixing in MIXINGS} == set(get_args(get_args(MixingConfig)[0]))
    assert {type(loss) for loss in LOSSES} == set(get_args(get_args(losses.LossConfig)[0]))


@pytest.mark.parametrize("kind", AUGMENTATIONS)
def test_no_augmentation_waits(kind: type) -> None:
    augment = build_augmentation(kind(p=1.0))
    images = torch.empty((64, 3, 16, 12), device=META)
    with Waits() as waits:
        shown = augment(images, np.random.default_rng(0))
    assert (shown.device, shown.shape) == (META, images.shape)
    assert waits.seen == []


@pytest.mark.parametrize("config", MIXINGS, ids=str)
def test_no_mixing_waits_as_labels_are_still_on_the_cpu(config: MixingConfig) -> None:
    mix = build_mixing(config, oldest_classes=(2, 5))
    target_NC = torch.eye(TASK.n_classes)[torch.arange(24) % TASK.n_classes]
    with Waits() as waits:
        images, target, *_ = mix(torch.empty((24, 3, 16, 12), device=META), target_NC, np.random.default_rng(0))
    assert (images.device, target.device.type) == (META, "cpu")
    assert waits.seen == []


@pytest.mark.parametrize("config", LOSSES, ids=lambda config: config.kind)
def test_no_loss_waits_forward_or_backward(config: losses.LossConfig) -> None:
    loss = build_loss(config, LossInputs(np.arange(1, TASK.n_classes + 1), task=TASK, progress=0.9, cosine_scale=16.0))
    logits_NC = torch.zeros((8, TASK.n_classes), device=META, requires_grad=True)
    with Waits() as waits:
        loss(logits_NC, torch.empty((8, TASK.n_classes), device=META), torch.empty(8, device=META)).backward()  # type: ignore[no-untyped-call]
    assert waits.seen == []


def test_the_age_term_does_not_wait() -> None:
    term = build_auxiliary(losses.AgeDistribution(), first_age_years=16)
    output = Output(
        torch.empty((8, 18), device=META), torch.empty((8, 4), device=META), torch.empty(8, 60, device=META)
    )
    with Waits() as waits:
        term(output, torch.empty(8, dtype=torch.int64, device=META))
    assert waits.seen == []


@pytest.mark.parametrize("kind", get_args(get_args(optimizers.OptimizerConfig)[0]))
def test_no_step_of_a_training_waits_from_the_drawing_of_photos_on(kind: type, tmp_path: Path) -> None:
    """Preparing batches, forward, backward, clipping, optimizer, average of weights; all of an epoch but its end."""
    config = TrainConfig(batch_size=4, optimizer=kind(), clip_norm=1.0, ema_decay=0.9)
    fit = tiny_fit(config, RuntimeConfig(device="cpu", workers=0, checkpoint_every_s=3600), select=False)
    fit = dataclasses.replace(
        fit,
        source=dataclasses.replace(fit.source, read=ResidentPhotos(fit.source.read, len(fit.source.table), META)),
        inference=dataclasses.replace(fit.inference, device=META),
    )
    with stop_request() as request:
        trainer = Trainer(fit, tiny_model(), tmp_path, Silent())
        fit.source.read(np.arange(2))  # photos are sent once, before the first step
        assert len(fit.source.plan(0)) < READ_EVERY
        with Waits() as waits:
            trainer.train_epoch(request)
    assert trainer.progress.steps == len(fit.source.plan(0))
    assert waits.seen == []


@pytest.mark.parametrize(
    "waiting",
    [
        lambda values: values + torch.ones(3).to(META),
        lambda values: values.copy_(torch.ones(3)),
        lambda values: torch.bincount(values.long()),
    ],
    ids=["to", "copy_", "bincount"],
)
def test_what_waits_is_noticed(waiting: Callable[[Tensor], object]) -> None:
    values = torch.empty(3, device=META)
    with Waits() as waits:
        try:
            waiting(values)
        except (NotImplementedError, RuntimeError):
            return  # meta refuses it by itself
    assert waits.seen, waiting


def test_looking_at_a_number_fails_at_once() -> None:
    with pytest.raises((NotImplementedError, RuntimeError)):
        float(torch.empty((), device=META))
