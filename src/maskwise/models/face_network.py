"""The face network: MobileNet-v1 trained on faces, then on age and gender, without the heads it was published with.

A. V. Savchenko, "Efficient facial representations for age, gender and identity recognition in organizing photo albums
using multi-output ConvNet", PeerJ Computer Science 2019, doi 10.7717/peerj-cs.197. The layers are MobileNet-v1's
(Howard et al. 2017, arXiv 1704.04861) with ReLU6, and its batch norms are part of the convolutions. TensorFlow's SAME
padding: with a stride of 2 an even side is padded at its end alone. Any size from 32 × 32 pixels on works.
"""

from __future__ import annotations

from typing import cast

import torch
from timm.layers import Conv2dSame
from torch import Tensor, nn

FEATURES = 1024
STEM_CHANNELS = 32
MIDDLE = 7
"""So many blocks lie before the maps whose halves are looked at."""
BLOCKS = (
    (64, 1),
    (128, 2),
    (128, 1),
    (256, 2),
    (256, 1),
    (512, 2),
    (512, 1),
    (512, 1),
    (512, 1),
    (512, 1),
    (512, 1),
    (1024, 2),
    (FEATURES, 1),
)
"""(output channels, stride) of each block."""
MEAN_RGB = (123.68 / 255, 116.779 / 255, 103.939 / 255)
"""Subtracted from RGB in [0, 1]; what is left is multiplied by 255, as the network was trained with."""
STD_RGB = (1 / 255, 1 / 255, 1 / 255)


class FaceNetwork(nn.Module):
    """images_NCHW → N × D: the stem, 13 blocks, the mean over the places (D = 1024).

    With ``halves`` the means over the upper and the lower half of the seventh block's maps stand beside it (D = 2048):
    what the last blocks learnt to overlook, as a mask is to a network that distinguishes people, is plain to see there.
    """

    def __init__(
        self, halves: bool, blocks: tuple[tuple[int, int], ...] = BLOCKS, stem_channels: int = STEM_CHANNELS
    ) -> None:
        super().__init__()
        self.middle = MIDDLE if halves else 0
        self.features = blocks[-1][0] + (2 * blocks[MIDDLE - 1][0] if halves else 0)
        self.stem = _convolution(3, stem_channels, stride=2, groups=1)
        self.act = nn.ReLU6(inplace=True)
        before = [stem_channels, *(channels for channels, _ in blocks)]
        self.blocks = nn.Sequential(
            *(FaceBlock(start, end, stride) for start, (end, stride) in zip(before, blocks, strict=False))
        )

    def forward(self, images_NCHW: Tensor) -> Tensor:
        """The features, N × D."""
        maps_NDHW: Tensor = self.blocks[: self.middle](self.act(self.stem(images_NCHW)))
        return _pooled(maps_NDHW, self.blocks[self.middle :], halves=self.middle > 0)


def _pooled(maps_NDHW: Tensor, rest: nn.Module, *, halves: bool) -> Tensor:
    """The mean over the places behind ``rest``, and with ``halves`` those over each half of the maps before it."""
    last_ND: Tensor = rest(maps_NDHW).mean(dim=(2, 3))
    if not halves:
        return last_ND
    rows = maps_NDHW.shape[2]
    upper_ND = maps_NDHW[:, :, : (rows + 1) // 2].mean(dim=(2, 3))
    lower_ND = maps_NDHW[:, :, rows // 2 :].mean(dim=(2, 3))  # a row in the middle belongs to both
    return torch.cat([last_ND, upper_ND, lower_ND], dim=1)


class FaceTrunk(nn.Module):
    """The stem and the first blocks of a face network, the very same modules: images → maps in bytes, N × h × w × D.

    ReLU6 leaves values from 0 to 6, of which 256 steps keep what costs no score, at an eighth of the room.
    """

    def __init__(self, net: FaceNetwork, n_blocks: int) -> None:
        super().__init__()
        self.stem, self.act, self.blocks = net.stem, net.act, net.blocks[:n_blocks]

    def forward(self, images_NCHW: Tensor) -> Tensor:
        """Maps of the last of the blocks, channels last."""
        maps_NDHW: Tensor = self.blocks(self.act(self.stem(images_NCHW)))
        return maps_NDHW.float().mul(255 / 6).round_().to(torch.uint8).permute(0, 2, 3, 1).contiguous()


class FaceRest(nn.Module):
    """The blocks behind a ``FaceTrunk``, under their names in the whole network: bytes → features."""

    def __init__(self, net: FaceNetwork, n_blocks: int) -> None:
        super().__init__()
        self.blocks = net.blocks[n_blocks:]
        self.before_middle = max(net.middle - n_blocks, 0)
        self.halves = net.middle > 0

    def forward(self, maps_NHWD: Tensor) -> Tensor:
        """The features, N × D."""
        maps_NDHW: Tensor = maps_NHWD.permute(0, 3, 1, 2).float().mul_(6 / 255)
        maps_NDHW = self.blocks[: self.before_middle](maps_NDHW)
        return _pooled(maps_NDHW, self.blocks[self.before_middle :], halves=self.halves)


class FaceBlock(nn.Module):
    """A depthwise 3 × 3 convolution and a pointwise one, each with a shift and ReLU6."""

    def __init__(self, in_channels: int, out_channels: int, stride: int) -> None:
        super().__init__()
        self.depthwise = _convolution(in_channels, in_channels, stride, groups=in_channels)
        self.depthwise_act = nn.ReLU6(inplace=True)
        self.pointwise = nn.Conv2d(in_channels, out_channels, kernel_size=1)
        self.act = nn.ReLU6(inplace=True)

    def forward(self, maps_NDHW: Tensor) -> Tensor:
        """Maps of the block's output channels, made smaller by its stride."""
        spread_NDHW = self.depthwise_act(self.depthwise(maps_NDHW))
        return cast(Tensor, self.act(self.pointwise(spread_NDHW)))


def _convolution(in_channels: int, out_channels: int, stride: int, groups: int) -> nn.Conv2d:
    if stride == 1:
        return nn.Conv2d(in_channels, out_channels, kernel_size=3, padding=1, groups=groups)
    return cast(nn.Conv2d, Conv2dSame(in_channels, out_channels, kernel_size=3, stride=stride, groups=groups))
