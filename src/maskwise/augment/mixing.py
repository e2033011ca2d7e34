"""``mix(images_NCHW, target_NC, rng) → Mixed``: photos of a batch share pixels, and targets by as much.

Every photo that is mixed gets a partner from the same batch, drawn for it alone. Target rows still sum to 1, shape,
dtype and device are kept, the input is left alone. ``p = 0`` is the identity.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from maskwise.augment.numpy_to_images import as_floats, as_given, per_photo
from maskwise.records import Floats, Ints

Halves = Literal["left_right", "upper_lower"]
Partner = Literal["any", "same_class", "oldest"]
Bools = NDArray[np.bool_]


class Mixed(NamedTuple):
    """A batch after mixing, and who was mixed with whom."""

    images_NCHW: Tensor
    target_NC: Tensor
    partner_N: Ints | None = None
    """Each photo's partner in the batch, itself where it has none; None: nothing was mixed."""
    own_share_N: Floats | None = None
    """How much of each photo, and of its target, is its own."""


def no_mixing(images_NCHW: Tensor, target_NC: Tensor, rng: np.random.Generator) -> Mixed:  # noqa: ARG001
    """Every photo stays itself."""
    return Mixed(images_NCHW, target_NC)


def mixup(images_NCHW: Tensor, target_NC: Tensor, rng: np.random.Generator, *, alpha: float, p: float) -> Mixed:
    """``share · photo + (1 − share) · partner``, share ~ Beta(alpha, alpha) for each photo; targets alike.

    Zhang et al. 2018, arXiv 1710.09412, with a share for each photo in place of one for the batch.
    """
    n = len(images_NCHW)
    mixed_N, partner_N = _partners(np.ones((n, n), dtype=np.bool_), rng, p)
    share_N = np.where(mixed_N, rng.beta(alpha, alpha, n), 1.0)
    share, partner = as_floats(share_N, images_NCHW), as_given(partner_N, images_NCHW)
    blended = torch.lerp(images_NCHW.index_select(0, partner), images_NCHW, per_photo(share))
    images_NCHW = torch.where(per_photo(as_given(mixed_N, images_NCHW)), blended, images_NCHW)
    return Mixed(images_NCHW, _mix_targets(target_NC, partner_N, share_N), partner_N, share_N)


def cutmix(images_NCHW: Tensor, target_NC: Tensor, rng: np.random.Generator, *, alpha: float, p: float) -> Mixed:
    """A box of the photo's own shape shows the partner; the target counts the pixels that each one shows.

    Yun et al. 2019, arXiv 1905.04899: the box has sides ``sqrt(1 − share)`` of the photo's, share ~ Beta(alpha, alpha),
    its center is uniform over the photo, and what hangs over the edge is cut off.
    """
    n, _, height, width = images_NCHW.shape
    mixed_N, partner_N = _partners(np.ones((n, n), dtype=np.bool_), rng, p)
    side_N = np.sqrt(1 - rng.beta(alpha, alpha, n))
    rows_NH = _stretch(height, (height * side_N).astype(np.int64), rng)
    columns_NW = _stretch(width, (width * side_N).astype(np.int64), rng)
    return _paste(images_NCHW, target_NC, partner_N, rows_NH & mixed_N[:, None], columns_NW)


def half_cutmix(
    images_NCHW: Tensor,
    target_NC: Tensor,
    rng: np.random.Generator,
    *,
    halves: Halves,
    partner: Partner,
    oldest_classes: tuple[int, ...],
    jitter: float,
    p: float,
) -> Mixed:
    """One half of the photo, either with equal probability, shows the partner; the target counts the pixels of each.

    The class of a photo is the argmax of its target row. ``oldest_classes`` are the joint classes of the oldest age
    group. The cut lies at ``0.5 ± jitter`` of the side. A photo that finds no partner stays as it is.
    """
    n, _, height, width = images_NCHW.shape
    mixed_N, partner_N = _partners(_candidates(target_NC, partner, oldest_classes), rng, p)
    side = width if halves == "left_right" else height
    cut_N = np.rint(rng.uniform(0.5 - jitter, 0.5 + jitter, n) * side)
    first_N = rng.random(n) < 0.5
    part_NL = (np.arange(side) < cut_N[:, None]) == first_N[:, None]
    whole_NL = np.ones((n, height if halves == "left_right" else width), dtype=np.bool_)
    rows_NH, columns_NW = (whole_NL, part_NL) if halves == "left_right" else (part_NL, whole_NL)
    return _paste(images_NCHW, target_NC, partner_N, rows_NH & mixed_N[:, None], columns_NW)


def mix_weights(mixed: Mixed, target_NC: Tensor, weight_N: Tensor) -> tuple[Mixed, Tensor]:
    """A mixed batch, and what each of its photos counts in the loss, of photos that count ``weight_N``.

    A photo i mixed with j by the share λ counts W = λ·w_i + (1 − λ)·w_j, and (λ·w_i) / W of its target is its own: so
    W · loss is λ·w_i·loss_i + (1 − λ)·w_j·loss_j for a loss that is linear in the target, as cross-entropy is.
    ``target_NC`` are the rows before mixing. Photos of equal weight keep it, and their shares.
    """
    if mixed.partner_N is None or mixed.own_share_N is None:
        return mixed, weight_N
    own_N = weight_N.double().cpu().numpy()  # labels are on the CPU: nothing waits for a GPU
    partners_N = own_N[mixed.partner_N]
    mixed_N = partners_N + mixed.own_share_N * (own_N - partners_N)
    counted_N = np.divide(mixed.own_share_N * own_N, mixed_N, out=mixed.own_share_N.copy(), where=mixed_N > 0)
    target_NC = _mix_targets(target_NC, mixed.partner_N, counted_N)
    return mixed._replace(target_NC=target_NC, own_share_N=counted_N), as_floats(mixed_N, weight_N)


def _candidates(target_NC: Tensor, partner: Partner, oldest_classes: tuple[int, ...]) -> Bools:
    """Whom each photo (row) may take as its partner (column), itself not yet excluded."""
    n = len(target_NC)
    if partner == "any":
        return np.ones((n, n), dtype=np.bool_)
    class_N = target_NC.argmax(1).cpu().numpy()  # labels are on the CPU: nothing waits for a GPU
    if partner == "same_class":
        return np.asarray(class_N[:, None] == class_N[None, :])
    return np.broadcast_to(np.isin(class_N, oldest_classes), (n, n))


def _partners(candidate_NN: Bools, rng: np.random.Generator, p: float) -> tuple[Bools, Ints]:
    """Which photos are mixed, and with whom: uniform over the row's candidates other than the photo itself."""
    n = len(candidate_NN)
    other_NN = candidate_NN & ~np.eye(n, dtype=np.bool_)
    mixed_N = (rng.random(n) < p) & other_NN.any(1)
    chosen_N = np.where(other_NN, rng.random((n, n)), -1.0).argmax(1)
    return mixed_N, np.where(mixed_N, chosen_N, np.arange(n))


def _stretch(length_px: int, size_px_N: Ints, rng: np.random.Generator) -> Bools:
    """N × length: a run of ``size`` pixels around a uniform center, cut off at the ends."""
    first_N = rng.integers(length_px, size=len(size_px_N)) - size_px_N // 2
    place_L = np.arange(length_px)
    return (place_L >= first_N[:, None]) & (place_L < (first_N + size_px_N)[:, None])


def _paste(images_NCHW: Tensor, target_NC: Tensor, partner_N: Ints, rows_NH: Bools, columns_NW: Bools) -> Mixed:
    """The partner where both the row and the column are marked; targets by the share of pixels."""
    rows, columns = as_given(rows_NH, images_NCHW), as_given(columns_NW, images_NCHW)
    pasted_NHW = rows[:, :, None] & columns[:, None, :]
    partner_images = images_NCHW.index_select(0, as_given(partner_N, images_NCHW))
    share_N = 1 - rows_NH.mean(1) * columns_NW.mean(1)
    images_NCHW = torch.where(pasted_NHW[:, None], partner_images, images_NCHW)
    return Mixed(images_NCHW, _mix_targets(target_NC, partner_N, share_N), partner_N, share_N)


def _mix_targets(target_NC: Tensor, partner_N: Ints, share_N: Floats) -> Tensor:
    """``share · own + (1 − share) · partner``: exact where both rows are equal or the share is 1."""
    own_share = as_floats(share_N, target_NC)[:, None]
    return torch.lerp(target_NC[as_given(partner_N, target_NC)], target_NC, own_share)
