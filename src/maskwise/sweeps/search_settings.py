"""A search: a recipe, and alternatives to it that differ in one thing each, trained alike and compared in pairs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from maskwise.errors import DivergedError
from maskwise.evaluation.comparison import compare_arms
from maskwise.evaluation.shared_photos import align_arms
from maskwise.listeners import Listener
from maskwise.recipe.config import Recipe
from maskwise.score import Score
from maskwise.seeds import rng_for
from maskwise.store.runs import StoredRun
from maskwise.sweeps.search_lists import PlannedArm, SearchPlan
from maskwise.workflows.engines import SERIAL, Engine, series
from maskwise.workflows.join_runs import read_members
from maskwise.workflows.refuse_series import refuse_series
from maskwise.workflows.run_recipe import Place
from maskwise.workflows.train_or_read import train_or_read


@dataclass(frozen=True)
class TrainedArm:
    """What was tried, and its finished runs."""

    planned: PlannedArm
    runs: tuple[StoredRun, ...]
    """One a seed; fewer where the training failed."""
    failure: str | None = None


@dataclass(frozen=True)
class SearchRow:
    """One line of the ranking."""

    arm: TrainedArm
    macro_f1: Score
    """Mean over the seeds; so are the bounds, each of one run's interval over people."""
    gain: Score | None
    """Macro F1 minus that of the recipe as it is, in pairs by person and seed; None for the recipe itself."""
    seconds: float
    """Training time of a run, mean over the seeds."""


@dataclass(frozen=True)
class SearchScores:
    """A search's ranking, best first."""

    plan: SearchPlan
    data_name: str
    n_photos: int
    n_people: int
    rows: tuple[SearchRow, ...]
    failed: tuple[TrainedArm, ...]


def train_alternatives(
    plan: SearchPlan, place: Place, command: Sequence[str], listener: Listener, engine: Engine = SERIAL
) -> tuple[TrainedArm, ...]:
    """Train the recipe as it is, then every alternative; then all of them with the next seed, and so on; or take what
    ``engine`` trained of these.

    What the store has finished already is taken as it is, and a stopped training goes on, so the same call after an
    interruption continues where it was. An alternative whose loss diverges is given up, and the search goes on;
    whatever else ``run_recipe`` refuses is refused here, before the first training where it shows by then.
    """
    arms = [TrainedArm(planned, ()) for planned in (plan.reference, *plan.alternatives)]
    by_seed = [recipe for seed in zip(*(arm.planned.recipes for arm in arms), strict=True) for recipe in seed]
    refuse_series(by_seed, place, listener)
    ahead = engine.train(series(by_seed, place, command), listener)

    def train(recipe: Recipe) -> StoredRun:
        return ahead(recipe) or train_or_read(recipe, place, command, listener)

    for k in range(len(plan.reference.recipes)):
        for number, arm in enumerate(arms):
            if arm.failure is None:
                listener.on_note(f"{number + 1} of {len(arms)}, seed {arm.planned.recipes[k].seed}: {arm.planned.what}")
                arms[number] = _with_one_more(arm, k, train, listener, may_fail=number > 0)
    return tuple(arms)


def score_search(plan: SearchPlan, arms: Sequence[TrainedArm]) -> SearchScores:
    """Every arm that was trained against the first, the recipe as it is, on the people whom all held out."""
    whole = [arm for arm in arms if arm.failure is None]
    predictions, task = read_members([run for arm in whole for run in arm.runs])
    seeds = len(plan.reference.recipes)
    by_arm = [predictions[start : start + seeds] for start in range(0, len(predictions), seeds)]
    found = [compare_arms(align_arms([by_arm[0], runs], task), rng_for(0, "intervals")) for runs in by_arm[1:]]
    gains = [None, *(comparison.joint.macro_f1.gain for comparison in found)]
    rows = [_row(arm, gain) for arm, gain in zip(whole, gains, strict=True)]
    reference = whole[0].runs[0].record
    return SearchScores(
        plan=plan,
        data_name=reference.data.name,
        n_photos=reference.n_held_out_photos,
        n_people=reference.n_held_out_people,
        rows=tuple(sorted(rows, key=lambda row: -row.gain.value if row.gain else 0.0)),
        failed=tuple(arm for arm in arms if arm.failure is not None),
    )


def _with_one_more(
    arm: TrainedArm, k: int, train: Callable[[Recipe], StoredRun], listener: Listener, *, may_fail: bool
) -> TrainedArm:
    """``arm`` with the run of its ``k``-th seed, or with what made that one fail."""
    try:
        run = train(arm.planned.recipes[k])
    except DivergedError as error:
        if not may_fail:
            raise
        listener.on_note(f"given up: {error.problems[0]}")
        return TrainedArm(arm.planned, arm.runs, error.problems[0])
    return TrainedArm(arm.planned, (*arm.runs, run))


def _row(arm: TrainedArm, gain: Score | None) -> SearchRow:
    scores = [run.record.scores.macro_f1 for run in arm.runs if run.record.scores is not None]
    macro_f1 = Score(*(sum(bounds) / len(scores) for bounds in zip(*map(_bounds, scores), strict=True)))
    return SearchRow(arm, macro_f1, gain, sum(run.record.seconds for run in arm.runs) / len(arm.runs))


def _bounds(score: Score) -> tuple[float, float, float]:
    return score.value, score.low, score.high
