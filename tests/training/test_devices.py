"""Devices, number formats and memory."""

from __future__ import annotations

import pytest
import torch

from maskwise.errors import RecipeError
from maskwise.training.devices import autocast, choose_device, place_model


def test_auto_is_the_gpu_where_there_is_one() -> None:
    assert choose_device("auto").type == ("cuda" if torch.cuda.is_available() else "cpu")
    assert choose_device("cpu").type == "cpu"


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU here")
def test_a_gpu_that_is_not_there_is_refused() -> None:
    with pytest.raises(RecipeError, match=r"runtime\.device must be"):
        choose_device("cuda")


def test_fp16_on_a_cpu_is_refused_and_bf16_is_used() -> None:
    cpu = torch.device("cpu")
    with pytest.raises(RecipeError, match="fp16 needs a GPU"):
        autocast(cpu, "fp16")
    weight = torch.ones(2, 2)
    with autocast(cpu, "bf16"):
        assert (weight @ weight).dtype == torch.bfloat16
    with autocast(cpu, "fp32"):
        assert (weight @ weight).dtype == torch.float32


def test_a_placed_model_is_laid_out_channels_last_and_computes_the_same() -> None:
    torch.manual_seed(0)
    layer, images = torch.nn.Conv2d(3, 8, 3), torch.rand(2, 3, 9, 9)
    before = layer(images)
    placed = place_model(layer, torch.device("cpu"))
    assert placed.weight.is_contiguous(memory_format=torch.channels_last)
    assert torch.allclose(placed(images), before, atol=1e-6)
