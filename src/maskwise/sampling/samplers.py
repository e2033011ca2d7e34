"""The samplers: which photos an epoch shows, in which order. All are ``sample_…(table, rng) → index_M``.

Beside each stands what it promises, ``times_…(table) → times_N``: how often an epoch shows each photo on average. The
shares of classes and people follow from it.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from maskwise.errors import DataError, must
from maskwise.labels import MASK_CLASSES, PhotoGroup
from maskwise.records import Floats, Ints, PhotoTable

WORN = MASK_CLASSES.index("worn")

Sampler = Callable[[PhotoTable, np.random.Generator], Ints]
"""``sample(table, rng) → index_M``: the positions of one epoch's photos, in the order in which they are shown."""
TimesShown = Callable[[PhotoTable], Floats]
"""``times(table) → times_N``: how often an epoch shows each photo on average."""


def sample_natural(table: PhotoTable, rng: np.random.Generator) -> Ints:
    """The N positions of ``table``, each once, shuffled."""
    return rng.permutation(len(table))


def times_natural(table: PhotoTable) -> Floats:
    """Exactly once, in every epoch."""
    return np.ones(len(table))


def sample_weighted(table: PhotoTable, rng: np.random.Generator) -> Ints:
    """N positions of ``table``, sampled with replacement; a photo's weight is 1 / (photos of its training class).

    The number of samples of a class in one epoch is binomial (N, 1 / K). Some photos of common classes do not appear in
    an epoch, those of rare classes appear many times. ``DataError`` when a photo has no training class.
    """
    code_N, photos_K = class_codes(table, "weighted")
    if not len(table):
        return np.empty(0, dtype=np.int64)
    weight_N = 1.0 / (photos_K[code_N] * len(photos_K))
    return np.asarray(rng.choice(len(table), size=len(table), p=weight_N), dtype=np.int64)


def sample_balanced_batches(table: PhotoTable, rng: np.random.Generator) -> Ints:
    """N positions of ``table``: the K training classes in turn, in an order that is shuffled for each epoch.

    Keeps, exactly: in any stretch of consecutive samples the counts of two classes differ by one at most, so every
    batch is as even as its size allows, wherever it begins. One order an epoch, not one a round: two different orders
    side by side could show a class twice within K samples. ``DataError`` when a photo has no training class.
    """
    code_N, photos_K = class_codes(table, "balanced")
    turn_M = np.resize(rng.permutation(len(photos_K)), len(table))
    index_M = np.empty(len(table), dtype=np.int64)
    for code in range(len(photos_K)):
        turns_of_class_M = turn_M == code
        index_M[turns_of_class_M] = deal(np.flatnonzero(code_N == code), int(turns_of_class_M.sum()), rng)
    return index_M


def times_even_classes(table: PhotoTable) -> Floats:
    """On average: each of the K training classes that occur has N / K samples, shared alike by its photos."""
    code_N, photos_K = class_codes(table, "weighted")
    return len(table) / (photos_K[code_N] * max(1, len(photos_K)))


def sample_oversample_rare(table: PhotoTable, rng: np.random.Generator, share: float) -> Ints:
    """Positions of ``table``, shuffled, as often as ``times_oversample_rare`` says.

    Every photo comes as often as any other of its class or once more. ``DataError`` when a photo has no training class.
    """
    code_N, photos_K = class_codes(table, "oversample_rare")
    if not len(table):
        return np.empty(0, dtype=np.int64)
    samples_K = _samples_of_classes(photos_K, share)
    parts = [deal(np.flatnonzero(code_N == code), int(samples), rng) for code, samples in enumerate(samples_K)]
    return rng.permutation(np.concatenate(parts))


def times_oversample_rare(table: PhotoTable, share: float) -> Floats:
    """Each training class exactly max(its photos, round(``share`` · the largest class's)) times, its photos alike."""
    code_N, photos_K = class_codes(table, "oversample_rare")
    return (_samples_of_classes(photos_K, share) / photos_K)[code_N]


def _samples_of_classes(photos_K: Ints, share: float) -> Ints:
    return np.maximum(photos_K, round(share * int(photos_K.max(initial=0))))


def sample_oversample_group(table: PhotoTable, rng: np.random.Generator, share: float, group: PhotoGroup) -> Ints:
    """Positions of ``table``, shuffled: all photos, and those of a group again until it has ``share`` of the samples.

    Every photo of the group comes as often as any other of it or once more. ``DataError`` when no photo is in the
    group; a photo whose attribute is unknown is not.
    """
    in_group_N = group.members(table)
    if not len(table):
        return np.empty(0, dtype=np.int64)
    group_P, others_P = np.flatnonzero(in_group_N), np.flatnonzero(~in_group_N)
    if not len(group_P):
        got = f"none of {len(table)} ({group})"
        raise DataError(must("photos of sampling.group", "one or more", got, "Choose another group."))
    samples = _samples_of_group(len(group_P), len(others_P), share)
    return rng.permutation(np.concatenate([others_P, deal(group_P, samples, rng)]))


def times_oversample_group(table: PhotoTable, share: float, group: PhotoGroup) -> Floats:
    """The G photos of the group exactly max(G, round(O · share / (1 - share))) times together, the O others once."""
    in_group_N = group.members(table)
    n_group = int(in_group_N.sum())
    samples = _samples_of_group(n_group, len(table) - n_group, share)
    return np.where(in_group_N, samples / max(1, n_group), 1.0)


def _samples_of_group(n_group: int, n_others: int, share: float) -> int:
    return max(n_group, round(n_others * share / (1 - share)))


def sample_oversample_random(table: PhotoTable, rng: np.random.Generator, factor: float) -> Ints:
    """round(``factor`` · N) positions of ``table``, shuffled: all photos once, the rest sampled with replacement."""
    n = len(table)
    if not n:
        return np.empty(0, dtype=np.int64)
    again_M = rng.integers(0, n, size=round(factor * n) - n)
    return rng.permutation(np.concatenate([np.arange(n), again_M]))


def times_oversample_random(table: PhotoTable, factor: float) -> Floats:
    """All photos alike on average, each once at least."""
    return np.full(len(table), round(factor * len(table)) / max(1, len(table)))


def sample_undersample_masked(
    table: PhotoTable, rng: np.random.Generator, photos_per_person: int, then: Sampler
) -> Ints:
    """What ``then`` shows of: ``photos_per_person`` of each person's photos of a worn mask, and all others.

    A person exactly keeps min(``photos_per_person``, their photos of a worn mask) + their other photos, each of the
    masked ones with the same chance. ``DataError`` when no photo shows a worn mask, for then nothing would be left out.
    """
    worn_W = rng.permutation(np.flatnonzero(table.mask_N == WORN))
    if len(table) and not len(worn_W):
        got = f"none of {len(table)}"
        raise DataError(must("photos of worn masks", "one or more", got, "Choose the natural sampler."))
    person_W = np.unique(table.person_N[worn_W].astype(str), return_inverse=True)[1]
    # A stable sort by person keeps the shuffled order within each, so the first few of each are a random sample.
    order_W = np.argsort(person_W, kind="stable")
    counts_P = np.bincount(person_W)
    rank_W = np.arange(len(worn_W)) - np.repeat(np.cumsum(counts_P) - counts_P, counts_P)
    kept_S = worn_W[order_W[rank_W < photos_per_person]]
    pool_S = np.concatenate([np.flatnonzero(table.mask_N != WORN), kept_S])
    return pool_S[then(table.take(pool_S), rng)]


def times_undersample_masked(table: PhotoTable, photos_per_person: int, even_classes: bool) -> Floats:
    """A masked photo of a person with n of them min(``photos_per_person``, n) / n times, all others once.

    With ``even_classes`` every training class gets the same part of these samples; shares within a class stay.
    """
    _, person_N = np.unique(table.person_N.astype(str), return_inverse=True)
    worn_N = table.mask_N == WORN
    n_worn_N = np.bincount(person_N[worn_N], minlength=len(table))[person_N]
    times_N = np.where(worn_N, np.minimum(photos_per_person, n_worn_N) / np.maximum(1, n_worn_N), 1.0)
    if not even_classes:
        return times_N
    code_N, photos_K = class_codes(table, "weighted")
    times_K = np.bincount(code_N, times_N, minlength=len(photos_K))
    factor_K = times_N.sum() / max(1, len(photos_K)) / times_K
    return np.asarray(times_N * factor_K[code_N])


def class_codes(table: PhotoTable, sampler: str) -> tuple[Ints, Ints]:
    """(number 0 … K - 1 of each photo's training class, photos of each of the K classes that occur).

    ``DataError``, which names the ``sampler``, when a photo has no training class.
    """
    unknown = int(np.sum(table.train_class_N < 0))
    if unknown:
        got = f"{unknown} of {len(table)} without one"
        raise DataError(must(f"photos for {sampler} sampling", "of a known class", got, "Choose the natural sampler."))
    _, code_N, photos_K = np.unique(table.train_class_N, return_inverse=True, return_counts=True)
    return code_N, photos_K


def deal(photo_P: Ints, samples: int, rng: np.random.Generator) -> Ints:
    """``samples`` of the P positions ``photo_P``, in shuffled rounds: each ⌊samples / P⌋ or ⌈samples / P⌉ times."""
    rounds = -(-samples // len(photo_P))
    deck_D = [rng.permutation(photo_P) for _ in range(rounds)]
    return np.concatenate([np.empty(0, dtype=np.int64), *deck_D])[:samples]
