"""The loss of a student, worked by hand and held against Hinton's formula in torch."""

from __future__ import annotations

import math

import pytest
import torch

from maskwise.losses.distillation import distilled


def test_worked_by_hand() -> None:
    """Equal logits give 1/2 each at every temperature, so the teacher's part is T² · log 2."""
    logits, teacher = torch.zeros(1, 2), torch.tensor([[0.9, 0.1]])
    loss = distilled(torch.tensor(5.0), logits, teacher, share=0.75, temperature=2.0)
    assert float(loss) == pytest.approx(0.75 * 4 * math.log(2) + 0.25 * 5.0)
    assert float(distilled(torch.tensor(5.0), logits, teacher, share=1.0, temperature=1.0)) == pytest.approx(
        math.log(2)
    )


def test_the_teachers_part_is_torchs_and_photos_weigh_what_they_weigh() -> None:
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(6, 18, generator=generator)
    teacher = torch.softmax(torch.randn(6, 18, generator=generator), 1)
    weight = torch.tensor([1.0, 1.0, 0.0, 2.0, 1.0, 0.0])
    soft = torch.nn.functional.cross_entropy(logits / 3, teacher, reduction="none") * 9
    expected = 0.4 * (soft * weight).sum() / weight.sum() + 0.6 * 2.0
    found = distilled(torch.tensor(2.0), logits, teacher, weight, share=0.4, temperature=3.0)
    assert float(found) == pytest.approx(float(expected), rel=1e-5)


def test_a_student_that_predicts_as_the_teacher_does_learns_nothing_more_from_it() -> None:
    teacher_logits = torch.tensor([[2.0, 0.0, -1.0]])
    logits = teacher_logits.clone().requires_grad_()
    softened = torch.softmax(teacher_logits / 2, 1)
    distilled(torch.tensor(0.0), logits, softened, share=1.0, temperature=2.0).backward()  # type: ignore[no-untyped-call]
    assert logits.grad is not None
    assert torch.allclose(logits.grad, torch.zeros(1, 3), atol=1e-6)
