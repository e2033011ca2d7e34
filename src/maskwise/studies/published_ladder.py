"""The source write-up's table: what its team did on each day, and what the competition's leaderboard said of it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class PublishedDay:
    """One line of the table. The scores are of the leaderboard's test people; None on days without a submission."""

    accuracy: float | None
    macro_f1: float | None
    what: str
    validated_by_photo: bool = False
    """Whether the team's own validation still had photos of one person on both sides. The scores are not touched."""


PUBLISHED: dict[str, PublishedDay] = {
    "1": PublishedDay(0.6798, 0.53, "baseline code and submission; simple EDA", validated_by_photo=True),
    "2": PublishedDay(
        0.7425,
        0.68,
        "search for augmentations that work; oversampling of the male photos only; pretrained backbone",
        validated_by_photo=True,
    ),
    "3": PublishedDay(0.7425, 0.68, "face-detection crop; validation split by person; random oversampling"),
    "4–5": PublishedDay(
        0.7750,
        0.7039,
        "CenterCrop(400, 200); focal, F1, label-smoothing and weighted losses; cosine annealing and StepLR; weight "
        "freezing; gradient accumulation; mixed precision",
    ),
    "6": PublishedDay(0.7966, 0.7568, "batch-size search; optimizer search; train-time age border 60 → 58"),
    "7": PublishedDay(
        None,
        None,
        "n of the 5 masked photos at random (undersampling); multi-output 3+2+3; soft loss",
    ),
    "8": PublishedDay(
        None,
        None,
        "mixup; two models (mask · age and gender) with different augmentations; AutoAugment",
    ),
    "9": PublishedDay(
        0.8004,
        0.7629,
        "augmentation cut down to CenterCrop, brightness, normalize; split again by label shares; k-fold of one "
        "model; self-training",
    ),
    "10": PublishedDay(0.8004, 0.7629, "k-fold; ensembles of 2–3 models"),
    "11": PublishedDay(0.8088, 0.7735, "loss = 0.4 · F1 + 0.6 · focal; hard-voting and soft-voting ensembles"),
    "final": PublishedDay(
        0.8094,
        0.7660,
        "resnext50_32x4d → Linear(128) → classifier; brightness and CenterCrop; 0.4 · F1 + 0.6 · focal; "
        "RandomWeightedSampler; class-weighted loss; age border 58 at training time",
    ),
}
"""By day, in order."""
