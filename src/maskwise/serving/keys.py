"""Keys that clients show: read from a file, compared in constant time, never logged."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Sequence
from pathlib import Path

from maskwise.errors import UserError, must

SHORTEST_KEY = 16


def read_keys(path: Path) -> tuple[str, ...]:
    """The keys in the file ``path``: one a line; empty lines and lines that begin with # say nothing.

    ``UserError`` for a file without any, and for keys that are short or hold other than visible ASCII.
    """
    try:
        lines = path.read_text(encoding="ascii").splitlines()
    except UnicodeDecodeError:
        raise UserError(must(f"--api-key-file {path}", "ASCII text", "other bytes", "Write one key a line.")) from None
    keys = tuple(line.strip() for line in lines if line.strip() and not line.lstrip().startswith("#"))
    if not keys:
        raise UserError(must(f"--api-key-file {path}", "a file with a key", "one without any", "Write one key a line."))
    problems = [
        must(
            f"key {number} of --api-key-file {path}",
            f"at least {SHORTEST_KEY} visible characters without spaces",
            f"{len(key)} characters",
            "Make one: openssl rand -hex 32.",
        )
        for number, key in enumerate(keys, 1)
        if len(key) < SHORTEST_KEY or not all("!" <= letter <= "~" for letter in key)
    ]
    if problems:
        raise UserError(problems)
    return keys


class KeyRing:
    """The keys that are accepted; without any, everybody is."""

    def __init__(self, keys: Sequence[str]) -> None:
        self._digests = [_digest(key.encode("ascii")) for key in keys]

    @property
    def closed(self) -> bool:
        """Whether a key is needed at all."""
        return bool(self._digests)

    def accepts(self, headers: dict[bytes, bytes]) -> bool:
        """Whether ``headers`` show a key: ``Authorization: Bearer KEY`` or ``X-API-Key: KEY``.

        Every key is compared, by digests of one length, so that time reveals neither a key nor a part of it.
        """
        if not self.closed:
            return True
        shown = _digest(_shown_key(headers))
        return sum(hmac.compare_digest(shown, digest) for digest in self._digests) > 0


def _shown_key(headers: dict[bytes, bytes]) -> bytes:
    scheme, _, key = headers.get(b"authorization", b"").partition(b" ")
    return key.strip() if scheme.lower() == b"bearer" else headers.get(b"x-api-key", b"").strip()


def _digest(key: bytes) -> bytes:
    return hashlib.sha256(key).digest()
