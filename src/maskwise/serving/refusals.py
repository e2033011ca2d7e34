"""What the service refuses with: a status, a code for programs, a sentence for people.

A sentence never holds a path, a trace or a version, and of what the client sent only numbers.
"""

from __future__ import annotations

from typing import Any


class RefusedError(Exception):
    """A request, or one photo of it, that is refused."""

    def __init__(
        self, status: int, code: str, message: str, retry_after_s: int | None = None, allow: str | None = None
    ) -> None:
        self.status, self.code, self.message = status, code, message
        self.retry_after_s, self.allow = retry_after_s, allow
        super().__init__(f"{status} {code}")

    def as_json(self) -> dict[str, str]:
        """The error as JSON types."""
        return {"code": self.code, "message": self.message}

    def body(self, request_id: str) -> dict[str, Any]:
        """The whole response as JSON types."""
        return {"request_id": request_id, "error": self.as_json()}

    @property
    def headers(self) -> list[tuple[bytes, bytes]]:
        """Headers that belong to it."""
        headers = [] if self.retry_after_s is None else [(b"retry-after", str(self.retry_after_s).encode())]
        if self.allow is not None:
            headers.append((b"allow", self.allow.encode()))
        if self.status == 401:
            headers.append((b"www-authenticate", b"Bearer"))
        return headers


def busy(seconds: float) -> RefusedError:
    """503 for a full queue; come back in about ``seconds``."""
    return RefusedError(
        503, "busy", "Too many photos are waiting. Try again later.", max(1, min(30, round(seconds + 0.5)))
    )


def gone() -> RefusedError:
    """For a client that closed its connection: nobody reads it, but it is logged."""
    return RefusedError(400, "client_gone", "The connection was closed before the request was whole.")
