"""Settings of self-training: rounds, and which unlabeled photos are trained on, with which target, how heavily."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from maskwise.settings import Settings


class Everything(Settings):
    """All photos."""

    kind: Literal["everything"] = "everything"


class Confident(Settings):
    """Photos whose most probable class is probable enough.

    One threshold for all classes keeps mostly the classes that the model finds easy: rare ones get rarer.
    """

    kind: Literal["confident"] = "confident"

    threshold: float = Field(default=0.9, gt=0, le=1)
    """The most probable class must have at least this probability."""


class TopShare(Settings):
    """For each predicted class the same share of its photos, the most confident ones first.

    Keeps the shares of the predicted classes as they are, so that rare classes are not crowded out.
    """

    kind: Literal["top_share"] = "top_share"

    share: float = Field(default=0.5, gt=0, le=1)
    """Share of the photos of each predicted class, rounded up: a class that is predicted at all keeps one photo."""


KeepConfig = Annotated[Everything | Confident | TopShare, Field(discriminator="kind")]


class Hard(Settings):
    """The most probable class becomes the label, as if it were the truth."""

    kind: Literal["hard"] = "hard"

    keep: KeepConfig = Confident()
    """Which photos get a label."""

    weight: float = Field(default=1.0, gt=0, le=1)
    """Weight of a pseudo-labeled photo in the loss, where a labeled one has 1."""


class Soft(Settings):
    """The probabilities become the target, sharpened: the target says how sure the model was."""

    kind: Literal["soft"] = "soft"

    keep: KeepConfig = Everything()
    """Which photos get a target."""

    temperature: float = Field(default=0.5, gt=0, le=1)
    """Probabilities are raised to 1 / temperature and scaled to sum 1: 1 keeps them, towards 0 they become hard."""

    weight: float = Field(default=1.0, gt=0, le=1)
    """Weight of a pseudo-labeled photo in the loss, where a labeled one has 1."""


PseudoLabelConfig = Annotated[Hard | Soft, Field(discriminator="kind")]


class SelfTraining(Settings):
    """Train, label the data set's eval photos with what was learned, train afresh on both (Lee 2013, ICML WREPL).

    The scored people are never among the photos that get pseudo-labels, and scores use true labels only.
    """

    rounds: int = Field(default=1, ge=1)
    """Fresh trainings on labeled and pseudo-labeled photos, after a first one on the labeled photos alone: the whole
    run takes this many trainings more. Each round's pseudo-labels come from the model of the round before."""

    select: PseudoLabelConfig = Hard()
    """Which of the unlabeled photos are trained on, and with which targets."""
