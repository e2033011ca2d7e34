"""Backbones give one row of features a photo; names are checked; no network is needed to fail clearly."""

from __future__ import annotations

import urllib.error
import urllib.request
from collections.abc import Callable
from functools import partial
from pathlib import Path

import huggingface_hub
import pytest
import timm
import torch
import torchvision
from safetensors.torch import save_file
from torch import nn
from torch.testing import assert_close

from maskwise.errors import RecipeError, WeightsError
from maskwise.models.backbones import Backbone, BaselineCnn, build_baseline_cnn, build_timm, build_torchvision

TORCHVISION = [
    ("resnet18", "fc.", 64),
    ("resnext50_32x4d", "fc.", 64),
    ("shufflenet_v2_x0_5", "fc.", 64),
    ("densenet121", "classifier.", 64),
    ("mobilenet_v3_small", "classifier.3.", 64),
    ("efficientnet_b0", "classifier.1.", 64),
    ("convnext_tiny", "classifier.2.", 64),
    ("vgg11", "classifier.6.", 64),
    ("swin_t", "head.", 64),
    ("vit_b_16", "heads.head.", 224),
    ("maxvit_t", "classifier.5.", 224),  # its last layer has no bias
]
TIMM = [
    "resnet18",
    "tf_efficientnet_lite0",
    "mobilenetv3_small_050",
    "convnext_atto",
    "test_vit",
    "eca_nfnet_l0",
    "vgg11",
]


@pytest.mark.parametrize(("name", "prefix", "side_px"), TORCHVISION)
def test_torchvision_nets_lose_their_last_linear_layer_and_no_more(name: str, prefix: str, side_px: int) -> None:
    # The meta device does the bookkeeping of shapes without the arithmetic.
    with torch.device("meta"):
        whole = torchvision.models.get_model(name, weights=None)
        backbone = build_torchvision(name, version=None)
        features_ND = backbone.module.eval()(torch.zeros(2, 3, side_px, side_px))
    assert features_ND.shape == (2, backbone.features)
    assert backbone.classifier_prefixes == (prefix,)
    left_out = set(whole.state_dict()) - set(backbone.module.state_dict())
    assert left_out == {f"{prefix}{end}" for end in (["weight"] if name == "maxvit_t" else ["weight", "bias"])}


def test_torchvisions_own_dropout_before_the_head_is_taken_off() -> None:
    with torch.device("meta"):
        module = build_torchvision("mobilenet_v3_small", version=None).module
    assert not any(isinstance(part, nn.Dropout) for part in module.classifier.modules())  # type: ignore[union-attr]


def test_torchvision_features_are_what_the_classifier_saw() -> None:
    torch.manual_seed(0)
    whole = torchvision.models.resnet18(weights=None).eval()
    torch.manual_seed(0)
    backbone = build_torchvision("resnet18", version=None)
    images_NCHW = torch.randn(2, 3, 32, 32)
    with torch.no_grad():
        features_ND = backbone.module.eval()(images_NCHW)
        assert_close(whole.fc(features_ND), whole(images_NCHW))


@pytest.mark.parametrize("name", TIMM)
def test_timm_nets_give_features(name: str) -> None:
    with torch.device("meta"):
        backbone = build_timm(name, pretrained=False)
        side_px = int(timm.models.get_pretrained_cfg(name).input_size[-1])
        assert backbone.module.eval()(torch.zeros(2, 3, side_px, side_px)).shape == (2, backbone.features)
    assert all(prefix.endswith(".") for prefix in backbone.classifier_prefixes)
    assert backbone.classifier_prefixes


def test_the_baselines_net() -> None:
    backbone = build_baseline_cnn(dropout=0.25)
    assert backbone.module(torch.randn(2, 3, 128, 96)).shape == (2, 128)
    assert backbone.module(torch.randn(2, 3, 8, 8)).shape == (2, backbone.features)
    # 3·32·9 + 32, 32·64·9 + 64, 64·128·9 + 128
    assert sum(parameter.numel() for parameter in backbone.module.parameters()) == 896 + 18_496 + 73_856
    still = BaselineCnn(dropout=0.5).eval()
    shifted_NCHW = torch.rand(1, 3, 16, 16)
    assert_close(still(shifted_NCHW), still(shifted_NCHW))


@pytest.mark.parametrize(
    ("build", "wrong", "right"),
    [
        (partial(build_timm, pretrained=False), "resnet81", "resnet18"),
        (partial(build_timm, pretrained=False), "resnet18.a1_in2k", "resnet18.a1_in1k"),
        (partial(build_timm, pretrained=True), "hf-hub:somebody/resnet18", "resnet18"),
        (partial(build_torchvision, version=None), "resnext50", "resnext50_32x4d"),
        (partial(build_torchvision, version=None), "deeplabv3_resnet50", "resnet50"),
    ],
)
def test_unknown_names_are_refused_with_a_few_near_ones(
    build: Callable[[str], Backbone], wrong: str, right: str
) -> None:
    with pytest.raises(RecipeError, match=r"model\.backbone\.name must be a model that t") as caught:
        build(wrong)
    near = str(caught.value).split("Nearest: ")[1].rstrip(".").split(", ")
    assert right in near
    assert len(near) <= 8


def test_unknown_versions_are_refused_with_the_legal_ones() -> None:
    with pytest.raises(RecipeError, match=r"DEFAULT, IMAGENET1K_V1 .* 'resnet18'"):
        build_torchvision("resnet18", version="IMAGENET1K_V2")


def test_without_a_network_one_line_says_the_way_out(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise urllib.error.URLError("no route to host")

    monkeypatch.setattr(urllib.request, "urlopen", refuse)
    monkeypatch.setattr("torch.hub.urlopen", refuse)
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    monkeypatch.setattr(huggingface_hub, "try_to_load_from_cache", lambda *_: None)
    builds: list[Callable[[], Backbone]] = [
        partial(build_timm, "resnet18", pretrained=True),
        partial(build_torchvision, "resnet18", version="DEFAULT"),
    ]
    for build in builds:
        with pytest.raises(WeightsError, match=r"no route.*kind: path.*kind: bundled.*kind: none") as caught:
            build()
        assert len(caught.value.problems) == 1
        assert "\n" not in str(caught.value)


def test_timm_weights_that_nobody_published() -> None:
    name = next(name for name in timm.list_models("resnet*") if not timm.models.get_pretrained_cfg(name).has_weights)
    with pytest.raises(WeightsError, match=r"must be published, got .none"):
        build_timm(name, pretrained=True)


def test_a_cached_timm_file_is_used_without_asking_the_network(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("the network was used")

    torch.manual_seed(0)
    published = timm.create_model("test_resnet", num_classes=1000)
    file = tmp_path / "model.safetensors"
    save_file(published.state_dict(), file)
    monkeypatch.setattr(huggingface_hub, "try_to_load_from_cache", lambda *_: str(file))
    monkeypatch.setattr(urllib.request, "urlopen", refuse)
    backbone = build_timm("test_resnet.r160_in1k", pretrained=True)
    for name, value in backbone.module.state_dict().items():
        assert_close(value, published.state_dict()[name])
