"""The identity of a run: a hash of what decides its numbers."""

from __future__ import annotations

import hashlib
import json

from maskwise.recipe.config import Recipe


def run_id(recipe: Recipe, data_checksum: str) -> str:
    """16 hex digits from the validated recipe (seed included) and the data's checksum; name and runtime left out."""
    # Switched off it is left out, so that runs from before there was self-training keep their ids.
    off = {"self_training"} if recipe.self_training is None else set()
    decisive = recipe.model_dump(mode="json", exclude={"name", "runtime", *off})
    text = json.dumps([decisive, data_checksum], sort_keys=True, separators=(",", ":"))
    return hashlib.blake2b(text.encode(), digest_size=8).hexdigest()
