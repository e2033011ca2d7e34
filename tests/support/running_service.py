"""``maskwise serve`` as a process of its own, and raw bytes to it."""

from __future__ import annotations

import json
import os
import queue
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

_START_SECONDS = 60.0
_LINE_SECONDS = 20.0


@dataclass
class Running:
    """A service that answers."""

    process: subprocess.Popen[str]
    url: str
    log: queue.Queue[str]

    @property
    def address(self) -> tuple[str, int]:
        """Host and port."""
        host, port = self.url.removeprefix("http://").rstrip("/").rsplit(":", 1)
        return host, int(port)

    def client(self) -> httpx.Client:
        """A client that keeps its connections."""
        return httpx.Client(base_url=self.url, timeout=30, trust_env=False)

    def send(self, *pieces: bytes, seconds: float = 10.0) -> bytes:
        """All that comes back for ``pieces`` on one connection until the service closes it."""
        with socket.create_connection(self.address, timeout=seconds) as connection:
            for piece in pieces:
                try:
                    connection.sendall(piece)
                except (BrokenPipeError, ConnectionResetError):
                    break
            return received(connection)

    def resident_bytes(self) -> int:
        """Memory in use."""
        pages = int(Path(f"/proc/{self.process.pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE")

    def cpu_seconds(self) -> float:
        """Processor seconds used so far."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def open_files(self) -> int:
        """Descriptors in use."""
        return len(list(Path(f"/proc/{self.process.pid}/fd").iterdir()))

    def log_lines(self) -> list[dict[str, Any]]:
        """The lines of log since the last call."""
        lines = []
        while not self.log.empty():
            lines.append(json.loads(self.log.get()))
        return lines

    def log_lines_until(self, last: Callable[[dict[str, Any]], bool]) -> list[dict[str, Any]]:
        """The same, to the first line that is ``last``: a response can be here before its line."""
        lines: list[dict[str, Any]] = []
        while not lines or not last(lines[-1]):
            lines.append(json.loads(self.log.get(timeout=_LINE_SECONDS)))
        return lines

    def stop(self) -> int:
        """SIGTERM; the exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout=30)


def received(connection: socket.socket) -> bytes:
    """What comes until the other side closes or resets."""
    response = bytearray()
    try:
        while piece := connection.recv(65536):
            response += piece
    except ConnectionResetError:
        pass
    return bytes(response)


def status_of(response: bytes) -> int:
    """The status of a raw response."""
    return int(response.split(b" ", 2)[1])


def error_of(response: bytes) -> str:
    """The error's code in a raw response."""
    code: str = json.loads(response.split(b"\r\n\r\n", 1)[1])["error"]["code"]
    return code


@contextmanager
def running_service(bundle: Path, folder: Path, *options: str, settings: Sequence[str] = ()) -> Iterator[Running]:
    """The service of ``bundle`` on a free port of this machine; its temporary files would lie in ``folder``."""
    changes = [word for setting in settings for word in ("--set", setting)]
    command = [sys.executable, "-m", "maskwise", "serve", str(bundle), "--port", "0", *options, *changes]
    environment = {**os.environ, "TMPDIR": str(folder), "OMP_NUM_THREADS": "1"}
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment, bufsize=1
    )
    try:
        log: queue.Queue[str] = queue.Queue()
        assert process.stdout is not None
        threading.Thread(target=_collect, args=(process, log), daemon=True).start()
        line = process.stdout.readline()
        assert " answers at " in line, f"{line}{list(log.queue)}"
        running = Running(process, line.split(" answers at ")[1].split(" ")[0], log)
        _wait_until_ready(running)
        yield running
    finally:
        process.kill()
        process.wait()


def _collect(process: subprocess.Popen[str], log: queue.Queue[str]) -> None:
    assert process.stderr is not None
    for line in process.stderr:
        log.put(line)


def _wait_until_ready(running: Running) -> None:
    until_s = time.monotonic() + _START_SECONDS
    with running.client() as client:
        while client.get("/readyz").status_code != 200:
            assert time.monotonic() < until_s, "the service is not ready"
            time.sleep(0.05)
