"""Cores and memory as containers are given them."""

from __future__ import annotations

from pathlib import Path

import pytest

from maskwise.machine import core_quota, cores_of_process, memory_bytes, memory_limit_bytes, usable_cores


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
