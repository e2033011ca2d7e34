"""What ``bundle.json`` says: which networks there are, what they are shown, how their predictions become one.

The prediction for a photo is ``vote(members)``, a member's is the product of its parts (one for each group of
attributes; most runs have one part for them all; parts of the same attributes are averaged first), a part's is the vote
of its networks (one per fold; the mean unless they vote hard), and a network's is the mean over the views that it sees.
"""

from __future__ import annotations

import re
from typing import Literal, Self

from pydantic import Field, ValidationError, model_validator

from maskwise.data.photo_budget import MOST_PIXELS
from maskwise.ensembles.config import EnsembleConfig
from maskwise.ensembles.vote_members import FoldVote
from maskwise.errors import DataError, must
from maskwise.faces.config import CropConfig
from maskwise.faces.framing import Framing
from maskwise.files import parse_json
from maskwise.labels import Attribute, Task
from maskwise.recipe.explain import infinite_numbers
from maskwise.recipe.parts import are_shared_out
from maskwise.settings import Settings

MANIFEST = "bundle.json"
FORMAT: Literal[1] = 1
"""Raised when bundle.json changes so that older readers would misread it."""
NETWORK_FILE = re.compile(r"networks/[A-Za-z0-9_.-]+\.onnx")
"""Where networks lie; nothing else is ever opened as one."""

LARGEST_INPUT_PX = 4096
MOST_CLASSES = 10_000
MOST_NETWORKS = 1000
"""Bounds for untrusted bundles; those of exports are far below."""

StoredPrecision = Literal["fp32", "int8"]
"""What networks lie in a bundle; other precisions are computed from these."""


class BundleInput(Settings):
    """How a photo becomes a network's input: crop, then resize; scaling and normalization are inside the network."""

    crop: CropConfig
    height_px: int = Field(ge=1, le=LARGEST_INPUT_PX)
    width_px: int = Field(ge=1, le=LARGEST_INPUT_PX)
    mean_C: tuple[float, float, float]
    """Of RGB in 0 … 1; for those who use the networks elsewhere."""
    std_C: tuple[float, float, float]


class BundlePart(Settings):
    """The networks that predict some attributes, one per fold.

    Each is ``pixels`` (uint8 N × H × W × 3, RGB) → ``probs`` (N × its classes) and, with an age head, ``age`` (N).
    """

    attributes: tuple[Attribute, ...] = Field(min_length=1)
    """What is predicted, slowest first."""
    input: int = Field(ge=0)
    """Which of the manifest's ``inputs`` is shown."""
    views: tuple[Literal["as_is", "mirrored"], ...] = Field(min_length=1, max_length=8)
    tells_age: bool
    networks: tuple[dict[StoredPrecision, str], ...] = Field(min_length=1)
    """The file of each network in each precision that the bundle has."""
    fold_vote: FoldVote = "soft"
    """How the networks become one."""
    fold_views: Literal["all", "in_turn"] = "all"
    """in_turn: the first network sees the first view, the second the second, and so on; all: each sees all of them."""

    @model_validator(mode="after")
    def _refuse_foreign_paths(self) -> Self:
        for name in (name for files in self.networks for name in files.values()):
            if not NETWORK_FILE.fullmatch(name):
                raise ValueError(must("files of a network", "networks/NAME.onnx", name, "Export the run again."))
        if not all("fp32" in files for files in self.networks):
            raise ValueError("a network must have an fp32 file, got none. Export the run again.")
        return self


class Member(Settings):
    """One trained run."""

    run_id: str
    name: str
    weight: float = Field(allow_inf_nan=False)
    parts: tuple[BundlePart, ...] = Field(min_length=1)


class Manifest(Settings):
    """All of ``bundle.json``."""

    format: Literal[1] = FORMAT
    name: str
    """Of the run or the ensemble."""
    task: Task
    inputs: tuple[BundleInput, ...]
    members: tuple[Member, ...] = Field(min_length=1)
    vote: EnsembleConfig
    """How members become one; with a single member it changes nothing."""
    temperature: float | None = Field(default=None, gt=0)
    """Fitted on held-out people. Used for calibrated predictions only; None where nobody was held out, and where folds
    vote hard: held-out people have probabilities of one fold, not shares of votes."""
    abstain_below: float | None = Field(default=None, ge=0, le=1)
    """What the card recommends, if anything; the caller decides."""
    framing: Framing | None = None
    """Where the face stands in the photos that it was trained on; None where nobody looked."""
    versions: dict[str, str]
    """Of maskwise, torch and onnx when it was written."""

    @model_validator(mode="after")
    def _refuse_loose_ends(self) -> Self:
        if self.framing is not None and self.framing.height_px * self.framing.width_px > MOST_PIXELS:
            got = f"{self.framing.width_px} × {self.framing.height_px}"
            raise ValueError(must("the framing", f"of at most {MOST_PIXELS:,} pixels", got, "Export the run again."))
        if self.task.n_classes > MOST_CLASSES or sum(len(part.networks) for part in self.parts) > MOST_NETWORKS:
            raise ValueError("a bundle must have fewer classes and networks than this one. Export the run again.")
        for part in self.parts:
            if part.input >= len(self.inputs):
                raise ValueError(must("input of a part", f"below {len(self.inputs)}", part.input, "Export again."))
        for member in self.members:
            read = [part.attributes for part in member.parts]
            if not are_shared_out(read, self.task):
                rule = "all attributes, each once or in parts with the same ones"
                raise ValueError(must("parts of a run", rule, read, "Export the run again."))
        return self

    @property
    def parts(self) -> tuple[BundlePart, ...]:
        """All parts, in the order of members."""
        return tuple(part for member in self.members for part in member.parts)

    @property
    def votes_hard_over_folds(self) -> bool:
        """Whether shares of votes stand for probabilities, which nobody was held out from."""
        return any(part.fold_vote == "hard" for part in self.parts)

    @property
    def precisions(self) -> tuple[StoredPrecision, ...]:
        """Those in which every network is there."""
        words: tuple[StoredPrecision, ...] = ("fp32", "int8")
        return tuple(word for word in words if all(word in files for part in self.parts for files in part.networks))


def parse_manifest(text: bytes, place: str) -> Manifest:
    """The manifest in ``text``; ``DataError`` for anything else, and for one of another format."""
    try:
        fields = parse_json(text)
        written_as = fields["format"]
        infinite = infinite_numbers(fields)
    except (ValueError, KeyError, TypeError, RecursionError):
        raise _unreadable(place, "something else") from None
    if written_as != FORMAT:
        thing = f"the format of {MANIFEST} in {place}"
        raise DataError(must(thing, str(FORMAT), written_as, "Read it with the maskwise that wrote it."))
    if infinite:
        raise DataError([f"{MANIFEST} in {place}: {line}" for line in infinite])
    try:
        return Manifest.model_validate_json(text)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise _unreadable(place, f"{where}: {first['msg']}") from None


def _unreadable(place: str, got: str) -> DataError:
    return DataError(f"{MANIFEST} in {place} must describe a bundle, got {got}. Export the run again.")
