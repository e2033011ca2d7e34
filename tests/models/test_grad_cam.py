"""Maps of places: worked by hand, equal to Grad-CAM's own formula where that is exact, none for transformers."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from maskwise.labels import Task
from maskwise.models.backbones import build_timm
from maskwise.models.build import MaskwiseModel, build_model
from maskwise.models.config import BaselineCnn, ModelConfig, NoWeights
from maskwise.models.grad_cam import _last_maps, class_maps, grad_cam
from maskwise.records import Output


class Mean(nn.Module):
    """Maps → features: the mean over all places."""

    def forward(self, maps_NDhw: Tensor) -> Tensor:
        return maps_NDhw.mean(dim=(2, 3))


class Handmade(nn.Module):
    """Red and green as two maps; the first class is read from red at one place, the second from the mean green."""

    def __init__(self, place: tuple[int, int]) -> None:
        super().__init__()
        conv = nn.Conv2d(3, 2, kernel_size=1, bias=False)
        conv.weight.data = torch.tensor([[1.0, 0, 0], [0, 1.0, 0]])[:, :, None, None]
        self.backbone = nn.Sequential(conv)
        self.place = place

    def forward(self, images_NCHW: Tensor) -> Output:
        maps = self.backbone(images_NCHW)
        row, column = self.place
        logits = torch.stack([maps[:, 0, row, column], maps[:, 1].mean(dim=(1, 2))], dim=1)
        return Output(logits_NC=logits, embedding_ND=logits, age_logits_NA=None)


def test_a_prediction_that_depends_on_one_place_lights_that_place_alone() -> None:
    images = torch.rand((2, 3, 6, 7), generator=torch.Generator().manual_seed(0)) + 0.1
    maps = grad_cam(Handmade((4, 2)), images, torch.tensor([0, 1]))
    assert maps is not None
    expected = torch.zeros(6, 7)
    expected[4, 2] = 1.0
    torch.testing.assert_close(maps[0].detach(), expected)
    torch.testing.assert_close(maps[1].detach(), images[1, 1] / images[1, 1].max())


def test_what_speaks_against_the_class_is_cut() -> None:
    maps = grad_cam(Handmade((0, 0)), -torch.ones((1, 3, 6, 6)), torch.tensor([1]))
    assert maps is not None
    assert maps.abs().max() == 0


def linear_tail_model() -> MaskwiseModel:
    torch.manual_seed(0)
    backbone = nn.Sequential(nn.Conv2d(3, 5, 3, padding=1), nn.ReLU(), Mean())
    normalized = ((0.0, 0.0, 0.0), (1.0, 1.0, 1.0))
    return MaskwiseModel(backbone, nn.Identity(), 0.0, Head(), None, normalized).eval()


class Head(nn.Module):
    """Five features → three logits, without a bias."""

    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(5, 3, bias=False)

    def forward(self, features_ND: Tensor) -> Tensor:
        logits: Tensor = self.linear(features_ND)
        return logits


def test_behind_a_mean_and_a_linear_layer_it_is_grad_cam_and_its_places_sum_to_the_logit() -> None:
    model = linear_tail_model()
    found = _last_maps(model, torch.rand((2, 3, 8, 8)))
    assert found is not None
    maps, logits = found
    (gradient,) = torch.autograd.grad(logits[:, 1].sum(), maps)
    weights = gradient.mean(dim=(2, 3), keepdim=True)  # Selvaraju et al., equation 1
    torch.testing.assert_close(class_maps(maps, gradient), (weights * maps).sum(1).relu())
    torch.testing.assert_close((gradient * maps).sum(dim=(1, 2, 3)), logits[:, 1])


def test_a_shipped_net_gives_maps_of_the_photos_size_and_keeps_its_predictions() -> None:
    torch.manual_seed(0)
    config = ModelConfig(backbone=BaselineCnn(), weights=NoWeights())
    model = build_model(config, Task(), load_weights=False).eval()
    images = torch.rand((3, 3, 64, 48))
    before = model(images).logits_NC
    maps = grad_cam(model, images, torch.tensor([0, 5, 17]))
    assert maps is not None
    assert maps.shape == (3, 64, 48)
    assert (maps >= 0).all()
    assert (maps <= 1).all()
    torch.testing.assert_close(model(images).logits_NC, before)
    assert not images.requires_grad
    assert all(parameter.grad is None for parameter in model.parameters())


@pytest.mark.parametrize("name", ["vit_tiny_patch16_224", "swin_tiny_patch4_window7_224"])
def test_transformers_have_no_such_map(name: str) -> None:
    backbone = build_timm(name, pretrained=False)
    normalized = ((0.0, 0.0, 0.0), (1.0, 1.0, 1.0))
    model = MaskwiseModel(backbone.module, nn.Identity(), 0.0, nn.Linear(backbone.features, 3), None, normalized).eval()
    assert grad_cam(model, torch.rand((1, 3, 224, 224)), torch.tensor([0])) is None
