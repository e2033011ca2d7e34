"""Names in the Host header that are served, and origins of pages that may use them.

A page of another site can have its own name lead to this machine (DNS rebinding): its browser then sends that name in
the Host header, and that page's address in the Origin header. Names that nobody allowed are refused.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from urllib.parse import urlsplit

from maskwise.errors import must

LOOPBACK = ("127.0.0.1", "::1", "localhost")
"""Hosts that only this machine can reach."""
ANY = "*"
_HTTP_PORTS = {"http": 80, "https": 443}
_NAME_AND_PORT = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[^\[\]/?#@\\:\s]+)(:[0-9]{1,5})?")
"""What may stand in a Host header (RFC 9110, 7.2): others may read another name out of more."""


def parse_allowed(text: str) -> str:
    """``text`` as a bare name in lower case: a scheme, a port and a slash at the end are left out.

    ``*`` is any name, ``*.example.org`` any name below example.org. ``ValueError`` for anything else.
    """
    if text.strip() == ANY:
        return ANY
    address = text.strip()
    if "://" not in address:
        bare = address.removeprefix("//")
        address = f"//[{bare}]" if bare.count(":") > 1 and not bare.startswith("[") else f"//{bare}"
    try:
        parts = urlsplit(address)
        name = (parts.hostname or "").encode("idna").decode() if "*" not in address else parts.hostname or ""
        sound = parts.path in ("", "/") and not (parts.query or parts.fragment or parts.username or parts.port == 0)
    except ValueError:
        name, sound = "", False
    if not sound or not name or "*" in name.removeprefix("*.") or set(name) & set(" \\,;'\"<>"):
        remedy = "Write faces.example.org, *.example.org or *."
        raise ValueError(must("a name of allow_hosts", "a host name", text, remedy))
    return name.lower()


class HostNames:
    """The names that a service is called by. ``local``: it serves this machine alone."""

    def __init__(self, local: bool, allowed: Sequence[str]) -> None:
        self.local = local
        self.allowed = frozenset(allowed)
        self._below = tuple(name[1:] for name in allowed if name.startswith("*."))
        self._any = ANY in allowed or not (local or allowed)

    def serves(self, host: bytes) -> bool:
        """Whether requests with ``host`` in their Host header are served."""
        return self._knows(_name(host), own=self.local)

    def accepts(self, origin: bytes, host: bytes) -> bool:
        """Whether a page of ``origin`` may use the service that it reached as ``host``: its own or an allowed one.

        Behind a proxy the ports differ, so where others reach the service only names are compared.
        """
        try:
            page = urlsplit(origin.decode("ascii"))
            port = page.port or _HTTP_PORTS.get(page.scheme)
            here = urlsplit(f"//{host.decode('ascii')}")
            same_port = port == (here.port or _HTTP_PORTS["http"])
        except ValueError:
            return False
        if page.scheme not in _HTTP_PORTS or not page.hostname or not _NAME_AND_PORT.fullmatch(page.netloc):
            return False
        if page.hostname == here.hostname and (same_port or not self.local):
            return True
        return bool(self.allowed - {ANY}) and self._knows(page.hostname, own=False, anybody=False)

    def _knows(self, name: str, *, own: bool, anybody: bool = True) -> bool:
        if not name:
            return False
        named = name in self.allowed or name.endswith(self._below)
        return named or (anybody and self._any) or (own and name in LOOPBACK)


def _name(host: bytes) -> str:
    try:
        text = host.decode("ascii")
        return urlsplit(f"//{text}").hostname or "" if _NAME_AND_PORT.fullmatch(text) else ""
    except ValueError:
        return ""
