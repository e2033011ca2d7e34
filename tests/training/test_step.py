"""A batch in parts where memory is too short for it: the same step, and said."""

from __future__ import annotations

import dataclasses
import re
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from maskwise.augment.mixing import mixup
from maskwise.errors import UserError
from maskwise.losses.age_distribution import age_distribution, log_bell_curve
from maskwise.recipe.optimizer_config import SGD
from maskwise.recipe.train_config import RuntimeConfig, TrainConfig
from maskwise.records import Batch, Output
from maskwise.training.batch_size import MOST_HALVINGS, halved
from maskwise.training.batches import TargetRows, parts_of_batch
from maskwise.training.checkpoints import load_checkpoint
from maskwise.training.loop import train_model
from maskwise.training.moving_parts import MovingParts
from maskwise.training.step import Stepper
from maskwise.training.training_inputs import Fit
from support.fits import KillAt, Killed, Remember, TinyModel, tiny_fit


class SmallMemory(TinyModel):
    """Learns ``room`` photos at a time, and no more."""

    def __init__(self, room: int) -> None:
        torch.manual_seed(0)
        super().__init__()
        self.room, self.most_seen = room, 0

    def forward(self, images_NCHW: Tensor) -> Output:
        if self.training and len(images_NCHW) > self.room:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB.")
        self.most_seen = max(self.most_seen, len(images_NCHW) if self.training else 0)
        return super().forward(images_NCHW)


def _fit(**settings: Any) -> Fit:
    """The backbone stands still: batch norms and dropout see no difference. Photos weigh from 0.2 to 1."""
    config = TrainConfig(epochs=2, batch_size=16, optimizer=SGD(rate=0.1), freeze_backbone_epochs=2, **settings)
    fit = tiny_fit(config, RuntimeConfig(device="cpu", workers=0), select=False)
    one_hot_NC = np.eye(3, dtype=np.float32)[fit.source.table.train_class_N]
    rows = TargetRows(one_hot_NC, np.linspace(0.2, 1, 50, dtype=np.float32))
    return dataclasses.replace(fit, source=dataclasses.replace(fit.source, rows=rows))


@pytest.mark.parametrize("accumulate_batches", [1, 3])
@pytest.mark.parametrize(("room", "halvings"), [(8, 1), (4, 2), (3, 3)])
def test_batches_in_parts_are_the_same_training(
    room: int, halvings: int, accumulate_batches: int, tmp_path: Path
) -> None:
    fit, listener = _fit(accumulate_batches=accumulate_batches), Remember()
    small, large = SmallMemory(room), SmallMemory(99)
    after = train_model(fit, small, tmp_path / "small", listener).state_dict()
    whole_listener = Remember()
    whole = train_model(fit, large, tmp_path / "large", whole_listener).state_dict()
    assert (small.most_seen, large.most_seen) == (room if room < 8 else 7, 13)
    for name, tensor in whole.items():
        assert torch.allclose(after[name], tensor, atol=1e-6), name
    for one, two in zip(listener.epochs, whole_listener.epochs, strict=True):
        assert one.loss == pytest.approx(two.loss, abs=1e-6)
    said = [re.findall(r"in (\d+) parts", note) for note in listener.notes if "memory is too short" in note]
    assert said == [[str(2**k)] for k in range(1, halvings + 1)]
    assert not whole_listener.notes


def test_a_killed_training_goes_on_in_parts(tmp_path: Path) -> None:
    fit = dataclasses.replace(_fit(), runtime=RuntimeConfig(device="cpu", workers=0, checkpoint_every_s=0))
    with pytest.raises(Killed):
        train_model(fit, SmallMemory(4), tmp_path, KillAt(3))
    state, _ = load_checkpoint(tmp_path)
    assert state is not None
    assert state["progress"]["halvings"] == 2
    listener = Remember()
    train_model(fit, SmallMemory(4), tmp_path, listener)
    assert not any("memory" in note for note in listener.notes)


def test_too_little_memory_for_two_photos_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"memory must be enough for .* \(2 photos\)"):
        train_model(_fit(), SmallMemory(1), tmp_path, Remember())


def test_batches_are_halved_five_times_at_most() -> None:
    assert "16 photos: each batch goes through in 32 parts" in halved(256, MOST_HALVINGS)
    with pytest.raises(UserError, match=r"part of a batch \(8 photos\)"):
        halved(256, MOST_HALVINGS + 1)


def test_the_age_term_of_mixed_photos_has_the_gradient_of_mixed_age_distributions() -> None:
    """KL(share · own + (1 − share) · partner's ‖ softmax), written out; a partner of unknown age teaches nothing."""
    share_N, ages, partners = torch.tensor([0.7, 0.25, 0.5]), torch.tensor([20, 30, 40]), torch.tensor([30, 31, -1])
    age_logits_NA = torch.randn(3, 30, generator=torch.Generator().manual_seed(0)).requires_grad_()
    output = Output(torch.zeros(3, 3), torch.zeros(3, 4), age_logits_NA)
    term = partial(age_distribution, first_age_years=18, spread_years=2.0, weight=1.0)
    fit = dataclasses.replace(_fit(), auxiliary=term)
    stepper = Stepper(fit, MovingParts(fit, TinyModel()), Remember())
    batch = Batch(torch.zeros(3, 3, 8, 6), torch.zeros(3).long(), torch.eye(3), ages, None, partners, share_N)
    stepper.loss_of(output, batch).backward()  # type: ignore[no-untyped-call]
    years_A = torch.arange(18, 48).float()
    own_NA, partner_NA = (log_bell_curve(each.float(), years_A, 2.0).exp() for each in (ages, partners))
    known_N1 = (partners >= 0).float()[:, None]
    target_NA = share_N[:, None] * own_NA + (1 - share_N[:, None]) * known_N1 * partner_NA
    by_hand = age_logits_NA.detach().clone().requires_grad_()
    log_probs_NA = by_hand.log_softmax(1)
    (-(target_NA * log_probs_NA).sum(1).mean()).backward()  # type: ignore[no-untyped-call]
    assert torch.allclose(age_logits_NA.grad, by_hand.grad, atol=1e-6)  # type: ignore[arg-type]


def test_a_batch_knows_the_ages_of_partners_as_mixing_chose_them() -> None:
    fit = _fit()
    source = dataclasses.replace(fit.source, mix=partial(mixup, alpha=0.4, p=0.5))
    batch = source.make(np.arange(12), 0, 0, fit.device)
    assert batch.own_share_N is not None
    assert batch.partner_age_years_N is not None
    mixed_N = batch.own_share_N < 1
    assert 0 < int(mixed_N.sum()) < 12
    assert torch.equal(batch.partner_age_years_N[~mixed_N], batch.age_years_N[~mixed_N])
    plain = fit.source.make(np.arange(12), 0, 0, fit.device)
    assert plain.partner_age_years_N is None


def test_what_else_a_step_raises_passes_through(tmp_path: Path) -> None:
    class Broken(TinyModel):
        def forward(self, images_NCHW: Tensor) -> Output:
            raise RuntimeError("shapes do not fit")

    with pytest.raises(RuntimeError, match="shapes do not fit"):
        train_model(_fit(), Broken(), tmp_path, Remember())


def test_parts_are_of_two_photos_at_least_and_share_the_weight() -> None:
    fit = _fit()
    batch = fit.source.make(np.arange(7), 0, 0, fit.device)
    parts = list(parts_of_batch(batch, 8))
    assert [len(part.class_N) for part, _ in parts] == [3, 2, 2]
    assert batch.weight_N is not None
    shares = [float(share) for _, share in parts]
    assert shares == pytest.approx([float(part.weight_N.sum() / batch.weight_N.sum()) for part, _ in parts])  # type: ignore[union-attr]
    assert sum(shares) == pytest.approx(1)
    assert torch.equal(torch.cat([part.images_NCHW for part, _ in parts]), batch.images_NCHW)
    ((whole, share),) = parts_of_batch(batch, 1)
    assert (whole is batch, share) == (True, 1.0)
