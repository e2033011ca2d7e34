"""Models with folded batch norms: the models as they are, are the reference."""

from __future__ import annotations

import copy

import pytest
import timm
import torch
from torch import Tensor, nn

from maskwise.records import InputSpec
from maskwise.training.folding import folded

SPEC = InputSpec(48, 40, {}, (0.5,) * 3, (0.5,) * 3)


def norms_of(model: nn.Module) -> list[nn.BatchNorm2d]:
    return [module for module in model.modules() if isinstance(module, nn.BatchNorm2d)]


def with_statistics(model: nn.Module) -> nn.Module:
    """As after a training: no batch norm is the identity."""
    torch.manual_seed(0)
    for norm in norms_of(model):
        assert norm.running_mean is not None
        assert norm.running_var is not None
        norm.running_mean.uniform_(-0.3, 0.3)
        norm.running_var.uniform_(0.5, 1.5)
        nn.init.uniform_(norm.weight, 0.5, 1.5)
        nn.init.uniform_(norm.bias, -0.3, 0.3)
    return model.eval()


def asked(model: nn.Module, images: Tensor) -> Tensor:
    with torch.inference_mode():
        answer = model(images)
    assert isinstance(answer, Tensor)
    return answer


def photos() -> Tensor:
    return torch.randn(3, 3, 48, 40, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize(
    ("name", "n_left"),
    [
        ("tf_efficientnet_lite0", 0),
        ("resnet18", 0),
        ("resnext26ts", 0),
        ("mobilenetv3_small_100", 0),
        ("regnety_002", 0),
        ("resnetv2_50", 17),  # norms before the convolutions of its blocks follow a sum, not a convolution
    ],
)
def test_the_copy_answers_the_same_with_fewer_passes(name: str, n_left: int) -> None:
    model = with_statistics(timm.create_model(name, pretrained=False, num_classes=5))
    quicker = folded(model, SPEC)
    assert len(norms_of(quicker)) == n_left
    wanted = asked(model, photos())
    torch.testing.assert_close(asked(quicker, photos()), wanted, rtol=1e-4, atol=1e-4 * float(wanted.abs().max()))


def test_the_model_itself_stays_as_it_is() -> None:
    model = with_statistics(timm.create_model("tf_efficientnet_lite0", pretrained=False, num_classes=5))
    before = copy.deepcopy(model.state_dict())
    wanted = asked(model, photos())
    quicker = folded(model, SPEC)
    assert quicker is not model
    assert all(torch.equal(tensor, before[name]) for name, tensor in model.state_dict().items())
    assert torch.equal(asked(model, photos()), wanted)
    assert not any(module._forward_hooks or module._forward_pre_hooks for module in quicker.modules())
    assert not any(module._forward_hooks or module._forward_pre_hooks for module in model.modules())


class Net(nn.Module):
    """Convolution and batch norm, put together in one of several ways."""

    def __init__(self, way: str) -> None:
        super().__init__()
        self.convolution, self.norm = nn.Conv2d(3, 3, 3, padding=1), nn.BatchNorm2d(3)
        self.way = way

    def forward(self, images: Tensor) -> Tensor:
        seen: Tensor = self.convolution(images)
        if self.way == "read twice":
            seen = seen + self.norm(seen)
            return seen
        if self.way == "normalised twice":
            return torch.cat([self.norm(seen), self.norm(images)], 1)
        if self.way == "seen twice":
            return torch.cat([self.norm(seen), self.convolution(seen)], 1)
        answer: Tensor = self.norm(seen.relu() if self.way == "something between" else seen)
        return answer


def test_a_plain_pair_is_folded() -> None:
    model = with_statistics(Net("one after the other"))
    quicker = folded(model, SPEC)
    assert not norms_of(quicker)
    torch.testing.assert_close(asked(quicker, photos()), asked(model, photos()))


@pytest.mark.parametrize("way", ["read twice", "normalised twice", "seen twice", "something between"])
def test_where_a_norm_does_more_the_model_stays(way: str) -> None:
    model = with_statistics(Net(way))
    assert folded(model, SPEC) is model


def test_statistics_that_are_of_the_batch_are_left_alone() -> None:
    model = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4, track_running_stats=False)).eval()
    assert folded(model, SPEC) is model


def test_a_model_of_features_is_not_shown_images() -> None:
    model = nn.Sequential(nn.Linear(7, 3)).eval()
    assert folded(model, SPEC) is model
