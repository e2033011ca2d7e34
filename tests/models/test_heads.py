"""The heads: C joint logits, a product of softmaxes, a quiet beginning."""

from __future__ import annotations

import pytest
import torch
from torch.testing import assert_close

from maskwise.labels import Task
from maskwise.models.heads import AttributesHead, CosineHead, JointHead, YearsToGroups, added_up, linear_neck

SIZES = (3, 2, 3)


def test_added_up_by_hand() -> None:
    joint_NC = added_up([torch.tensor([[0.0, 100.0]]), torch.tensor([[10.0, 20.0]]), torch.tensor([[1.0, 2.0, 3.0]])])
    assert joint_NC.tolist() == [[11, 12, 13, 21, 22, 23, 111, 112, 113, 121, 122, 123]]


def test_the_joint_softmax_is_the_product_of_the_attributes_softmaxes() -> None:
    generator = torch.Generator().manual_seed(0)
    logits = [3 * torch.randn(5, size, generator=generator, dtype=torch.float64) for size in SIZES]
    mask_NA, gender_NA, age_NA = (values.softmax(dim=1) for values in logits)
    product_NC = torch.einsum("ni,nj,nk->nijk", mask_NA, gender_NA, age_NA).flatten(1)
    assert_close(added_up(logits).softmax(dim=1), product_NC)
    # Class = mask · 6 + gender · 3 + age.
    assert_close(product_NC[:, 1 * 6 + 0 * 3 + 2], mask_NA[:, 1] * gender_NA[:, 0] * age_NA[:, 2])


def test_the_attributes_head_reads_its_layers_in_order() -> None:
    head = AttributesHead(4, SIZES)
    with torch.no_grad():
        for linear, bias in zip(head.attributes, ([0.0, 6, 12], [0.0, 3], [0.0, 1, 2]), strict=True):
            linear.weight.zero_()  # type: ignore[operator]
            linear.bias.copy_(torch.tensor(bias))  # type: ignore[operator]
    assert head(torch.ones(2, 4)).tolist() == [list(range(18))] * 2


@pytest.mark.parametrize("head", [JointHead(64, SIZES), AttributesHead(64, SIZES), AttributesHead(64, (18,))])
def test_a_new_head_begins_near_equal_probabilities(head: torch.nn.Module) -> None:
    logits_NC = head(torch.randn(50, 64, generator=torch.Generator().manual_seed(1)))
    assert logits_NC.shape == (50, 18)
    assert 0 < logits_NC.abs().max() < 1
    for name, parameter in head.named_parameters():
        assert bool((parameter == 0).all()) == name.endswith("bias")


def test_the_cosine_head_by_hand() -> None:
    head = CosineHead(2, (2, 2), scale=10.0)
    with torch.no_grad():
        head.class_vectors.copy_(torch.tensor([[5.0, 0], [0, 0.1], [-1, -1], [3, 4]]))
    logits_NC = head(torch.tensor([[2.0, 0.0], [0.3, 0.4]]))
    expected_NC = torch.tensor([[10, 0, -10 / 2**0.5, 6], [6, 8, -1.4 * 10 / 2**0.5, 10]])
    assert_close(logits_NC, expected_NC)


def test_cosine_logits_are_torchs_cosine_similarity_and_lengths_do_not_matter() -> None:
    torch.manual_seed(3)
    head, embedding_ND = CosineHead(7, SIZES, scale=16.0), 100 * torch.randn(5, 7)
    similarity_NC = torch.cosine_similarity(embedding_ND[:, None], head.class_vectors[None], dim=2)
    logits_NC = head(embedding_ND)
    assert_close(logits_NC, 16 * similarity_NC)
    assert_close(head(embedding_ND / 1000), logits_NC)
    assert logits_NC.abs().max() <= 16
    assert head(torch.zeros(1, 7)).tolist() == [[0.0] * 18]


def test_small_angles_survive_mixed_precision() -> None:
    """cos 1° = 0.99985 would be 1 in bfloat16."""
    head = CosineHead(2, (2,), scale=1.0)
    with torch.no_grad():
        head.class_vectors.copy_(torch.tensor([[1.0, 0], [0, 1.0]]))
    angle = torch.deg2rad(torch.tensor(1.0))
    with torch.autocast("cpu", dtype=torch.bfloat16):
        cosine = head(torch.stack([angle.cos(), angle.sin()])[None])[0, 0]
    assert cosine.item() == pytest.approx(angle.cos().item(), abs=1e-6)


def test_the_neck() -> None:
    values_ND = linear_neck(8, 5, "relu", 0.5).eval()(torch.randn(9, 8, generator=torch.Generator().manual_seed(2)))
    assert values_ND.shape == (9, 5)
    assert values_ND.min() == 0
    assert len(linear_neck(8, 5, "none", 0.0)) == 2


def test_years_join_the_groups_by_the_log_of_their_mass() -> None:
    """Ten years from 25 on, borders 30 and 60 in between: 5 of 40 years in the first group, and so on."""
    task = Task(attributes=("mask", "age"))
    joins = YearsToGroups(torch.arange(25, 65), task, factor=2.0)
    joined = joins(torch.zeros(1, 40))[0].view(3, 3)
    expected = 2 * torch.log(torch.tensor([5 / 40, 30 / 40, 5 / 40]))
    for row in joined:
        torch.testing.assert_close(row, expected)


def test_a_group_without_mass_stays_finite() -> None:
    logits = torch.full((1, 40), -1000.0)
    logits[0, 0] = 0.0
    assert torch.isfinite(YearsToGroups(torch.arange(25, 65), Task(), 1.0)(logits)).all()
