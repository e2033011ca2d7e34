"""The blocks of backbones: by hand, complete, and in the order of the data's way."""

from __future__ import annotations

import pytest
import timm
import torch
import torchvision
from torch import nn

from maskwise.models.backbones import BaselineCnn
from maskwise.training.blocks import backbone_blocks


def _net(name: str) -> nn.Module:
    """Without memory for its weights: only names and shapes count here."""
    with torch.device("meta"):
        if name.startswith("timm/"):
            net: nn.Module = timm.create_model(name.removeprefix("timm/"), num_classes=0)
            return net
        classifier: nn.Module = torchvision.models.get_model(name, weights=None)
        return classifier


@pytest.mark.parametrize(
    "name",
    [
        "timm/tf_efficientnet_lite0",
        "timm/resnet18",
        "timm/vit_tiny_patch16_224",
        "timm/convnext_atto",
        "resnext50_32x4d",
        "efficientnet_b0",
        "vit_b_16",
        "densenet121",
        "swin_t",
        "vgg11_bn",
    ],
)
def test_every_parameter_is_in_one_block_from_input_to_output(name: str) -> None:
    net = _net(name)
    blocks = backbone_blocks(net)
    names = [parameter for block in blocks for parameter in block]
    assert sorted(names) == sorted(parameter for parameter, _ in net.named_parameters())
    assert len(set(names)) == len(names)
    assert 8 <= len(blocks) <= 25
    # Nets name their parameters in the order in which they use them.
    position = {parameter: number for number, (parameter, _) in enumerate(net.named_parameters())}
    first = [min(position[parameter] for parameter in block) for block in blocks]
    assert first == sorted(first)


def test_blocks_of_a_resnet_are_its_stem_and_its_residual_blocks() -> None:
    for name in ("timm/resnet18", "resnet18"):
        blocks = backbone_blocks(_net(name))
        assert blocks[0] == ["conv1.weight", "bn1.weight", "bn1.bias"]
        residual = [{".".join(parameter.split(".")[:2]) for parameter in block} for block in blocks[1:9]]
        assert residual == [{f"layer{stage}.{number}"} for stage in (1, 2, 3, 4) for number in (0, 1)]
    assert blocks[9:] == [["fc.weight", "fc.bias"]]


def test_other_nets_by_hand() -> None:
    """Three convolutions; and a token of the net itself, a leading and a following normalization."""
    assert backbone_blocks(BaselineCnn(0.0)) == [[f"stages.{n}.0.weight", f"stages.{n}.0.bias"] for n in range(3)]

    class Odd(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.token = nn.Parameter(torch.zeros(1, 1, 4))
            self.first_norm = nn.LayerNorm(4)
            self.small = nn.Linear(4, 4)
            self.norm = nn.LayerNorm(4)
            self.large = nn.Sequential(nn.Linear(4, 30), nn.ReLU(), nn.Linear(30, 30))
            self.dropout = nn.Dropout()

    assert backbone_blocks(Odd()) == [
        ["token", "first_norm.weight", "first_norm.bias", "small.weight", "small.bias", "norm.weight", "norm.bias"],
        ["large.0.weight", "large.0.bias"],
        ["large.2.weight", "large.2.bias"],
    ]
    assert backbone_blocks(nn.Linear(2, 2)) == [["weight", "bias"]]
    assert backbone_blocks(nn.Flatten()) == []
