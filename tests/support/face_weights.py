"""The published face weights in tests: skipped by name where they are not here, and a tiny graph of the same make."""

from __future__ import annotations

import json

import numpy as np
import pytest
from numpy.typing import NDArray

from maskwise.models.published import is_here

needs_face_weights = pytest.mark.skipif(
    not is_here("faces"), reason="the published weights faces are not here: maskwise weights add faces"
)

TINY_BLOCKS = ((4, 1), (6, 2), (8, 1))
TINY_STEM = 3

Arrays = dict[str, NDArray[np.float32]]


def tiny_arrays(rng: np.random.Generator) -> Arrays:
    """What a graph of three blocks holds, in the names and shapes of the published one."""
    arrays: Arrays = {}

    def add(name: str, *shape: int) -> None:
        arrays[name] = rng.normal(0, 0.5, shape).astype(np.float16).astype(np.float32)

    add("age_pred/kernel", 5, 100)
    add("age_pred/bias", 100)
    add("feats/kernel", TINY_BLOCKS[-1][0], 5)
    add("feats/bias", 5)
    add("gender_pred/kernel", 5, 1)
    add("gender_pred/bias", 1)
    add("conv1/convolution/merged_input", 3, 3, 3, TINY_STEM)
    add("conv1_bn/batchnorm_1/sub", TINY_STEM)
    before = TINY_STEM
    for block, (channels, _) in enumerate(TINY_BLOCKS, start=1):
        add(f"conv_dw_{block}/depthwise_kernel", 3, 3, before, 1)
        add(f"conv_dw_{block}_bn/batchnorm_1/mul", before)
        add(f"conv_dw_{block}_bn/batchnorm_1/sub", before)
        add(f"conv_pw_{block}/convolution/merged_input", 1, 1, before, channels)
        add(f"conv_pw_{block}_bn/batchnorm_1/sub", channels)
        before = channels
    return arrays


def as_graph(arrays: Arrays) -> tuple[bytes, bytes]:
    """The JSON and the numbers of a TensorFlow.js model: float16, and one int32 constant at the end as there."""
    entries = [
        {"name": name, "shape": list(values.shape), "dtype": "float32", "quantization": {"dtype": "float16"}}
        for name, values in arrays.items()
    ]
    entries.append({"name": "global_pooling/Mean/reduction_indices", "shape": [2], "dtype": "int32"})
    numbers = b"".join(values.astype("<f2").tobytes() for values in arrays.values())
    graph = {"format": "graph-model", "weightsManifest": [{"paths": ["faceres.bin"], "weights": entries}]}
    return json.dumps(graph).encode(), numbers + np.array([1, 2], "<i4").tobytes()
