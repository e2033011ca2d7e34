"""A model's probabilities for many photos: used for choosing checkpoints, for held-out scores and for `predict`."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Literal

import numpy as np
import torch
from torch import nn

from maskwise.records import Floats, Image, InputSpec, Output
from maskwise.training.batches import ReadPixels, normalise, to_images

View = Literal["as_is", "mirrored"]


@torch.inference_mode()
def predict_batch(
    model: nn.Module, pixels_NHWC: Image, spec: InputSpec, views: tuple[View, ...], device: torch.device
) -> Floats:
    """float32 probabilities N × C: the softmax, averaged over ``views``. ``model`` must be in eval mode."""
    images_NCHW = normalise(to_images(pixels_NHWC, device), spec.mean_C, spec.std_C)
    probs = []
    for view in views:
        output: Output = model(images_NCHW if view == "as_is" else images_NCHW.flip(3))
        probs.append(output.logits_NC.float().softmax(1))
    mean_NC: Floats = torch.stack(probs).mean(0).cpu().numpy()
    return mean_NC


def predict_table(
    model: nn.Module,
    read: ReadPixels,
    n_photos: int,
    spec: InputSpec,
    views: tuple[View, ...],
    device: torch.device,
    batch_size: int = 64,
) -> Floats:
    """Probabilities of the photos 0 … n_photos − 1 of ``read``; the next batch is read while the model computes."""
    model.eval()
    blocks = [predict_batch(model, pixels, spec, views, device) for pixels in _read_ahead(read, n_photos, batch_size)]
    return np.concatenate(blocks) if blocks else np.zeros((0, 0), dtype=np.float32)


def _read_ahead(read: ReadPixels, n_photos: int, batch_size: int) -> Iterator[Image]:
    parts = [np.arange(start, min(start + batch_size, n_photos)) for start in range(0, n_photos, batch_size)]
    if not parts:
        return
    with ThreadPoolExecutor(1, thread_name_prefix="photos") as pool:
        future = pool.submit(read, parts[0])
        for part in parts[1:]:
            pixels = future.result()
            future = pool.submit(read, part)
            yield pixels
        yield future.result()
