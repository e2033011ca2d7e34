"""Who may use the studio: whoever opened the address with the token, and no page of another site.

The address with the token gives a cookie that no script reads and no other site sends. Ports are not part of a
site, so whatever changes something must also come from a page of this very address (its Origin header).
"""

from __future__ import annotations

import hmac
import secrets
from http.cookies import CookieError, SimpleCookie
from urllib.parse import parse_qs

from starlette.responses import HTMLResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from maskwise.reports.words import in_language, preferred_language
from maskwise.serving.host_names import HostNames
from maskwise.serving.refusals import RefusedError

_TOKEN_BYTES = 32
_SAFE_METHODS = ("GET", "HEAD")
_REFUSED = (
    '<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
    "<title>maskwise studio</title>"
    "<p>Open the address with the token: it stands in the terminal of maskwise studio.</p></html>"
)
_ENTERED = (
    '<!doctype html><html lang="en"><meta charset="utf-8"><meta http-equiv="refresh" content="0;url=/">'
    '<title>maskwise studio</title><link rel="icon" href="data:,"><a href="/">maskwise studio</a></html>'
)
"""A page rather than a redirect: its visit to / is one of the same site, wherever the address was opened from."""


def _refused(headers: dict[bytes, bytes]) -> Response:
    language = preferred_language(headers.get(b"accept-language", b"").decode("latin-1"))
    return HTMLResponse(in_language(_REFUSED, language), 401)


class Door:
    """Lets requests through to ``app``; stands behind the ``Gate``, which has refused other names in Host already."""

    def __init__(self, app: ASGIApp, port: int) -> None:
        self.app = app
        self.token = secrets.token_urlsafe(_TOKEN_BYTES)
        """For the printed address; valid as long as the studio runs."""
        self.first_token = secrets.token_urlsafe(_TOKEN_BYTES)
        """For the browser that the studio opens, whose command line others may read; valid once."""
        self._session = secrets.token_urlsafe(_TOKEN_BYTES)
        self._cookie = f"maskwise-studio-{port}"  # cookies are shared by all ports of a host
        self._hosts = HostNames(local=True, allowed=())

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = dict(scope["headers"])
        shown = parse_qs(scope["query_string"].decode("latin-1")).get("token")
        if shown is not None and scope["method"] in _SAFE_METHODS:
            await self._enter(shown[0], headers)(scope, receive, send)
        elif not _same(self._cookie_of(headers), self._session):
            scope["state"]["refused"] = "token_needed"
            await _refused(headers)(scope, receive, send)
        else:
            if scope["method"] not in _SAFE_METHODS:
                self._refuse_foreign(headers)
            await self.app(scope, receive, send)

    def _enter(self, token: str, headers: dict[bytes, bytes]) -> Response:
        if _same(token, self.first_token):
            self.first_token = secrets.token_urlsafe(_TOKEN_BYTES)
        elif not _same(token, self.token):
            return _refused(headers)
        entered = HTMLResponse(_ENTERED)
        entered.set_cookie(self._cookie, self._session, httponly=True, samesite="strict", path="/")
        return entered

    def _cookie_of(self, headers: dict[bytes, bytes]) -> str:
        try:
            cookies = SimpleCookie(headers.get(b"cookie", b"").decode("latin-1"))
        except CookieError:
            return ""
        found = cookies.get(self._cookie)
        return "" if found is None else found.value

    def _refuse_foreign(self, headers: dict[bytes, bytes]) -> None:
        origin = headers.get(b"origin", b"")
        if not self._hosts.accepts(origin, headers.get(b"host", b"")):
            raise RefusedError(400, "cross_site", "Only the studio's own pages may change anything.")


def _same(one: str, other: str) -> bool:
    return hmac.compare_digest(one.encode(), other.encode())
