"""Pieces of work on the workers of a Ray session: handed out, watched in one view, taken up again when a worker dies.

A piece is a function of a module and its arguments, called with a listener last, whose reports come here through a
mailbox. What it refuses (``UserError``) is its result; a worker that dies costs a try, not the work, as every piece
goes on where its files say. Ctrl-C lets all save their state. Ray is only imported when it is used.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch

from maskwise.errors import UserError, counted, must
from maskwise.listeners import EpochReport, Listener, StepReport, epoch_line
from maskwise.training.stopping import InterruptedTraining, stop_request

MOST_DEATHS = 3
"""So many workers of one piece may die before it is given up."""
POLL_S = 0.5
STATUS_EVERY_S = 30.0
"""Seconds between two lines on all that is running."""
STOPPING_S = 60.0
"""Seconds that running pieces have to save their state after a signal."""
_STEP_EVERY_S = 1.0


@dataclass(frozen=True)
class Refused:
    """What a piece would not do, as its ``UserError`` says."""

    kind: type[UserError]
    problems: tuple[str, ...]

    def error(self) -> UserError:
        """To be raised here."""
        return self.kind(self.problems)


@dataclass(frozen=True)
class Resources:
    """What one piece takes of the machine that it is on."""

    cores: float
    gpus: float


class Mailbox:
    """Where reports of all workers lie until they are fetched; Ray makes it, beside the process that fetches."""

    def __init__(self) -> None:
        self.letters: list[tuple[str, str | StepReport]] = []

    def put(self, name: str, letter: str | StepReport) -> None:
        """Of the piece ``name``."""
        self.letters.append((name, letter))

    def take(self) -> list[tuple[str, str | StepReport]]:
        """All that came since the last time."""
        letters, self.letters = self.letters, []
        return letters


class Sender:
    """The listener of a piece: sends notes and epochs, and now and then a step."""

    def __init__(self, mailbox: Any, name: str) -> None:
        self.mailbox, self.name = mailbox, name
        self.sent_at = 0.0

    def on_stage(self, name: str, total: int) -> None:
        """Nothing: stages of many workers are no view."""

    def on_advance(self, done: int) -> None:
        """Nothing."""

    def on_step(self, report: StepReport) -> None:
        """At most one a second."""
        if time.monotonic() - self.sent_at >= _STEP_EVERY_S:
            self.sent_at = time.monotonic()
            self.mailbox.put.remote(self.name, report)

    def on_epoch(self, report: EpochReport) -> None:
        """In words."""
        self.on_note(epoch_line(report))

    def on_note(self, text: str) -> None:
        """As it is."""
        self.mailbox.put.remote(self.name, text)


class RayTasks:
    """All pieces that were handed out, until the last one is done. Inside a Ray session."""

    def __init__(self, need: Resources, listener: Listener) -> None:
        import ray
        from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

        _refuse_too_much(need)
        self.need, self.listener = need, listener
        here = NodeAffinitySchedulingStrategy(ray.get_runtime_context().get_node_id(), soft=False)
        self.mailbox = ray.remote(Mailbox).options(num_cpus=0, scheduling_strategy=here).remote()
        self.waiting: dict[Any, tuple[str, Callable[[Any], None]]] = {}
        self.running: dict[str, StepReport] = {}
        self.status_at = time.monotonic()

    def submit(self, name: str, work: Callable[..., Any], *args: Any, then: Callable[[Any], None]) -> Any:
        """Hand out ``work(*args, listener)``; ``then`` gets its result, or ``Refused``. Returns Ray's reference."""
        import ray

        task = ray.remote(_do).options(
            name=name,
            num_cpus=self.need.cores,
            num_gpus=self.need.gpus,
            max_retries=MOST_DEATHS,
            retry_exceptions=[InterruptedTraining],  # a machine that is taken away asks its workers to stop
        )
        reference = task.remote(work, max(1, int(self.need.cores)), self.mailbox, name, *args)
        self.waiting[reference] = (name, then)
        return reference

    def finish(self) -> None:
        """Wait for all, those included that a ``then`` hands out. ``InterruptedTraining`` after a signal."""
        import ray

        try:
            with stop_request() as request:
                while self.waiting:
                    done, _ = ray.wait(list(self.waiting), timeout=POLL_S)
                    self._read()
                    if request.signal_number is not None:
                        self.listener.on_note("stopping: running trainings save their state")
                        self._cancel()
                    request.raise_if_asked()
                    for reference in done:
                        name, then = self.waiting.pop(reference)
                        self.running.pop(name, None)
                        then(_result(name, reference))
        finally:
            self._cancel()
            self._read()

    def _cancel(self) -> None:
        """What is left ends after its step, its state saved."""
        import ray

        left = list(self.waiting)
        self.waiting.clear()
        for reference in left:
            ray.cancel(reference)
        if left:
            ray.wait(left, num_returns=len(left), timeout=STOPPING_S)

    def _read(self) -> None:
        import ray

        for name, letter in ray.get(self.mailbox.take.remote()):
            if isinstance(letter, str):
                self.listener.on_note(f"{name}: {letter}")
            else:
                self.running[name] = letter
        if self.running and time.monotonic() - self.status_at >= STATUS_EVERY_S:
            self.status_at = time.monotonic()
            at = [f"{name} (epoch {step.epoch + 1}/{step.epochs})" for name, step in sorted(self.running.items())]
            self.listener.on_note(f"{len(at)} running: {', '.join(at)}")


def slots(need: Resources) -> int:
    """How many pieces run at once on the machines that are there."""
    return sum(_fits(need, resources) for resources in _machines())


def _do(work: Callable[..., Any], threads: int, mailbox: Any, name: str, *args: Any) -> Any:
    """On the worker."""
    torch.set_num_threads(threads)
    try:
        return work(*args, Sender(mailbox, name))
    except UserError as error:
        return Refused(type(error), error.problems)


def _result(name: str, reference: Any) -> Any:
    import ray

    try:
        return ray.get(reference)
    except ray.exceptions.RayTaskError as error:
        # What the work raised, as if it had been done here.
        raise error.cause or error from None
    except ray.exceptions.RayError as error:
        got = f"{counted(MOST_DEATHS + 1, 'worker')} that died ({type(error).__name__})"
        remedy = "See that memory and disks of the machines suffice; the same command goes on."
        return Refused(UserError, (must(f"the training {name}", "ended by its worker", got, remedy),))


def _machines() -> Sequence[dict[str, float]]:
    import ray

    return [node["Resources"] for node in ray.nodes() if node["Alive"]]


def _fits(need: Resources, resources: dict[str, float]) -> int:
    wanted = {"CPU": need.cores, "GPU": need.gpus}
    return min(int(resources.get(name, 0) / amount) for name, amount in wanted.items() if amount)


def _refuse_too_much(need: Resources) -> None:
    """Ray would wait for such a machine without end."""
    machines = _machines()
    problems = []
    for option, name, amount in (("--cores-per-run", "CPU", need.cores), ("--gpus-per-run", "GPU", need.gpus)):
        most = max((resources.get(name, 0) for resources in machines), default=0)
        if amount > most:
            rule = f"at most what one machine of the cluster has ({most:g})"
            problems.append(must(option, rule, f"{amount:g}", "Lower it, or add a machine."))
    if problems:
        raise UserError(problems)
