"""What a prediction depends on: how far its probability falls when a part of the face is covered. No torch.

Occlusion sensitivity (Zeiler & Fergus 2014, https://arxiv.org/abs/1311.2901). Only predictions are
needed, so it works for every bundle, ensembles and parts included.
"""

from __future__ import annotations

import cv2
import numpy as np

from maskwise.errors import must
from maskwise.export.prepare_photos import Prepared
from maskwise.export.reader import Bundle
from maskwise.records import Floats, Image

PATCH_CELLS = 2
"""A patch is so many cells wide and tall, around its own cell: smaller ones leave enough in sight to guess from."""


def explain_face(bundle: Bundle, prepared: Prepared, rows: int, cols: int) -> Floats:
    """For each of ``rows`` × ``cols`` cells: the fall of the joint class's probability with a patch around it covered.

    Positive where the prediction depends on what is covered, negative where covering raises it; the class is that of
    the uncovered face. A patch has the mean color of the pixels. Bundles with several inputs have the same share of
    each covered; it is the same place where the inputs have the same crop. Costs rows × cols + 1 predictions.
    ``ValueError`` for a grid of nothing, or one finer than the pixels.
    """
    height_px = min(len(pixels) for pixels in prepared.pixels)
    width_px = min(pixels.shape[1] for pixels in prepared.pixels)
    if not (1 <= rows <= height_px and 1 <= cols <= width_px):
        rule = f"between 1 × 1 and {height_px} × {width_px}"
        raise ValueError(must("the grid of an explanation", rule, f"{rows} × {cols}", "Choose another."))
    means = [np.rint(pixels.mean(axis=(0, 1))).astype(np.uint8) for pixels in prepared.pixels]

    def covered(cell: int) -> Prepared:
        pairs = zip(prepared.pixels, means, strict=True)
        row, col = divmod(cell, cols)
        return Prepared(tuple(_cover(each, mean_C, row / rows, col / cols, rows, cols) for each, mean_C in pairs), None)

    # The whole face goes in the same call: members that vote by rank compare the photos of one call with each other.
    open_face, *patched = bundle.predict_prepared([prepared, *map(covered, range(rows * cols))])
    falls = [open_face.confidence - float(each.probs_C[open_face.class_code]) for each in patched]
    return np.array(falls).reshape(rows, cols)


def shown_png(prepared: Prepared) -> bytes:
    """The pixels that the first input is shown, as a PNG file: what the cells of ``explain`` lie on."""
    return bytes(cv2.imencode(".png", prepared.pixels[0][:, :, ::-1])[1])


def _cover(pixels_HWC: Image, mean_C: Image, top: float, left: float, rows: int, cols: int) -> Image:
    """A copy whose patch around the cell at (``top``, ``left``), in shares of the sides, is ``mean_C``."""
    beyond = (PATCH_CELLS - 1) / 2
    height, width = pixels_HWC.shape[:2]
    down = _span(top - beyond / rows, PATCH_CELLS / rows, height)
    across = _span(left - beyond / cols, PATCH_CELLS / cols, width)
    copy = pixels_HWC.copy()
    copy[down, across] = mean_C
    return copy


def _span(start: float, length: float, side_px: int) -> slice:
    return slice(max(0, round(start * side_px)), round((start + length) * side_px))
