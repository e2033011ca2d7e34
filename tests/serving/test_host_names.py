"""Which names lead to the service, and which pages may use it."""

from __future__ import annotations

import pytest

from maskwise.errors import UserError
from maskwise.serving.config import parse_settings
from maskwise.serving.host_names import HostNames, parse_allowed


@pytest.mark.parametrize(
    ("given", "name"),
    [
        ("faces.example", "faces.example"),
        ("Faces.Example:8443", "faces.example"),
        ("https://faces.example", "faces.example"),
        ("http://faces.example:80/", "faces.example"),
        ("faces.example/", "faces.example"),
        ("*", "*"),
        ("*.faces.example", "*.faces.example"),
        ("::1", "::1"),
        ("[::1]:8000", "::1"),
        ("얼굴.example", "xn--bf0bl47b.example"),
    ],
)
def test_names_as_people_write_them(given: str, name: str) -> None:
    assert parse_allowed(given) == name


@pytest.mark.parametrize(
    "given", ["", "a b", "x/y", "*.*.x", "a*b", "x?y", "user@x", "http://", "x:99999", "a,b", "[::1"]
)
def test_what_is_no_name_is_refused_at_the_start(given: str) -> None:
    with pytest.raises(UserError, match="must be a host name") as caught:
        parse_settings({"allow_hosts": (given,)}, [])
    assert "Value error" not in str(caught.value)
    assert "recipe" not in str(caught.value)


def test_names_that_are_served() -> None:
    local, public = HostNames(True, ()), HostNames(False, ())
    for host, here, there in (
        (b"localhost:8000", True, True),
        (b"[::1]:8000", True, True),
        (b"any.example", False, True),
        (b"", False, False),
        (b"[::1", False, False),
    ):
        assert (local.serves(host), public.serves(host)) == (here, there)
    named = HostNames(False, ("faces.example", "*.other.example"))
    served = [b"faces.example:1", b"a.other.example", b"x.a.other.example"]
    refused = [b"other.example", b"localhost", b"notfaces.example", b"aother.example"]
    assert [named.serves(host) for host in (*served, *refused)] == [True] * 3 + [False] * 4
    assert HostNames(True, ("*",)).serves(b"whatever.example")


@pytest.mark.parametrize(
    ("local", "allowed", "origin", "host", "accepted"),
    [
        (True, (), b"http://localhost:8000", b"localhost:8000", True),
        (True, (), b"http://localhost:3000", b"localhost:8000", False),
        (True, (), b"http://evil.example", b"localhost:8000", False),
        (True, (), b"http://evil.example:8000", b"evil.example:8000", True),  # its Host header is refused before
        (True, (), b"null", b"localhost:8000", False),
        (True, ("faces.example",), b"https://faces.example", b"faces.example", True),
        (True, ("faces.example",), b"https://faces.example", b"127.0.0.1:8000", True),
        (True, ("*",), b"https://evil.example", b"localhost:8000", False),
        (False, (), b"https://faces.example:8443", b"faces.example", True),
        (False, (), b"https://evil.example", b"faces.example", False),
        (False, (), b"file://faces.example", b"faces.example", False),
    ],
)
def test_pages_that_may_use_it(
    local: bool, allowed: tuple[str, ...], origin: bytes, host: bytes, accepted: bool
) -> None:
    assert HostNames(local, allowed).accepts(origin, host) is accepted


@pytest.mark.parametrize(
    "host",
    [
        *("localhost.", "127.0.0.1.", "127.1", "2130706433", "0.0.0.0", "[::]", "[::ffff:127.0.0.1]", "[fe80::1%lo]"),
        *("localhost:evil", "localhost:123456", "localhost/evil.example", "localhost?evil", "localhost#evil"),
        *("evil.example@localhost", "evil.example\\@localhost", "localhost,evil.example", "localhost evil.example"),
        *("localhost\tevil", "[::1]evil", "[::1", "::1"),
    ],
)
def test_what_is_nearly_a_name_of_this_machine_is_none(host: str) -> None:
    assert not HostNames(local=True, allowed=()).serves(host.encode())


@pytest.mark.parametrize(
    "origin",
    [
        *(
            "http://evil.example@localhost:8000",
            "http://localhost.:8000",
            "http://[::1",
            "http://localhost:8000 http://x",
        ),
        *("http://localhost:8000,http://x", "file://", "", "null", "http://localhost:8001", "http://127.0.0.1:8000"),
    ],
)
def test_what_is_nearly_the_own_address_is_another(origin: str) -> None:
    assert not HostNames(local=True, allowed=()).accepts(origin.encode(), b"localhost:8000")
