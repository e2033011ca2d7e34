"""The moving average by hand."""

from __future__ import annotations

import torch
from torch import nn

from maskwise.training.averaging import MovingAverage


def test_two_steps_by_hand_and_whole_numbers_are_copied() -> None:
    linear, norm = nn.Linear(1, 1, bias=False), nn.BatchNorm1d(1)
    model = nn.Sequential(linear, norm)
    with torch.no_grad():
        linear.weight.fill_(1.0)
    average = MovingAverage(model, decay=0.5)
    with torch.no_grad():
        linear.weight.fill_(2.0)
    norm.state_dict()["num_batches_tracked"].fill_(7)
    average.update()
    # The first step's decay is (1 + 1) / (10 + 1) = 2/11, below 0.5: 2/11 · 1 + 9/11 · 2
    assert torch.allclose(average.model.state_dict()["0.weight"], torch.tensor(20 / 11))
    assert int(average.model.state_dict()["1.num_batches_tracked"]) == 7
    for _ in range(200):
        average.update()
    assert torch.allclose(average.model.state_dict()["0.weight"], torch.tensor(2.0))
    assert not any(parameter.requires_grad for parameter in average.model.parameters())
