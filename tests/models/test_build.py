"""The contract of every model, and what building from a config promises."""

from __future__ import annotations

import pytest
import torch
from torch.testing import assert_close

from maskwise.errors import RecipeError
from maskwise.labels import Task
from maskwise.models import config
from maskwise.models.build import MaskwiseModel, build_model, normalization
from maskwise.models.config import ModelConfig
from maskwise.models.heads import added_up
from maskwise.records import Output

TASK = Task()
NO_WEIGHTS = config.NoWeights()
BACKBONES: list[config.Backbone] = [
    config.TimmBackbone(name="test_resnet"),
    config.TorchvisionBackbone(name="shufflenet_v2_x0_5"),
    config.BaselineCnn(),
]
NECKS = [None, config.LinearNeck(features=16, activation="relu", dropout=0.1)]
HEADS: list[config.Head] = [
    config.JointHead(),
    config.AttributesHead(),
    config.CosineHead(),
    config.CosineAttributesHead(),
]
MODELS = [
    ModelConfig(backbone=backbone, neck=neck, head=head, weights=NO_WEIGHTS)
    for backbone in BACKBONES
    for neck in NECKS
    for head in HEADS
]

WITH_AGES = ModelConfig(
    backbone=config.BaselineCnn(),
    neck=config.LinearNeck(features=16),
    age_head=config.AgeHead(first_age_years=0, last_age_years=100),
    weights=NO_WEIGHTS,
)


def named(model: ModelConfig) -> str:
    return f"{model.backbone.kind}-{'neck' if model.neck else 'no_neck'}-{model.head.kind}"


def built(model: ModelConfig) -> MaskwiseModel:
    torch.manual_seed(0)
    return build_model(model, TASK)


@pytest.mark.parametrize("model", MODELS, ids=named)
class TestEveryModel:
    def test_gives_joint_logits_and_an_embedding(self, model: ModelConfig) -> None:
        output = built(model).eval()(torch.randn(2, 3, 40, 32))
        assert isinstance(output, Output)
        assert output.logits_NC.shape == (2, 18)
        assert output.embedding_ND.shape[0] == 2
        assert model.neck is None or output.embedding_ND.shape[1] == 16
        assert output.age_logits_NA is None
        assert bool(torch.isfinite(output.logits_NC).all())

    def test_reads_each_photo_alone_when_not_training(self, model: ModelConfig) -> None:
        net = built(model).eval()
        images_NCHW = torch.randn(3, 3, 40, 32)
        with torch.inference_mode():
            together_NC = net(images_NCHW).logits_NC
            assert_close(net(images_NCHW[1:2]).logits_NC, together_NC[1:2], rtol=1e-3, atol=1e-5)

    def test_every_parameter_learns_and_the_backbone_can_be_frozen(self, model: ModelConfig) -> None:
        net = built(model)
        net(torch.randn(4, 3, 40, 32)).logits_NC.square().sum().backward()
        assert all(parameter.grad is not None for parameter in net.parameters())
        net.zero_grad(set_to_none=True)
        net.backbone.requires_grad_(False)
        net(torch.randn(4, 3, 40, 32)).logits_NC.square().sum().backward()
        learning = {name.split(".")[0] for name, parameter in net.named_parameters() if parameter.grad is not None}
        assert learning == ({"neck", "head"} if model.neck else {"head"})

    def test_the_same_seed_gives_the_same_model_and_a_state_dict_moves_it(self, model: ModelConfig) -> None:
        first, second = built(model), built(model)
        images_NCHW = torch.randn(2, 3, 40, 32)
        expected = first.eval()(images_NCHW)
        assert_close(second.eval()(images_NCHW).logits_NC, expected.logits_NC, rtol=0, atol=0)
        third = build_model(model, TASK, load_weights=False)
        third.load_state_dict(first.state_dict(), strict=True)
        assert_close(third.eval()(images_NCHW).logits_NC, expected.logits_NC, rtol=0, atol=0)


@pytest.mark.parametrize("head", HEADS, ids=lambda head: str(head.kind))
def test_logits_are_float32_under_mixed_precision(head: config.Head) -> None:
    net = built(WITH_AGES.model_copy(update={"head": head}))
    with torch.autocast("cpu", dtype=torch.bfloat16):
        output = net(torch.randn(2, 3, 40, 32))
    assert output.logits_NC.dtype == torch.float32
    assert output.age_logits_NA is not None
    assert output.age_logits_NA.dtype == torch.float32


def test_an_age_head_gives_a_logit_a_year_from_the_same_embedding() -> None:
    net = built(WITH_AGES).eval()
    images_NCHW = torch.randn(2, 3, 40, 32)
    output = net(images_NCHW)
    assert output.age_logits_NA is not None
    assert output.age_logits_NA.shape == (2, 101)
    assert isinstance(net.age_head, torch.nn.Linear)
    assert_close(output.age_logits_NA, net.age_head(output.embedding_ND))
    # Near equal at first, and the rest of the model begins as it would without.
    assert 0 < output.age_logits_NA.abs().max() < 1
    without = built(WITH_AGES.model_copy(update={"age_head": None}))
    for name, value in without.state_dict().items():
        assert_close(value, net.state_dict()[name], rtol=0, atol=0)
    assert set(net.state_dict()) - set(without.state_dict()) == {"age_head.weight", "age_head.bias"}


def test_ages_teach_the_backbone_and_not_the_class_head() -> None:
    net = built(WITH_AGES)
    age_logits_NA = net(torch.randn(4, 3, 40, 32)).age_logits_NA
    assert age_logits_NA is not None
    age_logits_NA.square().sum().backward()
    learning = {name.split(".")[0] for name, parameter in net.named_parameters() if parameter.grad is not None}
    assert learning == {"backbone", "neck", "age_head"}


@pytest.mark.parametrize(
    "weights", [config.PretrainedWeights(), config.WeightsFile(file="/nowhere/at/all.pth")], ids=lambda w: str(w.kind)
)
def test_a_finished_runs_model_is_built_without_its_first_weights(
    weights: config.Weights, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("the network was used")

    monkeypatch.setattr("urllib.request.urlopen", refuse)
    monkeypatch.setattr("torch.hub.urlopen", refuse)
    for backbone in BACKBONES[:2]:
        net = build_model(ModelConfig(backbone=backbone, weights=weights), TASK, load_weights=False)
        assert net.head is not None


def test_dropout_stands_before_the_head_only_while_training() -> None:
    net = built(ModelConfig(backbone=config.BaselineCnn(dropout=0.0), dropout=0.9, weights=NO_WEIGHTS))
    images_NCHW = torch.randn(2, 3, 16, 16)
    first, second = net(images_NCHW), net(images_NCHW)
    assert_close(first.embedding_ND, second.embedding_ND)
    assert not torch.allclose(first.logits_NC, second.logits_NC)
    net.eval()
    assert_close(net(images_NCHW).logits_NC, net(images_NCHW).logits_NC)


def test_normalization_is_that_of_the_weights() -> None:
    imagenet = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
    half = ((0.5, 0.5, 0.5), (0.5, 0.5, 0.5))
    expected = {
        ModelConfig(): half,
        ModelConfig(backbone=config.TimmBackbone(name="efficientnet_lite0"), weights=NO_WEIGHTS): imagenet,
        ModelConfig(backbone=config.TimmBackbone(name="resnet18.a1_in1k"), weights=NO_WEIGHTS): imagenet,
        ModelConfig(backbone=config.TorchvisionBackbone(), weights=config.PretrainedWeights()): imagenet,
        ModelConfig(backbone=config.BaselineCnn(), weights=NO_WEIGHTS): (
            (0.548, 0.504, 0.479),
            (0.237, 0.247, 0.246),
        ),
    }
    for model, (mean_C, std_C) in expected.items():
        assert normalization(model) == (mean_C, std_C)
    net = built(MODELS[-1])
    assert (net.mean_C, net.std_C) == normalization(MODELS[-1])


def test_normalization_of_an_unknown_name_is_refused() -> None:
    for backbone in (config.TimmBackbone(name="resnet1818"), config.TorchvisionBackbone(name="resnet1818")):
        with pytest.raises(RecipeError, match="Nearest: resnet18"):
            normalization(ModelConfig(backbone=backbone, weights=NO_WEIGHTS))


def test_the_logits_of_each_attribute_are_there_while_a_head_that_has_them_trains() -> None:
    model = config.ModelConfig(
        backbone=config.BaselineCnn(), weights=config.NoWeights(), head=config.CosineAttributesHead(scale=16.0)
    )
    built, images_NCHW = build_model(model, Task()), torch.rand(4, 3, 32, 32)
    output = built(images_NCHW)
    assert output.attribute_logits_NA is not None
    assert output.attribute_logits_NA.abs().max() <= 16
    assert torch.equal(added_up(list(output.attribute_logits_NA.split([3, 2, 3], dim=1))), output.logits_NC)
    assert built.eval()(images_NCHW).attribute_logits_NA is None
