"""Training on the features of a frozen backbone instead of on photos: the same loop, a model without its backbone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from maskwise.models.build import MaskwiseModel
from maskwise.models.face_network import FaceNetwork, FaceRest, FaceTrunk
from maskwise.records import Ints
from maskwise.training.batches import BatchSource, ReadArray
from maskwise.training.inference import Inference


@dataclass(frozen=True)
class FeatureSource(BatchSource):
    """Batches of features N × D in place of images; each photo is shown in one of its views, drawn for each batch.

    ``read`` and ``augment`` are not used: the views were read and augmented when they were computed.
    """

    views: tuple[ReadArray, ...] = ()
    """Positions in ``table`` → features M × D, float32, once for each view."""

    def show(self, index_N: Ints, rng: np.random.Generator, device: torch.device) -> Tensor:
        """Each photo in a view of its own, all equally probable."""
        view_N = rng.integers(len(self.views), size=len(index_N))
        features_ND = self.views[0](index_N)
        for view, read in enumerate(self.views[1:], start=1):
            features_ND[view_N == view] = read(index_N[view_N == view])
        return torch.from_numpy(features_ND).to(device)


@dataclass(frozen=True)
class FeatureInference(Inference):
    """How a model without its backbone predicts: what it is given are features already, one row for each view."""

    def of_batch(self, images_NCHW: Tensor) -> Tensor:
        """The features N × D as they are: they come from normalized photos."""
        return images_NCHW

    def of_photos(self, pixels_NHWC: NDArray[Any]) -> list[Tensor]:
        """The views of the features N × V × D."""
        return list(torch.from_numpy(pixels_NHWC).to(self.device).unbind(1))


def frozen_part(model: MaskwiseModel, frozen_blocks: int) -> nn.Module:
    """The first blocks of a face network; with 0, the whole backbone."""
    if not frozen_blocks:
        return model.backbone
    return FaceTrunk(_face_network(model), frozen_blocks - 1)


def learning_part(model: MaskwiseModel, frozen_blocks: int) -> MaskwiseModel:
    """What follows the frozen part of ``model``, the very same modules, as a model of what that part makes."""
    rest = FaceRest(_face_network(model), frozen_blocks - 1) if frozen_blocks else nn.Identity()
    normalized = (model.mean_C, model.std_C)
    return MaskwiseModel(
        rest, model.neck, model.dropout.p, model.head, model.age_head, normalized, model.years_to_groups
    )


def frozen_state(model: MaskwiseModel, frozen_blocks: int) -> dict[str, Tensor]:
    """The tensors of the frozen part, by their names in the whole model."""
    names = {f"backbone.{name}" for name in frozen_part(model, frozen_blocks).state_dict()}
    return {name: tensor for name, tensor in model.state_dict().items() if name in names}


def _face_network(model: MaskwiseModel) -> FaceNetwork:
    assert isinstance(model.backbone, FaceNetwork)  # the recipe refuses others
    return model.backbone
