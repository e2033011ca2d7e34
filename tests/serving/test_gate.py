"""What every request passes: names, ids, paths, headers."""

from __future__ import annotations

import asyncio
import re

import httpx
import pytest
from starlette.types import Message, Receive, Scope, Send

from maskwise.serving.config import ServeSettings
from maskwise.serving.gate import Gate
from maskwise.serving.keys import KeyRing
from maskwise.serving.metrics import Metrics
from maskwise.serving.refusals import busy
from support.running_service import Running, error_of, status_of


def get(service: Running, path: bytes, host: bytes = b"localhost") -> bytes:
    return service.send(b"GET " + path + b" HTTP/1.1\r\nHost: " + host + b"\r\nConnection: close\r\n\r\n")


@pytest.mark.parametrize("host", [b"localhost", b"127.0.0.1:8000", b"LOCALHOST:1", b"[::1]:8000"])
def test_this_machine_may_be_called_by_its_names(service: Running, host: bytes) -> None:
    assert status_of(get(service, b"/v1/model", host)) == 200


@pytest.mark.parametrize(
    "host",
    [b"evil.example", b"localhost.evil.example", b"127.0.0.1.evil.example", b"[::1", b"", b"\xff", b"localhost@x"],
)
def test_other_names_are_refused(service: Running, host: bytes) -> None:
    """A page of another site whose name is made to lead here cannot read anything (DNS rebinding)."""
    for path in (b"/", b"/v1/model", b"/metrics", b"/openapi.json"):
        reply = get(service, path, host)
        assert (status_of(reply), error_of(reply)) == (400, "bad_host")
    assert status_of(get(service, b"/healthz", host)) == 200


def test_one_host_header_exactly(service: Running) -> None:
    for hosts in (b"", b"Host: localhost\r\nHost: localhost\r\n"):
        reply = service.send(b"GET / HTTP/1.1\r\n" + hosts + b"Connection: close\r\n\r\n")
        assert (status_of(reply), error_of(reply)) == (400, "bad_host")


@pytest.mark.parametrize("path", ["/v1/predict/", "/v1/predict//", "/v1/model/", "/healthz/"])
def test_a_slash_too_many_is_no_redirect(client: httpx.Client, photos: list[bytes], path: str) -> None:
    if "predict" in path:
        response = client.post(path, content=photos[0], headers={"content-type": "image/jpeg"})
    else:
        response = client.get(path)
    assert (response.status_code, "location" in response.headers) == (200, False)


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/v1/model", "/metrics", "/openapi.json", "/"])
def test_head_gives_the_headers_alone(client: httpx.Client, path: str) -> None:
    whole, head = client.get(path), client.head(path)
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["content-type"] == whole.headers["content-type"]


def test_a_prefix_of_a_proxy_is_left_out() -> None:
    gate = Gate(_never, ServeSettings(path_prefix="/faces"), KeyRing(()), Metrics(), {}, lambda _: None)
    paths = {"/faces/v1/model": "/v1/model", "/faces/": "/", "/v1/model": "/v1/model", "/facesx/v1/model": None}
    for given, bare in paths.items():
        assert gate._path(given) == (bare or given)


def test_a_client_is_its_address_or_what_the_proxy_says() -> None:
    scope: Scope = {
        "type": "http",
        "path": "/",
        "client": ("10.0.0.1", 5),
        "headers": [(b"x-forwarded-for", b"1.1.1.1, 2.2.2.2")],
    }
    for header, client in (("", "10.0.0.1"), ("X-Forwarded-For", "2.2.2.2")):
        gate = Gate(_never, ServeSettings(client_header=header), KeyRing(()), Metrics(), {}, lambda _: None)
        assert gate._client(scope, gate._look_at(scope)) == client


async def _never(*_: object) -> None:
    raise AssertionError("not to be called")


@pytest.mark.parametrize(
    ("method", "path", "key", "status"),
    [
        ("POST", "/v1/predict", b"a key", 503),
        ("POST", "/v1/explain", b"a key", 503),
        ("POST", "/v1/predict", b"another", 401),
        ("GET", "/v1/predict", b"a key", 204),
        ("GET", "/v1/model", b"a key", 204),
        ("GET", "/healthz", b"another", 204),
    ],
)
def test_photos_are_refused_before_the_application_and_nothing_else_is(
    method: str, path: str, key: bytes, status: int
) -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        assert status == 204, "it was to be refused"
        await send({"type": "http.response.start", "status": 204, "headers": []})

    async def receive() -> Message:
        raise AssertionError("a body is not read for a refusal")

    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    def refuse(client: str) -> None:
        assert client == "10.0.0.1"
        raise busy(2.0)

    gate = Gate(app, ServeSettings(), KeyRing(("a key",)), Metrics(), {}, refuse)
    headers = [(b"host", b"localhost"), (b"content-length", b"9"), (b"x-api-key", key)]
    scope = {"type": "http", "http_version": "1.1", "method": method, "path": path, "headers": headers, "state": {}}
    asyncio.run(gate({**scope, "client": ("10.0.0.1", 5)}, receive, send))
    assert sent[0]["status"] == status
    assert ((b"retry-after", b"2") in sent[0]["headers"]) == (status == 503)


@pytest.mark.parametrize(
    "path",
    [
        b"/../../../../etc/passwd",
        b"/..%2f..%2f..%2fetc/passwd",
        b"/%2e%2e/%2e%2e/etc/passwd",
        b"/..%252f..%252fetc/passwd",
        b"/..\\..\\config.py",
        b"//etc/passwd",
        b"/%2fetc%2fpasswd",
        b"/index.html%00.js",
        b"/./index.html/../../config.py",
        b"/app.js/../../app.py",
        b"/page/../config.py",
        b"/__init__.py",
        b"/config.py",
        b"/file:///etc/passwd",
        b"/%5c%5chost%5cshare",
    ],
)
def test_no_path_leads_to_a_file(service: Running, path: bytes) -> None:
    reply = get(service, path)
    assert (status_of(reply), error_of(reply)) == (404, "not_found")
    assert b"root:" not in reply


def test_ids_of_requests_are_repeated_where_they_are_harmless(client: httpx.Client) -> None:
    assert client.get("/healthz", headers={"x-request-id": "abc.DEF_1-2"}).headers["x-request-id"] == "abc.DEF_1-2"
    for given in ("a b", "a" * 65, '"><script>', "é", "a\tb", ""):
        response = client.get("/nothing", headers=[(b"x-request-id", given.encode("latin-1"))])
        assert re.fullmatch("[0-9a-f]{16}", response.headers["x-request-id"])
        assert response.json()["request_id"] == response.headers["x-request-id"]


def test_what_would_break_a_log_line_does_not(service: Running) -> None:
    service.log_lines()
    service.send(
        b'GET /x%0a{"event":"forged"} HTTP/1.1\r\nHost: a%0ab\r\nX-Request-ID: 1%0a2\r\nConnection: close\r\n\r\n'
    )
    get(service, b"/healthz")
    lines = service.log_lines_until(lambda line: line.get("route") == "/healthz")  # each is parsed as JSON
    assert [line["event"] for line in lines][:1] == ["request"]
    assert "forged" not in str(lines)


def test_every_answer_carries_the_headers_of_safety(client: httpx.Client) -> None:
    for response in (client.get("/"), client.get("/nothing"), client.post("/v1/predict"), client.get("/v1/model")):
        headers = response.headers
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "no-referrer"
        assert headers["permissions-policy"].startswith("camera=(self), microphone=()")
        policy = dict(part.strip().split(" ", 1) for part in headers["content-security-policy"].split(";"))
        assert policy["default-src"] == "'self'"
        assert policy["img-src"] == "'self' blob: data:"
        assert policy["media-src"] == "'self' blob:"
        assert policy["frame-ancestors"] == "'none'"
        assert "unsafe" not in headers["content-security-policy"]
        assert "access-control-allow-origin" not in headers
        assert "server" not in headers
    assert client.get("/v1/model").headers["cache-control"] == "no-store"


def test_pages_of_other_sites_may_not_use_it(client: httpx.Client, photos: list[bytes]) -> None:
    def sent_from(site: str) -> int:
        headers = {"content-type": "image/jpeg", "sec-fetch-site": site}
        return client.post("/v1/predict", content=photos[0], headers=headers).status_code

    def of_origin(origin: str) -> int:
        return client.post(
            "/v1/predict", content=photos[0], headers={"content-type": "image/jpeg", "origin": origin}
        ).status_code

    assert sent_from("cross-site") == 400
    own = str(client.base_url).rstrip("/")
    assert of_origin(own) == 200
    for foreign in (
        "http://evil.example",
        "null",
        "http://localhost:1",
        "chrome-extension://x",
        "http://127.0.0.1",
        "",
    ):
        assert of_origin(foreign) == 400
    assert sent_from("same-origin") == sent_from("none") == 200
    assert "access-control-allow-origin" not in client.options("/v1/predict", headers={"origin": "http://x"}).headers


def test_the_page_is_sent_from_memory(client: httpx.Client) -> None:
    page = client.get("/")
    assert (page.status_code, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert client.head("/").headers["content-length"] == str(len(page.content))
    unchanged = client.get("/", headers={"if-none-match": page.headers["etag"]})
    assert (unchanged.status_code, unchanged.content) == (304, b"")
    posted = client.post("/")
    assert (posted.status_code, posted.headers["allow"]) == (405, "GET, HEAD")
