"""Pictures of a report as PNG bytes: mosaics of photos, learning curves, confusion matrices."""

from __future__ import annotations

import io
from collections.abc import Sequence

import cv2
import numpy as np
from matplotlib.figure import Figure

from maskwise.records import Floats, Image, Ints

INK, FAINT, ACCENT = "#27313f", "#9aa5b1", "#2f6f9f"


def mosaic(rows: Sequence[Sequence[Image]], tile_height_px: int = 150) -> bytes:
    """Photos in rows, all scaled to one height, on white."""
    strips = [np.concatenate([_padded(_scaled(photo, tile_height_px)) for photo in row], axis=1) for row in rows]
    width = max(strip.shape[1] for strip in strips)
    wide = [np.pad(s, ((0, 0), (0, width - s.shape[1]), (0, 0)), constant_values=255) for s in strips]
    return png(np.concatenate(wide, axis=0))


def png(image: Image) -> bytes:
    """An RGB image as PNG bytes."""
    done, data = cv2.imencode(".png", np.ascontiguousarray(image[..., ::-1]))
    assert done, "OpenCV writes any 8-bit image as PNG"
    return bytes(data)


def learning_curve(losses: Sequence[float], macro_f1: Sequence[float] | None) -> bytes:
    """Training loss and, where a checkpoint is chosen by it, macro F1 of the choosing people, by epoch."""
    figure = Figure(figsize=(5.2, 2.6), dpi=140, layout="constrained")
    axes = figure.subplots()
    number = range(1, len(losses) + 1)
    axes.plot(number, losses, color=INK, marker="o", markersize=3, label="training loss")
    axes.set_xlabel("epoch")
    axes.set_ylabel("training loss", color=INK)
    axes.set_xticks(number)
    axes.set_ylim(bottom=0)
    if macro_f1 is not None:
        scores = axes.twinx()
        scores.plot(number, macro_f1, color=ACCENT, marker="s", markersize=3)
        scores.set_ylabel("macro F1, choosing people", color=ACCENT)
        scores.set_ylim(0, 1)
    axes.spines[["top"] if macro_f1 is not None else ["top", "right"]].set_visible(False)
    return _figure_png(figure)


def confusion_picture(counts_CC: Ints, names: Sequence[str], title: str) -> bytes:
    """Shares of each true class (rows) by predicted class (columns), with the photo counts written in."""
    figure = Figure(figsize=(0.62 * len(names) + 1.2, 0.55 * len(names) + 0.9), dpi=140, layout="constrained")
    axes = figure.subplots()
    share_CC: Floats = counts_CC / np.maximum(counts_CC.sum(axis=1, keepdims=True), 1)
    axes.imshow(share_CC, cmap="Blues", vmin=0, vmax=1)
    for row, column in np.ndindex(*counts_CC.shape):
        color = "white" if share_CC[row, column] > 0.55 else INK
        axes.text(column, row, f"{counts_CC[row, column]}", ha="center", va="center", color=color, fontsize=8)
    axes.set_xticks(range(len(names)), names, fontsize=7)
    axes.set_yticks(range(len(names)), names, fontsize=7)
    axes.set_xlabel("predicted", fontsize=8)
    axes.set_ylabel("true", fontsize=8)
    axes.set_title(title, fontsize=9)
    return _figure_png(figure)


def _scaled(photo: Image, height_px: int) -> Image:
    width = max(1, round(photo.shape[1] * height_px / photo.shape[0]))
    return np.asarray(cv2.resize(photo, (width, height_px), interpolation=cv2.INTER_AREA), dtype=np.uint8)


def _padded(photo: Image) -> Image:
    return np.pad(photo, ((2, 2), (2, 2), (0, 0)), constant_values=255)


def _figure_png(figure: Figure) -> bytes:
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png")
    return buffer.getvalue()
