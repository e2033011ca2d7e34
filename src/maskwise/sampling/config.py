"""Settings of the samplers.

Each kind says what its samples promise: how many there are, the share of a training class, the share of a person.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from maskwise.labels import PhotoGroup
from maskwise.settings import Settings


class Natural(Settings):
    """Every photo once an epoch, in random order: class and person shares are those of the data set."""

    kind: Literal["natural"] = "natural"


class Weighted(Settings):
    """As many samples as photos, with replacement; every training class that occurs comes equally often on average.

    Within a class all photos are sampled alike, so a person's share of a class's samples is their share of its photos.
    """

    kind: Literal["weighted"] = "weighted"


class BalancedBatches(Settings):
    """As many samples as photos; the classes take turns, so every batch holds them as evenly as its size allows.

    In any stretch of consecutive samples two training classes differ by one at most: what the weighted sampler reaches
    on average, each batch reaches here. A class's photos are gone through in shuffled rounds, so no photo is shown
    twice more often than another of its class; a person's share of a class's samples is their share of its photos.
    """

    kind: Literal["balanced_batches"] = "balanced_batches"


class OversampleRare(Settings):
    """Every photo at least once; classes smaller than a share of the largest are repeated up to it.

    A class of n photos has max(n, round(share · largest class)) samples, each photo as often as any other of the class
    or once more: a person's share of a class's samples is their share of its photos. Larger epochs: for the
    competition's 18 classes 73,530 samples instead of 18,900.
    """

    kind: Literal["oversample_rare"] = "oversample_rare"

    share: float = Field(default=1.0, gt=0, le=1)
    """The size that every class reaches at least, as a share of the largest class's photos."""


class OversampleGroup(Settings):
    """Every photo at least once; one group of photos is repeated until it has a share of the samples.

    ``{kind: oversample_group, group: {gender: male}}`` is the source write-up's oversampling of the male photos. Each
    photo of the group comes as often as any other of it or once more, so class and person shares inside the group
    and outside it stay those of the data set. A group that has its share already is left as it is.
    """

    kind: Literal["oversample_group"] = "oversample_group"

    group: PhotoGroup
    """The group, e.g. {gender: male}."""

    share: float = Field(default=0.5, gt=0, lt=1)
    """The group's share of an epoch's samples."""


class OversampleRandom(Settings):
    """Every photo once, then more photos sampled alike with replacement: a longer epoch of the same shares.

    Class and person shares are those of the data set on average; it costs what more epochs cost, and exists to be
    compared with the source write-up's random oversampling.
    """

    kind: Literal["oversample_random"] = "oversample_random"

    factor: float = Field(default=2.0, gt=1, le=100)
    """Samples an epoch as a multiple of the photos."""


class UndersampleMasked(Settings):
    """A few of each person's photos with a correctly worn mask, others each epoch; all their other photos.

    With n of five, the competition's 13,500 photos of worn masks become 2,700 · n an epoch; the other 5,400 stay. A
    person has min(n, their photos with a worn mask) + their other photos, and each of their masked photos has the same
    chance; so class shares are exact in every epoch.
    """

    kind: Literal["undersample_masked"] = "undersample_masked"

    photos_per_person: int = Field(default=2, ge=1)
    """How many photos with a correctly worn mask are taken of each person in an epoch."""

    then: Annotated[Natural | Weighted | BalancedBatches, Field(discriminator="kind")] = Natural()
    """What samples from the photos that were taken: each once, or the classes evenly."""


SamplerConfig = Annotated[
    Natural | Weighted | BalancedBatches | OversampleRare | OversampleGroup | OversampleRandom | UndersampleMasked,
    Field(discriminator="kind"),
]
