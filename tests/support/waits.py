"""What makes a processor wait for a GPU, seen without a GPU.

Tensors on the device "meta" have a shape and no numbers. So whatever looks at a number fails there, and the rest is
seen in the operations: copies between devices that wait until they are done, and operations whose result's shape
depends on numbers (torch's own list of what synchronizes is ``torch.cuda.set_sync_debug_mode``, which needs a GPU).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

META = torch.device("meta")
_LOOKS = {"_local_scalar_dense", "nonzero", "bincount", "masked_select", "equal", "is_nonzero", "unique_dim"}
_COPIES = {"_to_copy", "copy_"}


class Waits(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Collects the names of operations that would hold up the processor if "meta" were a GPU."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.seen: list[str] = []

    def __torch_dispatch__(
        self,
        func: Callable[..., Any],
        types: Iterable[type],
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        given = kwargs or {}
        name = func.__name__.split(".")[0]
        if name in _COPIES and _crosses(args, given) and not _goes_on(name, args, given):
            self.seen.append(name)
        if name in _LOOKS and "meta" in _devices(args):
            self.seen.append(name)
        return func(*args, **given)


def _devices(values: Any) -> set[str]:
    return {leaf.device.type for leaf in tree_leaves(values) if isinstance(leaf, Tensor)}


def _crosses(args: tuple[Any, ...], given: dict[str, Any]) -> bool:
    target = given.get("device")
    return len(_devices(args) | ({torch.device(target).type} if target is not None else set())) > 1


def _goes_on(name: str, args: tuple[Any, ...], given: dict[str, Any]) -> bool:
    return bool(given.get("non_blocking") or (name == "copy_" and len(args) > 2 and args[2]))
