"""Photos that are nearly the same picture: scaled, cut a little, brightened, compressed again or mirrored.

It compares pictures, not faces: two photos of one person that were taken apart do not look alike here, and nothing in
it can tell who somebody is.

N photos, F numbers that describe a picture.
"""

from __future__ import annotations

from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from maskwise.records import Floats, Image, Ints

SIDE_PX = 32
"""A photo is squeezed to this square before it is described."""
WAVES = 16
"""So many lowest waves of the cosine transform are kept along each axis; the mean brightness is left out."""
ALIKE = 0.78
"""Cosine of two descriptions from which photos count as near copies. On 8,827 photos of faces, the pairs above it were
the same portraits used twice; the best pair of different ones had 0.71."""
_BLOCK = 1024


class Pair(NamedTuple):
    """Two photos, by their positions, and how alike they are (cosine, 1 at most)."""

    one: int
    other: int
    alike: float


def describe(photo_HWC: Image) -> Floats:
    """A picture as the F = ``WAVES``² - 1 lowest waves of its brightness (DCT-II), float32, scaled to length 1."""
    small = cv2.resize(photo_HWC, (SIDE_PX, SIDE_PX), interpolation=cv2.INTER_AREA)
    waves = np.asarray(cv2.dct(cv2.cvtColor(small, cv2.COLOR_RGB2GRAY).astype(np.float32)))
    waves_F = waves[:WAVES, :WAVES].reshape(-1)[1:]
    return np.asarray(waves_F / max(float(np.linalg.norm(waves_F)), 1e-6), dtype=np.float32)


def near_copies(waves_NF: Floats, group_N: Ints, alike: float = ALIKE) -> list[Pair]:
    """Pairs of photos of different groups (people, say) that are nearly the same picture, the most alike first.

    Each wave is centred and scaled by what is common among these photos, since all of them show a face in the middle.
    Mirrored copies are found, too. Compares all pairs in blocks: time grows with N², memory with N.
    """
    if len(waves_NF) < 2:
        return []
    plain_NF, mirrored_NF = _unusual(waves_NF, waves_NF), _unusual(waves_NF * _mirror(), waves_NF)
    pairs: list[Pair] = []
    for begin in range(0, len(plain_NF), _BLOCK):
        block = slice(begin, begin + _BLOCK)
        alike_BN = np.maximum(plain_NF[block] @ plain_NF.T, mirrored_NF[block] @ plain_NF.T)
        far_BN = group_N[block, None] != group_N[None, :]
        one_M, other_M = np.nonzero((alike_BN >= alike) & far_BN)
        pairs += [
            Pair(begin + one, other, float(alike_BN[one, other]))
            for one, other in zip(one_M.tolist(), other_M.tolist(), strict=True)
            if begin + one < other
        ]
    return sorted(pairs, key=lambda pair: (-pair.alike, pair.one, pair.other))


def _unusual(waves_NF: Floats, common_NF: Floats) -> Floats:
    """Descriptions relative to what is common, each of length 1."""
    spread_F = common_NF.std(axis=0)
    unusual_NF = (waves_NF - common_NF.mean(axis=0)) / np.where(spread_F > 0, spread_F, 1.0)
    length_N = np.linalg.norm(unusual_NF, axis=1, keepdims=True)
    return np.asarray(unusual_NF / np.maximum(length_N, 1e-6), dtype=np.float32)


def _mirror() -> NDArray[np.float32]:
    """What mirroring does to a description: waves of odd number along the width change their sign."""
    sign = np.tile(np.where(np.arange(WAVES) % 2, -1.0, 1.0), (WAVES, 1))
    return sign.reshape(-1)[1:].astype(np.float32)
