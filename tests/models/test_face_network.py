"""The face network: its shapes, its blocks, and the published weights on made-up photos where they are here."""

from __future__ import annotations

import pytest
import torch

from maskwise.models import config
from maskwise.models.build import build_model, normalisation
from maskwise.models.face_network import FaceNetwork
from maskwise.training.blocks import backbone_blocks
from support.face_weights import needs_face_weights

FACES_UNFILLED = config.ModelConfig(backbone=config.Faces(), weights=config.NoWeights())


@pytest.mark.parametrize("size", [(32, 32), (200, 176), (71, 65)])
def test_any_size_gives_1024_features(size: tuple[int, int]) -> None:
    assert FaceNetwork().eval()(torch.zeros(2, 3, *size)).shape == (2, 1024)


def test_stem_and_13_blocks_can_stand_still_one_by_one() -> None:
    blocks = backbone_blocks(FaceNetwork())
    assert len(blocks) == 14
    assert blocks[0] == ["stem.weight", "stem.bias"]
    assert blocks[13][0] == "blocks.12.depthwise.weight"


@needs_face_weights
def test_the_published_weights_are_read_as_they_were_meant() -> None:
    """Ripples in three colours: any mistake in channels, padding, scaling or kernels moves these numbers."""
    model = build_model(config.ModelConfig(backbone=config.Faces(), weights=config.FacesWeights()), (3, 2, 3)).eval()
    mean_C, std_C = (torch.tensor(each)[:, None, None] for each in normalisation(FACES_UNFILLED))
    row, column = torch.meshgrid(torch.arange(96.0), torch.arange(80.0), indexing="ij")
    photo = torch.stack([(row / 7).sin(), (column / 5).cos(), (row / 9 + column / 11).sin()]) / 2 + 0.5
    with torch.inference_mode():
        features_D = model(((photo - mean_C) / std_C)[None]).embedding_ND[0]
    assert float(features_D.mean()) == pytest.approx(0.00764, rel=0.01)
    assert float(features_D.std()) == pytest.approx(0.0659, rel=0.01)
