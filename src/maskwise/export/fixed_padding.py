"""Padding that a network works out anew for every photo, written down as the fixed numbers that it is.

Backbones with TensorFlow's SAME padding, as EfficientNet-Lite, compute from the size of their input how much to pad. A
bundle's network has one size only. With the numbers fixed, the padding becomes a part of the convolution after it: no
copy of the image, and ONNX Runtime keeps its own layout of memory from the first convolution to the last. For
EfficientNet-Lite0 that is a quarter of the time.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

import numpy as np
import onnx
import onnxruntime
from onnx import GraphProto, ModelProto, NodeProto, helper, numpy_helper

from maskwise.records import Ints

_BATCHES_TRIED = (1, 2)
"""Photos in a batch. What is fixed must come out equal for both."""


def fix_padding(network: bytes, shape_HWC: Sequence[int]) -> bytes:
    """``network`` with the same outputs, in which every zero padding that does not depend on the photos is fixed.

    A padding that only a convolution reads becomes the convolution's own.
    """
    model = onnx.load_from_string(network)
    fixed_of = _fixed_pads(model, shape_HWC)
    if not fixed_of:
        return network
    for pad in [node for node in model.graph.node if node.input and node.op_type == "Pad"]:
        if pad.input[1] in fixed_of:
            _fix(model.graph, pad, fixed_of[pad.input[1]])
    _drop_unread(model.graph)
    onnx.checker.check_model(model)
    return bytes(model.SerializeToString())


def _fixed_pads(model: ModelProto, shape_HWC: Sequence[int]) -> dict[str, Ints]:
    """By name, the amounts that zero paddings come to, where they are the same for batches of several sizes."""
    names = sorted({node.input[1] for node in model.graph.node if _pads_with_zeros(node, model.graph)})
    if not names:
        return {}
    probe = ModelProto()
    probe.CopyFrom(model)
    made = {name for node in model.graph.node for name in node.output}
    computed = [name for name in names if name in made]
    probe.graph.output.extend(helper.make_empty_tensor_value_info(name) for name in computed)
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = onnxruntime.InferenceSession(probe.SerializeToString(), options, providers=["CPUExecutionProvider"])
    amounts = [session.run(computed, {"pixels": np.zeros((n, *shape_HWC), dtype=np.uint8)}) for n in _BATCHES_TRIED]
    return {name: pads for name, pads, again in zip(computed, *amounts, strict=True) if np.array_equal(pads, again)}


def _pads_with_zeros(node: NodeProto, graph: GraphProto) -> bool:
    """Whether ``node`` is a padding of all axes with the constant 0."""
    if node.op_type != "Pad" or any(each.name == "mode" and each.s != b"constant" for each in node.attribute):
        return False
    if len(node.input) > 3 and node.input[3]:
        return False
    return len(node.input) < 3 or not node.input[2] or _constant(graph, node.input[2]) == 0


def _constant(graph: GraphProto, name: str) -> float | None:
    """The single number of that name; None where it is computed."""
    for tensor in graph.initializer:
        if tensor.name == name:
            return float(numpy_helper.to_array(tensor).reshape(-1)[0])
    for node in graph.node:
        if node.op_type == "Constant" and name in node.output and node.attribute[0].name == "value":
            return float(numpy_helper.to_array(node.attribute[0].t).reshape(-1)[0])
    return None


def _fix(graph: GraphProto, pad: NodeProto, pads: Ints) -> None:
    readers = [node for node in graph.node if pad.output[0] in node.input]
    own = readers[0] if len(readers) == 1 else None
    if own is not None and own.op_type == "Conv" and own.input[0] == pad.output[0] and _spatial_only(pads):
        _give_to_convolution(own, pads)
        own.input[0] = pad.input[0]
        return
    name = f"{pad.output[0]}_fixed_pads"
    graph.initializer.append(numpy_helper.from_array(pads, name))
    pad.input[1] = name


def _spatial_only(pads: Ints) -> bool:
    """Whether ``pads`` (before N, C, H, W, then after them) leave photos and channels alone."""
    return len(pads) == 8 and not pads[[0, 1, 4, 5]].any() and bool((pads >= 0).all())


def _give_to_convolution(convolution: NodeProto, pads: Ints) -> None:
    before = next((each for each in convolution.attribute if each.name == "pads"), None)
    own = np.zeros(4, dtype=np.int64) if before is None else np.array(before.ints)
    if before is not None:
        convolution.attribute.remove(before)
    convolution.attribute.append(helper.make_attribute("pads", (own + pads[[2, 3, 6, 7]]).tolist()))


def _drop_unread(graph: GraphProto) -> None:
    """Take out nodes and constants whose results nobody reads, until there are none."""
    while True:
        read = Counter(_read(graph.node)) + Counter(each.name for each in graph.output)
        unread = [node for node in graph.node if not any(name in read for name in node.output)]
        if not unread:
            break
        for node in unread:
            graph.node.remove(node)
    for tensor in [each for each in graph.initializer if each.name not in read]:
        graph.initializer.remove(tensor)


def _read(nodes: Iterable[NodeProto]) -> Iterable[str]:
    return (name for node in nodes for name in node.input)
