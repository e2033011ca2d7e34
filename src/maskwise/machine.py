"""What this process may use of the machine: cores and memory, a container's limits included."""

from __future__ import annotations

import os
from pathlib import Path

CGROUP = Path("/sys/fs/cgroup")
_NO_LIMIT = 1 << 60
"""Version 1 of cgroups writes a number beyond this where nothing is limited."""


def cores_of_process() -> int:
    """Cores that this process may run on."""
    affinity = getattr(os, "sched_getaffinity", None)
    return len(affinity(0)) if affinity is not None else os.cpu_count() or 1


def core_quota(root: Path = CGROUP) -> float | None:
    """Cores' worth of time that a container is given; None where nothing bounds it."""
    whole = _words(root / "cpu.max")  # version 2: quota or "max", then the period
    if len(whole) == 2:
        return None if whole[0] == "max" else int(whole[0]) / int(whole[1])
    quota, period = _words(root / "cpu/cpu.cfs_quota_us"), _words(root / "cpu/cpu.cfs_period_us")
    return int(quota[0]) / int(period[0]) if quota and period and int(quota[0]) > 0 else None


def memory_limit_bytes(root: Path = CGROUP) -> int | None:
    """Bytes that a container may hold; None where nothing bounds it."""
    for file in (root / "memory.max", root / "memory/memory.limit_in_bytes"):
        words = _words(file)
        if words and words[0] != "max" and int(words[0]) < _NO_LIMIT:
            return int(words[0])
    return None


def memory_bytes(meminfo: Path = Path("/proc/meminfo")) -> tuple[int, int] | None:
    """The machine's memory and what of it is free to use; None where the system does not say."""
    sizes = {}
    for line in _text(meminfo).splitlines():
        name, _, value = line.partition(":")
        if value.split()[1:] == ["kB"]:
            sizes[name] = 1024 * int(value.split()[0])
    if "MemTotal" not in sizes:
        return None
    return sizes["MemTotal"], sizes.get("MemAvailable", sizes["MemTotal"])


def _words(file: Path) -> list[str]:
    return _text(file).split()


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="ascii")
    except OSError:
        return ""
