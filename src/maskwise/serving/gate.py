"""What every request passes before and after the application: names, keys, ids, headers, counts, a line of log."""

from __future__ import annotations

import itertools
import json
import logging
import re
import secrets
import time
from collections.abc import Callable, Mapping
from typing import NamedTuple

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from maskwise.serving.config import ServeSettings
from maskwise.serving.host_names import HostNames
from maskwise.serving.json_log import log
from maskwise.serving.keys import KeyRing
from maskwise.serving.metrics import Metrics
from maskwise.serving.page_files import PageFile
from maskwise.serving.refusals import RefusedError

ROUTES = ("/v1/predict", "/v1/explain", "/v1/model", "/healthz", "/readyz", "/metrics", "/openapi.json")
_PROBES = ("/healthz", "/readyz")
_READING = ("/v1/predict", "/v1/explain")
_PAGE_POLICY = (
    "default-src 'self'; img-src 'self' blob: data:; media-src 'self' blob:; object-src 'none'; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'"
)
_ALWAYS = (
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    (b"content-security-policy", _PAGE_POLICY.encode()),
    (b"permissions-policy", b"camera=(self), microphone=(), geolocation=(), display-capture=()"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
)

_SAFE_ID = re.compile(rb"[A-Za-z0-9._-]{1,64}")
"""Request ids of clients that may be repeated in headers, logs and responses."""
_process = secrets.token_hex(4)
_numbers = itertools.count()


def new_request_id() -> str:
    """Not given before, in this process or in any other."""
    return f"{_process}{next(_numbers):08x}"


class _Seen(NamedTuple):
    """What is known of a request before the application sees it."""

    request_id: str
    route: str
    headers: dict[bytes, bytes]
    has_body: bool


class Gate:
    """The outermost application. ``refuse_photos`` raises while no photo of a client can be taken.

    It is called here because a refusal must cost far less than a prediction: FastAPI alone takes longer than all this.
    """

    def __init__(
        self,
        app: ASGIApp,
        settings: ServeSettings,
        keys: KeyRing,
        metrics: Metrics,
        page: Mapping[str, PageFile],
        refuse_photos: Callable[[str], None],
    ) -> None:
        self.app, self.keys, self.metrics, self.page = app, keys, metrics, page
        self.refuse_photos = refuse_photos
        self.settings = settings
        self.hosts = HostNames(settings.local, settings.allow_hosts)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
            return
        scope = {**scope, "path": self._path(scope["path"])}
        seen = self._look_at(scope)
        scope.setdefault("state", {}).update(request_id=seen.request_id, client=self._client(scope, seen))
        exchange = _Exchange(seen, receive, send, scope["state"].get("arrived", _never))
        started_s = time.monotonic()
        self.metrics.in_flight.inc()
        try:
            self._admit(scope, seen)
            if scope["path"] in self.page:
                await self._send_page(scope["method"], self.page[scope["path"]], seen, exchange.send)
            else:
                # The server below sends no body for HEAD, whatever the application gives it.
                method = "GET" if scope["method"] == "HEAD" else scope["method"]
                await self.app({**scope, "method": method}, exchange.receive, exchange.send)
        except RefusedError as refusal:
            scope["state"]["refused"] = refusal.code
            await _send_refusal(refusal, seen.request_id, exchange.send)
        finally:
            self.metrics.in_flight.dec()
            self._record(scope, seen, exchange, time.monotonic() - started_s)

    def _path(self, path: str) -> str:
        """Without the prefix of a proxy, and without a slash too many at the end."""
        prefix = self.settings.path_prefix
        if prefix and path.startswith(f"{prefix}/"):
            path = path.removeprefix(prefix)
        bare = path.rstrip("/")
        return bare if bare in ROUTES else path

    def _client(self, scope: Scope, seen: _Seen) -> str:
        if self.settings.client_header:
            named = seen.headers.get(self.settings.client_header.lower().encode(), b"")
            return named.decode("latin-1").rpartition(",")[2].strip()
        return scope["client"][0] if scope.get("client") else ""

    def _look_at(self, scope: Scope) -> _Seen:
        headers = dict(scope["headers"])
        given = headers.get(b"x-request-id", b"")
        request_id = given.decode() if _SAFE_ID.fullmatch(given) else new_request_id()
        path = scope["path"]
        route = path if path in ROUTES else "page" if path in self.page else "other"
        has_body = headers.get(b"content-length", b"0") != b"0" or b"transfer-encoding" in headers
        return _Seen(request_id, route, headers, has_body)

    def _admit(self, scope: Scope, seen: _Seen) -> None:
        named = [value for name, value in scope["headers"] if name == b"host"]
        if len(named) != 1 and scope["http_version"] != "1.0":
            raise RefusedError(400, "bad_host", "The request must have one Host header.")
        if seen.route not in _PROBES and not (named and self.hosts.serves(named[0])):
            message = "This service does not answer to that name in the Host header. Allow it with --allow-host."
            raise RefusedError(400, "bad_host", message)
        if not (scope["path"].startswith("/v1/") or seen.route == "/metrics"):
            return
        origin = seen.headers.get(b"origin")
        foreign = origin is not None and not (named and self.hosts.accepts(origin, named[0]))
        if foreign or seen.headers.get(b"sec-fetch-site") == b"cross-site":
            raise RefusedError(400, "cross_site", "Pages of other sites may not use this service.")
        if not self.keys.accepts(seen.headers):
            message = "A key is needed: Authorization: Bearer KEY, or X-API-Key: KEY."
            raise RefusedError(401, "key_needed", message)
        if seen.route in _READING and scope["method"] == "POST":
            self.refuse_photos(scope["state"]["client"])

    async def _send_page(self, method: str, file: PageFile, seen: _Seen, send: Send) -> None:
        if method not in ("GET", "HEAD"):
            raise RefusedError(405, "method_not_allowed", "The page can only be read.", allow="GET, HEAD")
        unchanged = seen.headers.get(b"if-none-match") == file.etag.encode()
        content = b"" if unchanged else file.content
        headers = [
            (b"content-type", file.content_type.encode()),
            (b"cache-control", b"no-cache"),
            (b"etag", file.etag.encode()),
            (b"content-length", str(len(content)).encode()),
        ]
        await send({"type": "http.response.start", "status": 304 if unchanged else 200, "headers": headers})
        await send({"type": "http.response.body", "body": b"" if method == "HEAD" else content})

    def _record(self, scope: Scope, seen: _Seen, exchange: _Exchange, seconds: float) -> None:
        self.metrics.requests.labels(seen.route, str(exchange.status)).inc()
        self.metrics.request_seconds.labels(seen.route).observe(seconds)
        code = scope["state"].get("refused")
        if code is not None:
            self.metrics.rejected.labels(code).inc()
        fields = {
            "request_id": seen.request_id,
            "method": scope["method"],
            "route": seen.route,
            "status": exchange.status,
            "seconds": round(seconds, 4),
            "body_bytes": exchange.body_bytes,
            "code": code,
        }
        log("request", fields, logging.INFO if exchange.status < 500 else logging.WARNING)


class _Exchange:
    """Watches what goes in and out of one request."""

    def __init__(self, seen: _Seen, receive: Receive, send: Send, arrived: Callable[[], bool]) -> None:
        self.seen, self._receive, self._send, self._arrived = seen, receive, send, arrived
        self.status, self.body_bytes = 0, 0
        self.body_left = seen.has_body

    async def receive(self) -> Message:
        message = await self._receive()
        if message["type"] == "http.request":
            self.body_bytes += len(message.get("body", b""))
            self.body_left = message.get("more_body", False)
        return message

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            headers = list(message.get("headers", []))
            given = {name.lower() for name, _ in headers}
            own = (*_ALWAYS, (b"x-request-id", self.seen.request_id.encode()), (b"cache-control", b"no-store"))
            headers += [header for header in own if header[0] not in given]
            if self.body_left and not self._arrived():  # nobody will read the rest of it
                headers.append((b"connection", b"close"))
            message = {**message, "headers": headers}
        await self._send(message)


def _never() -> bool:
    return False


async def _send_refusal(refusal: RefusedError, request_id: str, send: Send) -> None:
    body = json.dumps(refusal.body(request_id)).encode()
    headers = [
        *refusal.headers,
        (b"content-type", b"application/json"),
        (b"content-length", str(len(body)).encode()),
    ]
    await send({"type": "http.response.start", "status": refusal.status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
