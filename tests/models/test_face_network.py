"""The face network: its shapes, its blocks, and the published weights on made-up photos where they are here."""

from __future__ import annotations

import copy
from collections import Counter

import pytest
import torch

from maskwise.labels import Task
from maskwise.models import config
from maskwise.models.build import build_model, normalization
from maskwise.models.face_network import FaceNetwork, FaceRest, FaceTrunk, features_of_each, share_equal_blocks
from maskwise.models.heads import AttributesHead
from maskwise.models.published import faces_file
from maskwise.models.weights import read_faces
from maskwise.training.blocks import backbone_blocks
from support.face_weights import needs_face_weights

TINY = ((4, 1), (6, 2), (8, 1), (8, 1), (8, 1), (8, 1), (6, 1), (10, 2))
FACES_UNFILLED = config.ModelConfig(backbone=config.Faces(), weights=config.NoWeights())


@pytest.mark.parametrize("size", [(32, 32), (200, 176), (71, 65)])
def test_any_size_gives_1024_features(size: tuple[int, int]) -> None:
    assert FaceNetwork(halves=False).eval()(torch.zeros(2, 3, *size)).shape == (2, 1024)


def test_stem_and_13_blocks_can_stand_still_one_by_one() -> None:
    blocks = backbone_blocks(FaceNetwork(halves=True))
    assert len(blocks) == 14
    assert blocks[0] == ["stem.weight", "stem.bias"]
    assert blocks[13][0] == "blocks.12.depthwise.weight"


def tiny_network(*, halves: bool) -> FaceNetwork:
    torch.manual_seed(0)
    return FaceNetwork(halves, TINY, stem_channels=3).eval()


def test_the_halves_stand_beside_the_mean_and_share_the_middle_row() -> None:
    with_halves, without = tiny_network(halves=True), tiny_network(halves=False)
    photo = torch.rand(1, 3, 40, 24) * 255
    features_D = with_halves(photo)[0]
    maps = with_halves.blocks[:7](with_halves.act(with_halves.stem(photo)))[0]
    assert maps.shape[1] == 10
    torch.testing.assert_close(features_D[:10], without(photo)[0])
    torch.testing.assert_close(features_D[10:16], maps[:, :5].mean(dim=(1, 2)))
    torch.testing.assert_close(features_D[16:], maps[:, 5:].mean(dim=(1, 2)))
    one_row = tiny_network(halves=True)(photo[:, :, :4])[0]
    torch.testing.assert_close(one_row[10:16], one_row[16:])


@pytest.mark.parametrize("halves", [True, False])
@pytest.mark.parametrize("n_blocks", [2, 7])
def test_trunk_and_rest_are_the_network_but_for_rounding(n_blocks: int, halves: bool) -> None:
    net = tiny_network(halves=halves)
    photos = torch.rand(2, 3, 40, 24) * 255
    maps = FaceTrunk(net, n_blocks)(photos)
    assert maps.dtype == torch.uint8
    names = [*FaceTrunk(net, n_blocks).state_dict(), *FaceRest(net, n_blocks).state_dict()]
    assert sorted(names) == sorted(net.state_dict())
    torch.testing.assert_close(FaceRest(net, n_blocks)(maps), net(photos), atol=0.05, rtol=0.02)


def test_networks_that_begin_alike_compute_that_once_and_the_same() -> None:
    whole, tuned, other = tiny_network(halves=True), tiny_network(halves=True), tiny_network(halves=False)
    with torch.no_grad():
        for block in tuned.blocks[7:]:
            for weight in block.parameters():
                weight.add_(0.1)
        other.stem.weight += 0.1
    networks = [whole, tuned, other, copy.deepcopy(whole)]
    photos = torch.rand(2, 3, 40, 24) * 255
    apart = [network(photos) for network in networks]
    share_equal_blocks(networks)
    counts = Counter[int]()
    for module in {id(block): block for network in networks for block in network.blocks}.values():
        module.register_forward_hook(lambda module, *_: counts.update([id(module)]))
    together = features_of_each(networks, photos)
    assert all(torch.equal(a, b) for a, b in zip(apart, together, strict=True))
    # Eight blocks of the first, the last of the tuned one, all eight behind another stem, none of the copy.
    assert sum(counts.values()) == 8 + 1 + 8
    assert set(counts.values()) == {1}
    # The stem differs, so equal blocks behind it see other maps and stay apart.
    assert other.blocks[0] is not whole.blocks[0]


@needs_face_weights
def test_the_published_heads_begin_as_they_were_published() -> None:
    model = build_model(
        config.ModelConfig(
            backbone=config.Faces(),
            head=config.AttributesHead(gender="published"),
            age_head=config.PublishedAgeHead(),
            weights=config.FacesWeights(),
        ),
        Task(),
    ).eval()
    state = read_faces(faces_file())
    embedding = torch.rand(3, 2048)
    hidden = torch.relu(embedding[:, :1024] @ state["feats.weight"].T + state["feats.bias"])
    male = torch.sigmoid(hidden @ state["gender_pred.weight"].T + state["gender_pred.bias"])[:, 0]
    assert model.age_head is not None
    torch.testing.assert_close(
        model.age_head(embedding), hidden @ state["age_pred.weight"].T + state["age_pred.bias"], rtol=1e-4, atol=1e-4
    )
    assert isinstance(model.head, AttributesHead)
    assert model.head.published is not None
    torch.testing.assert_close(model.head.published(embedding).softmax(1)[:, 0], male)


@needs_face_weights
def test_the_published_weights_are_read_as_they_were_meant() -> None:
    """Ripples in three colors: any mistake in channels, padding, scaling or kernels moves these numbers."""
    chosen = config.ModelConfig(backbone=config.Faces(features="last"), weights=config.FacesWeights())
    model = build_model(chosen, Task()).eval()
    mean_C, std_C = (torch.tensor(each)[:, None, None] for each in normalization(FACES_UNFILLED))
    row, column = torch.meshgrid(torch.arange(96.0), torch.arange(80.0), indexing="ij")
    photo = torch.stack([(row / 7).sin(), (column / 5).cos(), (row / 9 + column / 11).sin()]) / 2 + 0.5
    with torch.inference_mode():
        features_D = model(((photo - mean_C) / std_C)[None]).embedding_ND[0]
    assert float(features_D.mean()) == pytest.approx(0.00764, rel=0.01)
    assert float(features_D.std()) == pytest.approx(0.0659, rel=0.01)
