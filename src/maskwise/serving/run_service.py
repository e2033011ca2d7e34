"""``maskwise serve``: from a bundle on disk to a process that serves until it is stopped."""

from __future__ import annotations

import asyncio
import contextlib
import resource
import signal
import socket
import threading
from collections import Counter
from collections.abc import Callable, Generator, Mapping, Sequence
from pathlib import Path
from typing import Protocol

import cv2
from starlette.types import ASGIApp
from uvicorn import Server

import maskwise
from maskwise.errors import UserError, must
from maskwise.export.bundle_files import open_bundle
from maskwise.export.engines import BundlePrecision
from maskwise.export.reader import Bundle
from maskwise.serving.app import build_app
from maskwise.serving.config import ServeSettings
from maskwise.serving.gate import Gate
from maskwise.serving.json_log import log, log_thread_end, log_to_stderr
from maskwise.serving.keys import KeyRing
from maskwise.serving.metrics import Metrics
from maskwise.serving.model_facts import model_facts
from maskwise.serving.page_files import PageFile, page_files
from maskwise.serving.protocol import LINGERING_CONNECTIONS, GuardedConfig, GuardedProtocol
from maskwise.serving.service import Service

_BACKLOG = 1024
_OTHER_FILES = 128
"""Open files beside connections: libraries, logs, the listening socket."""


def serve(
    bundle: Path,
    precision: BundlePrecision,
    settings: ServeSettings,
    keys: Sequence[str],
    report: Callable[[str], None],
) -> None:
    """Serve until SIGTERM or SIGINT, then finish what is under way. ``UserError`` where it cannot begin."""
    with listen(settings, f"--host {settings.host} --port {settings.port}") as listening:
        files = open_bundle(bundle)
        loaded = Bundle(files, precision, settings.threads)
        allow_open_files(settings)
        cv2.setNumThreads(1)  # photos are dealt to threads already
        log_to_stderr()
        threading.excepthook = log_thread_end
        service = Service(loaded, settings, model_facts(loaded, files, settings), Metrics())
        shown = f"[{settings.host}]" if ":" in settings.host else settings.host
        report(f"{loaded.manifest.name} answers at http://{shown}:{listening.getsockname()[1]}/ until Ctrl+C")
        if not (settings.local or keys):
            report("Whoever reaches this address may use it: no key is needed. See --api-key-file.")
        StoppingServer(guarded_config(gated(service, KeyRing(keys)), service), service).run(sockets=[listening])


class Stoppable(Protocol):
    """What a server serves: ``Service``, or the studio."""

    settings: ServeSettings
    metrics: Metrics
    draining: bool

    @property
    def name(self) -> str:
        """What the log calls it."""

    def warm_up(self) -> None:
        """Make ready, in a thread; begun once the server listens."""

    def stop(self) -> None:
        """End all threads."""


class StoppingServer(Server):
    """uvicorn's server, which leaves with exit code 0 after SIGTERM, and says that it is about to."""

    def __init__(self, config: GuardedConfig, service: Stoppable) -> None:
        super().__init__(config)
        self.service = service
        self._failure: BaseException | None = None

    def run(self, sockets: list[socket.socket] | None = None) -> None:
        """Serve until a signal. What went wrong in ``warm_up`` ends it, and is raised again."""
        super().run(sockets)
        if self._failure is not None:
            raise self._failure

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen, then warm up: probes get responses from the first moment."""
        await super().startup(sockets)
        connections = self.server_state.connections
        self.service.metrics.watch("connections", "Open connections.", lambda: len(connections))
        self._warming = asyncio.get_running_loop().run_in_executor(None, self.service.warm_up)
        self._warming.add_done_callback(self._on_warm)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Finish what is under way, then end the threads."""
        await super().shutdown(sockets)
        self.service.stop()
        log("stopped", {})

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        """Signals begin a graceful end; unlike uvicorn's, they are not raised again after it."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._on_signal)
        try:
            yield
        finally:
            for number in (signal.SIGTERM, signal.SIGINT):
                loop.remove_signal_handler(number)

    def _on_signal(self) -> None:
        if self.service.draining:
            self.should_exit = self.force_exit = True
            return
        self.service.draining = True
        notice_s = self.service.settings.notice_seconds
        log("draining", {"notice_seconds": notice_s})
        asyncio.get_running_loop().call_later(notice_s, self._leave)

    def _leave(self) -> None:
        self.should_exit = True

    def _on_warm(self, warming: asyncio.Future[None]) -> None:
        self._failure = warming.exception()
        if self._failure is None:
            log("ready", {"name": self.service.name, "version": maskwise.__version__})
        else:
            self.should_exit = True


def gated(service: Service, keys: KeyRing, page: Mapping[str, PageFile] | None = None) -> Gate:
    """The whole application of ``service``, with the web page unless there is another ``page``."""
    files = page_files() if page is None else page
    return Gate(build_app(service), service.settings, keys, service.metrics, files, service.refuse_photos)


def guarded_config(app: ASGIApp, served: Stoppable) -> GuardedConfig:
    """How uvicorn is to serve ``app`` within the limits of its settings."""
    settings = served.settings
    config = GuardedConfig(
        app,
        http=GuardedProtocol,
        loop="auto",
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        timeout_keep_alive=settings.idle_seconds,
        timeout_graceful_shutdown=settings.drain_seconds,
    )
    config.serving, config.metrics, config.clients = settings, served.metrics, Counter()
    return config


def listen(settings: ServeSettings, place: str) -> socket.socket:
    """A socket that listens; ``UserError`` names ``place``, the options that chose it."""
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((settings.host, settings.port))
        listening.listen(_BACKLOG)
    except OSError as error:
        listening.close()
        got = error.strerror or "an error"
        raise UserError(must(place, "free to listen on", got, "Choose others; --port 0 takes a free one.")) from None
    return listening


def allow_open_files(settings: ServeSettings) -> None:
    """Let the process open as many files as its connections may need; ``UserError`` where the machine forbids it."""
    wanted = settings.connections + LINGERING_CONNECTIONS + _OTHER_FILES
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        if hard != resource.RLIM_INFINITY and hard < wanted:
            remedy = "Lower connections, or raise ulimit -n."
            raise UserError(must("the limit of open files", f"at least {wanted}", hard, remedy))
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
