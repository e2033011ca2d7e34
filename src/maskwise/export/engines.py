"""Which engine computes which precision: the one place that knows."""

from __future__ import annotations

from typing import Literal, assert_never, get_args

from maskwise.errors import DataError, must
from maskwise.export.manifest import StoredPrecision
from maskwise.export.onnx_content import unsafe_content
from maskwise.export.onnxruntime_engine import open_in_onnxruntime
from maskwise.export.opened_network import EXPORT_AGAIN, Opened
from maskwise.export.openvino_engine import core_with_bf16, open_in_openvino

BundlePrecision = Literal["fp32", "int8", "bf16"]
"""In which numbers a bundle's networks are computed."""
PRECISIONS: tuple[BundlePrecision, ...] = get_args(BundlePrecision)


def stored_as(precision: BundlePrecision) -> StoredPrecision:
    """Which of a bundle's files is opened for ``precision``."""
    match precision:
        case "fp32" | "bf16":
            return "fp32"
        case "int8":
            return "int8"
        case _:
            assert_never(precision)


def refuse_uncomputable(precision: BundlePrecision) -> None:
    """``UserError`` where this machine lacks what computes ``precision``."""
    match precision:
        case "fp32" | "int8":
            return
        case "bf16":
            core_with_bf16()
        case _:
            assert_never(precision)


def open_network(data: bytes, precision: BundlePrecision, threads: int, thing: str) -> Opened:
    """The network in ``data``, to be run by up to ``threads`` threads at once.

    ``DataError`` that names ``thing`` for what is no network or names other files; ``UserError`` where this machine
    lacks what computes ``precision``.
    """
    unsafe = unsafe_content(data)
    if unsafe is not None:
        raise DataError(must(thing, "a network that export wrote", unsafe, EXPORT_AGAIN))
    match precision:
        case "fp32" | "int8":
            return open_in_onnxruntime(data, thing)
        case "bf16":
            return open_in_openvino(data, threads, thing)
        case _:
            assert_never(precision)
