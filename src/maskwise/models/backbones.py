"""Backbones: images_NCHW → features_ND, the classifier of the published net taken off.

Weights that are not downloaded together with the net are loaded by ``weights.py``. timm and torchvision, which take
seconds, are imported where one of their nets is meant.
"""

from __future__ import annotations

import difflib
import urllib.error
import urllib.request
from collections.abc import Iterable
from typing import NamedTuple

from torch import Tensor, nn

from maskwise.errors import RecipeError, WeightsError, must
from maskwise.models.face_network import FaceNetwork

RGB = tuple[float, float, float]
IMAGENET_NORMALIZATION: tuple[RGB, RGB] = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
"""Mean and standard deviation of ImageNet's RGB in [0, 1]: what every torchvision classifier was trained with."""
BASELINE_NORMALIZATION: tuple[RGB, RGB] = ((0.548, 0.504, 0.479), (0.237, 0.247, 0.246))
"""Mean and standard deviation of the competition's photos, as in its official baseline."""

_NEAREST_SHOWN = 8
_PROBE_TIMEOUT_S = 10.0
_DOWNLOAD_FAILURES = (OSError, RuntimeError, ValueError)
"""What timm, torchvision and the hub raise for a missing network, a broken or a refused download."""


class Backbone(NamedTuple):
    """A net without its classifier: ``module(images_NCHW) -> features_ND`` with D = ``features``.

    ``classifier_prefixes`` begin the names that the classifier has in published state dicts of this net.
    """

    module: nn.Module
    features: int
    classifier_prefixes: tuple[str, ...]


class BaselineCnn(nn.Module):
    """Three 3 × 3 convolutions (32, 64, 128 channels), each halved by max-pooling, then the mean over the photo.

    After the small net of the competition's official baseline, with padding and pooling after every convolution.
    Takes photos of 8 × 8 pixels or more.
    """

    features = 128

    def __init__(self, dropout: float) -> None:
        super().__init__()
        self.stages = nn.Sequential(
            _conv_stage(3, 32, 0.0), _conv_stage(32, 64, dropout), _conv_stage(64, self.features, dropout)
        )

    def forward(self, images_NCHW: Tensor) -> Tensor:
        """Features, N × 128."""
        maps_NDHW: Tensor = self.stages(images_NCHW)
        return maps_NDHW.mean(dim=(2, 3))


def build_baseline_cnn(dropout: float) -> Backbone:
    """The official baseline's small net, without its linear layer."""
    return Backbone(BaselineCnn(dropout), BaselineCnn.features, ())


def build_faces(halves: bool) -> Backbone:
    """The face network, without the heads that it was published with."""
    net = FaceNetwork(halves)
    return Backbone(net, net.features, ())


def build_timm(name: str, pretrained: bool) -> Backbone:
    """A timm net without classifier; with ``pretrained``, its weights from the local cache or the hub.

    Raises RecipeError for an unknown name, WeightsError where the weights do not exist or cannot be had.
    """
    import timm

    refuse_unknown_timm(name)
    options = _timm_download_options(name) if pretrained else {}
    try:
        net = timm.create_model(name, pretrained=pretrained, num_classes=0, **options)
    except _DOWNLOAD_FAILURES as error:
        if not pretrained:
            raise
        raise _not_downloadable("timm", name, error) from error
    classifier = net.default_cfg.get("classifier") or ()
    prefixes = (classifier,) if isinstance(classifier, str) else tuple(classifier)
    # head_hidden_size is the width after a net's own last layers (MobileNet's conv_head), num_features before them.
    return Backbone(net, int(net.head_hidden_size), tuple(f"{prefix}." for prefix in prefixes))


def build_torchvision(name: str, version: str | None) -> Backbone:
    """A torchvision net without its last linear layer; ``version`` names weights to download, None means none.

    Raises RecipeError for an unknown name or version, WeightsError where the weights cannot be had.
    """
    import torchvision.models

    refuse_unknown_torchvision(name)
    if version is not None:
        _refuse_unknown_version(name, version)
    try:
        net = torchvision.models.get_model(name, weights=version)
    except _DOWNLOAD_FAILURES as error:
        if version is None:
            raise
        raise _not_downloadable("torchvision", name, error) from error
    features, prefix = _take_off_last_linear(net)
    return Backbone(net, features, (f"{prefix}.",))


def timm_normalization(name: str) -> tuple[RGB, RGB]:
    """Mean and standard deviation (RGB in [0, 1]) that a timm net was trained with; ImageNet's if timm has none."""
    import timm

    refuse_unknown_timm(name)
    settings = timm.models.get_pretrained_cfg(name)
    if settings is None:
        return IMAGENET_NORMALIZATION
    return _rgb(settings.mean), _rgb(settings.std)


def refuse_unknown_timm(name: str) -> None:
    """RecipeError with the nearest names if timm has no such net."""
    import timm

    tagged = timm.list_pretrained(f"{name.split('.')[0]}.*") if "." in name else []
    if name not in tagged and name not in timm.list_models(include_tags=False):
        raise _unknown("timm", name, tagged or timm.list_models(include_tags=False))


def refuse_unknown_torchvision(name: str) -> None:
    """RecipeError with the nearest names if torchvision has no such classifier."""
    import torchvision.models

    legal = torchvision.models.list_models(module=torchvision.models)
    if name not in legal:
        raise _unknown("torchvision", name, legal)


def _conv_stage(in_channels: int, out_channels: int, dropout: float) -> nn.Sequential:
    conv = nn.Conv2d(in_channels, out_channels, kernel_size=3, padding=1)
    nn.init.kaiming_normal_(conv.weight, nonlinearity="relu")
    nn.init.zeros_(conv.bias if conv.bias is not None else conv.weight.new_empty(0))
    return nn.Sequential(conv, nn.ReLU(), nn.MaxPool2d(2), nn.Dropout(dropout))


def _take_off_last_linear(net: nn.Module) -> tuple[int, str]:
    """Replace the net's last linear layer by nothing; its input width and its dotted name."""
    linears = [(name, module) for name, module in net.named_modules() if isinstance(module, nn.Linear)]
    name, linear = linears[-1]
    parent_name, _, child = name.rpartition(".")
    parent = net.get_submodule(parent_name)
    setattr(parent, child, nn.Identity())
    if isinstance(parent, nn.Sequential) and len(parent) > 1 and isinstance(parent[-2], nn.Dropout):
        # The recipe's own dropout stands before the head; torchvision's in the same place would double it.
        parent[-2] = nn.Identity()
    return linear.in_features, name


def _timm_download_options(name: str) -> dict[str, object]:
    """Options that load a cached copy without the network; refuses early where there is no way to get one."""
    import huggingface_hub
    import timm

    settings = timm.models.get_pretrained_cfg(name)
    if settings is None or not settings.has_weights:
        thing = f"pretrained weights of timm {name!r}"
        raise WeightsError(must(thing, "published", "none", "Set model.weights to {kind: none} or {kind: path}."))
    if settings.hf_hub_id:
        cached = huggingface_hub.try_to_load_from_cache(settings.hf_hub_id, "model.safetensors")
        if isinstance(cached, str):
            return {"pretrained_cfg_overlay": {"file": cached}}
        _refuse_unreachable(huggingface_hub.constants.ENDPOINT, name)
    return {}


def _refuse_unreachable(address: str, name: str) -> None:
    """The hub's own client retries for most of a minute before it gives up; one question is enough to know."""
    try:
        with urllib.request.urlopen(urllib.request.Request(address, method="HEAD"), timeout=_PROBE_TIMEOUT_S):
            return
    except urllib.error.HTTPError:
        return  # Something replied; whether it has the weights is for the hub's client to find out.
    except OSError as error:
        raise _not_downloadable("timm", name, error) from error


def _refuse_unknown_version(name: str, version: str) -> None:
    import torchvision.models

    legal = ["DEFAULT", *(member.name for member in torchvision.models.get_model_weights(name))]
    if version not in legal:
        rule = f"one of {', '.join(legal)} for torchvision {name!r}"
        raise RecipeError(must("model.weights.version", rule, version, "Choose one of these."))


def _unknown(library: str, name: str, legal: Iterable[str]) -> RecipeError:
    close = difflib.get_close_matches(name, list(legal), n=_NEAREST_SHOWN, cutoff=0.0)
    rule = f"a model that {library} knows"
    return RecipeError(must("model.backbone.name", rule, name, f"Nearest: {', '.join(close)}."))


def _not_downloadable(library: str, name: str, error: Exception) -> WeightsError:
    reason = " ".join(str(error).split()) or type(error).__name__
    return WeightsError(
        must(
            f"pretrained weights of {library} {name!r}",
            "in the local cache or within reach of the network",
            reason,
            "Copy the weights file here and set model.weights to {kind: path, file: FILE}, "
            "or use {kind: bundled} (timm tf_efficientnet_lite0) or {kind: none}.",
        )
    )


def _rgb(values: tuple[float, ...]) -> RGB:
    red, green, blue = (float(value) for value in values)
    return red, green, blue
