from __future__ import annotations

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from onnx import ModelProto, TensorProto, helper, numpy_helper
from timm.layers import Conv2dSame
from torch import Tensor, nn

from maskwise.export.fixed_padding import fix_padding
from maskwise.export.onnx_graph import to_onnx
from maskwise.records import InputSpec, Output

SHAPE = (9, 7, 3)


class SamePadded(nn.Module):
    """Convolutions that pad on one side only, by amounts that depend on the size: odd, even, with groups and with 5."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = Conv2dSame(3, 4, 3, stride=2), Conv2dSame(4, 4, 5, stride=2, groups=4)
        self.head = nn.Linear(4, 18)

    def forward(self, images_NCHW: Tensor) -> Output:
        features_ND = self.second(self.first(images_NCHW).relu()).mean((2, 3))
        return Output(self.head(features_ND), features_ND, None)


def predict(network: bytes, pixels_NHWC: np.ndarray) -> np.ndarray:
    session = onnxruntime.InferenceSession(network, providers=["CPUExecutionProvider"])
    return np.asarray(session.run(None, {"pixels": pixels_NHWC})[0])


def operations(network: bytes) -> list[str]:
    return [node.op_type for node in onnx.load_from_string(network).graph.node]


@pytest.mark.parametrize("size", [(9, 7), (16, 13), (8, 8)])
def test_same_padding_becomes_the_convolutions_own(size: tuple[int, int]) -> None:
    torch.manual_seed(0)
    model = SamePadded().eval()
    spec = InputSpec(*size, {"kind": "full_frame"}, (0.5,) * 3, (0.25,) * 3)
    network = to_onnx(model, spec, None)
    assert operations(network).count("Conv") == 2
    assert not {"Pad", "Ceil", "ConstantOfShape"} & set(operations(network))
    for n_photos in (1, 3):
        pixels_NHWC = np.random.default_rng(n_photos).integers(0, 256, (n_photos, *size, 3), dtype=np.uint8)
        with torch.inference_mode():
            images_NCHW = (torch.from_numpy(pixels_NHWC).permute(0, 3, 1, 2) / 255 - 0.5) / 0.25
            expected = model(images_NCHW).logits_NC.softmax(1).numpy()
        np.testing.assert_allclose(predict(network, pixels_NHWC), expected, atol=1e-6)


def padded(mode: str = "constant", value: float = 0.0, readers: int = 1, by_content: bool = False) -> bytes:
    """pixels → one channel → a padding whose amounts are computed → convolutions, each with a padding of its own."""
    amounts = np.array([0, 0, 1, 0, 0, 0, 2, 1], np.int64)
    weights = np.random.default_rng(0).normal(size=(1, 1, 3, 3)).astype(np.float32)
    constants: dict[str, np.ndarray] = {
        "half": np.array([0, 0, 1, 0, 0, 0, 1, 0], np.int64),
        "rest": amounts - [0, 0, 1, 0, 0, 0, 1, 0],
    }
    constants |= {"value": np.array(value, np.float32), "weights": weights, "axes": np.array([3], np.int64)}
    nodes = [
        helper.make_node("Cast", ["pixels"], ["floats"], to=TensorProto.FLOAT),
        helper.make_node("ReduceMean", ["floats", "axes"], ["gray"], keepdims=0),
        helper.make_node("Unsqueeze", ["gray", "first"], ["plane"]),
        helper.make_node("Add", ["half", "rest" if not by_content else "seen"], ["amounts"]),
        helper.make_node("Pad", ["plane", "amounts", "value"], ["wide"], mode=mode),
    ]
    constants["first"] = np.array([1], np.int64)
    if by_content:  # as many rows below as there are photos in the batch
        nodes[3:3] = [
            helper.make_node("Shape", ["plane"], ["n"], start=0, end=1),
            helper.make_node("Mul", ["rest", "n"], ["seen"]),
        ]
    outputs = [f"out{number}" for number in range(readers)]
    nodes += [helper.make_node("Conv", ["wide", "weights"], [name], pads=[0, 1, 0, 1]) for name in outputs]
    graph = helper.make_graph(
        nodes,
        "padded",
        [helper.make_tensor_value_info("pixels", TensorProto.UINT8, ["photos", *SHAPE])],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, ["photos", 1, None, None]) for name in outputs],
        [numpy_helper.from_array(array, name) for name, array in constants.items()],
    )
    model: ModelProto = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    return bytes(model.SerializeToString())


PIXELS = np.random.default_rng(1).integers(0, 256, (2, *SHAPE), dtype=np.uint8)


def test_the_amounts_are_added_to_the_convolutions_own() -> None:
    before, after = padded(), fix_padding(padded(), SHAPE)
    assert operations(after) == ["Cast", "ReduceMean", "Unsqueeze", "Conv"]
    (convolution,) = [node for node in onnx.load_from_string(after).graph.node if node.op_type == "Conv"]
    assert list(convolution.attribute[0].ints) == [1, 1, 2, 2]
    np.testing.assert_array_equal(predict(after, PIXELS), predict(before, PIXELS))
    names = {tensor.name for tensor in onnx.load_from_string(after).graph.initializer}
    assert names == {"axes", "first", "weights"}


def test_a_padding_with_two_readers_stays_with_fixed_amounts() -> None:
    before, after = padded(readers=2), fix_padding(padded(readers=2), SHAPE)
    assert operations(after) == ["Cast", "ReduceMean", "Unsqueeze", "Pad", "Conv", "Conv"]
    np.testing.assert_array_equal(predict(after, PIXELS), predict(before, PIXELS))


@pytest.mark.parametrize("network", [padded(mode="edge"), padded(value=1.0), padded(by_content=True)])
def test_what_is_no_fixed_padding_with_zeros_is_left_alone(network: bytes) -> None:
    assert fix_padding(network, SHAPE) == network


def test_a_network_without_padding_comes_back_as_it_is() -> None:
    network = fix_padding(padded(), SHAPE)
    assert fix_padding(network, SHAPE) == network
