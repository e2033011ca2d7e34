"""What an epoch reports to the study, and when a training is given up: by hand, with the median as the judge."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest

from maskwise.listeners import Silent
from maskwise.recipe.config import Recipe
from maskwise.store.layout import log_path
from maskwise.store.runs import StoredRun
from maskwise.sweeps.trial_queue import Lease, TrialQueue
from maskwise.sweeps.watch import PruningWatch
from maskwise.training.stopping import EndedEarly
from support.finished_runs import run_record
from support.sweeps import queue_at, report_of, sweep_of

RATES = "{train.optimizer.rate: {kind: float, low: 0.001, high: 0.04}}"
MEDIAN = sweep_of(RATES, sampler="{kind: random}", pruning="{kind: median, startup_runs: 1, warmup_epochs: 2}")


def begun(queue: TrialQueue, recipe: Recipe | None = None) -> tuple[Lease, PruningWatch]:
    lease = queue.lease()
    assert isinstance(lease, Lease)
    return lease, PruningWatch(lease.trial, recipe or lease.recipe, Silent())


def test_the_best_so_far_is_reported_and_the_worse_given_up_after_the_warm_up(tmp_path: Path) -> None:
    queue = queue_at(tmp_path, MEDIAN)
    first, watch = begun(queue)
    for epoch, score in enumerate((0.3, 0.5, 0.4)):
        watch.on_epoch(report_of(epoch, 3, score))
    assert dict(queue.trials()[0].intermediate_values) == {1: 0.3, 2: 0.5, 3: 0.5}
    queue.study.tell(first.trial, 0.45)
    second, watch = begun(queue)
    watch.on_epoch(report_of(0, 3, 0.1))  # worse, but in the warm-up
    with pytest.raises(EndedEarly, match=r"macro F1 0\.4000 .* after epoch 2 is too low"):
        watch.on_epoch(report_of(1, 3, 0.4))
    assert watch.seconds == 4.0
    second.held.close()


def test_the_last_epoch_gives_nothing_up(tmp_path: Path) -> None:
    queue = queue_at(tmp_path, MEDIAN)
    first, watch = begun(queue)
    for epoch in range(3):
        watch.on_epoch(report_of(epoch, 3, 0.5))
    queue.study.tell(first.trial, 0.5)
    _second, watch = begun(queue)
    watch.reported = {1: 0.1, 2: 0.1}
    watch.on_epoch(report_of(2, 3, 0.1))
    assert watch.reported == {1: 0.1, 2: 0.1, 3: 0.1}


def test_where_nobody_chooses_nothing_is_reported(tmp_path: Path) -> None:
    queue = queue_at(tmp_path, MEDIAN)
    _lease, watch = begun(queue)
    watch.on_epoch(report_of(0, 3, None))
    assert queue.trials()[0].intermediate_values == {}


def test_a_resumed_training_comes_by_an_epoch_again(tmp_path: Path) -> None:
    queue = queue_at(tmp_path, MEDIAN)
    lease, watch = begun(queue)
    watch.on_epoch(report_of(0, 3, 0.3))
    again = PruningWatch(lease.trial, lease.recipe, Silent())
    again.on_epoch(report_of(0, 3, 0.3))
    again.on_epoch(report_of(1, 3, 0.2))
    assert dict(queue.trials()[0].intermediate_values) == {1: 0.3, 2: 0.3}


def test_folds_count_on(tmp_path: Path) -> None:
    queue = queue_at(tmp_path, sweep_of(RATES, changes="{split: {kind: k_fold, folds: 2}, train.epochs: 2}"))
    _lease, watch = begun(queue)
    for fold in range(2):
        for epoch, score in enumerate((0.3 + fold, 0.2)):
            watch.on_epoch(report_of(epoch, 2, score, fold))
    assert dict(queue.trials()[0].intermediate_values) == {1: 0.3, 2: 0.3, 3: 1.3, 4: 1.3}


def test_the_epochs_of_a_finished_run_are_read_from_its_log(tmp_path: Path) -> None:
    queue = queue_at(tmp_path, MEDIAN)
    _lease, watch = begun(queue)
    log = log_path(tmp_path / "run", 0)
    log.parent.mkdir(parents=True)
    lines = [json.dumps(dataclasses.asdict(report_of(epoch, 3, score))) for epoch, score in enumerate((0.2, 0.1, 0.4))]
    log.write_text("\n".join(lines) + "\n")
    watch.read_log(StoredRun(tmp_path / "run", run_record("watched")))
    assert dict(queue.trials()[0].intermediate_values) == {1: 0.2, 2: 0.2, 3: 0.4}
