"""Hostile and clumsy clients on real connections to a real process: on this machine, bounded in number and time."""

from __future__ import annotations

import json
import socket
import struct
import time
import zlib
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest

from serving.conftest import BODY_BYTES
from support.running_service import Running, error_of, received, running_service, status_of

HEAD = b"POST /v1/predict HTTP/1.1\r\nHost: localhost\r\n"
PNG_HEAD = HEAD + b"Content-Type: image/png\r\n"


def check_refusal(reply: bytes) -> tuple[int, str]:
    assert b"python" not in reply.lower()
    assert b"uvicorn" not in reply.lower()
    return status_of(reply), error_of(reply)


def in_chunks(total: int, size: int) -> Iterator[bytes]:
    for _ in range(0, total, size):
        yield b"%x\r\n" % size + b"x" * size + b"\r\n"


def still_answers(service: Running, photo: bytes) -> bool:
    with service.client() as client:
        response = client.post("/v1/predict", content=photo, headers={"content-type": "image/jpeg"})
    return response.status_code == 200 and len(response.json()["results"][0]["predictions"]) == 1


@pytest.fixture(autouse=True)
def unharmed(service: Running, photos: list[bytes], temporary: Path) -> Iterator[None]:
    """After every attack the service answers, has grown by little and has written no file."""
    assert still_answers(service, photos[0])
    memory = service.resident_bytes()
    yield
    assert still_answers(service, photos[0])
    assert service.resident_bytes() < memory + 50 * 2**20
    assert list(temporary.iterdir()) == []
    with service.client() as client:
        assert "\nmaskwise_held_body_bytes 0.0\n" in client.get("/metrics").text


# --- headers -------------------------------------------------------------------------------------------------------


def test_too_many_headers(service: Running) -> None:
    many = b"".join(b"X-%d: 1\r\n" % number for number in range(10_000))
    assert check_refusal(service.send(HEAD + many + b"Content-Length: 0\r\n\r\n")) == (431, "headers_too_large")


@pytest.mark.parametrize(
    "head",
    [
        HEAD + b"X-Long: " + b"a" * 2_000_000,
        HEAD + b"a" * 2_000_000,
        b"GET /" + b"a" * 2_000_000,
        HEAD + b"X-Long: " + b"a" * 20_000 + b"\r\nContent-Length: 0\r\n\r\n",
    ],
)
def test_headers_that_never_end(service: Running, head: bytes) -> None:
    assert check_refusal(service.send(head)) == (431, "headers_too_large")


@pytest.mark.parametrize(
    "request_bytes",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"GET / HTTP/9.9\r\n\r\n",
        b"FETCH / HTTP/1.1\r\nHost: localhost\r\n\r\n",
        HEAD + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        HEAD + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\nabcdef",
        HEAD + b"Content-Length: -5\r\n\r\n",
        HEAD + b"Transfer-Encoding: chunked\r\n\r\nfffffffffffffffffffffffff\r\n",
        HEAD + b"Bad Name: 1\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: localhost\r\nX: a\r\n\tfolded\x00\r\n\r\n",
    ],
)
def test_what_is_no_http_is_refused(service: Running, request_bytes: bytes) -> None:
    assert check_refusal(service.send(request_bytes)) == (400, "malformed_request")


def test_a_body_needs_a_length_or_chunks(service: Running) -> None:
    assert check_refusal(service.send(PNG_HEAD + b"Connection: close\r\n\r\n")) == (411, "length_required")


# --- bodies --------------------------------------------------------------------------------------------------------


def test_a_body_that_says_it_is_too_long_is_not_read(service: Running) -> None:
    head = PNG_HEAD + b"Content-Length: %d\r\n\r\n" % (BODY_BYTES + 1)
    assert check_refusal(service.send(head)) == (413, "body_too_large")
    assert check_refusal(service.send(head, b"x" * BODY_BYTES)) == (413, "body_too_large")


@pytest.mark.parametrize("size", [6, 1000, 100_000])
def test_chunks_without_a_length_are_counted(service: Running, size: int) -> None:
    head = PNG_HEAD + b"Transfer-Encoding: chunked\r\n\r\n"
    pieces = b"".join(in_chunks(2 * BODY_BYTES, size))
    assert check_refusal(service.send(head, pieces)) == (413, "body_too_large")


def test_an_endless_chunk_extension_or_trailer_is_cut_off(service: Running) -> None:
    head = PNG_HEAD + b"Transfer-Encoding: chunked\r\n\r\n"
    assert check_refusal(service.send(head, b"1;" + b"a" * 1_000_000)) == (431, "headers_too_large")
    assert check_refusal(service.send(head, b"1\r\nx\r\n0\r\nX-Trailer: " + b"a" * 1_000_000)) == (
        431,
        "headers_too_large",
    )


def test_all_bodies_together_are_bounded(service: Running) -> None:
    """Fifteen bodies that are nearly sent hold more than all together may be: the last ones are refused."""
    head = PNG_HEAD + b"Content-Length: %d\r\n\r\n" % BODY_BYTES
    with ExitStack() as stack:
        connections = [stack.enter_context(socket.create_connection(service.address, timeout=10)) for _ in range(15)]
        for connection in connections:
            connection.sendall(head + b"x" * (BODY_BYTES - 1))
        responses = [check_refusal(received(connection)) for connection in connections]
    assert set(responses) == {(503, "memory_full"), (408, "body_too_slow")}


def test_thousands_of_parts(service: Running) -> None:
    part = b'--b\r\nContent-Disposition: form-data; name="image"\r\n\r\nx\r\n'
    body = part * 5000 + b"--b--\r\n"
    head = HEAD + b"Content-Type: multipart/form-data; boundary=b\r\nContent-Length: %d\r\n" % len(body)
    assert check_refusal(service.send(head + b"Connection: close\r\n\r\n" + body)) == (413, "too_many_images")


# --- photos that cost much -----------------------------------------------------------------------------------------


def png(width: int, height: int, data: bytes = b"") -> bytes:
    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", data) + chunk(b"IEND", b"")


def jpeg_of(width: int, height: int) -> bytes:
    frame = b"\xff\xc0" + struct.pack(">HBHHB", 17, 8, height, width, 3) + bytes([1, 17, 0, 2, 17, 0, 3, 17, 0])
    scan = b"\xff\xda\x00\x0c\x03\x01\x00\x02\x11\x03\x11\x00\x3f\x00"
    return b"\xff\xd8" + frame + scan + b"\x00" * 100 + b"\xff\xd9"


BOMBS = {
    "png": png(60_000, 60_000, zlib.compress(b"\0" * 200_000_000, 9)),
    "jpeg": jpeg_of(65_500, 65_500),
    "webp": b"RIFF\x1e\x00\x00\x00WEBPVP8X\x0a\x00\x00\x00\x00\x00\x00\x00" + b"\xff\x3f\x00" * 2 + b"\0" * 8,
}


@pytest.mark.parametrize("kind", BOMBS)
def test_bombs_are_refused_by_their_header(service: Running, client: httpx.Client, kind: str) -> None:
    bomb = BOMBS[kind]
    assert len(bomb) < BODY_BYTES
    response = client.post("/v1/predict", content=bomb, headers={"content-type": "application/octet-stream"})
    assert (response.status_code, response.json()["error"]["code"]) == (413, "too_many_pixels")


def test_a_photo_within_a_photo_is_read_as_its_first(client: httpx.Client, photos: list[bytes]) -> None:
    polyglot = photos[0] + b"<script>alert(1)</script>PK\x03\x04" + BOMBS["png"][:1000]
    response = client.post("/v1/predict", content=polyglot, headers={"content-type": "image/png"})
    plain = client.post("/v1/predict", content=photos[0], headers={"content-type": "image/png"})
    assert response.status_code == 200
    assert response.json()["results"] == plain.json()["results"]


# --- slow clients --------------------------------------------------------------------------------------------------


def drip(connections: list[socket.socket], seconds: float) -> None:
    """A byte now and then on each connection."""
    until_s = time.monotonic() + seconds
    while time.monotonic() < until_s:
        for connection in connections:
            try:
                connection.sendall(b"a")
            except OSError:
                continue
        time.sleep(0.1)


@pytest.mark.parametrize(
    "start, expected",
    [
        (HEAD + b"X-Slow: ", (408, "headers_too_slow")),
        (PNG_HEAD + b"Content-Length: 1000\r\n\r\n", (408, "body_too_slow")),
    ],
)
def test_slow_senders_are_refused_and_closed(
    service: Running, photos: list[bytes], start: bytes, expected: tuple[int, str]
) -> None:
    files_before = service.open_files()
    with ExitStack() as stack:
        slow = [stack.enter_context(socket.create_connection(service.address, timeout=10)) for _ in range(50)]
        for connection in slow:
            connection.sendall(start)
        assert still_answers(service, photos[0])
        drip(slow, 1.5)
        assert [check_refusal(received(connection)) for connection in slow] == [expected] * 50
        assert still_answers(service, photos[0])
        until_s = time.monotonic() + 20  # an answered connection lingers until the client has read it
        while service.open_files() > files_before + 10:
            assert time.monotonic() < until_s
            time.sleep(0.1)


def test_a_connection_that_is_never_used_is_closed_without_a_word(service: Running) -> None:
    assert service.send(b"") == b""


def test_more_connections_than_allowed_get_a_refusal(service: Running) -> None:
    with ExitStack() as stack:
        held = [stack.enter_context(socket.create_connection(service.address, timeout=10)) for _ in range(80)]
        reply = service.send(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert check_refusal(reply) == (503, "too_many_connections")
        assert b"retry-after: 1\r\n" in reply
        assert service.open_files() < 80 + 64 + 40
        assert all(received(connection) == b"" for connection in held)


def test_requests_that_do_not_wait_for_each_other_get_the_first_answer(service: Running, photos: list[bytes]) -> None:
    first = HEAD + b"Content-Type: image/jpeg\r\nContent-Length: %d\r\n\r\n" % len(photos[0]) + photos[0]
    reply = service.send(first + b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n" * 1000)
    assert (status_of(reply), reply.count(b"HTTP/1.1 ")) == (200, 1)
    assert len(json.loads(reply.split(b"\r\n\r\n", 1)[1])["results"][0]["predictions"]) == 1


def test_a_client_that_leaves_leaves_nothing_behind(service: Running, photos: list[bytes]) -> None:
    head = HEAD + b"Content-Type: image/jpeg\r\nContent-Length: %d\r\n\r\n" % len(photos[0])
    for sent in (head, head + photos[0][:1000], head + photos[0]):
        with socket.create_connection(service.address) as connection:
            connection.sendall(sent)
    with service.client() as client:
        until_s = time.monotonic() + 5
        while "\nmaskwise_queue_photos 0.0\n" not in client.get("/metrics").text:
            assert time.monotonic() < until_s


@pytest.mark.slow
@pytest.mark.parametrize("start", [HEAD + b"X-Slow: ", PNG_HEAD + b"Content-Length: 1000\r\n\r\n"])
def test_500_slow_senders(small_bundle: Path, temporary: Path, photos: list[bytes], start: bytes) -> None:
    settings = ("header_seconds=3", "body_seconds=3", "connections=512", "client_connections=600")
    with running_service(small_bundle, temporary, settings=settings) as running, ExitStack() as stack:
        slow = [stack.enter_context(socket.create_connection(running.address, timeout=20)) for _ in range(500)]
        for connection in slow:
            connection.sendall(start)
        assert running.open_files() < 512 + 64
        assert all(still_answers(running, photo) for photo in photos for _ in range(10))
        drip(slow, 5)
        assert {check_refusal(received(connection))[0] for connection in slow} == {408}
        assert running.open_files() < 60
