"""``maskwise studio``: the local app until Ctrl+C."""

from __future__ import annotations

import threading
import webbrowser
from collections.abc import Callable

import cv2

from maskwise.reports.words import Language
from maskwise.serving.config import ServeSettings
from maskwise.serving.gate import Gate
from maskwise.serving.json_log import log_thread_end, log_to_stderr
from maskwise.serving.keys import KeyRing
from maskwise.serving.page_files import page_files
from maskwise.serving.run_service import StoppingServer, allow_open_files, guarded_config, listen
from maskwise.studio.app import Studio
from maskwise.studio.door import Door
from maskwise.studio.pages import StudioPages

_OPEN_AFTER_S = 0.5
_CONNECTIONS = 64


def run_studio(
    pages: StudioPages, port: int, language: Language | None, report: Callable[[str], None], *, open_browser: bool
) -> None:
    """Serve ``pages`` to this machine until SIGTERM or SIGINT; port 0 takes a free one. ``UserError`` where it cannot.

    ``language``: of all pages; None: as each browser prefers. ``report`` is given the line with the address and token.
    """
    settings = ServeSettings(port=port, connections=_CONNECTIONS, client_connections=_CONNECTIONS)
    with listen(settings, f"--port {port}") as listening:
        port = listening.getsockname()[1]
        allow_open_files(settings)
        cv2.setNumThreads(1)
        log_to_stderr(verbose=False)
        threading.excepthook = log_thread_end
        studio = Studio(pages, settings, language)
        door = Door(studio, port)
        gate = Gate(door, settings, KeyRing(()), studio.metrics, page_files("maskwise.studio"), _refuse_nothing)
        address = f"http://127.0.0.1:{port}/?token="
        report(f"maskwise studio: {address}{door.token} until Ctrl+C")
        if open_browser:
            opening = threading.Timer(_OPEN_AFTER_S, webbrowser.open, [f"{address}{door.first_token}"])
            opening.daemon = True
            opening.start()
        StoppingServer(guarded_config(gate, studio), studio).run(sockets=[listening])


def _refuse_nothing(_: str) -> None:
    """Each route refuses for itself."""
