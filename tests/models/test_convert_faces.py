"""A tiny graph of the published make: our network with the converted tensors gives what the graph's layers give."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from maskwise.errors import WeightsError
from maskwise.models.convert_faces import convert, read_graph
from maskwise.models.face_network import MEAN_RGB, STD_RGB, FaceNetwork
from support.face_weights import TINY_BLOCKS, TINY_STEM, Arrays, as_graph, tiny_arrays

Maps = NDArray[np.float64]


def same_padded(maps_HWD: Maps, stride: int) -> Maps:
    """TensorFlow's SAME for a 3 × 3 kernel: what an odd total leaves over goes to the bottom and the right."""
    pads = []
    for side in maps_HWD.shape[:2]:
        total = max((-(-side // stride) - 1) * stride + 3 - side, 0)
        pads.append((total // 2, total - total // 2))
    return np.pad(maps_HWD, (*pads, (0, 0)))


def windows(maps_HWD: Maps, stride: int) -> Maps:
    """rows × columns × 3 × 3 × D."""
    padded = same_padded(maps_HWD, stride)
    seen = np.lib.stride_tricks.sliding_window_view(padded, (3, 3), axis=(0, 1))
    return seen[::stride, ::stride].transpose(0, 1, 3, 4, 2)


def relu6(maps: Maps) -> Maps:
    return np.clip(maps, 0, 6)


def by_hand(arrays: Arrays, photo_bgr_HWC: Maps) -> Maps:
    """What the graph's layers, one after the other, make of one photo."""
    kernel = arrays["conv1/convolution/merged_input"].astype(float)
    maps = np.einsum("rcijd,ijde->rce", windows(photo_bgr_HWC - [103.939, 116.779, 123.68], 2), kernel)
    maps = relu6(maps + arrays["conv1_bn/batchnorm_1/sub"])
    for block, (_, stride) in enumerate(TINY_BLOCKS, start=1):
        kernel = arrays[f"conv_dw_{block}/depthwise_kernel"][..., 0].astype(float)
        maps = np.einsum("rcijd,ijd->rcd", windows(maps, stride), kernel)
        norm = f"conv_dw_{block}_bn/batchnorm_1"
        maps = relu6(maps * arrays[f"{norm}/mul"] + arrays[f"{norm}/sub"])
        maps = maps @ arrays[f"conv_pw_{block}/convolution/merged_input"][0, 0].astype(float)
        maps = relu6(maps + arrays[f"conv_pw_{block}_bn/batchnorm_1/sub"])
    return np.asarray(maps.mean(axis=(0, 1)))


@pytest.mark.parametrize("size", [(32, 40), (33, 39), (36, 33)])
def test_the_network_computes_what_the_graph_says(size: tuple[int, int]) -> None:
    rng = np.random.default_rng(3)
    arrays = tiny_arrays(rng)
    graph, numbers = as_graph(arrays)
    state = convert(read_graph(graph, numbers, "tiny"), "tiny")
    net = FaceNetwork(halves=False, blocks=TINY_BLOCKS, stem_channels=TINY_STEM).eval()
    net.load_state_dict({n.removeprefix("backbone."): v for n, v in state.items() if n.startswith("backbone.")})
    photo_rgb = rng.integers(0, 256, (*size, 3)).astype(float)
    shown = (torch.from_numpy(photo_rgb / 255).float().permute(2, 0, 1) - torch.tensor(MEAN_RGB)[:, None, None]) / (
        torch.tensor(STD_RGB)[:, None, None]
    )
    found = net(shown[None])[0].detach().numpy()
    np.testing.assert_allclose(found, by_hand(arrays, photo_rgb[:, :, ::-1]), rtol=1e-4, atol=1e-4)


def test_the_heads_come_along_transposed() -> None:
    arrays = tiny_arrays(np.random.default_rng(0))
    state = convert(read_graph(*as_graph(arrays), "tiny"), "tiny")
    np.testing.assert_array_equal(state["age_pred.weight"].numpy(), arrays["age_pred/kernel"].T)
    np.testing.assert_array_equal(state["gender_pred.bias"].numpy(), arrays["gender_pred/bias"])
    assert {name.split(".")[0] for name in state} == {"backbone", "feats", "gender_pred", "age_pred"}


@pytest.mark.parametrize("graph", [b"", b"[]", b'{"weightsManifest": [{"weights": [{"name": "a"}]}]}', b"\xff"])
def test_other_graphs_are_refused(graph: bytes) -> None:
    with pytest.raises(WeightsError, match=r"box\.json.*TensorFlow\.js graph"):
        read_graph(graph, b"", "box.json")


def test_numbers_of_another_length_are_refused() -> None:
    graph, numbers = as_graph(tiny_arrays(np.random.default_rng(0)))
    with pytest.raises(WeightsError, match=f"{len(numbers):,} bytes"):
        read_graph(graph, numbers[:-1], "cut")


def test_a_missing_layer_is_named() -> None:
    arrays = tiny_arrays(np.random.default_rng(0))
    del arrays["conv_pw_2_bn/batchnorm_1/sub"]
    with pytest.raises(WeightsError, match="conv_pw_2_bn"):
        convert(arrays, "cut")
