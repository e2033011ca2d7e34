"""A model's predictions for many photos: for choosing checkpoints, for held-out scores and for `predict`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any, Literal, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from maskwise.losses.age_distribution import expected_age
from maskwise.models.build import MaskwiseModel
from maskwise.models.face_network import FaceNetwork, features_of_each
from maskwise.probabilities import Probabilities, joined
from maskwise.records import Floats, InputSpec, Ints, Output
from maskwise.training.batches import ReadArray, normalize, to_images
from maskwise.training.devices import Precision, autocast
from maskwise.training.processes import from_all, share_of

View = Literal["as_is", "mirrored"]


@dataclass(frozen=True)
class Inference:
    """How a model predicts: the input it was trained with, the views that are averaged, where it runs."""

    spec: InputSpec
    views: tuple[View, ...]
    device: torch.device
    first_age_years: int | None = None
    """The age of the first bin of the model's age head; None where it has none."""
    precision: Precision = "fp32"
    """The number format of the forward pass; probabilities and ages are always computed in float32."""
    backbone_precision: Precision | None = None
    """That of a backbone which stood still in training, so that its features are those that were learned from; None:
    as the rest."""

    @property
    def of_backbone(self) -> Precision:
        """The number format that the backbone is computed in."""
        return self.backbone_precision or self.precision

    def of_batch(self, images_NCHW: Tensor) -> Tensor:
        """What a model is given of a batch of images in 0 … 1."""
        return normalize(images_NCHW, self.spec.mean_C, self.spec.std_C)

    def of_photos(self, pixels_NHWC: NDArray[Any]) -> list[Tensor]:
        """What a model is given of photos to predict, once for each view."""
        images_NCHW = self.of_batch(to_images(pixels_NHWC, self.device))
        return [images_NCHW if view == "as_is" else images_NCHW.flip(3) for view in self.views]


def predict_batch(model: nn.Module, pixels_NHWC: NDArray[Any], how: Inference) -> Probabilities:
    """The softmax (and the expected age), each averaged over the views. ``model`` must be in eval mode."""
    return predict_batch_of_each([(model, how)], pixels_NHWC)[0]


@torch.inference_mode()
def predict_batch_of_each(
    models: Sequence[tuple[nn.Module, Inference]], pixels_NHWC: NDArray[Any]
) -> list[Probabilities]:
    """What each of several models of one input predicts, each in its own views.

    What their face networks share is computed once for a view, in each number format that it is wanted in.
    """
    views = tuple(dict.fromkeys(view for _, how in models for view in how.views))
    outputs: list[list[Output]] = [[] for _ in models]
    for view, given in zip(views, replace(models[0][1], views=views).of_photos(pixels_NHWC), strict=True):
        places = [place for place, (_, how) in enumerate(models) if view in how.views]
        for place, output in zip(places, _outputs_of_each([models[place] for place in places], given), strict=True):
            outputs[place].append(output)
    return [_mean_over_views(of_model, how) for of_model, (_, how) in zip(outputs, models, strict=True)]


def _outputs_of_each(models: Sequence[tuple[nn.Module, Inference]], given: Tensor) -> list[Output]:
    features: dict[int, Tensor] = {}
    for place in dict.fromkeys((how.device, how.of_backbone) for _, how in models):
        alike = [model for model, how in models if (how.device, how.of_backbone) == place and _is_of_faces(model)]
        if alike:
            with autocast(*place):
                made = features_of_each([cast(FaceNetwork, model.backbone) for model in alike], given)
            features.update(zip(map(id, alike), made, strict=True))
    return [_output(model, how, given, features.get(id(model))) for model, how in models]


def _output(model: nn.Module, how: Inference, given: Tensor, features_ND: Tensor | None) -> Output:
    with autocast(how.device, how.precision):
        if features_ND is None:
            output: Output = model(given)
            return output
        own_ND = features_ND if how.of_backbone == how.precision else features_ND.float()
        return cast(MaskwiseModel, model).of_features(own_ND)


def _is_of_faces(model: nn.Module) -> bool:
    return isinstance(model, MaskwiseModel) and isinstance(model.backbone, FaceNetwork)


def _mean_over_views(outputs: Sequence[Output], how: Inference) -> Probabilities:
    probs_NC: Floats = torch.stack([output.logits_NC.float().softmax(1) for output in outputs]).mean(0).cpu().numpy()
    age_logits = [output.age_logits_NA for output in outputs if output.age_logits_NA is not None]
    if how.first_age_years is None or not age_logits:
        return Probabilities(probs_NC, None)
    ages = [expected_age(logits_NA.float(), how.first_age_years) for logits_NA in age_logits]
    return Probabilities(probs_NC, torch.stack(ages).mean(0).cpu().numpy())


def predict_table(
    model: nn.Module, read: ReadArray, n_photos: int, how: Inference, batch_size: int = 64
) -> Probabilities:
    """Predictions for the photos 0 … n_photos − 1 of ``read``; the next batch is read while the model computes.

    Several processes that train together predict a share each.
    """
    model.eval()
    own_N = np.arange(n_photos)[share_of(n_photos)]
    own = joined([predict_batch(model, pixels, how) for pixels in _read_ahead(read, own_N, batch_size)])
    return joined([each for each in from_all(own) if len(each.probs_NC)])


def _read_ahead(read: ReadArray, index_N: Ints, batch_size: int) -> Iterator[NDArray[Any]]:
    parts = [index_N[start : start + batch_size] for start in range(0, len(index_N), batch_size)]
    if not parts:
        return
    with ThreadPoolExecutor(1, thread_name_prefix="photos") as pool:
        future = pool.submit(read, parts[0])
        for part in parts[1:]:
            pixels = future.result()
            future = pool.submit(read, part)
            yield pixels
        yield future.result()
