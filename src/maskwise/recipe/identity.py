"""The identity of a run: a hash of what decides its numbers."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from maskwise.faces.config import decisive_settings
from maskwise.recipe.config import Recipe

_LATER: dict[str, dict[str, Any]] = {
    "train": {
        "cached_views": None,
        "layout": "channels_last",
        "on_nonfinite": "stop",
        "frozen_blocks": 0,
        "pretrained_share": None,
        "batch_norm": "sync",
    },
    "attributes": {"gender": "linear"},
    "f1": {"classes": "present"},
    "undersample_masked": {"then": {"kind": "natural"}},
    "adam": {"weight_decay": 0.0, "betas": [0.9, 0.999]},
    **{kind: {"betas": [0.9, 0.999]} for kind in ("adamw", "nadam", "radam", "adamax")},
    "sgd": {"nesterov": False},
    "predict": {"fold_vote": "soft", "fold_views": "all"},
}
"""By section or kind: settings that earlier runs did not have, and the value that says what they did."""


def run_id(recipe: Recipe, data_checksum: str) -> str:
    """16 hex digits from the validated recipe (seed included) and the data's checksum; name and runtime left out."""
    # Switched off they are left out, so that runs from before they could be set keep their ids.
    off = {name for name in ("self_training", "distillation", "parts") if not getattr(recipe, name)}
    decisive = recipe.model_dump(mode="json", exclude={"name", "runtime", *off})
    if recipe.data.draw_masks is None:
        del decisive["data"]["draw_masks"]
    inputs = (recipe.input, *(part.input for part in recipe.parts))
    for each, shown in zip((decisive, *decisive.get("parts", ())), inputs, strict=True):
        if shown is not None:
            each["input"]["crop"] = decisive_settings(shown.crop)
    text = json.dumps([_without_later(decisive, ""), data_checksum], sort_keys=True, separators=(",", ":"))
    return hashlib.blake2b(text.encode(), digest_size=8).hexdigest()


def _without_later(settings: Any, section: str) -> Any:
    """``settings`` without those that say what runs from before they existed did, so that those keep their ids."""
    if isinstance(settings, list):
        return [_without_later(each, section) for each in settings]
    if not isinstance(settings, dict):
        return settings
    later = {**_LATER.get(section, {}), **_LATER.get(str(settings.get("kind")), {})}
    return {
        name: _without_later(value, name)
        for name, value in settings.items()
        if name not in later or value != later[name]
    }
