from __future__ import annotations

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from maskwise.serving.multipart import LONGEST_NAME, Upload, parse_form
from maskwise.serving.refusals import RefusedError

TYPE = "multipart/form-data; boundary=b"
HEAD = b'--b\r\nContent-Disposition: form-data; name="image"'


def part(name: bytes, content: bytes) -> bytes:
    return HEAD + b'; filename="' + name + b'"\r\nContent-Type: image/png\r\n\r\n' + content + b"\r\n"


def refused(body: bytes, content_type: str = TYPE, most: int = 4) -> tuple[int, str]:
    with pytest.raises(RefusedError) as error:
        parse_form(body, content_type, most)
    return error.value.status, error.value.code


@given(
    st.lists(st.tuples(st.binary(max_size=300), st.text("abc. é漢", min_size=1, max_size=9)), min_size=1, max_size=5)
)
@settings(max_examples=60)
def test_what_httpx_writes_is_read_back(images: list[tuple[bytes, str]]) -> None:
    request = httpx.Request("POST", "http://x/", files=[("image", (name, content)) for content, name in images])
    found = parse_form(request.read(), request.headers["content-type"], 5)
    assert [each.data for each in found] == [content for content, _ in images]
    assert [each.name for each in found] == [name for _, name in images]


@given(st.binary(max_size=200), st.binary(max_size=40))
@settings(max_examples=100)
def test_any_bytes_are_read_or_refused(before: bytes, inside: bytes) -> None:
    body = before + HEAD + inside + b"\r\n\r\nx\r\n--b--"
    statuses = []
    try:
        uploads = parse_form(body, TYPE, 4)
    except RefusedError as error:
        uploads, statuses = [Upload(b"", None)], [error.status]
    assert 1 <= len(uploads) <= 4
    assert set(statuses) <= {400, 413}


@pytest.mark.parametrize(
    "sent, shown",
    [
        (b"../../etc/passwd", "passwd"),
        (b"C:\\photos\\me.jpg", "me.jpg"),
        (b"a\x1b[31m\x00b.jpg", "a[31mb.jpg"),
        ("Zoë 漢.png".encode(), "Zoë 漢.png"),
        (b"\xff\xfe.jpg", "\ufffd\ufffd.jpg"),
        (b"a" * 1000, "a" * LONGEST_NAME),
        (b"<script>.jpg", "<script>.jpg"),
    ],
)
def test_names_are_never_paths_nor_commands(sent: bytes, shown: str) -> None:
    assert parse_form(part(sent, b"x") + b"--b--\r\n", TYPE, 1) == [Upload(b"x", shown)]


def test_data_may_look_like_a_boundary() -> None:
    content = b"\r\n--a\r\n--\r\n-b--\r\n\r\n"
    assert parse_form(b"preamble\r\n" + part(b"n", content) + b"--b--\r\nepilogue", TYPE, 1) == [Upload(content, "n")]
    assert parse_form(HEAD + b"\r\n\r\nx\r\n--b  \r\n" + HEAD[5:] + b"\r\n\r\ny\r\n--b--", TYPE, 2) == [
        Upload(b"x", None),
        Upload(b"y", None),
    ]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"--b",
        part(b"n", b"x"),
        part(b"n", b"x") + b"--b",
        HEAD + b"\r\nno end of headers\r\n--b--",
        HEAD + b"\r\nX: " + b"a" * 5000 + b"\r\n\r\nx\r\n--b--",
        b"--bx\r\n\r\n--b--",
        b"\r\n--bx" * 1000,
    ],
)
def test_torn_forms_are_refused(body: bytes) -> None:
    assert refused(body) == (400, "malformed_form")


def test_limits_and_names() -> None:
    assert refused(b"--b--\r\n") == (400, "no_image")
    assert refused(part(b"n", b"x") * 5 + b"--b--") == (413, "too_many_images")
    assert refused(HEAD.replace(b"image", b"photo") + b"\r\n\r\nx\r\n--b--") == (400, "unexpected_field")
    assert refused(b"--b\r\nX: 1\r\n\r\nx\r\n--b--") == (400, "unexpected_field")
    assert refused(part(b"n", b"x") + b"--b--", "multipart/form-data") == (400, "malformed_form")
    assert refused(part(b"n", b"x") + b"--b--", f"{TYPE}{'b' * 70}") == (400, "malformed_form")
