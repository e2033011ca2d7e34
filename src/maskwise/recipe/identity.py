"""The identity of a run: a hash of what decides its numbers."""

from __future__ import annotations

import hashlib
import json

from maskwise.faces.config import decisive_settings
from maskwise.recipe.config import Recipe

_LATER = {"cached_views": None, "layout": "channels_last"}
"""Settings of ``train`` that runs from before did not have, and the value that says what they did."""


def run_id(recipe: Recipe, data_checksum: str) -> str:
    """16 hex digits from the validated recipe (seed included) and the data's checksum; name and runtime left out."""
    # Switched off they are left out, so that runs from before they could be set keep their ids.
    off = {name for name in ("self_training", "parts") if not getattr(recipe, name)}
    decisive = recipe.model_dump(mode="json", exclude={"name", "runtime", *off})
    if recipe.data.draw_masks is None:
        del decisive["data"]["draw_masks"]
    inputs = (recipe.input, *(part.input for part in recipe.parts))
    for each, shown in zip((decisive, *decisive.get("parts", ())), inputs, strict=True):
        if shown is not None:
            each["input"]["crop"] = decisive_settings(shown.crop)
        train = each["train"]
        for name, default in _LATER.items():
            if train is not None and train[name] == default:
                del train[name]
    text = json.dumps([decisive, data_checksum], sort_keys=True, separators=(",", ":"))
    return hashlib.blake2b(text.encode(), digest_size=8).hexdigest()
