"""The body of a request into memory: never more than allowed, of one request or of all together."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping

from starlette.types import Receive

from maskwise.serving.refusals import RefusedError, gone


class Bodies:
    """How many bytes of bodies are held at once. Used by the event loop alone."""

    def __init__(self, most_each: int, most_together: int) -> None:
        self.most_each, self.most_together = most_each, most_together
        self.held_bytes = 0

    @contextlib.contextmanager
    def hold(self) -> Iterator[HeldBody]:
        """A body that counts until the end of the block."""
        body = HeldBody(self)
        try:
            yield body
        finally:
            self.held_bytes -= body.n_bytes


class HeldBody:
    """One body as it arrives."""

    def __init__(self, bodies: Bodies) -> None:
        self.bodies, self.n_bytes = bodies, 0

    async def read(self, headers: Mapping[str, str], receive: Receive) -> bytes:
        """The whole body.

        ``RefusedError``: 411 without a length or chunks, 413 for too many bytes (at once if the length says so,
        else as soon as they are there), 415 for a compressed one, 503 where all bodies together would be too many.
        """
        self._refuse_by_header(headers)
        pieces: list[bytes] = []
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                raise gone()
            piece = message.get("body", b"")
            self._count(len(piece))
            pieces.append(piece)
            if not message.get("more_body", False):
                return b"".join(pieces)

    def _refuse_by_header(self, headers: Mapping[str, str]) -> None:
        if headers.get("content-encoding", "identity").strip().lower() != "identity":
            raise RefusedError(415, "unsupported_encoding", "The body must be sent as it is, got a compressed one.")
        length = headers.get("content-length")
        if length is None and "transfer-encoding" not in headers:
            raise RefusedError(411, "length_required", "The request must have a Content-Length, or be sent in chunks.")
        if length is not None and length.isdecimal() and int(length) > self.bodies.most_each:
            raise self._too_long()

    def _count(self, n_bytes: int) -> None:
        self.n_bytes += n_bytes
        self.bodies.held_bytes += n_bytes
        if self.n_bytes > self.bodies.most_each:
            raise self._too_long()
        if self.bodies.held_bytes > self.bodies.most_together:
            raise RefusedError(503, "memory_full", "Too many photos are being sent. Try again later.", 2)

    def _too_long(self) -> RefusedError:
        message = f"The body must have at most {self.bodies.most_each:,} bytes, got more. Send fewer or smaller photos."
        return RefusedError(413, "body_too_large", message)
