"""Every shipped recipe on few drawn people, small: ``first_steps.py DATA STORE CACHE [RECIPE…]``, also under torchrun.

Dropout is left out, whose masks differ from process to process, and so are pretrained weights that are not here. What
is computed in single precision otherwise is computed in double: where a batch norm makes a gradient vanish, rounding
gives it a sign, and Adam makes a whole step of it.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode

from maskwise.listeners import Silent
from maskwise.models.published import is_here
from maskwise.recipe.config import Recipe
from maskwise.recipe.identity import run_id
from maskwise.recipe.load import ladder_names, load_recipe, shipped_names
from maskwise.training.processes import follower_store, joined_processes
from maskwise.workflows.engines import train_order
from maskwise.workflows.run_recipe import Order, Place

SMALLER = {
    "height_px": 48,
    "width_px": 40,
    "epochs": 1,
    "batch_size": 27,
    "accumulate_batches": 1,
    "warmup_epochs": 0,
    "schedule": {"kind": "constant"},
    "dropout": 0.0,
    "precision": "fp32",
    "checkpoint": {"kind": "last"},
    "batch_norm": "sync",
}
"""Settings by name, wherever they stand. Batches that two processes do not share evenly."""
LIGHTER = {"resnext50_32x4d": "shufflenet_v2_x0_5", "tf_efficientnet_b4": "tf_efficientnet_lite0"}
"""Backbones in place of those of 20 million weights."""


def small_recipes(*names: str) -> list[Recipe]:
    """Those of ``names``, or all that ship; some are equal when they are small."""
    found = names or (*shipped_names(), *ladder_names())
    return list({run_id(recipe, ""): recipe for recipe in map(small, found)}.values())


def small(name: str) -> Recipe:
    """The recipe at a size of seconds."""
    settings = _smaller(load_recipe(name).model_dump(mode="json"))
    settings["split"] = {"kind": "hold_out", "share": 0.25, "seed": 0}
    settings["runtime"] = {"device": "cpu", "workers": 0, "checkpoint_every_s": 3600}
    return Recipe.model_validate_json(json.dumps(settings))


def _smaller(settings: Any) -> Any:
    if isinstance(settings, list):
        return [_smaller(each) for each in settings]
    if not isinstance(settings, dict):
        return LIGHTER.get(settings, settings) if isinstance(settings, str) else settings
    found = {name: SMALLER.get(name, _smaller(value)) for name, value in settings.items()}
    weights = found.get("weights")
    if isinstance(weights, dict) and not _are_here(weights["kind"]):
        found["weights"] = {"kind": "none"}
    if found.get("freeze_backbone_epochs"):
        found["freeze_backbone_epochs"] = SMALLER["epochs"]
    return found


def _are_here(weights: str) -> bool:
    """Those of the hub are taken for missing: nobody has them at hand."""
    return weights == "bundled" or (weights == "faces" and is_here("faces"))


class InDouble(TorchFunctionMode):
    """Inside, what asks for single precision gets double."""

    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        return (Tensor.double if func is Tensor.float else func)(*args, **(kwargs or {}))


def main(data: str, store: str, cache: str, *names: str) -> None:
    """A run of each, kept by the first process."""
    torch.set_default_dtype(torch.float64)
    with joined_processes(), follower_store() as elsewhere, InDouble():
        for recipe in small_recipes(*names):
            place = Place(Path(data), elsewhere or Path(store), Path(cache))
            train_order(Order(recipe, place, ("first_steps",)), {}, Silent())


if __name__ == "__main__":
    main(*sys.argv[1:])
