"""maskwise: mask status × gender × age group of a face, learned from few, imbalanced photos of many people.

``maskwise.train(recipe, data=…)`` gives a ``Run``; ``maskwise.runs()`` and ``maskwise.open(name)`` find earlier ones,
``maskwise.compare(a, b)`` tests one against another, and ``maskwise.load(path).predict(images)`` predicts.
Import it before torch: it sets how torch's threads wait and how many there are, unless the environment says so already.
"""

import importlib
from typing import Any

from maskwise.machine import settle_threads

__version__ = "0.2.0"

_HOMES = {
    "Run": "maskwise.api",
    "compare": "maskwise.api",
    "load": "maskwise.export.load_model:load_model",
    "open": "maskwise.api",
    "runs": "maskwise.api",
    "train": "maskwise.api",
}
"""Where each name is made; importing maskwise loads none of these."""

settle_threads()


def __getattr__(name: str) -> Any:
    """A name of the API, imported when it is first used."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module, _, attribute = _HOMES[name].partition(":")
    return getattr(importlib.import_module(module), attribute or name)


def __dir__() -> list[str]:
    return sorted([*globals(), *_HOMES])
