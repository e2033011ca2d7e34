"""Photos that are nearly the same picture: scaled, cut a little, brightened, compressed again or mirrored.

It compares pictures, not faces: two photos of one person that were taken apart do not look alike here, and nothing in
it can recognize a person.

N photos, F numbers that describe a picture.
"""

from __future__ import annotations

from collections.abc import Iterator
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
"""Photos from this cosine of scaled descriptions on may be near copies. Among 8,827 photos of faces all six pairs of
people above it (0.81 and more) were one portrait used twice; the next pair had 0.72. A photo that was brightened,
halved, compressed, turned by 2° or cut by 4 % of its sides stays above it; one cut by 8 % does not."""
PLAINLY_ALIKE = 0.88
"""What the cosine of unscaled descriptions must be, too: those six had 0.90 and more."""
_BLOCK = 1024


class Pair(NamedTuple):
    """Two photos, by their positions, and how alike they are (cosine, 1 at most)."""

    one: int
    other: int
    alike: float


def lowest_waves(photo_HWC: Image) -> Floats:
    """A picture as the F = ``WAVES``² - 1 lowest waves of its brightness (DCT-II), float32, scaled to length 1."""
    small = cv2.resize(photo_HWC, (SIDE_PX, SIDE_PX), interpolation=cv2.INTER_AREA)
    waves = np.asarray(cv2.dct(cv2.cvtColor(small, cv2.COLOR_RGB2GRAY).astype(np.float32)))
    waves_F = waves[:WAVES, :WAVES].reshape(-1)[1:]
    return np.asarray(waves_F / max(float(np.linalg.norm(waves_F)), 1e-6), dtype=np.float32)


def near_copies(waves_NF: Floats, group_N: Ints) -> list[Pair]:
    """Pairs of photos of different groups (people, say) that are nearly the same picture, the most alike first.

    Two cosines must both be high. In the first each wave is centered and scaled by what is common among these photos,
    since all of them show a face in the middle: it separates what is alike in every face. In the second waves are
    only centered: it keeps pictures apart that share fine lines alone. Mirrored copies are found, too. Compares all
    pairs in blocks: time grows with N², memory with N.
    """
    if len(waves_NF) < 2:
        return []
    spread_F = waves_NF.std(axis=0)
    best: dict[tuple[int, int], Pair] = {}
    for turned_NF in (waves_NF, waves_NF * _mirror()):
        for pair in _alike_pairs(turned_NF, waves_NF, np.where(spread_F > 0, spread_F, 1.0), group_N):
            known = best.get((pair.one, pair.other))
            if known is None or known.alike < pair.alike:
                best[pair.one, pair.other] = pair
    return sorted(best.values(), key=lambda pair: (-pair.alike, pair.one, pair.other))


def _alike_pairs(turned_NF: Floats, waves_NF: Floats, scale_F: Floats, group_N: Ints) -> Iterator[Pair]:
    scaled_NF, scaled_turned_NF = _centered(waves_NF, waves_NF, scale_F), _centered(turned_NF, waves_NF, scale_F)
    even_F = np.ones_like(scale_F)
    plain_NF, plain_turned_NF = _centered(waves_NF, waves_NF, even_F), _centered(turned_NF, waves_NF, even_F)
    for begin in range(0, len(waves_NF), _BLOCK):
        alike_BN = scaled_turned_NF[begin : begin + _BLOCK] @ scaled_NF.T
        row_M, other_M = np.nonzero(alike_BN >= ALIKE)
        one_M = begin + row_M
        plain_M = np.einsum("mf,mf->m", plain_turned_NF[one_M], plain_NF[other_M])
        kept_M = (plain_M >= PLAINLY_ALIKE) & (group_N[one_M] != group_N[other_M]) & (one_M < other_M)
        for row, one, other in zip(
            row_M[kept_M].tolist(), one_M[kept_M].tolist(), other_M[kept_M].tolist(), strict=True
        ):
            yield Pair(one, other, float(alike_BN[row, other]))


def _centered(waves_NF: Floats, common_NF: Floats, scale_F: Floats) -> Floats:
    """Descriptions relative to the mean of others, scaled wave by wave, then each to length 1."""
    unusual_NF = (waves_NF - common_NF.mean(axis=0)) / scale_F
    length_N = np.linalg.norm(unusual_NF, axis=1, keepdims=True)
    return np.asarray(unusual_NF / np.maximum(length_N, 1e-6), dtype=np.float32)


def _mirror() -> NDArray[np.float32]:
    """What mirroring does to a description: waves of odd number along the width change their sign."""
    sign = np.tile(np.where(np.arange(WAVES) % 2, -1.0, 1.0), (WAVES, 1))
    return sign.reshape(-1)[1:].astype(np.float32)
