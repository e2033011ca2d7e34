"""Staged unfreezing: the blocks next to the head learn first (Howard & Ruder 2018, arXiv 1801.06146, section 3.3)."""

from __future__ import annotations

from torch import nn

from maskwise.errors import RecipeError, must
from maskwise.training.blocks import backbone_blocks


def learnable_blocks(frozen_blocks: int, n_blocks: int) -> int:
    """How many blocks learn in some epoch: all but the first ``frozen_blocks``. ``RecipeError`` where none is left."""
    if frozen_blocks and frozen_blocks >= n_blocks:
        remedy = "Lower it, or set train.freeze_backbone_epochs to train.epochs."
        raise RecipeError(must("train.frozen_blocks", f"below the backbone's {n_blocks} blocks", frozen_blocks, remedy))
    return n_blocks - frozen_blocks


def trainable_blocks(epoch: int, unfreeze_epochs: tuple[int, ...], n_blocks: int) -> int:
    """How many of a backbone's ``n_blocks`` learn in ``epoch`` (0 is the first), counted from the head.

    The blocks are cut into as many groups as ``unfreeze_epochs`` has numbers, as equal as can be; the group nearest to
    the head learns from the first of these epochs on, the next from the second. (2,) holds the whole backbone back for
    two epochs; () never holds it back. ``RecipeError`` when there are more groups than blocks. A backbone without
    blocks has nothing to hold back.
    """
    n_groups = len(unfreeze_epochs)
    if not n_groups or not n_blocks:
        return n_blocks
    if n_groups > n_blocks:
        rule = f"of at most as many epochs as the backbone has blocks ({n_blocks})"
        raise RecipeError(must("train.unfreeze_epochs", rule, n_groups, "Name fewer epochs."))
    begun = sum(epoch >= begin for begin in unfreeze_epochs)
    return -(-n_blocks * begun // n_groups)


def set_trainable(backbone: nn.Module, n_blocks_from_end: int) -> None:
    """Let that many blocks at the end of ``backbone`` learn and freeze those before.

    What is frozen has no gradient, and its batch-norm statistics and dropout stand still; the rest is put into training
    mode. A part without weights (a dropout) goes with the part before it.
    """
    blocks = backbone_blocks(backbone)
    frozen = {name for names in blocks[: len(blocks) - n_blocks_from_end] for name in names}
    for name, parameter in backbone.named_parameters():
        parameter.requires_grad_(name not in frozen)
    learns = not frozen
    for module in backbone.modules():
        parameters = list(module.parameters())
        if parameters:
            learns = any(parameter.requires_grad for parameter in parameters)
        # A part without weights goes with the last part that has some, so not through its parent as train() would.
        module.training = learns
