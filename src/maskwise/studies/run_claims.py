"""The source write-up's claims as paired tests: train every arm with every seed, compare in pairs, judge."""

from __future__ import annotations

import dataclasses
import math
import multiprocessing
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean

import numpy as np
import torch

from maskwise.evaluation.comparison import Comparison, Difference, compare_arms
from maskwise.evaluation.shared_photos import align_arms, shared_photos
from maskwise.labels import Task
from maskwise.listeners import Listener, Silent
from maskwise.records import Predictions
from maskwise.seeds import rng_for
from maskwise.store.kept_files import read_evaluation, read_log
from maskwise.store.runs import StoredRun
from maskwise.studies.claim_arms import Arm, Claim, PairedTest
from maskwise.studies.judge_claims import Outcome, corrected, deciding_p, holm, judge
from maskwise.studies.plan_claims import ClaimsPlan, PlannedRun, Untestable
from maskwise.workflows.engines import SERIAL, Engine, series
from maskwise.workflows.join_runs import read_members
from maskwise.workflows.refuse_series import refuse_series
from maskwise.workflows.run_recipe import Place
from maskwise.workflows.train_or_read import train_in_turn, train_unless_busy

RunsOfArm = dict[Arm, list[StoredRun]]
"""The finished runs of each arm, by seed."""


@dataclass(frozen=True)
class JudgedTest:
    """Arm b against arm a over all seeds, and whether what is said of them holds."""

    test: PairedTest
    comparison: Comparison
    outcome: Outcome
    p_value: float
    """Of the outcome."""
    p_holm: float
    """The same, corrected for all tests that conclude something."""
    seconds: tuple[float, float]
    """Mean wall time of a training of a and of b."""

    @property
    def deciding(self) -> Difference:
        """The macro F1 that the claim is about."""
        return _deciding(self.test, self.comparison)

    @property
    def corrected(self) -> Outcome:
        """The outcome that is left after the correction for many tests."""
        return corrected(self.outcome, self.p_holm)


@dataclass(frozen=True)
class Agreement:
    """How alike the predictions of two groups of runs are, photo by photo."""

    what: str
    equal_decisions: float
    """Share of photos with the same most probable joint class."""
    median_change: float
    """Median over photos of the largest difference in probability that any joint class has."""
    largest_change: float


@dataclass(frozen=True)
class FitLosses:
    """What an arm loses on the people it trained on and on others: far apart where it overfits."""

    arm: Arm
    training_loss: float
    """Mean loss of the last epoch, in nats per photo as it was sampled and augmented; mean over seeds."""
    held_out_loss: float
    """Cross-entropy of the held-out photos, in nats; mean over seeds."""


@dataclass(frozen=True)
class ClaimResult:
    """All that was found of one claim."""

    claim: Claim
    tests: tuple[JudgedTest, ...]
    agreements: tuple[Agreement, ...]
    fits: tuple[FitLosses, ...]


@dataclass(frozen=True)
class ClaimsScores:
    """All claims on the same held-out photos."""

    data_name: str
    n_photos: int
    n_people: int
    n_seeds: tuple[int, int]
    """Of the heads on cached features, and of the fine-tuned arms; 0 where there are none."""
    seconds: float
    """Wall time of all trainings together."""
    results: tuple[ClaimResult, ...]
    untestable: tuple[Untestable, ...]


def train_together(
    plan: ClaimsPlan,
    place: Place,
    command: Sequence[str],
    listener: Listener,
    processes: int,
    engine: Engine,
) -> RunsOfArm:
    """``train_arms`` by ``processes`` of this machine, each with its part of the cores; only this one reports.

    What any run would be refused for is refused before the first.
    """
    refuse_series([planned.recipe for planned in plan.runs], place, listener)
    if processes == 1:
        return train_arms(plan, place, command, listener, engine)
    threads = max(1, torch.get_num_threads() // processes)
    spawn = multiprocessing.get_context("spawn")
    others = [
        spawn.Process(target=_train_quietly, args=(plan, place, command, threads, number, processes), daemon=True)
        for number in range(1, processes)
    ]
    torch.set_num_threads(threads)
    for other in others:
        other.start()
    try:
        return train_arms(plan, place, command, listener)
    finally:
        # Whatever one of them still trains is not needed any more, and can be taken up again.
        for other in others:
            other.terminate()
            other.join()


def _train_quietly(
    plan: ClaimsPlan, place: Place, command: Sequence[str], threads: int, number: int, processes: int
) -> None:
    """Another process of the series, which begins elsewhere in it."""
    torch.set_num_threads(threads)
    start = number * len(plan.runs) // processes
    train_arms(dataclasses.replace(plan, runs=(*plan.runs[start:], *plan.runs[:start])), place, command, Silent())


def train_arms(
    plan: ClaimsPlan, place: Place, command: Sequence[str], listener: Listener, engine: Engine = SERIAL
) -> RunsOfArm:
    """Train all runs of ``plan`` that ``engine`` did not, or read those that the store has finished.

    A run that another process works on is left for later and waited for at the end, so several processes can share a
    series. What ``run_recipe`` refuses otherwise is refused here.
    """
    ahead = engine.train(series([planned.recipe for planned in plan.runs], place, command), listener)
    found: dict[PlannedRun, StoredRun] = {}
    left = []
    for number, planned in enumerate(plan.runs, start=1):
        listener.on_note(f"{planned.arm.words}, seed {planned.seed}: run {number} of {len(plan.runs)}")
        run = ahead(planned.recipe) or train_unless_busy(planned.recipe, place, command, listener)
        if run is None:
            listener.on_note(f"{planned.recipe.name}: another process works on it; left for later")
            left.append(planned)
        else:
            found[planned] = run
    for planned in left:
        found[planned] = train_in_turn(planned.recipe, place, command, listener)
    arms = dict.fromkeys(planned.arm for planned in plan.runs)
    return {arm: [found[planned] for planned in plan.runs if planned.arm == arm] for arm in arms}


def score_claims(plan: ClaimsPlan, runs_of_arm: RunsOfArm) -> ClaimsScores:
    """Every claim by the held-out predictions of its arms; the k-th run of b is compared with the k-th of a."""
    arms = list(runs_of_arm)
    predictions, task = read_members([run for arm in arms for run in runs_of_arm[arm]])
    ends = np.cumsum([len(runs_of_arm[arm]) for arm in arms]).tolist()
    of_arm = {arm: predictions[end - len(runs_of_arm[arm]) : end] for arm, end in zip(arms, ends, strict=True)}
    compared: dict[tuple[Arm, Arm], Comparison] = {}
    for test in (test for claim in plan.claims for test in claim.tests):
        if (test.a, test.b) not in compared:
            rng = rng_for(0, "intervals")
            compared[test.a, test.b] = compare_arms(align_arms([of_arm[test.a], of_arm[test.b]], task), rng)
    any_comparison = next(iter(compared.values()))
    p_holm = _corrected_p(plan.claims, compared)
    return ClaimsScores(
        data_name=runs_of_arm[arms[0]][0].record.data.name,
        n_photos=any_comparison.n_photos,
        n_people=any_comparison.n_people,
        n_seeds=(_seeds(runs_of_arm, tuned=False), _seeds(runs_of_arm, tuned=True)),
        seconds=sum(run.record.seconds for runs in runs_of_arm.values() for run in runs),
        results=tuple(_result(claim, compared, runs_of_arm, of_arm, task, p_holm) for claim in plan.claims),
        untestable=plan.untestable,
    )


def _seeds(runs_of_arm: RunsOfArm, *, tuned: bool) -> int:
    return max((len(runs) for arm, runs in runs_of_arm.items() if arm.tuned == tuned), default=0)


def _corrected_p(claims: Sequence[Claim], compared: dict[tuple[Arm, Arm], Comparison]) -> dict[PairedTest, float]:
    """Of every test that concludes something, the p-value of its outcome corrected for all of them."""
    tests = [test for claim in claims for test in claim.tests if not test.unequal_work]
    gains = [_deciding(test, compared[test.a, test.b]).gain for test in tests]
    p_T = [deciding_p(gain, test.says) for gain, test in zip(gains, tests, strict=True)]
    return dict(zip(tests, holm(p_T), strict=True))


def _deciding(test: PairedTest, comparison: Comparison) -> Difference:
    scored = comparison.joint if test.score_of == "joint" else comparison.per_attribute[test.score_of]
    return scored.macro_f1


def _result(
    claim: Claim,
    compared: dict[tuple[Arm, Arm], Comparison],
    runs_of_arm: RunsOfArm,
    of_arm: dict[Arm, list[Predictions]],
    task: Task,
    p_holm: dict[PairedTest, float],
) -> ClaimResult:
    tests = tuple(
        _judged(test, compared[test.a, test.b], runs_of_arm, p_holm.get(test, math.nan)) for test in claim.tests
    )
    pairs = list(dict.fromkeys((test.a, test.b) for test in claim.tests))
    arms = list(dict.fromkeys(arm for pair in pairs for arm in pair))
    return ClaimResult(
        claim,
        tests,
        agreements=tuple(agreements(pairs, of_arm, task)) if "agreement" in claim.extras else (),
        fits=tuple(fit_losses(arm, runs_of_arm[arm]) for arm in arms) if "fit" in claim.extras else (),
    )


def _judged(test: PairedTest, comparison: Comparison, runs_of_arm: RunsOfArm, p_holm: float) -> JudgedTest:
    gain = _deciding(test, comparison).gain
    seconds = (mean_seconds(runs_of_arm[test.a]), mean_seconds(runs_of_arm[test.b]))
    return JudgedTest(test, comparison, judge(gain, test.says), deciding_p(gain, test.says), p_holm, seconds)


def mean_seconds(runs: Sequence[StoredRun]) -> float:
    """Mean wall time of a training."""
    return fmean(run.record.seconds for run in runs)


def agreements(pairs: Sequence[tuple[Arm, Arm]], of_arm: dict[Arm, list[Predictions]], task: Task) -> list[Agreement]:
    """How alike the two arms of each pair predict at equal seeds; for scale, one arm at two seeds."""
    lines = [agreement(f"{b.words} and {a.words}, same seed", of_arm[a], of_arm[b], task) for a, b in pairs]
    first = pairs[0][0]
    if len(of_arm[first]) > 1:
        what = f"{first.words} and {first.words}, other seed"
        lines.append(agreement(what, of_arm[first][:-1], of_arm[first][1:], task))
    return lines


def agreement(what: str, runs_a: Sequence[Predictions], runs_b: Sequence[Predictions], task: Task) -> Agreement:
    """Photo by photo, the k-th of ``runs_b`` beside the k-th of ``runs_a``; all pairs together."""
    pairs = [shared_photos(pair, task) for pair in zip(runs_a, runs_b, strict=True)]
    a_NC, b_NC = (np.concatenate([pair[side].probs_NC for pair in pairs]) for side in (0, 1))
    change_N = np.abs(b_NC - a_NC).max(axis=1)
    return Agreement(
        what,
        equal_decisions=float(np.mean(a_NC.argmax(axis=1) == b_NC.argmax(axis=1))),
        median_change=float(np.median(change_N)),
        largest_change=float(change_N.max()),
    )


def fit_losses(arm: Arm, runs: Sequence[StoredRun]) -> FitLosses:
    """The last epoch's training loss from the runs' logs, and the held-out loss from their scores."""
    logs = [read_log(run, 0) for run in runs]
    return FitLosses(
        arm,
        training_loss=fmean(events[-1]["loss"] for events in logs),
        held_out_loss=fmean(read_evaluation(run.folder).log_loss for run in runs),
    )
