"""A network in 8-bit whole numbers: smaller, and faster where the processor multiplies bytes."""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import onnx
from onnxruntime.quantization import (
    CalibrationDataReader,
    CalibrationMethod,
    QuantFormat,
    QuantType,
    quantize_static,
)
from onnxruntime.quantization.shape_inference import quant_pre_process

from maskwise.records import Image

CALIBRATION_PHOTOS = 256
_BATCH = 16
_QUANTIZED = ["Conv", "MatMul", "Add", "Clip", "Relu", "MaxPool", "AveragePool", "GlobalAveragePool"]
"""What computes; scaling before it, the heads and all that follows them stay in float. Clip and Relu must be in it: the
range of a convolution's output before them is many times the one that is used."""


class _Pixels(CalibrationDataReader):  # type: ignore[misc]  # the package has no types
    def __init__(self, pixels_NHWC: Image) -> None:
        starts = range(0, len(pixels_NHWC), _BATCH)
        self.batches: Iterator[Image] = iter([pixels_NHWC[start : start + _BATCH] for start in starts])

    def get_next(self) -> dict[str, Image] | None:
        """The next batch, or None after the last."""
        batch = next(self.batches, None)
        return None if batch is None else {"pixels": np.ascontiguousarray(batch)}


def to_int8(network: bytes, pixels_NHWC: Image) -> bytes:
    """``network`` with weights and activations in 8 bits, their ranges measured on ``pixels_NHWC``.

    Static quantization, weights by channel, activations by tensor: B. Jacob et al., "Quantization and training of
    neural networks for efficient integer-arithmetic-only inference", CVPR 2018, arXiv 1712.05877.
    """
    with tempfile.TemporaryDirectory() as scratch:
        plain, ready, quantized = (Path(scratch) / name for name in ("plain.onnx", "ready.onnx", "int8.onnx"))
        plain.write_bytes(network)
        quant_pre_process(str(plain), str(ready), skip_symbolic_shape=True)
        level = logging.getLogger().level
        logging.getLogger().setLevel(logging.ERROR)  # the package advises on the root logger
        try:
            quantize_static(
                str(ready),
                str(quantized),
                _Pixels(pixels_NHWC),
                quant_format=QuantFormat.QDQ,
                op_types_to_quantize=_QUANTIZED,
                nodes_to_exclude=_first_convolution(ready),
                per_channel=True,
                activation_type=QuantType.QUInt8,
                weight_type=QuantType.QInt8,
                calibrate_method=CalibrationMethod.MinMax,
            )
        finally:
            logging.getLogger().setLevel(level)
        return quantized.read_bytes()


def _first_convolution(network: Path) -> list[str]:
    """The name of the node that reads the photo: in 8 bits it loses most, in float it costs hardly any time."""
    nodes = onnx.load(network).graph.node
    return [node.name for node in nodes if node.op_type == "Conv"][:1]
