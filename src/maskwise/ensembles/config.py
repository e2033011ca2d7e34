"""Settings of the ensembles: how the probabilities of several models become one prediction."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from maskwise.settings import Settings


class SoftVote(Settings):
    """The mean of the members' probabilities. Nothing is fitted; hard to beat with members of like strength."""

    kind: Literal["soft_vote"] = "soft_vote"


class HardVote(Settings):
    """Each member has one vote, for its most probable class; a class gets the share of votes that it received.

    Among classes of equally many votes the one with the highest mean probability wins. Overconfident members
    weigh no more than others here.
    """

    kind: Literal["hard_vote"] = "hard_vote"


class WeightedVote(Settings):
    """The mean with weights (none negative, sum 1) that give held-out photos the lowest log loss.

    Log loss and not macro F1 decides, although macro F1 is the score: macro F1 is a step function of the weights whose
    steps are noise of a few photos of rare classes, while log loss is convex here, with one lowest value that is found
    from any start, and has only (members - 1) numbers to fit. A member that adds nothing gets a weight near 0.
    """

    kind: Literal["weighted"] = "weighted"

    tolerance_nats: float = Field(default=1e-5, gt=0)
    """Fitting stops when the log loss is proven to be within so many nats per photo of the lowest one possible."""

    steps_at_most: int = Field(default=10_000, ge=1)
    """Fitting stops after so many steps in any case: nearly equal members have nearly equal best weights."""


class GeometricMean(Settings):
    """The mean of the members' logarithms of probability, scaled to sum 1: one clear "no" outweighs many a "perhaps".

    Equal to the softmax of the mean logits, where the members are softmax models.
    """

    kind: Literal["geometric_mean"] = "geometric_mean"


class RankMean(Settings):
    """The mean rank of a photo among all photos, class by class, turned back into a probability, scaled to sum 1.

    For members of like strength whose probabilities are not on one scale (confident, timid): only the order in which
    a member puts the photos of a class counts. A member that knows nothing and says so with flat probabilities hardly
    moves a soft vote, but has a full say here: leave it out. The result for a photo depends on the photos that it is
    combined with; for a photo alone it is the soft vote. So combine at least some hundreds.
    """

    kind: Literal["rank_mean"] = "rank_mean"


EnsembleConfig = Annotated[
    SoftVote | HardVote | WeightedVote | GeometricMean | RankMean,
    Field(discriminator="kind"),
]
