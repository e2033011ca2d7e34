"""Staged unfreezing: which blocks learn when, and that what is frozen stands still."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from maskwise.errors import RecipeError
from maskwise.listeners import Silent
from maskwise.recipe.optimizer_config import SGD
from maskwise.recipe.train_config import Last, TrainConfig
from maskwise.records import Output
from maskwise.training.freezing import learnable_blocks, set_trainable, trainable_blocks
from maskwise.training.loop import train_model
from support.fits import TASK, KillAt, Killed, equal_weights, tiny_fit


def test_trainable_blocks_by_hand() -> None:
    # 7 blocks in thirds: 3, 2, 2 from the head's end.
    assert [trainable_blocks(epoch, (0, 2, 5), 7) for epoch in range(7)] == [3, 3, 5, 5, 5, 7, 7]
    assert [trainable_blocks(epoch, (2,), 7) for epoch in range(4)] == [0, 0, 7, 7]
    assert [trainable_blocks(epoch, (), 7) for epoch in range(2)] == [7, 7]
    assert [trainable_blocks(epoch, (0, 1, 2), 3) for epoch in range(4)] == [1, 2, 3, 3]


@pytest.mark.parametrize("n_groups", range(1, 12))
def test_groups_are_as_equal_as_can_be_and_all_blocks_learn_in_the_end(n_groups: int) -> None:
    begins = tuple(range(n_groups))
    learning = [0, *(trainable_blocks(epoch, begins, 11) for epoch in begins)]
    sizes = [later - earlier for earlier, later in itertools.pairwise(learning)]
    assert sum(sizes) == 11
    assert max(sizes) - min(sizes) <= 1


def test_the_first_blocks_never_learn_and_some_must() -> None:
    assert [learnable_blocks(frozen, 14) for frozen in (0, 8, 13)] == [14, 6, 1]
    with pytest.raises(RecipeError, match=r"train\.frozen_blocks must .* 14 blocks, got 14"):
        learnable_blocks(14, 14)


def test_more_groups_than_blocks_are_refused() -> None:
    with pytest.raises(RecipeError, match=r"unfreeze_epochs must .* blocks \(3\), got 4"):
        trainable_blocks(0, (0, 1, 2, 3), 3)


class ThreeBlocks(nn.Module):
    """Three convolutions with batch-norm and dropout as the backbone, a linear head."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.backbone = nn.Sequential(
            *(part for n in (3, 4, 4) for part in (nn.Conv2d(n, 4, 3, padding=1), nn.BatchNorm2d(4), nn.Dropout(0.1))),
            nn.AdaptiveAvgPool2d(1),
            nn.Flatten(),
        )
        self.head = nn.Linear(4, TASK.n_classes)

    def forward(self, images_NCHW: Tensor) -> Output:
        embedding_ND = self.backbone(images_NCHW)
        return Output(self.head(embedding_ND), embedding_ND, None)


@pytest.mark.parametrize("learning", range(4))
def test_frozen_blocks_have_no_gradient_and_their_batch_norm_and_dropout_stand_still(learning: int) -> None:
    backbone = ThreeBlocks().backbone
    before = {name: tensor.clone() for name, tensor in backbone.state_dict().items()}
    set_trainable(backbone, learning)
    features = backbone(torch.rand(4, 3, 8, 8))
    if learning:
        features.sum().backward()
    for name, module in backbone.named_children():
        block = int(name) // 3
        learns = block >= 3 - learning if block < 3 else learning > 0
        assert module.training == learns, name
        assert all((parameter.grad is not None) == learns for parameter in module.parameters()), name
    for name, tensor in backbone.state_dict().items():
        moved = ("running" in name or "num_batches" in name) and int(name.split(".")[0]) // 3 >= 3 - learning
        assert torch.equal(tensor, before[name]) != moved, name


def test_thawing_undoes_freezing() -> None:
    backbone = ThreeBlocks().backbone
    set_trainable(backbone, 0)
    assert not backbone.training
    set_trainable(backbone, 3)
    assert all(parameter.requires_grad for parameter in backbone.parameters())
    assert all(module.training for module in backbone.modules())


def _config(epochs: int, unfreeze_epochs: tuple[int, ...], freeze_backbone_epochs: int = 0) -> TrainConfig:
    return TrainConfig(
        epochs=epochs,
        batch_size=8,
        optimizer=SGD(rate=0.05, weight_decay=0.01),
        unfreeze_epochs=unfreeze_epochs,
        freeze_backbone_epochs=freeze_backbone_epochs,
        checkpoint=Last(),
    )


def _after(config: TrainConfig, folder: Path) -> dict[str, Tensor]:
    return train_model(tiny_fit(config, select=False), ThreeBlocks(), folder, Silent()).state_dict()


@pytest.mark.parametrize(
    ("unfreeze_epochs", "epochs_of_block"),
    # The number of epochs, 3, stands for never; two groups of three blocks are two blocks and one.
    [((), (3, 3, 3)), ((0, 1, 2), (1, 2, 3)), ((1, 2), (1, 2, 2)), ((0, 3), (0, 3, 3)), ((3,), (0, 0, 0))],
)
def test_each_block_learns_from_its_epoch_on(
    unfreeze_epochs: tuple[int, ...], epochs_of_block: tuple[int, ...], tmp_path: Path
) -> None:
    first, after = ThreeBlocks().state_dict(), _after(_config(3, unfreeze_epochs), tmp_path)
    for block, epochs in enumerate(epochs_of_block):
        # Batch-norm counts the batches that it learned from: 50 photos are 7 an epoch.
        assert int(after[f"backbone.{3 * block + 1}.num_batches_tracked"]) == 7 * epochs
        kernel = f"backbone.{3 * block}.weight"
        assert torch.equal(after[kernel], first[kernel]) == (epochs == 0)
    assert not torch.equal(after["head.weight"], first["head.weight"])


def test_one_group_is_freeze_backbone_epochs(tmp_path: Path) -> None:
    by_stage = _after(_config(3, (1,)), tmp_path / "stage")
    by_epochs = _after(_config(3, (), freeze_backbone_epochs=1), tmp_path / "epochs")
    assert equal_weights(by_stage, by_epochs)
    assert not equal_weights(by_stage, _after(_config(3, ()), tmp_path / "free"))


def test_a_staged_training_killed_ends_with_the_same_weights(tmp_path: Path) -> None:
    config = _config(3, (0, 1, 2))
    whole = _after(config, tmp_path / "whole")
    for place in (3, 9, 16):
        folder = tmp_path / f"{place}"
        with pytest.raises(Killed):
            train_model(tiny_fit(config, select=False), ThreeBlocks(), folder, KillAt(place))
        assert equal_weights(_after(config, folder), whole)
