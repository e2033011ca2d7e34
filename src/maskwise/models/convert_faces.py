"""From a TensorFlow.js graph of the face network to torch's tensors.

The graph is JSON beside a file of numbers. Its batch norms are folded already: a pointwise kernel holds its factor, a
depthwise one has it beside it (``…/batchnorm_1/mul``), and the shifts (``…/sub``) are the biases. Kernels lie height ×
width × in × out there. The network takes BGR, ours RGB, so the stem's input channels are turned round.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from maskwise.errors import WeightsError, must
from maskwise.files import parse_json

Arrays = Mapping[str, NDArray[np.float32]]
_STORED: dict[str, np.dtype[Any]] = {"float16": np.dtype("<f2"), "float32": np.dtype("<f4"), "int32": np.dtype("<i4")}


def read_graph(graph: bytes, numbers: bytes, source: str) -> Arrays:
    """Names → arrays, as float32, of a TensorFlow.js model: its JSON and its one file of numbers.

    ``WeightsError`` where the JSON is no such model, or the file is not as long as it says.
    """
    try:
        groups = parse_json(graph)["weightsManifest"]
        entries: list[dict[str, Any]] = [entry for group in groups for entry in group["weights"]]
        stored = [_STORED[entry.get("quantization", entry)["dtype"]] for entry in entries]
        shapes = [tuple(int(side) for side in entry["shape"]) for entry in entries]
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError) as error:
        rule = "a TensorFlow.js graph with weights in float16 or float32"
        raise WeightsError(must(f"weights in {source}", rule, type(error).__name__, _BRING)) from None
    sizes = [math.prod(shape) * dtype.itemsize for shape, dtype in zip(shapes, stored, strict=True)]
    if sum(sizes) != len(numbers):
        raise WeightsError(must(f"weights in {source}", f"of {sum(sizes):,} bytes", f"{len(numbers):,}", _BRING))
    arrays, start = {}, 0
    for entry, shape, dtype, size in zip(entries, shapes, stored, sizes, strict=True):
        values = np.frombuffer(numbers, dtype, count=size // dtype.itemsize, offset=start)
        arrays[str(entry["name"])] = values.astype(np.float32).reshape(shape)
        start += size
    return arrays


def convert(arrays: Arrays, source: str) -> dict[str, Tensor]:
    """The tensors of ``FaceNetwork`` under ``backbone.``, and those of the published heads under their own names.

    ``WeightsError`` where one is missing.
    """
    blocks = sum(name.startswith("conv_dw_") and name.endswith("/depthwise_kernel") for name in arrays)
    try:
        state = {
            "backbone.stem.weight": _kernel(arrays["conv1/convolution/merged_input"])[:, [2, 1, 0]],
            "backbone.stem.bias": arrays["conv1_bn/batchnorm_1/sub"],
        }
        for block in range(1, blocks + 1):
            state |= _block(arrays, block)
        for head in ("feats", "gender_pred", "age_pred"):
            state |= {f"{head}.weight": arrays[f"{head}/kernel"].T, f"{head}.bias": arrays[f"{head}/bias"]}
    except KeyError as error:
        raise WeightsError(must(f"weights in {source}", "the face network's", f"none named {error}", _BRING)) from None
    return {name: torch.from_numpy(np.array(values, np.float32, order="C")) for name, values in state.items()}


_BRING = "Bring the package again: maskwise weights add faces."


def _block(arrays: Arrays, block: int) -> dict[str, NDArray[np.float32]]:
    depthwise_HWD1 = arrays[f"conv_dw_{block}/depthwise_kernel"]
    factor_D = arrays[f"conv_dw_{block}_bn/batchnorm_1/mul"]
    place = f"backbone.blocks.{block - 1}"
    return {
        f"{place}.depthwise.weight": depthwise_HWD1.transpose(2, 3, 0, 1) * factor_D[:, None, None, None],
        f"{place}.depthwise.bias": arrays[f"conv_dw_{block}_bn/batchnorm_1/sub"],
        f"{place}.pointwise.weight": _kernel(arrays[f"conv_pw_{block}/convolution/merged_input"]),
        f"{place}.pointwise.bias": arrays[f"conv_pw_{block}_bn/batchnorm_1/sub"],
    }


def _kernel(kernel_HWIO: NDArray[np.float32]) -> NDArray[np.float32]:
    return kernel_HWIO.transpose(3, 2, 0, 1)
