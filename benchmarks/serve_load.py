"""How fast `maskwise serve` is beside the bundle that it serves, and what it does beyond its capacity.

    python benchmarks/serve_load.py BUNDLE PHOTOS --seconds 60

starts the service as a process of its own, on a free port of this machine, and calls it from this one:

1. the bare bundle, in this process: photos per second by `predict` in batches, before and after the rest;
2. a closed loop, where each client sends the next request as soon as the last one is served;
3. by turns with a closed loop, an open one at twice its throughput, where clients do not wait for each other.

Every response is compared with the bare bundle's. Processor seconds per photo stand beside photos per second, because
they tell the cost of serving also where client, service and other programs share the cores.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import itertools
import json
import math
import os
import statistics
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self, cast

import numpy as np
import uvloop

from maskwise.export.prediction import Prediction
from maskwise.export.reader import Bundle, load
from maskwise.seeds import rng_for
from maskwise.serving.workers import FacesRead

TOLERANCE = 1e-5
BARE_PHOTOS = 256
TICK_S = 0.01
OVERLOAD = 2.0
ADDRESSES = 50


@dataclass
class Case:
    """A photo, and what must be predicted for it."""

    request: bytes
    joint_probs: list[list[float]]


@dataclass
class Tally:
    """What a loop saw."""

    statuses: Counter[int] = field(default_factory=Counter)
    wrong: int = 0
    seconds_of_responses: list[float] = field(default_factory=list)
    seconds_of_refusals: list[float] = field(default_factory=list)
    elapsed_s: float = 0.0

    def add(self, status: int, body: bytes, case: Case, seconds: float) -> None:
        self.statuses[status] += 1
        if status != 200:
            self.seconds_of_refusals.append(seconds)
            return
        self.seconds_of_responses.append(seconds)
        predicted = json.loads(body)["results"][0]["predictions"]
        self.wrong += len(predicted) != len(case.joint_probs) or any(
            abs(got - right) > TOLERANCE
            for each, probs in zip(predicted, case.joint_probs, strict=True)
            for got, right in zip(each["joint_probs"], probs, strict=True)
        )

    @property
    def photos_a_second(self) -> float:
        return self.statuses[200] / self.elapsed_s

    def describe(self) -> str:
        statuses = ", ".join(f"{count} × {status}" for status, count in sorted(self.statuses.items()))
        return f"{self.photos_a_second:7.1f} photos/s; {statuses}; wrong: {self.wrong}; {_times(self)}"


class Connection(asyncio.Protocol):
    """A minimal client: the benchmark must cost less than what it measures."""

    transport: asyncio.Transport
    closed = False
    _response: asyncio.Future[tuple[int, bytes]] | None = None

    @classmethod
    async def to(cls, port: int, source: str) -> Self:
        """A new connection to ``port`` of this machine, from the address ``source``, which is this machine's, too."""
        loop = asyncio.get_running_loop()
        return (await loop.create_connection(cls, "127.0.0.1", port, local_addr=(source, 0)))[1]

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)

    def connection_lost(self, exc: Exception | None) -> None:
        self.closed = True
        if self._response is not None:
            self._response.set_exception(exc or ConnectionResetError())
            self._response = None

    async def send(self, request: bytes) -> tuple[int, bytes]:
        """(status, body); ``ConnectionError`` where the connection ends before the response does."""
        self._received = b""
        self._response = asyncio.get_running_loop().create_future()
        self.transport.write(request)
        return await self._response

    def data_received(self, data: bytes) -> None:
        self._received += data
        head, end, body = self._received.partition(b"\r\n\r\n")
        if not end or self._response is None:
            return
        head = head.lower()
        length = int(head.split(b"content-length:", 1)[1].split(b"\r\n", 1)[0])
        if len(body) >= length:
            if b"\nconnection: close" in head:
                self.closed = True
                self.transport.close()
            self._response.set_result((int(head.split(b" ", 2)[1]), body))
            self._response = None


class LoadClient:
    """Opens connections to the service and keeps those that are free.

    They come from many addresses: the service bounds what one client may have waiting, and that is not measured here.
    """

    def __init__(self, port: int, cases: list[Case]) -> None:
        self.port, self.cases = port, cases
        self.free: list[Connection] = []
        self.sources = itertools.cycle([f"127.0.0.{last}" for last in range(2, 2 + ADDRESSES)])

    async def send(self, number: int, tally: Tally) -> None:
        case = self.cases[number % len(self.cases)]
        started_s = time.perf_counter()
        connection = await self._connection()
        try:
            status, body = await connection.send(case.request)
        except ConnectionError:
            tally.statuses[0] += 1
            return
        tally.add(status, body, case, time.perf_counter() - started_s)
        if not connection.closed:
            self.free.append(connection)

    async def _connection(self) -> Connection:
        """A free connection that the service did not close for being idle, or a new one."""
        while self.free:
            if not (connection := self.free.pop()).closed:
                return connection
        return await Connection.to(self.port, next(self.sources))


async def closed_loop(load: LoadClient, clients: int, seconds: float) -> Tally:
    """``clients`` that each send the next request as soon as the last one is served."""
    tally, started_s = Tally(), time.perf_counter()

    async def client(first: int) -> None:
        number = first
        while time.perf_counter() - started_s < seconds:
            await load.send(number, tally)
            number += clients

    await asyncio.gather(*(client(first) for first in range(clients)))
    tally.elapsed_s = time.perf_counter() - started_s
    return tally


async def open_loop(load: LoadClient, rate: float, seconds: float) -> Tally:
    """Requests at ``rate`` a second with exponential gaps, whatever the service does.

    Sent a hundred times a second: a process that wakes for each of them would take much of the cores that it shares.
    """
    gaps_s = rng_for(0, "arrivals").exponential(1 / rate, size=int(rate * seconds))
    tally, started_s, due_s = Tally(), time.perf_counter(), 0.0
    under_way: set[asyncio.Task[None]] = set()
    for number, gap_s in enumerate(gaps_s):
        due_s += gap_s
        if due_s > (now_s := time.perf_counter() - started_s):
            await asyncio.sleep(TICK_S * math.ceil(due_s / TICK_S) - now_s)
        task = asyncio.create_task(load.send(number, tally))
        under_way.add(task)
        task.add_done_callback(under_way.discard)
    await asyncio.gather(*under_way)
    tally.elapsed_s = time.perf_counter() - started_s
    return tally


def bare_speed(bundle: Bundle, photos: list[bytes], faces: FacesRead, seconds: float) -> tuple[float, float]:
    """(photos per second, processor seconds per photo) of the bundle itself."""
    done, started_s, cpu_s = 0, time.perf_counter(), time.process_time()
    batch = [photos[number % len(photos)] for number in range(BARE_PHOTOS)]
    while time.perf_counter() - started_s < seconds:
        bundle.predict_faces(batch) if faces == "each" else bundle.predict(batch, faces=faces)
        done += len(batch)
    return done / (time.perf_counter() - started_s), (time.process_time() - cpu_s) / done


def cases_of(bundle: Bundle, photos: list[bytes], faces: FacesRead) -> list[Case]:
    """Requests with the bundle's predictions."""

    def predict(photo: bytes) -> list[Prediction]:
        return bundle.predict_faces(photo)[0] if faces == "each" else bundle.predict(photo, faces=faces)

    head = f"POST /v1/predict?faces={faces} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/octet-stream\r\n"
    return [
        Case(
            f"{head}Content-Length: {len(photo)}\r\n\r\n".encode() + photo,
            [each.probs_C.tolist() for each in predict(photo)],
        )
        for photo in photos
    ]


def start_service(bundle: Path, changes: list[str]) -> tuple[subprocess.Popen[str], int]:
    """The service and its port."""
    words = [word for change in changes for word in ("--set", change)]
    command = [sys.executable, "-m", "maskwise", "serve", str(bundle), "--port", "0", *words]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    assert process.stdout is not None
    return process, int(process.stdout.readline().split("127.0.0.1:")[1].split("/")[0])


def memory_mb(process: subprocess.Popen[str]) -> float:
    """Resident memory."""
    pages = int(Path(f"/proc/{process.pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def cpu_seconds(process: subprocess.Popen[str]) -> float:
    """Processor seconds used so far."""
    fields = Path(f"/proc/{process.pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@dataclass
class Cores:
    """How many cores two processes used on average."""

    service: float = 0.0
    client: float = 0.0

    def __str__(self) -> str:
        return f"cores used: service {self.service:.2f}, client {self.client:.2f}"


@contextlib.contextmanager
def used_cores(process: subprocess.Popen[str]) -> Iterator[Cores]:
    """Filled in at the end of the block."""
    cores, started = Cores(), (time.perf_counter(), cpu_seconds(process), time.process_time())
    yield cores
    elapsed_s = time.perf_counter() - started[0]
    cores.service = (cpu_seconds(process) - started[1]) / elapsed_s
    cores.client = (time.process_time() - started[2]) / elapsed_s


def _times(tally: Tally) -> str:
    parts = []
    for name, seconds in (("served", tally.seconds_of_responses), ("refused", tally.seconds_of_refusals)):
        if seconds:
            p50, p99 = np.percentile(seconds, [50, 99]) * 1000
            parts.append(f"{name} in p50 {p50:.1f} ms, p99 {p99:.1f} ms")
    return "; ".join(parts)


@dataclass(frozen=True)
class Turns:
    """Overload by turns: how often, and seconds of each closed and each open loop."""

    rounds: int
    closed_s: float
    open_s: float


async def measure(
    load: LoadClient, process: subprocess.Popen[str], clients: list[int], closed_s: float, turns: Turns
) -> float:
    """Closed loops of each of ``clients``, then overload; processor seconds per photo in the closed loops."""
    while (await closed_loop(load, 2, 1.0)).statuses[503]:
        pass  # it is starting
    speeds, cpu_s, done = {}, cpu_seconds(process), 0
    print(f"memory at the start: {memory_mb(process):.0f} MB")
    for count in clients:
        with used_cores(process) as cores:
            tally = await closed_loop(load, count, closed_s)
        print(f"closed loop, {count:3} clients: {tally.describe()}; {cores}")
        print(f"memory after it: {memory_mb(process):.0f} MB")
        speeds[count], done = tally.photos_a_second, done + tally.statuses[200]
    cpu_a_photo_s = (cpu_seconds(process) - cpu_s) / done
    await overload(load, process, max(speeds, key=speeds.__getitem__), turns)
    print(f"memory at the end: {memory_mb(process):.0f} MB")
    return cpu_a_photo_s


async def overload(load: LoadClient, process: subprocess.Popen[str], clients: int, turns: Turns) -> None:
    """What the service serves beyond its capacity, and right before and after: a machine's speed changes."""
    capacity, ratios = [(await closed_loop(load, clients, turns.closed_s)).photos_a_second], []
    for _ in range(turns.rounds):
        with used_cores(process) as cores:
            tally = await open_loop(load, OVERLOAD * capacity[-1], turns.open_s)
        capacity.append((await closed_loop(load, clients, turns.closed_s)).photos_a_second)
        ratios.append(2 * tally.photos_a_second / (capacity[-2] + capacity[-1]))
        print(f"open loop, {OVERLOAD} × {capacity[-2]:.1f}/s: {tally.describe()}; {cores}")
    shown = ", ".join(f"{each:.3f}" for each in ratios)
    print(f"served at overload, of the closed loops around it: {statistics.median(ratios):.3f} ({shown})")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("bundle", type=Path)
    parser.add_argument("photos", type=Path, help="a folder of JPEG photos; 64 of them are used")
    parser.add_argument("--seconds", type=float, default=60, help="of all loops together")
    parser.add_argument("--closed-seconds", type=float, help="of each closed loop, instead of its share")
    parser.add_argument("--rounds", type=int, default=5, help="turns of overload")
    parser.add_argument("--overload-seconds", type=float, help="of each turn of overload, instead of its share")
    parser.add_argument("--clients", default="1,8,32", help="sizes of the closed loops")
    parser.add_argument("--faces", choices=("whole", "auto", "each"), default="whole")
    parser.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", help="as for maskwise serve")
    given = parser.parse_args()
    files = sorted(given.photos.rglob("*.jpg"))
    photos = [files[place].read_bytes() for place in np.linspace(0, len(files) - 1, min(64, len(files))).astype(int)]
    clients = [int(count) for count in given.clients.split(",")]
    share_s = given.seconds / (len(clients) + 2)
    turn_s = 2 * share_s / (2 * given.rounds + 1)
    turns = Turns(given.rounds, turn_s, given.overload_seconds or turn_s)
    with load(given.bundle) as bundle:
        cases = cases_of(bundle, photos, given.faces)
        first, first_cpu_s = bare_speed(bundle, photos, given.faces, share_s / 2)
        process, port = start_service(given.bundle, given.set)
        try:
            sender = LoadClient(port, cases)
            served_cpu_s = uvloop.run(measure(sender, process, clients, given.closed_seconds or share_s, turns))
            process.terminate()
            print(f"left with exit code {process.wait(timeout=30)}")
        finally:
            process.kill()
        second, second_cpu_s = bare_speed(bundle, photos, given.faces, share_s / 2)
    bare_cpu_s = (first_cpu_s + second_cpu_s) / 2
    print(f"bare bundle: {first:.1f} and {second:.1f} photos/s")
    print(
        f"processor time per photo: served {served_cpu_s * 1000:.2f} ms, bare {bare_cpu_s * 1000:.2f} ms, "
        f"ratio {bare_cpu_s / served_cpu_s:.2f}"
    )


if __name__ == "__main__":
    main()
