"""HTTP on one connection, with an end to everything: uvicorn's own protocol waits for ever and counts nothing.

Headers and bodies have deadlines and sizes, connections a number; a client that does not read is cut off, too.
Whoever is refused before the body was read may go on sending for a moment: closed at once, a connection is reset and
the client never sees why.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections import Counter
from collections.abc import Callable
from typing import Any

from uvicorn import Config
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from maskwise.serving.config import ServeSettings
from maskwise.serving.gate import new_request_id
from maskwise.serving.json_log import log
from maskwise.serving.metrics import Metrics
from maskwise.serving.refusals import RefusedError

LINGER_SECONDS = 1.0
LINGER_BYTES = 8 * 2**20
"""How long, and for how many bytes, a refused client may go on sending."""
LINGERING_CONNECTIONS = 64
"""How many more connections than allowed may be open to be refused in words; beyond them they are closed at once."""


class GuardedConfig(Config):
    """uvicorn's settings and ours; the protocol is handed nothing else."""

    serving: ServeSettings
    metrics: Metrics
    clients: Counter[str]
    """Connections that are open, by the client's address."""


class LingeringTransport(asyncio.Transport):
    """A transport whose ``close`` goes through the protocol, and which sends a response's head with its body.

    uvicorn writes them one after the other: two system calls, and two times waiting for the interpreter's lock.
    """

    def __init__(self, transport: asyncio.Transport, on_close: Callable[[], None]) -> None:
        super().__init__()
        self.real, self._on_close = transport, on_close
        self._closed = False
        self._head = b""

    def close(self) -> None:
        if not self._closed:
            self._closed = True
            self.flush()
            self._on_close()

    def is_closing(self) -> bool:
        return self._closed or self.real.is_closing()

    def write(self, data: bytes | bytearray | memoryview[Any]) -> None:
        if not self._head and bytes(data[:9]) == b"HTTP/1.1 " and data[9:10] != b"1":  # 1xx must go at once
            self._head = bytes(data)
        else:
            self.real.write(self._head + data)
            self._head = b""

    def flush(self) -> None:
        """Send a head that has no body."""
        if self._head:
            self.real.write(self._head)
            self._head = b""

    def pause_reading(self) -> None:
        self.real.pause_reading()

    def resume_reading(self) -> None:
        self.real.resume_reading()

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return self.real.get_extra_info(name, default)


class GuardedProtocol(HttpToolsProtocol):
    """One connection."""

    config: GuardedConfig
    transport: LingeringTransport

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        self._real = transport
        self._deadline: asyncio.TimerHandle | None = None
        self._linger_bytes: int | None = None
        self._quiet_bytes = 0
        self._headers_done = self._whole = False
        self._too_large = self._pipelined = False
        super().connection_made(LingeringTransport(transport, self._close))
        self._address = self.client[0] if self.client else ""
        self.config.clients[self._address] += 1
        settings = self.config.serving
        if not settings.client_header and self.config.clients[self._address] > settings.client_connections:
            self._refuse(RefusedError(429, "too_many_connections", "You have too many connections open.", 1))
        elif len(self.connections) > settings.connections:
            self._refuse(
                RefusedError(503, "too_many_connections", "Too many connections are open. Try again later.", 1)
            )
        else:
            self._arm(settings.header_seconds, self._headers_late)

    def connection_lost(self, exc: Exception | None) -> None:
        self._disarm()
        self.config.clients[self._address] -= 1
        if not self.config.clients[self._address]:
            del self.config.clients[self._address]
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self._linger_bytes is not None:
            self._linger_bytes -= len(data)
            if self._linger_bytes < 0:
                self._real.abort()
            return
        if self._pipelined:
            return
        self._quiet_bytes += len(data)
        super().data_received(data)
        # What the parser keeps until a header or a chunk is whole grows with every byte of it.
        if self._quiet_bytes > self.config.serving.header_bytes and not (self._whole or self.transport.is_closing()):
            self._refuse(_too_large())

    def on_message_begin(self) -> None:
        if self.cycle is not None and not self.cycle.response_complete:
            # Requests sent without waiting for the response before: that response is the last on this connection.
            self._pipelined, self.cycle.keep_alive = True, False
            return
        super().on_message_begin()
        self._header_bytes = 0
        self._headers_done = self._whole = self._too_large = False
        self._arm(self.config.serving.header_seconds, self._headers_late)

    def on_url(self, url: bytes) -> None:
        if not self._pipelined:
            self._header_bytes += len(url)
            super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        if self._pipelined or self._headers_done:  # trailers say nothing
            return
        self._header_bytes += len(name) + len(value) + 4
        many = len(self.headers) >= self.config.serving.header_count
        if many or self._header_bytes > self.config.serving.header_bytes:
            self._too_large = True
        else:
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        if self._pipelined:
            return
        self._headers_done, self._quiet_bytes = True, 0
        self._disarm()
        if self._too_large:
            self._refuse(_too_large())
            return
        self.scope["state"]["arrived"] = self._has_arrived
        super().on_headers_complete()
        self._arm(self.config.serving.body_seconds, self._body_late)

    def on_body(self, body: bytes) -> None:
        if not (self._pipelined or self._too_large):
            self._quiet_bytes = 0
            super().on_body(body)

    def on_message_complete(self) -> None:
        if not (self._pipelined or self._too_large):
            self._whole, self._quiet_bytes = True, 0
            self._disarm()
            super().on_message_complete()

    def on_response_complete(self) -> None:
        self.transport.flush()
        super().on_response_complete()
        if self._real.get_write_buffer_size():
            self._arm(self.config.serving.send_seconds, self._unread)

    def pause_writing(self) -> None:
        super().pause_writing()
        self._arm(self.config.serving.send_seconds, self._unread)

    def resume_writing(self) -> None:
        super().resume_writing()
        if self._whole:
            self._disarm()

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002 - uvicorn's words are not ours
        if self._pipelined:  # what came after the request under way is not read at all
            return
        self._refuse(RefusedError(400, "malformed_request", "The request must be valid HTTP/1.1, got something else."))

    def _has_arrived(self) -> bool:
        """Whether all of the request under way is here, read by the application or not."""
        return self._whole

    def _headers_late(self) -> None:
        if self._quiet_bytes == 0:  # opened and never used: browsers do
            self._real.close()
        else:
            self._refuse(RefusedError(408, "headers_too_slow", "The headers took too long to arrive."))

    def _body_late(self) -> None:
        self._refuse(RefusedError(408, "body_too_slow", "The body took too long to arrive."))

    def _unread(self) -> None:
        if self._real.get_write_buffer_size():
            self.config.metrics.rejected.labels("response_not_read").inc()
            self._real.abort()

    def _refuse(self, refusal: RefusedError) -> None:
        """Prediction without the application, and close."""
        under_way = self.cycle is not None and not self.cycle.response_complete
        if not (under_way and self.cycle.response_started):
            self._write(refusal)
        if under_way:
            self.cycle.disconnected = True  # whatever it says now, nobody hears
            self.cycle.message_event.set()
        self.transport.close()

    def _write(self, refusal: RefusedError) -> None:
        request_id = new_request_id()
        body = json.dumps(refusal.body(request_id)).encode()
        headers = [
            *self.server_state.default_headers,
            *refusal.headers,
            (b"content-type", b"application/json"),
            (b"content-length", str(len(body)).encode()),
            (b"x-content-type-options", b"nosniff"),
            (b"connection", b"close"),
        ]
        head = b"".join(name + b": " + value + b"\r\n" for name, value in headers)
        self._real.write(STATUS_LINE[refusal.status] + head + b"\r\n" + body)
        self.config.metrics.rejected.labels(refusal.code).inc()
        self.config.metrics.requests.labels("none", str(refusal.status)).inc()
        fields = {"request_id": request_id, "status": refusal.status, "code": refusal.code}
        log("refused", fields, logging.WARNING)

    def _close(self) -> None:
        """Close the connection; what the client is still sending is read for a moment and thrown away."""
        self._disarm()
        crowded = len(self.connections) > self.config.serving.connections + LINGERING_CONNECTIONS
        if self._whole or crowded or self._real.is_closing():
            self._real.close()
            if self._real.get_write_buffer_size():
                self._arm(self.config.serving.send_seconds, self._real.abort)
            return
        self._linger_bytes = LINGER_BYTES
        if self._real.can_write_eof():
            self._real.write_eof()
        self._real.resume_reading()
        self._arm(LINGER_SECONDS, self._real.abort)

    def _arm(self, seconds: float, action: Callable[[], None]) -> None:
        self._disarm()
        self._deadline = self.loop.call_later(seconds, action)

    def _disarm(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None


def _too_large() -> RefusedError:
    return RefusedError(431, "headers_too_large", "The request has too many headers, or headers that are too long.")
