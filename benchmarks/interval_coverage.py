"""How often the 95 % interval of ``compare`` holds the truth: ``python benchmarks/interval_coverage.py``.

Two readers with a known difference read many simulated data sets. Every person has seven photos: five masks worn, one
worn wrong, none. What makes a person hard is shared by all of their photos and by both readers; so is the way in which
a person is mistaken. The truth is exact: a right prediction's probability is logistic with a normal argument,
integrated by Gauss and Hermite's rule, and the population's macro F1 is that of the expected confusion matrix.

``--seeds 5 --seed-spread 0.15`` trains each reader five times: a run's skill varies by so many logits (0.15 makes macro
F1 vary by about 0.03), and the interval is meant for new people and new seeds.

``--photos`` also draws photos in place of people, which is the mistake that the intervals by person are there to avoid.
"""

from __future__ import annotations

import argparse
import dataclasses
import math
import time
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from maskwise.evaluation.comparison import Comparison, compare_arms
from maskwise.evaluation.metrics import accuracy_of, macro_f1_of
from maskwise.evaluation.shared_photos import align_arms
from maskwise.labels import Task
from maskwise.records import Floats, Ints, Predictions
from maskwise.score import Score
from maskwise.seeds import rng_for

TASK = Task()
PEOPLE_SHARES = np.array([549, 410, 83, 732, 817, 109]) / 2700
"""Of gender × age group, as the competition's training people are."""
MASK_OF_PHOTO = np.array([0, 0, 0, 0, 0, 1, 2])
SKILL = (0.6, 0.9)
"""Of reader a and of reader b: the logit of a right prediction for an average person."""
OLD_AGE_PENALTY = 1.0
"""Taken from the logit for people from 60 on."""
PERSON_SPREAD, READER_SPREAD, PHOTO_SPREAD, NOISE_SPREAD = 1.5, 1.5, 0.4, 0.4
"""Standard deviations of logits: person, person for one reader, photo, photo for one reader."""


class Truth(NamedTuple):
    """What b gains over a in the whole population."""

    macro_f1: float
    accuracy: float


@dataclass
class Coverage:
    """How many of the intervals hold the truth, and how wide they are on the mean."""

    truth: float
    inside: int = 0
    above: int = 0
    """The interval lies above the truth."""
    width_sum: float = 0.0
    gain_sum: float = 0.0
    sets: int = 0

    def add(self, gain: Score) -> None:
        """Count one interval."""
        self.sets += 1
        self.inside += gain.low <= self.truth <= gain.high
        self.above += gain.low > self.truth
        self.width_sum += gain.high - gain.low
        self.gain_sum += gain.value

    def __str__(self) -> str:
        share, n = self.inside / self.sets, self.sets
        error = math.sqrt(share * (1 - share) / n)
        return (
            f"{share:.1%} ± {error:.1%} hold it ({self.above} above, {n - self.inside - self.above} below); truth "
            f"{self.truth:+.4f}, mean gain {self.gain_sum / n:+.4f}, mean width {self.width_sum / n:.4f}"
        )


def wrong_classes() -> Floats:
    """Chances of the classes that a wrong prediction names, (18, 18): mostly another age group, else another gender."""
    chances_CC = np.zeros((18, 18))
    for c in range(18):
        mask, gender, age = np.unravel_index(c, TASK.sizes)
        neighbors = [other for other in range(3) if abs(other - age) == 1]
        for other in neighbors:
            chances_CC[c, np.ravel_multi_index((mask, gender, other), TASK.sizes)] += 0.75 / len(neighbors)
        chances_CC[c, np.ravel_multi_index((mask, 1 - gender, age), TASK.sizes)] += 0.22
        chances_CC[c, np.ravel_multi_index(((mask + 1) % 3, gender, age), TASK.sizes)] += 0.03
    return chances_CC


def skill_logits(skill: float) -> Floats:
    """Mean logit of a right prediction for each joint class."""
    age_C = TASK.codes(np.arange(18))["age"]
    return np.asarray(skill - OLD_AGE_PENALTY * (age_C == 2))


def population_confusion(skill: float) -> Floats:
    """Expected shares of (true, predicted) joint class for a photo of the population."""
    spread = math.sqrt(PERSON_SPREAD**2 + READER_SPREAD**2 + PHOTO_SPREAD**2 + NOISE_SPREAD**2)
    node_Q, weight_Q = np.polynomial.hermite_e.hermegauss(80)
    chance_QC = 1 / (1 + np.exp(-(skill_logits(skill)[None, :] + spread * node_Q[:, None])))
    right_C = weight_Q @ chance_QC / weight_Q.sum()
    mask_shares = np.bincount(MASK_OF_PHOTO, minlength=3) / len(MASK_OF_PHOTO)
    share_C = np.outer(mask_shares, PEOPLE_SHARES).ravel()
    confusion_CC = np.diag(right_C) + (1 - right_C)[:, None] * wrong_classes()
    return np.asarray(share_C[:, None] * confusion_CC)


def population_gain(seed_spread: float = 0.0) -> Truth:
    """The known difference, as a mean over all seeds."""
    node_Q, weight_Q = np.polynomial.hermite_e.hermegauss(21 if seed_spread else 1)
    share_Q = weight_Q / weight_Q.sum()
    found = []
    for score in (macro_f1_of, accuracy_of):
        a, b = (
            sum(
                share * float(score(population_confusion(skill + seed_spread * node)))
                for share, node in zip(share_Q.tolist(), node_Q.tolist(), strict=True)
            )
            for skill in SKILL
        )
        found.append(b - a)
    return Truth(*found)


def draw_set(
    n_people: int, rng: np.random.Generator, seeds: int = 1, seed_spread: float = 0.0
) -> tuple[list[Predictions], list[Predictions]]:
    """One data set of ``n_people``, seven photos each, predicted by ``seeds`` runs of both readers."""
    n_photos = n_people * len(MASK_OF_PHOTO)
    person_N = np.repeat(np.arange(n_people), len(MASK_OF_PHOTO))
    kind_P = rng.choice(6, size=n_people, p=PEOPLE_SHARES)
    class_N = np.tile(MASK_OF_PHOTO, n_people) * 6 + kind_P[person_N]
    person_P, photo_N = rng.normal(0, PERSON_SPREAD, n_people), rng.normal(0, PHOTO_SPREAD, n_photos)
    # One sample per person: whoever is taken for older is taken for older on every photo.
    wrong_N = (np.cumsum(wrong_classes(), axis=1)[class_N] > rng.random(n_people)[person_N, None]).argmax(axis=1)
    readers = []
    for skill in SKILL:
        own_P = rng.normal(0, READER_SPREAD, n_people)
        runs = []
        for _ in range(seeds):
            noise_N, luck = rng.normal(0, NOISE_SPREAD, n_photos), seed_spread * rng.normal() if seed_spread else 0.0
            logit_N = skill_logits(skill + luck)[class_N] + (person_P + own_P)[person_N] + photo_N + noise_N
            right_N = rng.random(n_photos) < 1 / (1 + np.exp(-logit_N))
            runs.append(_predictions(class_N, np.where(right_N, class_N, wrong_N), person_N))
        readers.append(runs)
    return readers[0], readers[1]


def by_photo(predictions: Predictions) -> Predictions:
    """The same without people: each photo counts as its own."""
    return dataclasses.replace(predictions, person_N=np.full(len(predictions), "", object))


def cover(
    sets: int, n_people: int, resamples: int, *, photos: bool = False, seeds: int = 1, seed_spread: float = 0.0
) -> tuple[Coverage, Coverage]:
    """Coverage of the intervals of macro F1 and of accuracy over ``sets`` data sets of ``n_people``."""
    truth = population_gain(seed_spread)
    macro_f1, accuracy = Coverage(truth.macro_f1), Coverage(truth.accuracy)
    for number in range(sets):
        a, b = draw_set(n_people, rng_for(0, "coverage", n_people, number), seeds, seed_spread)
        if photos:
            a, b = list(map(by_photo, a)), list(map(by_photo, b))
        found: Comparison = compare_arms(align_arms([a, b], TASK), rng_for(0, "intervals", number), resamples)
        macro_f1.add(found.joint.macro_f1.gain)
        accuracy.add(found.joint.accuracy.gain)
    return macro_f1, accuracy


def main() -> None:
    """Simulate and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--sets", type=int, default=1000)
    parser.add_argument("--people", type=int, default=250)
    parser.add_argument("--resamples", type=int, default=1000)
    parser.add_argument("--seeds", type=int, default=1, help="runs of each reader")
    parser.add_argument("--seed-spread", type=float, default=0.0, help="how much a run's skill varies, in logits")
    parser.add_argument("--photos", action="store_true", help="draw photos instead of people")
    options = parser.parse_args()
    started = time.perf_counter()
    found = cover(
        options.sets,
        options.people,
        options.resamples,
        photos=options.photos,
        seeds=options.seeds,
        seed_spread=options.seed_spread,
    )
    print(
        f"{options.sets} sets of {options.people} people, resampled by {'photo' if options.photos else 'person'}, "
        f"{options.seeds} seeds with a spread of {options.seed_spread} logits"
    )
    for name, coverage in zip(("macro F1", "accuracy"), found, strict=True):
        print(f"{name}: {coverage}")
    print(f"{time.perf_counter() - started:.0f} s")


def _predictions(class_N: Ints, decided_N: Ints, person_N: Ints) -> Predictions:
    return Predictions(
        photo_N=np.array([f"{k:06d}.jpg" for k in range(len(class_N))], object),
        person_N=np.array([f"{k:05d}" for k in person_N.tolist()], object),
        class_N=class_N,
        probs_NC=np.eye(18)[decided_N],
        seen_N=np.full(len(class_N), "held_out", object),
    )


if __name__ == "__main__":
    main()
