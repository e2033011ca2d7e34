"""What other trainers call the settings of a recipe, and which setting a misspelled address may mean."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from difflib import SequenceMatcher

OTHER_WORDS: Mapping[str, str] = {
    "epochs": "train.epochs",
    "batch": "train.batch_size",
    "batch_size": "train.batch_size",
    "bs": "train.batch_size",
    "lr": "train.optimizer.rate",
    "lr0": "train.optimizer.rate",
    "learning_rate": "train.optimizer.rate",
    "rate": "train.optimizer.rate",
    "weight_decay": "train.optimizer.weight_decay",
    "optimizer": "train.optimizer.kind",
    "scheduler": "train.schedule.kind",
    "warmup": "train.warmup_epochs",
    "precision": "train.precision",
    "device": "runtime.device",
    "gpu": "runtime.device",
    "workers": "runtime.workers",
    "num_workers": "runtime.workers",
    "seed": "seed",
    "name": "name",
    "loss": "loss.kind",
    "model": "model.backbone.name",
    "backbone": "model.backbone.name",
    "dropout": "model.dropout",
}
SIZE_WORDS = frozenset({"imgsz", "img_size", "image_size", "size", "resolution"})
"""Words for ``input.height_px`` and ``input.width_px`` at once."""

_ALIKE = 0.6


def meant_address(written: str, addresses: Iterable[str]) -> str | None:
    """The one of ``addresses`` that ``written`` may mean: by another trainer's word, else by likeness. None if none is
    alike.

    The last word and the words before it count alike: ``optimiser.lerning_rate`` is like ``train.optimizer.rate``.
    """
    *groups, leaf = written.split(".")
    if leaf in OTHER_WORDS:
        return OTHER_WORDS[leaf]
    scored = [(_likeness(groups, leaf, address.split(".")), address) for address in addresses]
    best, address = max(scored, default=(0.0, ""))
    return address if best >= _ALIKE else None


def _likeness(groups: list[str], leaf: str, words: list[str]) -> float:
    by_leaf = _ratio(leaf, words[-1])
    if not groups or len(words) == 1:
        return by_leaf
    return (by_leaf + max(_ratio(group, word) for group in groups for word in words[:-1])) / 2


def _ratio(one: str, other: str) -> float:
    return SequenceMatcher(None, one, other).ratio()
