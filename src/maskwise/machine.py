"""What this process may use of the machine: cores and memory, a container's limits included."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator
from pathlib import Path

CGROUP = Path("/sys/fs/cgroup")
_OWN_CGROUP = Path("/proc/self/cgroup")
"""Where in it this process stands, a line for each hierarchy: ``0::/a/b`` or, in version 1, ``1:cpu,cpuacct:/a/b``."""
_NO_LIMIT = 1 << 60
"""Version 1 of cgroups writes a number beyond this where nothing is limited."""
SPINS = "10000"
"""A fraction of a millisecond: longer than the pauses in a training step, and far shorter than a neighbor's turn."""


def settle_threads() -> None:
    """Say to OpenMP, which reads it once as torch is loaded, how many threads compute and how they wait.

    Libraries count the machine's cores; a container's quota may pay for fewer. Threads that wait for one whose core
    others use give up theirs soon: GNU's turn 300,000 times first, which outlasts the time that the system gives to a
    busy neighbor (``benchmarks/busy_neighbors.py``). What the environment says already stays.
    """
    if usable_cores() < cores_of_process():
        os.environ.setdefault("OMP_NUM_THREADS", str(usable_cores()))
    if "OMP_WAIT_POLICY" not in os.environ:
        os.environ.setdefault("GOMP_SPINCOUNT", SPINS)


def cores_of_process() -> int:
    """Cores that this process may run on."""
    affinity = getattr(os, "sched_getaffinity", None)
    return len(affinity(0)) if affinity is not None else os.cpu_count() or 1


def usable_cores() -> int:
    """How many threads can compute at once: the cores, or what a container's quota leaves of them."""
    quota = core_quota()
    return cores_of_process() if quota is None else max(1, min(cores_of_process(), math.ceil(quota)))


def core_quota(root: Path = CGROUP, own: Path = _OWN_CGROUP) -> float | None:
    """Cores' worth of time that this process is given; None where nothing bounds it."""
    quotas = []
    for folder in _cgroups(root, own, "cpu"):
        words = _words(folder / "cpu.max")  # version 2: quota or "max", then the period
        words = words or [*_words(folder / "cpu.cfs_quota_us"), *_words(folder / "cpu.cfs_period_us")]
        if len(words) == 2 and words[0] not in ("max", "-1"):
            quotas.append(int(words[0]) / int(words[1]))
    return min(quotas, default=None)


def memory_limit_bytes(root: Path = CGROUP, own: Path = _OWN_CGROUP) -> int | None:
    """Bytes that this process and those beside it may hold; None where nothing bounds it."""
    limits = []
    for folder in _cgroups(root, own, "memory"):
        words = _words(folder / "memory.max") or _words(folder / "memory.limit_in_bytes")
        if words and words[0] != "max" and int(words[0]) < _NO_LIMIT:
            limits.append(int(words[0]))
    return min(limits, default=None)


def _cgroups(root: Path, own: Path, controller: str) -> Iterator[Path]:
    """The folders of the groups that this process is in, outermost first, in either version."""
    yield from (root, root / controller)
    for line in _text(own).splitlines():
        _, controllers, path = line.split(":", 2)
        if controllers and controller not in controllers.split(","):
            continue
        folder = root / controller if controllers else root
        for part in path.strip("/").split("/"):
            folder /= part
            yield folder


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
