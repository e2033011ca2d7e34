"""``kill -9`` at every place where a command touches the disk, enumerated by intercepting the calls.

Run as a program, so that it forks before torch has made any thread: ``python kill_points.py PLAN.json``. The plan names
a command and a scratch folder; the report is JSON on stdout, one entry per kill. A point is the moment before a file is
opened for writing, a folder made, a name changed or removed, or an fsync; at an fsync there is a second one, where half
of what was written is lost as well.

Every trial is a fork of this process, which by then has imported all that the command imports: a trial costs what the
command itself costs, and no start of Python.
"""

from __future__ import annotations

import contextlib
import gc
import hashlib
import importlib
import json
import os
import shutil
import signal
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

_NAMING = {"os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.truncate", "os.link", "os.symlink"}
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND


class KillPoints:
    """Counts the points of this process below ``root``; kills it at number ``kill_at`` (from 0)."""

    def __init__(self, root: Path, count: Callable[[str], None], kill_at: int | None) -> None:
        self.root, self.count, self.kill_at, self.seen = str(root), count, kill_at, 0
        self._fsync = os.fsync
        os.fsync = self._watched_fsync  # type: ignore[assignment]
        sys.addaudithook(self._hook)

    def _hook(self, event: str, arguments: tuple[Any, ...]) -> None:
        if event == "open":
            path, _, flags = arguments
            if isinstance(flags, int) and flags & _WRITING:
                self._point(f"open {path}", path)
        elif event in _NAMING:
            self._point(f"{event} {arguments[0]}", arguments[0])

    def _watched_fsync(self, handle: Any) -> None:
        number = handle if isinstance(handle, int) else handle.fileno()
        path = str(Path(f"/proc/self/fd/{number}").readlink())
        self._point(f"fsync {path}", path)
        if Path(path).is_file():
            self._point(f"torn {path}", path, torn=True)
        self._fsync(handle)

    def _point(self, what: str, path: object, *, torn: bool = False) -> None:
        if not isinstance(path, str | bytes | os.PathLike) or not os.fsdecode(path).startswith(self.root):
            return
        number, self.seen = self.seen, self.seen + 1
        self.count(what)
        if number == self.kill_at:
            if torn:
                os.truncate(os.fsdecode(path), os.path.getsize(os.fsdecode(path)) // 2)  # noqa: PTH202
            os.kill(os.getpid(), signal.SIGKILL)


def in_a_fork(work: Callable[[], int]) -> int:
    """The exit code of ``work`` in a process of its own; minus the signal where one ended it."""
    sys.stdout.flush()
    child = os.fork()
    if child == 0:
        code = 70
        try:
            code = work()
        except SystemExit as stop:
            code = stop.code if isinstance(stop.code, int) else 1
        finally:
            sys.stderr.flush()
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def run_command(words: Sequence[str], errors: Path) -> int:
    """The command line in this process, what it prints kept in ``errors``."""
    from maskwise.cli.main import main

    kept = os.open(errors, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(kept, 1)
    os.dup2(kept, 2)
    sys.argv = ["maskwise", *words]
    main()
    return 0


def digest(root: Path, patterns: Sequence[str], volatile: Sequence[str]) -> dict[str, str]:
    """SHA-256 per result file, lines that contain one of ``volatile`` left out."""
    found = {}
    for pattern in patterns:
        for path in sorted(root.glob(pattern)):
            if path.is_file():
                data = path.read_bytes()
                if volatile and path.suffix in {".json", ".html", ".md", ".jsonl", ".csv"}:
                    lines = data.decode().splitlines()
                    data = "\n".join(line for line in lines if not any(word in line for word in volatile)).encode()
                found[str(path.relative_to(root))] = hashlib.sha256(data).hexdigest()
    return found


def leftovers(root: Path) -> list[str]:
    """Unfinished files that a killed process left and the next one did not clean up."""
    return sorted(str(path.relative_to(root)) for path in root.rglob(".writing-*"))


def fresh_copy(template: Path, root: Path) -> None:
    """``root`` as the command finds it."""
    if root.exists():
        shutil.rmtree(root)
    shutil.copytree(template, root, symlinks=True)


def enumerate_points(plan: dict[str, Any], root: Path, errors: Path) -> list[str]:
    """What the command does to the disk, in order, from a whole run of it; what that run imports is imported here."""
    listing, imported = errors.with_name("points.txt"), errors.with_name("imported.txt")
    listing.write_text("")

    def work() -> int:
        file = os.open(listing, os.O_WRONLY | os.O_APPEND)
        KillPoints(root, lambda what: (os.write(file, (what + "\n").encode()), None)[1], None)
        try:
            return run_command(plan["command"], errors)
        finally:
            imported.write_text("\n".join(sys.modules))

    code = in_a_fork(work)
    if code:
        raise SystemExit(f"the command alone ends with {code}: {errors.read_text()[-2000:]}")
    for name in imported.read_text().splitlines():
        with contextlib.suppress(ImportError):  # some packages list parts of themselves under other names
            importlib.import_module(name)
    gc.freeze()  # else every fork's collections copy all of these pages
    return listing.read_text().splitlines()


def after_a_kill(plan: dict[str, Any], root: Path, kill_at: int, errors: Path) -> dict[str, Any]:
    """Kill the command at one point, look at what is there, run it again."""

    def killed() -> int:
        KillPoints(root, lambda _: None, kill_at)
        return run_command(plan["command"], errors)

    code = in_a_fork(killed)
    board = in_a_fork(lambda: run_command(plan["look"], errors.with_name("look.txt"))) if plan.get("look") else 0
    looked = errors.with_name("look.txt").read_text() if board else ""
    begun = time.monotonic()
    again = in_a_fork(lambda: run_command(plan["again"], errors))
    return {
        "killed": code,
        "look": board,
        "looked": looked[-500:],
        "again": again,
        "printed": errors.read_text(errors="replace")[-1500:] if again else "",
        "seconds": time.monotonic() - begun,
        "files": digest(root, plan["results"], plan.get("volatile", ())),
        "leftovers": leftovers(root),
    }


def main(plan_file: str) -> None:
    """Everything that ``plan_file`` plans; prints the report."""
    plan = json.loads(Path(plan_file).read_text())
    template, root = Path(plan["template"]), Path(plan["root"])
    errors = Path(plan_file).with_name("printed.txt")
    fresh_copy(template, root)
    points = enumerate_points(plan, root, errors)
    expected = digest(root, plan["results"], plan.get("volatile", ()))
    trials = []
    chosen = range(plan["first"], len(points), plan["step"])
    for kill_at in chosen:
        fresh_copy(template, root)
        trials.append({"point": points[kill_at], "number": kill_at, **after_a_kill(plan, root, kill_at, errors)})
    print(json.dumps({"points": points, "expected": expected, "trials": trials}))


if __name__ == "__main__":
    main(sys.argv[1])
