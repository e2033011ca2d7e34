from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from maskwise.errors import UserError
from maskwise.evaluation import shared_photos
from maskwise.labels import Task
from maskwise.records import Predictions
from maskwise.store.runs import StoredRun, read_record
from maskwise.workflows.compare_runs import changed_of_arms, compare_runs, name_arms, read_arms
from workflows.test_join_runs import add_run


def run_in(store: Path, name: str, seed: int, n_people: int = 40) -> StoredRun:
    folder = add_run(store, name, seed, n_people=n_people)
    return StoredRun(folder, read_record(folder))


def test_runs_are_aligned_once_however_much_is_computed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    arms = [[run_in(tmp_path, name, seed)] for seed, name in enumerate(("a", "b", "c"))]
    calls: list[int] = []
    align = shared_photos.shared_photos

    def counted(runs: Sequence[Predictions], task: Task) -> list[Predictions]:
        calls.append(len(runs))
        return align(runs, task)

    monkeypatch.setattr(shared_photos, "shared_photos", counted)
    aligned = read_arms(arms)
    found = compare_runs(aligned, name_arms(arms), rank=True)
    changed = changed_of_arms(aligned, name_arms(arms))
    assert calls == [3]
    assert found.names == ("a", "b", "c")
    assert len(found.comparisons) == len(found.seeds) == len(changed) == 2
    assert found.ranking is not None
    for comparison, (_, photos) in zip(found.comparisons, changed, strict=True):
        assert comparison.mcnemar is not None
        decided = comparison.mcnemar.only_a + comparison.mcnemar.only_b
        assert decided == sum(each.change != "other" for each in photos)


def test_photos_that_some_arm_lacks_are_counted_in_every_comparison(tmp_path: Path) -> None:
    arms = [[run_in(tmp_path, "a", 0)], [run_in(tmp_path, "b", 1)]]
    whole = compare_runs(read_arms(arms), ("a", "b")).comparisons
    assert [each.n_left_out for each in whole] == [0]


def test_changed_photos_need_one_run_a_side(tmp_path: Path) -> None:
    arms = [[run_in(tmp_path, f"{side}{seed}", seed) for seed in range(2)] for side in "ab"]
    with pytest.raises(UserError, match="one run a side, got 2"):
        changed_of_arms(read_arms(arms), name_arms(arms))
    assert name_arms(arms) == ("a0 +1", "b0 +1")
