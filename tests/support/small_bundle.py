"""A bundle that nobody trained, written in milliseconds: its predictions follow from the mean color of the photo."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from maskwise.ensembles.config import SoftVote
from maskwise.export.bundle_files import CHECKSUMS, checksum_lines
from maskwise.export.manifest import MANIFEST, BundleInput, BundlePart, Manifest, Member
from maskwise.faces.config import FullFrame
from maskwise.faces.framing import Framing
from maskwise.labels import Task

HEIGHT, WIDTH = 48, 36
NETWORK = "networks/mean-color.onnx"
FRAMING = Framing(height_px=512, width_px=384, center_x=0.5, center_y=0.51, wide=0.42, tall=0.42, n_photos=20)


def write_small_bundle(
    folder: Path, framing: Framing | None = FRAMING, temperature: float | None = 1.5, layers: int = 0
) -> Path:
    """The bundle in ``folder``; every layer of ``layers`` costs some milliseconds of computing and changes nothing."""
    shown = BundleInput(
        crop=FullFrame(), height_px=HEIGHT, width_px=WIDTH, mean_C=(0.5, 0.5, 0.5), std_C=(0.5, 0.5, 0.5)
    )
    task = Task()
    part = BundlePart(
        attributes=task.attributes, input=0, views=("as_is",), tells_age=True, networks=({"fp32": NETWORK},)
    )
    manifest = Manifest(
        name="small",
        task=task,
        inputs=(shown,),
        members=(Member(run_id="0" * 16, name="small", weight=1.0, parts=(part,)),),
        vote=SoftVote(),
        temperature=temperature,
        framing=framing,
        versions={"maskwise": "0"},
    )
    files = {
        MANIFEST: manifest.model_dump_json(indent=1).encode(),
        NETWORK: _mean_color_network(task.n_classes, layers),
        "MODEL_CARD.md": b"# Model card: small\n",
        "LICENCES.md": b"# Licenses\n",
    }
    files[CHECKSUMS] = checksum_lines(files).encode()
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    return folder


def _mean_color_network(n_classes: int, layers: int) -> bytes:
    rng = np.random.default_rng(5)
    weights = {
        "color_to_class": rng.normal(0, 0.05, (3, n_classes)),
        "color_to_age": np.array([[0.1], [0.1], [0.0]]),
        "one": np.ones(1),
        "none": np.zeros(1),
        "widen": rng.normal(0, 0.1, (64, 3, 3, 3)),
        **{f"heavy_{layer}": rng.normal(0, 0.01, (64, 64, 3, 3)) for layer in range(layers)},
    }
    nodes = [
        helper.make_node("Cast", ["pixels"], ["floats"], to=TensorProto.FLOAT),
        helper.make_node("ReduceMean", ["floats", "sides"], ["color"], keepdims=0),
        helper.make_node("MatMul", ["color", "color_to_class"], ["logits"]),
        *_busy_work(layers),
        helper.make_node("Softmax", ["all_logits"], ["probs"], axis=1),
        helper.make_node("MatMul", ["color", "color_to_age"], ["ages"]),
        helper.make_node("Squeeze", ["ages", "last"], ["age"]),
    ]
    constants = [numpy_helper.from_array(value.astype(np.float32), name) for name, value in weights.items()]
    constants += [numpy_helper.from_array(np.array([1, 2], np.int64), "sides")]
    constants += [numpy_helper.from_array(np.array([1], np.int64), "last")]
    graph = helper.make_graph(
        nodes,
        "mean_color",
        [helper.make_tensor_value_info("pixels", TensorProto.UINT8, ["n", HEIGHT, WIDTH, 3])],
        [
            helper.make_tensor_value_info("probs", TensorProto.FLOAT, ["n", n_classes]),
            helper.make_tensor_value_info("age", TensorProto.FLOAT, ["n"]),
        ],
        constants,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    onnx.checker.check_model(model)
    content: bytes = model.SerializeToString()
    return content


def _busy_work(layers: int) -> list[onnx.NodeProto]:
    """Convolutions whose result is multiplied by zero and added to the logits."""
    nodes = [
        helper.make_node("Transpose", ["floats"], ["planes"], perm=[0, 3, 1, 2]),
        helper.make_node("Conv", ["planes", "widen"], ["layer_0"], pads=[1, 1, 1, 1]),
    ]
    for layer in range(layers):
        inputs = [f"layer_{layer}", f"heavy_{layer}"]
        nodes.append(helper.make_node("Conv", inputs, [f"layer_{layer + 1}"], pads=[1, 1, 1, 1]))
    return [
        *nodes,
        helper.make_node("ReduceMean", [f"layer_{layers}"], ["busy"], keepdims=0, name="busy_mean"),
        helper.make_node("Mul", ["busy", "none"], ["nothing"]),
        helper.make_node("Add", ["logits", "nothing"], ["all_logits"]),
    ]
