"""``maskwise studio`` as a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx


@dataclass
class RunningStudio:
    """A studio that listens."""

    process: subprocess.Popen[str]
    address: str
    """With the token."""

    @property
    def base(self) -> str:
        """Without it."""
        return self.address.partition("/?")[0]

    def visitor(self, *, entered: bool = True) -> httpx.Client:
        """A client; ``entered``: it has opened the address with the token, and holds the cookie."""
        client = httpx.Client(base_url=self.base, timeout=60, trust_env=False, headers={"origin": self.base})
        if entered:
            assert client.get(self.address.removeprefix(self.base)).status_code == 200
        return client


@contextmanager
def running_studio(store: Path, cache: Path, *options: str) -> Iterator[RunningStudio]:
    """The studio of ``store`` on a free port of this machine."""
    places = ["--store", str(store), "--cache", str(cache), "--port", "0", "--no-open"]
    command = [sys.executable, "-m", "maskwise", "studio", *places, *options]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=environment)
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert "/?token=" in line, line
        yield RunningStudio(process, line.split(": ", 1)[1].split(" ")[0])
    finally:
        process.kill()
        process.wait()
