"""A backbone as a row of blocks from input to output: what is given its own rate or frozen on its own."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from torch import nn

OPENED_SHARE = 0.5
"""A part with more than this share of a backbone's weights is opened: its own parts are the blocks."""

Piece = tuple[list[str], Literal["block", "joins next", "joins previous"]]


def backbone_blocks(backbone: nn.Module) -> list[list[str]]:
    """The names of the parameters of each block, from input to output; every parameter is in exactly one block.

    timm's nets name their blocks themselves (``group_matcher``, the finest grouping: residual and attention blocks).
    In other nets the blocks are the parts in the order in which they were made. Plain sequences and parts with more
    than half of the weights are opened; a part without matrices or kernels (a normalization) joins the block before
    it; what an opened part holds itself (a class token) joins the block after it.
    """
    matcher = getattr(backbone, "group_matcher", None)
    if matcher is not None:
        from timm.models import group_parameters

        names_of_block: dict[int, list[str]] = group_parameters(backbone, matcher(coarse=False))
        return [names_of_block[number] for number in sorted(names_of_block)]
    blocks: list[list[str]] = []
    waiting: list[str] = []
    for names, role in _pieces(backbone, "", OPENED_SHARE * _weights(backbone)):
        if role == "block":
            blocks.append(waiting + names)
            waiting = []
        elif role == "joins previous" and blocks:
            blocks[-1] += names
        else:
            waiting += names
    if waiting and not blocks:
        return [waiting]
    return [*blocks[:-1], blocks[-1] + waiting] if blocks else []


def _pieces(module: nn.Module, prefix: str, opened_above: float) -> Iterator[Piece]:
    """The pieces of ``module``, which is opened, in the order in which they were made."""
    yield [f"{prefix}{name}" for name, _ in module.named_parameters(recurse=False)], "joins next"
    for child_name, child in module.named_children():
        name = f"{prefix}{child_name}"
        is_sequence = type(child) in (nn.Sequential, nn.ModuleList)
        if is_sequence or (_weights(child) > opened_above and any(True for _ in child.children())):
            yield from _pieces(child, f"{name}.", opened_above)
            continue
        parameters = dict(child.named_parameters())
        if parameters:
            has_matrix = any(parameter.ndim > 1 for parameter in parameters.values())
            yield [f"{name}.{own}" for own in parameters], "block" if has_matrix else "joins previous"


def _weights(module: nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())
