from __future__ import annotations

import dataclasses
import itertools
import re

import numpy as np
import pytest
from scipy.stats import binomtest
from sklearn.metrics import accuracy_score, f1_score

from evaluation.conftest import MakePredictions
from maskwise.errors import DataError
from maskwise.evaluation.comparison import compare, compare_arms, mcnemar, verdict
from maskwise.evaluation.evaluate import evaluate
from maskwise.evaluation.metrics import macro_f1
from maskwise.evaluation.shared_photos import align_arms
from maskwise.labels import Task
from maskwise.records import Floats, Ints, Predictions
from maskwise.score import Score

MASK = Task(attributes=("mask",))
MASK_GENDER = Task(attributes=("mask", "gender"))


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def with_probs(like: Predictions, skill: float, seed: int) -> Predictions:
    """Another model's predictions of the same photos; ``skill`` is added to the true class's logit."""
    n_photos, n_classes = like.probs_NC.shape
    logits_NC = rng(seed).normal(size=(n_photos, n_classes))
    logits_NC[np.arange(n_photos), like.class_N] += skill
    probs_NC = np.exp(logits_NC)
    return dataclasses.replace(like, probs_NC=probs_NC / probs_NC.sum(axis=1, keepdims=True))


def decided(like: Predictions, decided_N: Ints) -> Predictions:
    return dataclasses.replace(like, probs_NC=np.eye(like.probs_NC.shape[1])[decided_N])


def test_differences_by_hand(make_predictions: MakePredictions) -> None:
    photos = dataclasses.replace(make_predictions(4, task=MASK), class_N=np.array([0, 0, 1, 1]))
    a, b = decided(photos, np.array([0, 1, 1, 1])), decided(photos, np.array([0, 0, 1, 1]))
    found = compare(a, b, MASK, rng(), resamples=10)
    # a: F1 of class 0 is 2 / (2 + 0 + 1), of class 1 is 4 / (4 + 1 + 0).
    assert found.joint.macro_f1.a == pytest.approx((2 / 3 + 4 / 5) / 2)
    assert found.joint.macro_f1.b == 1
    assert found.joint.accuracy.gain.value == 0.25
    assert [row.f1.gain.value for row in found.per_class[:2]] == pytest.approx([1 / 3, 1 / 5])
    assert np.isnan(found.per_class[2].f1.gain.value)
    assert [(row.photos, row.people) for row in found.per_class] == [(2, 2), (2, 2), (0, 0)]
    assert found.pair_gains == (found.joint.macro_f1.gain.value,)
    assert found.mcnemar is not None
    assert (found.mcnemar.only_a, found.mcnemar.only_b, found.mcnemar.p_value) == (0, 1, 1.0)


def test_values_are_those_of_scikit_learn_and_of_evaluate(make_predictions: MakePredictions) -> None:
    a = make_predictions(60, photos_each=3)
    b = with_probs(a, 2.5, seed=1)
    task = Task()
    found = compare(a, b, task, rng(), resamples=20)
    f1 = [f1_score(run.class_N, run.probs_NC.argmax(axis=1), average="macro", zero_division=0) for run in (a, b)]
    right = [accuracy_score(run.class_N, run.probs_NC.argmax(axis=1)) for run in (a, b)]
    assert (found.joint.macro_f1.a, found.joint.macro_f1.b) == pytest.approx(f1)
    assert found.joint.accuracy.gain.value == pytest.approx(right[1] - right[0])
    alone_a, alone_b = (evaluate(run, task, rng(), resamples=5) for run in (a, b))
    for name in task.attributes:
        difference = found.per_attribute[name].macro_f1
        assert difference.a == pytest.approx(alone_a.per_attribute[name].macro_f1.value)
        assert difference.b == pytest.approx(alone_b.per_attribute[name].macro_f1.value)
    assert [row.f1.b for row in found.per_class] == pytest.approx([row.f1.value for row in alone_b.per_class])


def test_a_run_against_itself_gains_nothing_whoever_is_drawn(make_predictions: MakePredictions) -> None:
    a = make_predictions(20, photos_each=3, task=MASK_GENDER)
    found = compare(a, a.take(rng().permutation(60)), MASK_GENDER, rng(), resamples=50)
    gains = [found.joint.macro_f1.gain, found.joint.accuracy.gain, *(row.f1.gain for row in found.per_class)]
    assert set(gains) == {Score(0.0, 0.0, 0.0)}


def test_changing_sides_changes_the_sign_and_rows_may_stand_in_any_order(make_predictions: MakePredictions) -> None:
    a = make_predictions(30, photos_each=2, task=MASK_GENDER)
    b = with_probs(a, 1.0, seed=1)
    there = compare(a, b.take(rng().permutation(60)), MASK_GENDER, rng(), resamples=200).joint.macro_f1.gain
    back = compare(b.take(rng(5).permutation(60)), a, MASK_GENDER, rng(), resamples=200).joint.macro_f1.gain
    assert (back.value, back.low, back.high) == pytest.approx((-there.value, -there.high, -there.low))


def plain_bootstrap(a: Predictions, b: Predictions, resamples: int) -> tuple[float, float]:
    """The interval of the gain in macro F1, by drawing people's rows one resample after the other."""
    people = np.unique(a.person_N.astype(str))
    rows_of = {person: np.flatnonzero(a.person_N == person) for person in people}
    generator, gains = rng(11), []
    for _ in range(resamples):
        rows = np.concatenate([rows_of[person] for person in generator.choice(people, len(people))])
        gains.append(macro_f1(b.class_N[rows], b.probs_NC[rows]) - macro_f1(a.class_N[rows], a.probs_NC[rows]))
    low, high = np.percentile(gains, (2.5, 97.5))
    return float(low), float(high)


def test_the_interval_is_that_of_a_plain_paired_bootstrap_over_people(make_predictions: MakePredictions) -> None:
    a = make_predictions(60, photos_each=3, task=MASK_GENDER)
    b = with_probs(a, 2.2, seed=1)
    gain = compare(a, b, MASK_GENDER, rng(), resamples=4000).joint.macro_f1.gain
    low, high = plain_bootstrap(a, b, 1500)
    width = high - low
    assert (gain.low, gain.high) == pytest.approx((low, high), abs=0.08 * width)


def test_pairing_makes_the_interval_narrower_than_that_of_unpaired_people(make_predictions: MakePredictions) -> None:
    a = make_predictions(100, photos_each=2, task=MASK_GENDER)
    changed_N = rng(3).random(200) < 0.1
    b = dataclasses.replace(a, probs_NC=np.where(changed_N[:, None], with_probs(a, 3.0, 4).probs_NC, a.probs_NC))
    gain = compare(a, b, MASK_GENDER, rng(), resamples=1000).joint.accuracy.gain
    single = evaluate(a, MASK_GENDER, rng(), resamples=1000).joint.accuracy
    assert gain.high - gain.low < 0.6 * np.sqrt(2) * (single.high - single.low)


def arms_of(gain_S: Floats, n_people: int, seed: int) -> tuple[list[Predictions], list[Predictions]]:
    """Arms of one run a seed, on people with one photo each; arm b's k-th run is right more often by ``gain_S[k]``."""
    generator = rng(seed)
    class_N = generator.integers(0, 3, n_people)
    like = Predictions(
        photo_N=np.array([f"{k:05d}.jpg" for k in range(n_people)], object),
        person_N=np.array([f"{k:05d}" for k in range(n_people)], object),
        class_N=class_N,
        probs_NC=np.eye(3)[class_N],
        seen_N=np.full(n_people, "held_out", object),
    )

    def run(chance: float) -> Predictions:
        right_N = generator.random(n_people) < chance
        return decided(like, np.where(right_N, class_N, (class_N + 1) % 3))

    return [run(0.6) for _ in gain_S], [run(0.6 + gain) for gain in gain_S]


def test_arms_average_their_pairs(make_predictions: MakePredictions) -> None:
    a = [with_probs(make_predictions(40, task=MASK_GENDER), 1.0, seed) for seed in range(3)]
    b = [with_probs(make_predictions(40, task=MASK_GENDER), 1.5, seed) for seed in range(3, 6)]
    found = compare_arms(align_arms([a, b], MASK_GENDER), rng(), resamples=50)
    singles = [compare(*pair, MASK_GENDER, rng(), resamples=5) for pair in zip(a, b, strict=True)]
    assert found.n_pairs == 3
    assert found.mcnemar is None
    assert found.pair_gains == pytest.approx([one.joint.macro_f1.gain.value for one in singles])
    assert found.joint.macro_f1.gain.value == pytest.approx(np.mean(found.pair_gains))
    assert found.joint.macro_f1.a == pytest.approx(np.mean([one.joint.macro_f1.a for one in singles]))
    assert found.per_attribute["gender"].accuracy.gain.value == pytest.approx(
        np.mean([one.per_attribute["gender"].accuracy.gain.value for one in singles])
    )


def test_arms_of_one_run_are_the_plain_comparison(make_predictions: MakePredictions) -> None:
    a = make_predictions(30, task=MASK_GENDER)
    b = with_probs(a, 1.0, seed=1)
    assert compare_arms(align_arms([[a], [b]], MASK_GENDER), rng(3)) == compare(a, b, MASK_GENDER, rng(3))


def test_seeds_that_disagree_widen_the_interval_by_their_own_variance() -> None:
    gain_S = np.array([0.0, 0.1, 0.2, 0.3])
    found = compare_arms(align_arms(arms_of(gain_S, 8000, 0), MASK), rng(), resamples=4000).joint.accuracy.gain
    width_of_seeds = 2 * 1.96 * gain_S.std(ddof=1) / 2
    # Four values drawn three times are no normal distribution: the percentiles are a little inside.
    assert found.high - found.low == pytest.approx(width_of_seeds, rel=0.15)
    alike = compare_arms(
        align_arms(arms_of(np.full(4, 0.15), 8000, 0), MASK), rng(), resamples=2000
    ).joint.accuracy.gain
    assert alike.high - alike.low < 0.2 * width_of_seeds


def test_the_interval_of_a_gain_covers_the_truth_about_95_times_in_100() -> None:
    hits, trials = 0, 200
    for trial in range(trials):
        gain = compare_arms(
            align_arms(arms_of(np.array([0.1]), 80, trial), MASK), rng(trial), resamples=200
        ).joint.accuracy.gain
        hits += gain.low <= 0.1 <= gain.high
    assert 0.90 <= hits / trials <= 0.99


def test_mcnemar_is_scipys_binomial_test() -> None:
    for only_a, only_b in itertools.product((0, 1, 5, 40, 300), repeat=2):
        right_a_N = np.repeat([True, False, True, False], [only_a, only_b, 7, 3])
        right_b_N = np.repeat([False, True, True, False], [only_a, only_b, 7, 3])
        found = mcnemar(right_a_N, right_b_N)
        assert (found.only_a, found.only_b) == (only_a, only_b)
        expected = binomtest(only_a, only_a + only_b).pvalue if only_a + only_b else 1.0
        assert found.p_value == pytest.approx(expected, rel=1e-9, abs=1e-300)


def test_mcnemar_by_hand() -> None:
    # 1 of 6: 2 · (1 + 6) / 64.
    found = mcnemar(np.array([True] + [False] * 5), np.array([False] + [True] * 5))
    assert found.p_value == pytest.approx(14 / 64)


@pytest.mark.parametrize(
    "gain, at_least, word",
    [
        (Score(0.02, 0.01, 0.03), 0.0, "holds"),
        (Score(0.02, 0.01, 0.03), 0.01, "inconclusive"),
        (Score(0.02, -0.01, 0.03), 0.0, "inconclusive"),
        (Score(-0.02, -0.03, -0.01), 0.0, "does not hold"),
        (Score(0.0, 0.0, 0.0), 0.0, "does not hold"),
        (Score(-0.005, -0.008, 0.01), -0.01, "holds"),
        (Score(0.5, float("nan"), float("nan")), 0.0, "inconclusive"),
    ],
)
def test_verdicts_by_the_interval(gain: Score, at_least: float, word: str) -> None:
    assert verdict(gain, at_least) == word


def test_only_common_photos_are_compared_and_what_weakens_the_comparison_is_counted(
    make_predictions: MakePredictions,
) -> None:
    whole = make_predictions(10, photos_each=2, task=MASK_GENDER)
    seen_N = np.where(np.arange(20) < 5, "trained_on", "held_out").astype(object)
    a = dataclasses.replace(whole, seen_N=seen_N, optimistic=True).take(np.arange(2, 20))
    found = compare(a, whole.take(np.arange(0, 16)), MASK_GENDER, rng(), resamples=5)
    assert (found.n_photos, found.n_people, found.n_left_out, found.n_trained_on) == (14, 7, 6, 3)
    assert found.optimistic == (True, False)


def test_runs_that_cannot_be_compared_are_refused(make_predictions: MakePredictions) -> None:
    a = make_predictions(5, task=MASK)
    other_photos = dataclasses.replace(a, photo_N=np.array([f"other {k}" for k in range(5)], object))
    other_people = dataclasses.replace(
        a, person_N=np.array(["x"] * 5, object), class_N=np.where(np.arange(5) == 3, (a.class_N + 1) % 3, a.class_N)
    )
    unknown = dataclasses.replace(a.take(np.array([0, 1, 1])), class_N=np.array([0, -1, -1]))
    with pytest.raises(DataError, match="photos in common, got none"):
        compare(a, other_photos, MASK, rng())
    with pytest.raises(DataError) as caught:
        compare(a, other_people, MASK, rng())
    assert len(caught.value.problems) == 2
    assert caught.value.problems[1].startswith("true classes of run 2 must be those of run 1")
    assert "got others for 1 of 5 photos" in caught.value.problems[1]
    with pytest.raises(DataError) as caught:
        compare(a, unknown, MASK_GENDER, rng())
    faults = "\n".join(caught.value.problems)
    assert re.search("run 1 must be 6, .*mask × gender, got 3", faults)
    assert "photos of run 2 must be all different, got 1 again" in faults
    assert "run 2 must be known (0 to 5), got 2 of 3 photos without one" in faults
    with pytest.raises(DataError, match=r"equally many, one or more, got .1, 2"):
        align_arms([[a], [a, a]], MASK)
