from __future__ import annotations

import re
import resource
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from torch import Tensor

from conftest import TINY_RECIPE
from maskwise.errors import UserError
from maskwise.fitting import try_batch_sizes as module
from maskwise.fitting.try_batch_sizes import bounded_memory, random_table, try_batch_sizes
from maskwise.labels import Task
from maskwise.recipe.load import parse_recipe
from maskwise.training.step import Stepper

RECIPE = parse_recipe(TINY_RECIPE, "tiny")


@pytest.fixture
def empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_all_sizes_are_reported_and_nothing_is_written(empty_folder: Path) -> None:
    notes: list[str] = []
    assert try_batch_sizes(RECIPE, 40, notes.append) == 40
    assert [re.sub(r": \d+ photos/s$", "", line) for line in notes] == ["16 photos", "32 photos", "40 photos"]
    assert list(empty_folder.iterdir()) == []


def test_what_does_not_fit_is_reported_and_the_search_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    real = Stepper.try_step

    def small(trainer: Stepper, batch: object) -> Tensor:
        if len(batch.class_N) > 20:  # type: ignore[attr-defined]
            raise RuntimeError("DefaultCPUAllocator: can't allocate memory")
        return real(trainer, batch)  # type: ignore[arg-type]

    monkeypatch.setattr(Stepper, "try_step", small)
    notes: list[str] = []
    assert try_batch_sizes(RECIPE, 64, notes.append) == 20
    assert notes[1] == "32 photos: out of memory"


def test_another_fault_is_no_lack_of_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(trainer: Stepper, batch: object) -> float:
        raise RuntimeError("shapes cannot be multiplied")

    monkeypatch.setattr(Stepper, "try_step", broken)
    notes: list[str] = []
    with pytest.raises(RuntimeError, match="shapes"):
        try_batch_sizes(RECIPE, 64, notes.append)
    assert notes == []


def test_every_class_is_among_the_random_photos() -> None:
    for task in (Task(), Task(attributes=("age",), age_borders_years=(20, 40, 60)), Task(attributes=("gender",))):
        table = random_table(task, 2 * task.n_classes)
        assert np.bincount(table.train_class_N).tolist() == [2] * task.n_classes


def test_memory_is_bounded_inside_and_as_before_outside() -> None:
    before = resource.getrlimit(resource.RLIMIT_DATA)
    with bounded_memory():
        assert 0 < resource.getrlimit(resource.RLIMIT_DATA)[0] < 2**50
    assert resource.getrlimit(resource.RLIMIT_DATA) == before


def test_without_proc_nothing_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_kibibytes", lambda _path: {})
    before = resource.getrlimit(resource.RLIMIT_DATA)
    with bounded_memory():
        assert resource.getrlimit(resource.RLIMIT_DATA) == before


@pytest.mark.slow
def test_a_machine_of_little_memory_is_not_overrun() -> None:
    """In a process of its own, which could not be trusted any more after a failed allocation of somebody else's."""
    code = (
        "from maskwise.fitting import try_batch_sizes as module\n"
        "from maskwise.recipe.load import parse_recipe\n"
        "real = module._kibibytes\n"
        "module._kibibytes = lambda path: real(path) | ({'MemAvailable': 400 * 1024} if 'meminfo' in path else {})\n"
        f"recipe = parse_recipe({TINY_RECIPE!r}, 'tiny', ['input.height_px=128', 'input.width_px=128'])\n"
        "print(module.try_batch_sizes(recipe, 64, print))"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
    assert "out of memory" in ended.stdout
    assert 2 <= int(ended.stdout.split()[-1]) < 64


def test_the_verb_says_what_to_do_with_the_size_found(
    cli: Callable[..., str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "tiny.yaml").write_text(TINY_RECIPE)
    words = ("batch-size", str(tmp_path / "tiny.yaml"), "--limit", "16")
    last = cli(*words).splitlines()[-1]
    assert "limit fit: 16 photos" in last
    assert last.endswith(" --limit.")
    monkeypatch.setattr(module, "try_batch_sizes", lambda *_words: 100)
    assert "100 photos. Leave some room: --set train.batch_size=90" in cli(*words)
    with pytest.raises(UserError):
        cli(*words, "--set", "train.epochz=1")
