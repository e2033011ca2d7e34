"""The samplers: which photos an epoch shows, in which order. All are ``draw(table, rng) → index_M``."""

from __future__ import annotations

import numpy as np

from maskwise.errors import DataError, must
from maskwise.labels import MASK_CLASSES, PhotoGroup
from maskwise.records import Ints, PhotoTable

WORN = MASK_CLASSES.index("worn")


def draw_natural(table: PhotoTable, rng: np.random.Generator) -> Ints:
    """The N positions of ``table``, each once, shuffled.

    Keeps, exactly and in every epoch: class shares and person shares of the table.
    """
    return rng.permutation(len(table))


def draw_weighted(table: PhotoTable, rng: np.random.Generator) -> Ints:
    """N positions of ``table``, drawn with replacement; a photo's weight is 1 / (photos of its training class).

    Keeps, in expectation: each of the K training classes that occur has a share of 1 / K of the draws; a person's
    share is the sum, over his photos, of 1 / (K · photos of that class). A class's draws in one epoch are binomial
    (N, 1 / K). Some photos of common classes do not appear in an epoch, those of rare classes appear many times.
    ``DataError`` when a photo has no training class.
    """
    code_N, photos_K = class_codes(table, "weighted")
    if not len(table):
        return np.empty(0, dtype=np.int64)
    weight_N = 1.0 / (photos_K[code_N] * len(photos_K))
    return np.asarray(rng.choice(len(table), size=len(table), p=weight_N), dtype=np.int64)


def draw_balanced_batches(table: PhotoTable, rng: np.random.Generator) -> Ints:
    """N positions of ``table``: the K training classes in turn, in an order that is shuffled for each epoch.

    Keeps, exactly: in any stretch of consecutive draws the counts of two classes differ by one at most, so every
    batch is as even as its size allows, wherever it begins. Keeps, in expectation: a person's share is the sum, over
    his photos, of 1 / (K · photos of that class). One order an epoch, not one a round: two different orders side by
    side could show a class twice within K draws. ``DataError`` when a photo has no training class.
    """
    code_N, photos_K = class_codes(table, "balanced")
    turn_M = np.resize(rng.permutation(len(photos_K)), len(table))
    index_M = np.empty(len(table), dtype=np.int64)
    for code in range(len(photos_K)):
        its_turns_M = turn_M == code
        index_M[its_turns_M] = deal(np.flatnonzero(code_N == code), int(its_turns_M.sum()), rng)
    return index_M


def draw_oversample_rare(table: PhotoTable, rng: np.random.Generator, share: float) -> Ints:
    """Positions of ``table``: each training class has max(its photos, round(``share`` · the largest class's)) draws.

    Keeps, exactly and in every epoch: those numbers, and every photo as often as any other of its class or once more.
    A person's share of a class's draws is, in expectation, his share of its photos. ``DataError`` when a photo has no
    training class.
    """
    code_N, photos_K = class_codes(table, "oversample_rare")
    if not len(table):
        return np.empty(0, dtype=np.int64)
    draws_K = np.maximum(photos_K, round(share * int(photos_K.max())))
    parts = [deal(np.flatnonzero(code_N == code), int(draws), rng) for code, draws in enumerate(draws_K)]
    return rng.permutation(np.concatenate(parts))


def draw_oversample_group(table: PhotoTable, rng: np.random.Generator, share: float, group: PhotoGroup) -> Ints:
    """Positions of ``table``: all photos, and those of a group again until they have ``share`` of the draws.

    With G photos in the group and O others, the group has max(G, round(O · share / (1 - share))) draws. Keeps,
    exactly and in every epoch: those numbers, and every photo of the group as often as any other of it or once more.
    Class and person shares within the group and within the others are those of the table, in expectation.
    ``DataError`` when no photo is in the group; a photo whose attribute is unknown is not.
    """
    in_group_N = group.members(table)
    if not len(table):
        return np.empty(0, dtype=np.int64)
    group_P, others_P = np.flatnonzero(in_group_N), np.flatnonzero(~in_group_N)
    if not len(group_P):
        got = f"none of {len(table)} ({group})"
        raise DataError(must("photos of sampling.group", "one or more", got, "Choose another group."))
    draws = max(len(group_P), round(len(others_P) * share / (1 - share)))
    return rng.permutation(np.concatenate([others_P, deal(group_P, draws, rng)]))


def draw_oversample_random(table: PhotoTable, rng: np.random.Generator, factor: float) -> Ints:
    """round(``factor`` · N) positions of ``table``, shuffled: all photos once, the rest drawn alike with replacement.

    Keeps, in expectation: class shares and person shares of the table. Every photo is shown once at least.
    """
    n = len(table)
    if not n:
        return np.empty(0, dtype=np.int64)
    again_M = rng.integers(0, n, size=round(factor * n) - n)
    return rng.permutation(np.concatenate([np.arange(n), again_M]))


def draw_undersample_masked(table: PhotoTable, rng: np.random.Generator, photos_per_person: int) -> Ints:
    """Positions of ``table``, shuffled: ``photos_per_person`` of each person's photos of a worn mask, all others once.

    Keeps, exactly and in every epoch: a person has min(``photos_per_person``, his photos of a worn mask) + his other
    photos draws, hence the shares of classes and people. His masked photos have the same chance each. ``DataError``
    when no photo shows a worn mask, for then it would be the natural sampler.
    """
    worn_W = rng.permutation(np.flatnonzero(table.mask_N == WORN))
    if len(table) and not len(worn_W):
        got = f"none of {len(table)}"
        raise DataError(must("photos of worn masks", "one or more", got, "Choose the natural sampler."))
    person_W = np.unique(table.person_N[worn_W].astype(str), return_inverse=True)[1]
    # A stable sort by person keeps the shuffled order within each, so the first few of each are a random draw.
    order_W = np.argsort(person_W, kind="stable")
    counts_P = np.bincount(person_W)
    rank_W = np.arange(len(worn_W)) - np.repeat(np.cumsum(counts_P) - counts_P, counts_P)
    shown_S = worn_W[order_W[rank_W < photos_per_person]]
    return rng.permutation(np.concatenate([np.flatnonzero(table.mask_N != WORN), shown_S]))


def class_codes(table: PhotoTable, sampler: str) -> tuple[Ints, Ints]:
    """(number 0 … K - 1 of each photo's training class, photos of each of the K classes that occur).

    ``DataError`` when a photo has no training class; ``sampler`` names who asks.
    """
    unknown = int(np.sum(table.train_class_N < 0))
    if unknown:
        got = f"{unknown} of {len(table)} without one"
        raise DataError(must(f"photos for {sampler} sampling", "of a known class", got, "Choose the natural sampler."))
    _, code_N, photos_K = np.unique(table.train_class_N, return_inverse=True, return_counts=True)
    return code_N, photos_K


def deal(photo_P: Ints, draws: int, rng: np.random.Generator) -> Ints:
    """``draws`` of the P positions ``photo_P``, in shuffled rounds: each ⌊draws / P⌋ or ⌈draws / P⌉ times."""
    rounds = -(-draws // len(photo_P))
    deck_D = [rng.permutation(photo_P) for _ in range(rounds)]
    return np.concatenate([np.empty(0, dtype=np.int64), *deck_D])[:draws]
