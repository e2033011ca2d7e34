"""Who works on what: budgets, trials of dead processes, twins, grids, and one study for all who ask."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Any

import optuna
import pytest

from maskwise.errors import UserError
from maskwise.sweeps.trial_queue import REASON, SKIPPED, Claim, Desk, counts
from support.sweeps import desk_at, sweep_of, without_budget

RATES = "{train.optimizer.rate: {kind: float, low: 0.001, high: 0.04, log: true}}"
RANDOM = sweep_of(RATES, sampler="{kind: random}")
STATES = optuna.trial.TrialState


def claimed(desk: Desk) -> Claim:
    claim = desk.claim()
    assert isinstance(claim, Claim)
    return claim


def tell(desk: Desk, claim: Claim, value: float) -> None:
    desk.study.tell(claim.trial, value)
    claim.held.close()


def test_two_desks_share_a_study_and_give_no_trial_out_twice(tmp_path: Path) -> None:
    first, second = desk_at(tmp_path, RANDOM, runs=4), desk_at(tmp_path, RANDOM, runs=4)
    claims = [claimed(first), claimed(second), claimed(first), claimed(second)]
    assert [claim.trial.number for claim in claims] == [0, 1, 2, 3]
    assert len({claim.recipe.train.optimizer.rate for claim in claims}) == 4
    assert first.claim() == second.claim() == "wait"
    for claim in claims:
        tell(first, claim, 0.5)
    assert first.claim() == second.claim() == "done"
    assert claimed(without_budget(second, 5)).trial.number == 4


def test_the_trial_of_a_dead_process_is_taken_up_as_the_same_trial(tmp_path: Path) -> None:
    desk, other = desk_at(tmp_path, RANDOM, runs=2), desk_at(tmp_path, RANDOM, runs=2)
    dead, alive = claimed(desk), claimed(desk)
    dead.held.close()  # the kernel lets go when a process dies
    again = claimed(other)
    assert (again.trial.number, again.taken_up, alive.taken_up) == (dead.trial.number, True, False)
    assert again.recipe == dead.recipe
    assert other.claim() == "wait"
    tell(other, again, 0.1)
    tell(desk, alive, 0.2)
    assert [trial.state for trial in other.trials()] == [STATES.COMPLETE] * 2


def test_a_trial_that_died_before_it_had_settings_gets_them(tmp_path: Path) -> None:
    desk = desk_at(tmp_path, RANDOM)
    desk.study.ask()  # and killed
    claim = claimed(desk)
    assert (claim.trial.number, claim.taken_up) == (0, True)
    assert 0.001 <= claim.recipe.train.optimizer.rate <= 0.04


def test_chance_is_of_the_trial_not_of_the_process(tmp_path: Path) -> None:
    alone, together = desk_at(tmp_path / "a", RANDOM), [desk_at(tmp_path / "b", RANDOM) for _ in range(2)]
    claims = [claimed(alone) for _ in range(4)]
    rates = [claim.recipe.train.optimizer.rate for claim in claims]
    assert len(set(rates)) == 4
    others = [claimed(together[k % 2]) for k in range(4)]
    assert [claim.recipe.train.optimizer.rate for claim in others] == rates


def test_a_twin_is_skipped_and_a_space_without_news_ends(tmp_path: Path) -> None:
    desk = desk_at(tmp_path, sweep_of("{train.batch_size: [16, 32]}", sampler="{kind: random}"), runs=5)
    for _ in range(2):
        tell(desk, claimed(desk), 0.5)
    assert desk.claim() == "done"
    trained = [trial for trial in desk.trials() if counts(trial)]
    assert {trial.params["train.batch_size"] for trial in trained} == {16, 32}
    twins = [trial for trial in desk.trials() if not counts(trial)]
    assert len(twins) >= 30
    assert {trial.user_attrs[SKIPPED] for trial in twins} <= {
        "the same as trial 0",
        f"the same as trial {trained[1].number}",
    }


def test_a_combination_that_is_refused_is_skipped_with_its_reason(tmp_path: Path) -> None:
    search = "{loss: [{kind: cross_entropy}, {kind: arcface}], model.head: [{kind: joint}, {kind: cosine}]}"
    desk = desk_at(tmp_path, sweep_of(search, sampler="{kind: grid}"), runs=9)
    claims = [claimed(desk) for _ in range(3)]
    assert desk.claim() == "wait"
    for claim in claims:
        tell(desk, claim, 0.5)
    assert desk.claim() == "done"
    (skipped,) = [trial for trial in desk.trials() if SKIPPED in trial.user_attrs]
    assert skipped.params == {"loss": "arcface", "model.head": "joint"}
    assert "model.head.kind must be cosine" in skipped.user_attrs[SKIPPED]
    assert skipped.state == STATES.FAIL
    assert REASON not in skipped.user_attrs


def test_a_grid_is_walked_once_by_all(tmp_path: Path) -> None:
    search = "{train.batch_size: [8, 16, 32], train.optimizer.rate: {kind: float, low: 0.01, high: 0.02, step: 0.01}}"
    sweep = sweep_of(search, sampler="{kind: grid}")
    desks = [desk_at(tmp_path, sweep, runs=99), desk_at(tmp_path, sweep, runs=99)]
    seen: list[tuple[Any, ...]] = []
    with contextlib.ExitStack() as held:
        for k in range(6):
            claim = claimed(desks[k % 2])
            held.callback(claim.held.close)
            seen.append((claim.recipe.train.batch_size, claim.recipe.train.optimizer.rate))
        assert desks[0].claim() == "wait"
    assert sorted(seen) == [(size, rate) for size in (8, 16, 32) for rate in (0.01, 0.02)]


def test_tpe_learns_where_good_runs_are(tmp_path: Path) -> None:
    desk = desk_at(tmp_path, sweep_of(RATES, sampler="{kind: tpe, startup_runs: 6}"), runs=24)
    rates = []
    for _ in range(24):
        claim = claimed(desk)
        rates.append(claim.recipe.train.optimizer.rate)
        tell(desk, claim, -abs(rates[-1] - 0.03))
    assert sum(rate > 0.02 for rate in rates[12:]) > sum(rate > 0.02 for rate in rates[:12])


def test_a_study_in_a_database_refuses_another_store(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'trials.db'}"
    desk = desk_at(tmp_path / "store", RANDOM, url=url)
    tell(desk, claimed(desk), 0.5)
    assert claimed(desk_at(tmp_path / "store", RANDOM, url=url)).trial.number == 1
    with pytest.raises(UserError, match="--store must be the folder in which the study"):
        desk_at(tmp_path / "elsewhere", RANDOM, url=url)
