"""The sentences of a model card: one text for the report of a run and for the card of a bundle."""

from __future__ import annotations

from collections.abc import Sequence

INTENDED = (
    "Predicting how a face appears in a photo: mask worn, worn wrong or not worn; apparent gender; apparent age group. "
    "Made for counting over many photos, for research on small and imbalanced photo sets, and for sorting photos that "
    "a person then looks at."
)
NOT_INTENDED = (
    "Deciding about a person: access, work, insurance, police. What a face appears to be is not what a person is.",
    "Telling who somebody is, or their origin: it has no such output.",
    "Gender identity: it knows two words, by appearance.",
    "Photos unlike those it was trained on (other light, angles, cameras, children, drawn masks against real ones): "
    "they are predicted worse than the scores below say.",
)
OPTIMISTIC = "The epoch was chosen on the very people who are scored: every score here is too high."
SCORED_ON = (
    "people of one data set, whom the models never saw; other cameras, countries and habits are not in the scores"
)
DIFFERENCES = "Differences between groups"


def what_it_predicts(attributes: Sequence[str], n_classes: int) -> str:
    """As ``predicts mask × gender × age, 18 joint classes``."""
    return f"predicts {' × '.join(attributes)}, {n_classes} joint classes"


def not_learned(absent_classes: Sequence[str]) -> str:
    """What to know of classes that no training photo shows; "" where there are none."""
    if not absent_classes:
        return ""
    return f"No photo of {', '.join(absent_classes)} to learn from: do not rely on predictions of these."


def trained_on(data: str, n_photos: int, n_people: int) -> str:
    """As ``trained on X: 100 photos of 20 people``."""
    return f"trained on {data}: {n_photos:,} photos of {n_people:,} people"
