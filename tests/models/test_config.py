"""The model's settings: pairs that make no sense are refused, with the reason."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from maskwise.models.config import (
    AgeHead,
    AttributesHead,
    BaselineCnn,
    BundledWeights,
    CosineHead,
    ModelConfig,
    PretrainedWeights,
    TimmBackbone,
    TorchvisionBackbone,
    WeightsFile,
)


def test_the_default_needs_no_network() -> None:
    assert ModelConfig().weights.kind == "bundled"
    assert ModelConfig.model_validate_json(ModelConfig().model_dump_json()) == ModelConfig()


def test_a_recipe_can_say_the_source_write_ups_final_model() -> None:
    text = """{"backbone": {"kind": "torchvision", "name": "resnext50_32x4d"}, "neck": {"kind": "linear"},
        "head": {"kind": "joint"}, "weights": {"kind": "pretrained", "version": "IMAGENET1K_V1"}}"""
    model = ModelConfig.model_validate_json(text)
    assert model.neck is not None
    assert model.neck.features == 128
    assert model.weights == PretrainedWeights(version="IMAGENET1K_V1")


@pytest.mark.parametrize("backbone", [TimmBackbone(name="resnet18"), TorchvisionBackbone(), BaselineCnn()])
def test_bundled_weights_fit_one_net_only(backbone: TimmBackbone | TorchvisionBackbone | BaselineCnn) -> None:
    with pytest.raises(ValidationError, match=r"EfficientNet-Lite0 only.*tf_efficientnet_lite0"):
        ModelConfig(backbone=backbone, weights=BundledWeights())


def test_nobody_published_weights_of_the_baseline() -> None:
    with pytest.raises(ValidationError, match="nobody published weights for it"):
        ModelConfig(backbone=BaselineCnn(), weights=PretrainedWeights())
    assert ModelConfig(backbone=BaselineCnn(), weights=WeightsFile(file="a.pth")).backbone.kind == "baseline_cnn"


def test_a_version_would_have_no_effect_with_timm() -> None:
    with pytest.raises(ValidationError, match=r"weights tag into model\.backbone\.name"):
        ModelConfig(weights=PretrainedWeights(version="IMAGENET1K_V2"))


@pytest.mark.parametrize("name", ["squeezenet1_1", "googlenet", "inception_v3", "vit_h_14"])
def test_torchvision_nets_that_cannot_serve_are_refused_with_the_reason(name: str) -> None:
    with pytest.raises(ValidationError, match=rf"got '{name}'\. Choose another: it"):
        TorchvisionBackbone(name=name)


def test_files_of_other_formats_are_refused() -> None:
    with pytest.raises(ValidationError, match=r"got 'weights\.onnx'"):
        WeightsFile(file="weights.onnx")


def test_an_age_head_has_a_bin_a_year() -> None:
    assert AgeHead().n_ages == 60
    assert AgeHead(first_age_years=20, last_age_years=21).n_ages == 2
    with pytest.raises(ValidationError, match=r"last_age_years must be above .*first_age_years \(30\), got 30"):
        AgeHead(first_age_years=30, last_age_years=30)


def test_the_scale_is_the_cosine_heads() -> None:
    assert ModelConfig(head=CosineHead(scale=24)).cosine_scale == 24
    assert ModelConfig(head=AttributesHead()).cosine_scale is None
    assert ModelConfig.model_validate_json('{"head": {"kind": "cosine"}}').head == CosineHead()
