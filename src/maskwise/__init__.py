"""maskwise: mask status × gender × age group of a face, learnt from few, imbalanced photos of many people.

``maskwise.load(path).predict(images)`` asks a bundle that ``maskwise export`` wrote; see ``maskwise.export.reader``.
"""

import importlib
from typing import Any

__version__ = "0.2.0"


def __getattr__(name: str) -> Any:
    """``maskwise.load``, looked up when it is first asked for: importing maskwise loads nothing."""
    if name != "load":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return importlib.import_module("maskwise.export.reader").load
