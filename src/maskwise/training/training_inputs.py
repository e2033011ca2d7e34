"""What a training is given: all of it bound before the loop begins, and nothing of it changing while it runs."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from maskwise.losses.weighted_sum import Objective
from maskwise.recipe.train_config import RuntimeConfig, TrainConfig
from maskwise.records import Floats, Output, PhotoTable
from maskwise.training.batches import BatchSource, ReadArray
from maskwise.training.inference import Inference


@dataclass(frozen=True)
class Selection:
    """The people whose macro F1 chooses the checkpoint. ``read`` takes positions in ``table``."""

    table: PhotoTable
    read: ReadArray
    score: Callable[[PhotoTable, Floats], tuple[float, float]]
    """(table, probabilities) → (macro F1, accuracy)."""
    patience_epochs: int | None


@dataclass(frozen=True)
class Fit:
    """All that one training needs, bound; nothing in here changes while it runs."""

    source: BatchSource
    selection: Selection | None
    objective_at: Callable[[float], Objective]
    """The objective of an epoch, by the share of the training that is over: some losses change on the way."""
    auxiliary: Callable[[Output, Tensor], Tensor] | None
    """(output, ages in years N) → a further loss N, weight included."""
    inference: Inference
    """How the selection people are predicted; its input spec and device are those of the training."""
    config: TrainConfig
    runtime: RuntimeConfig
    distilled: Callable[[Tensor, Tensor, Tensor, Tensor | None], Tensor] | None = None
    """(loss of the labels, logits N × C, the teacher's rows, weights N or None) → the loss of both, a scalar."""
    still: Mapping[str, Tensor] = dataclasses.field(default_factory=dict)
    """Tensors that belong to the net and are not in the model that learns: they are kept together with its weights."""

    @property
    def device(self) -> torch.device:
        """Where it runs."""
        return self.inference.device
