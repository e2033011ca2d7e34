"""Distillation: a model learns from the probabilities of another one beside the labels."""

from __future__ import annotations

from torch import Tensor

from maskwise.losses.cross_entropy import cross_entropy
from maskwise.losses.weighted_sum import weighted_mean


def distilled(
    label_loss: Tensor,
    logits_NC: Tensor,
    teacher_NC: Tensor,
    weight_N: Tensor | None = None,
    *,
    share: float,
    temperature: float,
) -> Tensor:
    """share · T² · CE(teacher, softmax(logits / T)) + (1 − share) · ``label_loss``, the scalar loss of the labels.

    ``teacher_NC`` are the teacher's probabilities at the temperature T already: p^(1/T), rows scaled to sum 1. T² keeps
    the size of the gradients as T changes (Hinton, Vinyals and Dean 2015, arXiv 1503.02531, section 2.1).
    """
    soft_N = cross_entropy(logits_NC / temperature, teacher_NC) * temperature**2
    return share * weighted_mean(soft_N, weight_N) + (1 - share) * label_loss
