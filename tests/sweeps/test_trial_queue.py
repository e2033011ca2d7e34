"""Who works on what: budgets, trials of dead processes, twins, grids, and one study for all who ask."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Any

import optuna
import pytest

from maskwise.errors import UserError
from maskwise.sweeps.trial_queue import REASON, SKIPPED, Lease, TrialQueue, counts
from support.sweeps import queue_at, sweep_of, without_budget

RATES = "{train.optimizer.rate: {kind: float, low: 0.001, high: 0.04, log: true}}"
RANDOM = sweep_of(RATES, sampler="{kind: random}")
STATES = optuna.trial.TrialState


def leased(queue: TrialQueue) -> Lease:
    lease = queue.lease()
    assert isinstance(lease, Lease)
    return lease


def finish(queue: TrialQueue, lease: Lease, value: float) -> None:
    queue.study.tell(lease.trial, value)
    lease.held.close()


def test_two_queues_share_a_study_and_give_no_trial_out_twice(tmp_path: Path) -> None:
    first, second = queue_at(tmp_path, RANDOM, runs=4), queue_at(tmp_path, RANDOM, runs=4)
    leases = [leased(first), leased(second), leased(first), leased(second)]
    assert [lease.trial.number for lease in leases] == [0, 1, 2, 3]
    assert len({lease.recipe.train.optimizer.rate for lease in leases}) == 4
    assert first.lease() == second.lease() == "wait"
    for lease in leases:
        finish(first, lease, 0.5)
    assert first.lease() == second.lease() == "done"
    assert leased(without_budget(second, 5)).trial.number == 4


def test_the_trial_of_a_dead_process_is_taken_up_as_the_same_trial(tmp_path: Path) -> None:
    queue, other = queue_at(tmp_path, RANDOM, runs=2), queue_at(tmp_path, RANDOM, runs=2)
    dead, alive = leased(queue), leased(queue)
    dead.held.close()  # the kernel lets go when a process dies
    again = leased(other)
    assert (again.trial.number, again.taken_up, alive.taken_up) == (dead.trial.number, True, False)
    assert again.recipe == dead.recipe
    assert other.lease() == "wait"
    finish(other, again, 0.1)
    finish(queue, alive, 0.2)
    assert [trial.state for trial in other.trials()] == [STATES.COMPLETE] * 2


def test_a_trial_that_died_before_it_had_settings_gets_them(tmp_path: Path) -> None:
    queue = queue_at(tmp_path, RANDOM)
    queue.study.ask()  # and killed
    lease = leased(queue)
    assert (lease.trial.number, lease.taken_up) == (0, True)
    assert 0.001 <= lease.recipe.train.optimizer.rate <= 0.04


def test_chance_is_of_the_trial_not_of_the_process(tmp_path: Path) -> None:
    alone, together = queue_at(tmp_path / "a", RANDOM), [queue_at(tmp_path / "b", RANDOM) for _ in range(2)]
    leases = [leased(alone) for _ in range(4)]
    rates = [lease.recipe.train.optimizer.rate for lease in leases]
    assert len(set(rates)) == 4
    others = [leased(together[k % 2]) for k in range(4)]
    assert [lease.recipe.train.optimizer.rate for lease in others] == rates


def test_a_twin_is_skipped_and_a_space_without_news_ends(tmp_path: Path) -> None:
    queue = queue_at(tmp_path, sweep_of("{train.batch_size: [16, 32]}", sampler="{kind: random}"), runs=5)
    for _ in range(2):
        finish(queue, leased(queue), 0.5)
    assert queue.lease() == "done"
    trained = [trial for trial in queue.trials() if counts(trial)]
    assert {trial.params["train.batch_size"] for trial in trained} == {16, 32}
    twins = [trial for trial in queue.trials() if not counts(trial)]
    assert len(twins) >= 30
    assert {trial.user_attrs[SKIPPED] for trial in twins} <= {
        "the same as trial 0",
        f"the same as trial {trained[1].number}",
    }


def test_a_combination_that_is_refused_is_skipped_with_its_reason(tmp_path: Path) -> None:
    search = "{loss: [{kind: cross_entropy}, {kind: arcface}], model.head: [{kind: joint}, {kind: cosine}]}"
    queue = queue_at(tmp_path, sweep_of(search, sampler="{kind: grid}"), runs=9)
    leases = [leased(queue) for _ in range(3)]
    assert queue.lease() == "wait"
    for lease in leases:
        finish(queue, lease, 0.5)
    assert queue.lease() == "done"
    (skipped,) = [trial for trial in queue.trials() if SKIPPED in trial.user_attrs]
    assert skipped.params == {"loss": "arcface", "model.head": "joint"}
    assert "model.head.kind must be cosine" in skipped.user_attrs[SKIPPED]
    assert skipped.state == STATES.FAIL
    assert REASON not in skipped.user_attrs


def test_a_grid_is_walked_once_by_all(tmp_path: Path) -> None:
    search = "{train.batch_size: [8, 16, 32], train.optimizer.rate: {kind: float, low: 0.01, high: 0.02, step: 0.01}}"
    sweep = sweep_of(search, sampler="{kind: grid}")
    queues = [queue_at(tmp_path, sweep, runs=99), queue_at(tmp_path, sweep, runs=99)]
    seen: list[tuple[Any, ...]] = []
    with contextlib.ExitStack() as held:
        for k in range(6):
            lease = leased(queues[k % 2])
            held.callback(lease.held.close)
            seen.append((lease.recipe.train.batch_size, lease.recipe.train.optimizer.rate))
        assert queues[0].lease() == "wait"
    assert sorted(seen) == [(size, rate) for size in (8, 16, 32) for rate in (0.01, 0.02)]


def test_tpe_learns_where_good_runs_are(tmp_path: Path) -> None:
    queue = queue_at(tmp_path, sweep_of(RATES, sampler="{kind: tpe, startup_runs: 6}"), runs=24)
    rates = []
    for _ in range(24):
        lease = leased(queue)
        rates.append(lease.recipe.train.optimizer.rate)
        finish(queue, lease, -abs(rates[-1] - 0.03))
    assert sum(rate > 0.02 for rate in rates[12:]) > sum(rate > 0.02 for rate in rates[:12])


def test_a_study_in_a_database_refuses_another_store(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'trials.db'}"
    queue = queue_at(tmp_path / "store", RANDOM, url=url)
    finish(queue, leased(queue), 0.5)
    assert leased(queue_at(tmp_path / "store", RANDOM, url=url)).trial.number == 1
    with pytest.raises(UserError, match="--store must be the folder in which the study"):
        queue_at(tmp_path / "elsewhere", RANDOM, url=url)
