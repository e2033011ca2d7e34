"""Blocks take turns, and their ratios are those of pairs."""

from __future__ import annotations

import torch

from maskwise.speed.timed_blocks import block_of, by_turns, median_ratio


def test_every_block_warms_up_and_then_takes_its_turn() -> None:
    calls: list[tuple[str, float]] = []

    def block(name: str, speed: float, length_s: float) -> float:
        calls.append((name, length_s))
        return speed * len(calls)

    speeds = by_turns({"a": lambda s: block("a", 1.0, s), "b": lambda s: block("b", 10.0, s)}, 5.0, rounds=2)
    assert calls == [("a", 1.0), ("b", 1.0), ("a", 5.0), ("b", 5.0), ("b", 5.0), ("a", 5.0)]
    assert speeds == {"a": [3.0, 6.0], "b": [40.0, 50.0]}


def test_ratios_are_those_of_pairs() -> None:
    assert median_ratio([10.0, 40.0, 30.0], [20.0, 20.0, 30.0]) == 1.0


def test_a_block_takes_one_step_at_least_and_counts_its_photos() -> None:
    steps: list[int] = []

    def step() -> int:
        steps.append(1)
        return 16

    assert block_of(step, torch.device("cpu"))(0.0) > 0
    assert len(steps) == 1
