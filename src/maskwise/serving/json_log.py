"""One JSON object a line on stderr. Never a photo, a key, a file's name, an address or a path that a client chose."""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Mapping
from datetime import UTC, datetime

LOGGER = logging.getLogger("maskwise.serving")


class JsonLines(logging.Formatter):
    """``event`` and the fields of ``extra["fields"]``; escapes keep whatever is in them on its one line."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, object] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "event": record.getMessage(),
            **getattr(record, "fields", {}),
        }
        if record.exc_info:
            line["trace"] = self.formatException(record.exc_info)
        return json.dumps(line)


def log(event: str, fields: Mapping[str, object], level: int = logging.INFO) -> None:
    """Write one line."""
    LOGGER.log(level, event, extra={"fields": dict(fields)})


def log_thread_end(ended: threading.ExceptHookArgs) -> None:
    """Write why a thread ended."""
    assert ended.exc_value is not None
    reason = (ended.exc_type, ended.exc_value, ended.exc_traceback)
    LOGGER.error("thread_ended", exc_info=reason, extra={"fields": {"thread": getattr(ended.thread, "name", "")}})


def log_to_stderr(*, verbose: bool = True) -> None:
    """Send the lines of the service to stderr, and of uvicorn errors; without ``verbose`` warnings and worse alone."""
    handler = logging.StreamHandler()
    handler.setFormatter(JsonLines())
    for name, level in (
        (LOGGER.name, logging.INFO if verbose else logging.WARNING),
        ("uvicorn.error", logging.ERROR),
        ("asyncio", logging.ERROR),
    ):
        logger = logging.getLogger(name)
        logger.handlers, logger.propagate = [handler], False
        logger.setLevel(level)
