"""Devices, number formats and memory."""

from __future__ import annotations

import subprocess
import sys

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


def test_keeping_freed_memory_spares_page_faults() -> None:
    """In processes of their own, as the setting cannot be taken back."""
    # Counted after a first block, and over 32 MiB, from where on glibc always asks the system anew.
    code = (
        "import resource, sys, numpy as np\n"
        "from maskwise.training.devices import keep_freed_memory\n"
        "if sys.argv[1] == 'keep': keep_freed_memory()\n"
        "def faults_after(n):\n"
        "    for _ in range(n): np.ones(40_000_000, dtype=np.uint8)\n"
        "    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt\n"
        "first = faults_after(1)\n"
        "print(faults_after(20) - first)"
    )
    faults = {
        name: int(subprocess.run([sys.executable, "-c", code, name], capture_output=True, text=True, check=True).stdout)
        for name in ("keep", "give back")
    }
    if sys.platform == "linux":
        assert faults["keep"] < faults["give back"]
