"""The moving average by hand."""

from __future__ import annotations

import torch
from torch import nn

from maskwise.training.averaging import MovingAverage


def test_two_steps_by_hand_and_whole_numbers_are_copied() -> None:
    model = nn.Sequential(nn.Linear(1, 1, bias=False), nn.BatchNorm1d(1))
    with torch.no_grad():
        model[0].weight.fill_(1.0)
    average = MovingAverage(model, decay=0.5)
    with torch.no_grad():
        model[0].weight.fill_(2.0)
    model[1].num_batches_tracked.fill_(7)  # type: ignore[union-attr, operator]
    average.update(model)
    # The first step's decay is (1 + 1) / (10 + 1) = 2/11, below 0.5: 2/11 · 1 + 9/11 · 2
    assert torch.allclose(average.model[0].weight, torch.tensor(20 / 11))  # type: ignore[index]
    assert int(average.model[1].num_batches_tracked) == 7  # type: ignore[index]
    for _ in range(200):
        average.update(model)
    assert torch.allclose(average.model[0].weight, torch.tensor(2.0))  # type: ignore[index]
    assert not average.model[0].weight.requires_grad  # type: ignore[index]
