"""What a model is for and what it is not for: one text for the report and for the card of a bundle."""

from __future__ import annotations

INTENDED = (
    "Reading how a face appears on a photo: mask worn, worn wrong or not worn; apparent gender; apparent age group. "
    "Made for counting over many photos, for research on small and imbalanced photo sets, and for sorting photos that "
    "a person then looks at."
)
NOT_INTENDED = (
    "Deciding about a person: access, work, insurance, police. What a face appears to be is not what a person is.",
    "Telling who somebody is, or their origin: it has no such output.",
    "Gender identity: it knows two words, by appearance.",
    "Photos unlike those it was trained on (other light, angles, cameras, children, drawn masks against real ones): "
    "they are read worse than the scores below say.",
)
