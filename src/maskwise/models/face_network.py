"""The face network: MobileNet-v1 trained on faces, then on age and gender, without the heads it was published with.

A. V. Savchenko, "Efficient facial representations for age, gender and identity recognition in organizing photo albums
using multi-output ConvNet", PeerJ Computer Science 2019, doi 10.7717/peerj-cs.197. The layers are MobileNet-v1's
(Howard et al. 2017, arXiv 1704.04861) with ReLU6, and its batch norms are part of the convolutions. TensorFlow's SAME
padding: with a stride of 2 an even side is padded at its end alone. Any size from 32 × 32 pixels on works.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import torch
from torch import Tensor, nn

from maskwise.models.same_padding import SameConv2d

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
    what the last blocks learned to overlook, as a mask is to a network that distinguishes people, is plain there.
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
    return torch.cat([last_ND, *_halves(maps_NDHW)], dim=1) if halves else last_ND


def _halves(maps_NDHW: Tensor) -> tuple[Tensor, Tensor]:
    """The means over the upper and the lower half of the places; a row in the middle belongs to both."""
    rows = maps_NDHW.shape[2]
    return maps_NDHW[:, :, : (rows + 1) // 2].mean(dim=(2, 3)), maps_NDHW[:, :, rows // 2 :].mean(dim=(2, 3))


def share_equal_blocks(networks: Sequence[FaceNetwork]) -> None:
    """Make the parts at the input that hold the same numbers in several networks one module, as frozen ones do."""
    for place, network in enumerate(networks):
        for earlier in networks[:place]:
            if len(earlier.blocks) == len(network.blocks) and _equal(earlier.stem, network.stem):
                network.stem = earlier.stem
                for number, (its, own) in enumerate(zip(earlier.blocks, network.blocks, strict=True)):
                    if not _equal(its, own):
                        break
                    network.blocks[number] = its


def _equal(a: nn.Module, b: nn.Module) -> bool:
    pairs = zip(a.state_dict().values(), b.state_dict().values(), strict=True)
    return a is b or all(x.shape == y.shape and torch.equal(x, y) for x, y in pairs)


def features_of_each(networks: Sequence[FaceNetwork], images_NCHW: Tensor) -> list[Tensor]:
    """What each network makes of the images, to the bit; modules that several begin with are run once."""
    features: list[Tensor] = [images_NCHW] * len(networks)

    def go_on(places: list[int], depth: int, maps_NDHW: Tensor, halves: tuple[Tensor, ...]) -> None:
        network = networks[places[0]]
        if depth == MIDDLE:
            halves = _halves(maps_NDHW)
        if depth == len(network.blocks):
            last_ND = maps_NDHW.mean(dim=(2, 3))
            for place in places:
                features[place] = torch.cat([last_ND, *halves], dim=1) if networks[place].middle else last_ND
            return
        for alike in _by_module(places, [networks[place].blocks[depth] for place in places]):
            go_on(alike, depth + 1, networks[alike[0]].blocks[depth](maps_NDHW), halves)

    everyone = list(range(len(networks)))
    for alike in _by_module(everyone, [network.stem for network in networks]):
        first = networks[alike[0]]
        go_on(alike, 0, first.act(first.stem(images_NCHW)), ())
    return features


def _by_module(places: list[int], modules: list[nn.Module]) -> list[list[int]]:
    """The places grouped by which module stands there."""
    groups: dict[int, list[int]] = {}
    for place, module in zip(places, modules, strict=True):
        groups.setdefault(id(module), []).append(place)
    return list(groups.values())


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
    return SameConv2d(in_channels, out_channels, kernel_size=3, stride=stride, groups=groups)
