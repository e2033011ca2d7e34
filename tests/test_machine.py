"""Cores and memory as containers are given them."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from maskwise.machine import (
    SPINS,
    core_quota,
    cores_of_process,
    memory_bytes,
    memory_limit_bytes,
    settle_threads,
    usable_cores,
)

OF_THREADS = ("OMP_", "GOMP_")


@pytest.mark.parametrize("text, cores", [("150000 100000\n", 1.5), ("max 100000\n", None)])
def test_the_quota_of_cgroups_2(tmp_path: Path, text: str, cores: float | None) -> None:
    (tmp_path / "cpu.max").write_text(text)
    assert core_quota(tmp_path, tmp_path / "own") == cores


@pytest.mark.parametrize("quota, cores", [("200000", 2.0), ("-1", None)])
def test_the_quota_of_cgroups_1(tmp_path: Path, quota: str, cores: float | None) -> None:
    (tmp_path / "cpu").mkdir()
    (tmp_path / "cpu/cpu.cfs_quota_us").write_text(quota)
    (tmp_path / "cpu/cpu.cfs_period_us").write_text("100000")
    assert core_quota(tmp_path, tmp_path / "own") == cores


@pytest.mark.parametrize("text, limit", [("1048576\n", 1048576), ("max\n", None), ("9223372036854771712\n", None)])
def test_the_limit_of_memory(tmp_path: Path, text: str, limit: int | None) -> None:
    (tmp_path / "memory.max").write_text(text)
    assert memory_limit_bytes(tmp_path, tmp_path / "own") == limit


def test_the_narrowest_of_the_groups_around_a_process_counts(tmp_path: Path) -> None:
    own = tmp_path / "own"
    own.write_text("4:memory:/box\n1:cpu,cpuacct:/box/inner\n0::/slice/service\n")
    for folder, quota in {"cpu/box": "300000", "cpu/box/inner": "100000"}.items():
        (tmp_path / folder).mkdir(parents=True)
        (tmp_path / folder / "cpu.cfs_quota_us").write_text(quota)
        (tmp_path / folder / "cpu.cfs_period_us").write_text("100000")
    (tmp_path / "memory/box").mkdir(parents=True)
    (tmp_path / "memory/box/memory.limit_in_bytes").write_text("4096")
    assert (core_quota(tmp_path, own), memory_limit_bytes(tmp_path, own)) == (1.0, 4096)
    (tmp_path / "slice/service").mkdir(parents=True)
    (tmp_path / "slice/cpu.max").write_text("max 100000")
    (tmp_path / "slice/service/cpu.max").write_text("50000 100000")
    assert core_quota(tmp_path, own) == 0.5


def test_threads_follow_the_quota(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("maskwise.machine.cores_of_process", lambda: 8)
    for quota, cores in ((None, 8), (1.5, 2), (0.25, 1), (64.0, 8)):
        monkeypatch.setattr("maskwise.machine.core_quota", lambda quota=quota: quota)
        assert usable_cores() == cores


def test_no_cgroup_is_no_limit(tmp_path: Path) -> None:
    assert core_quota(tmp_path, tmp_path / "own") is None
    assert memory_limit_bytes(tmp_path, tmp_path / "own") is None
    assert cores_of_process() >= 1


def test_memory_of_the_machine(tmp_path: Path) -> None:
    (tmp_path / "meminfo").write_text("MemTotal:  2048 kB\nMemFree: 1 kB\nMemAvailable:  1024 kB\nHugePages_Total: 0\n")
    assert memory_bytes(tmp_path / "meminfo") == (2 * 2**20, 2**20)
    assert memory_bytes(tmp_path / "nowhere") is None


def without_settings(**given: str) -> dict[str, str]:
    """The environment, with nothing on threads but what is ``given``."""
    return {name: value for name, value in os.environ.items() if not name.startswith(OF_THREADS)} | given


def test_libraries_compute_in_as_many_threads_as_the_quota_pays_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("maskwise.machine.cores_of_process", lambda: 8)
    for quota, given, threads in ((3.0, {}, "3"), (3.0, {"OMP_NUM_THREADS": "7"}, "7"), (None, {}, None)):
        monkeypatch.setattr("os.environ", without_settings(**given))
        monkeypatch.setattr("maskwise.machine.core_quota", lambda quota=quota: quota)
        settle_threads()
        assert os.environ.get("OMP_NUM_THREADS") == threads


@pytest.mark.parametrize(
    ("given", "spins"), [({}, SPINS), ({"GOMP_SPINCOUNT": "7"}, "7"), ({"OMP_WAIT_POLICY": "ACTIVE"}, None)]
)
def test_waiting_threads_give_up_their_core_soon_unless_the_environment_says_how(
    monkeypatch: pytest.MonkeyPatch, given: dict[str, str], spins: str | None
) -> None:
    monkeypatch.setattr("os.environ", without_settings(**given))
    settle_threads()
    assert os.environ.get("GOMP_SPINCOUNT") == spins


@pytest.mark.parametrize(
    ("words", "given", "spins"),
    [
        (("-c", "import maskwise; import torch"), {}, SPINS),
        (("-c", "import maskwise.training.loop"), {"GOMP_SPINCOUNT": "7"}, "7"),
        (("-m", "maskwise", "batch-size", "baseline", "--limit", "2"), {}, SPINS),
    ],
    ids=["api", "module", "verb"],
)
def test_torch_is_loaded_with_threads_that_wait_so(words: tuple[str, ...], given: dict[str, str], spins: str) -> None:
    """GNU's OpenMP writes what it found in the environment as torch loads it."""
    environment = without_settings(OMP_DISPLAY_ENV="VERBOSE", **given)
    found = subprocess.run([sys.executable, *words], env=environment, capture_output=True, text=True, check=True)
    assert f"GOMP_SPINCOUNT = '{spins}'" in found.stderr
