"""Who may use the studio."""

from __future__ import annotations

import asyncio

import httpx
import pytest
from starlette.types import Receive, Scope, Send

from maskwise.serving.refusals import RefusedError
from maskwise.store.runs import StoredRun
from maskwise.studio.door import Door
from support.running_studio import RunningStudio


def test_the_token_gives_a_cookie_that_scripts_and_other_sites_never_get(studio: RunningStudio) -> None:
    with studio.visitor(entered=False) as client:
        entered = client.get(studio.address.removeprefix(studio.base))
        cookie = entered.headers["set-cookie"]
        assert "HttpOnly" in cookie
        assert "SameSite=strict" in cookie
        assert studio.address.partition("token=")[2] not in cookie
        assert client.get("/").status_code == 200


@pytest.mark.parametrize(
    "path", ["/", "/?token=", "/?token=wrong", "/running", "/data?token=x", "/healthz", "/nothing"]
)
def test_without_the_token_there_is_nothing(studio: RunningStudio, path: str) -> None:
    with studio.visitor(entered=False) as client:
        refused = client.get(path)
        assert (refused.status_code, "set-cookie" in refused.headers) == (401, False)
        assert "good" not in refused.text


def test_a_wrong_cookie_is_none(studio: RunningStudio, visitor: httpx.Client) -> None:
    (name,) = visitor.cookies
    with studio.visitor(entered=False) as client:
        assert client.get("/", headers={"cookie": f"{name}=wrong"}).status_code == 401
        assert client.get("/", headers={"cookie": "a=b; ;;=x"}).status_code == 401


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "evil.example:8010"])
def test_other_names_are_refused_even_with_the_cookie(visitor: httpx.Client, host: str) -> None:
    refused = visitor.get("/", headers={"host": host})
    assert (refused.status_code, refused.json()["error"]["code"]) == (400, "bad_host")


@pytest.mark.parametrize("origin", ["", "http://evil.example", "http://127.0.0.1:1", "null"])
def test_only_its_own_pages_change_anything(visitor: httpx.Client, run: StoredRun, origin: str) -> None:
    """Pages at another port of this machine are of the same site, so the cookie alone would not keep them out."""
    address, body = f"/runs/{run.record.run_id}/tags", {"add": ["foreign"], "remove": []}
    refused = visitor.post(address, json=body, headers={"origin": origin})
    assert (refused.status_code, refused.json()["error"]["code"]) == (400, "cross_site")
    assert "foreign" not in visitor.get("/").text


def test_the_token_for_the_first_browser_is_valid_once() -> None:
    async def nothing(scope: Scope, receive: Receive, send: Send) -> None:
        raise RefusedError(404, "reached", "")

    door = Door(nothing, 8010)
    first = door.first_token
    assert [asyncio.run(status_of_entry(door, token)) for token in (first, first, door.token, door.token)] == [
        200,
        401,
        200,
        200,
    ]


async def status_of_entry(door: Door, token: str) -> int:
    """The status of the page that opens with ``token``."""
    transport = httpx.ASGITransport(app=door)
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8010") as client:
        return (await client.get("/", params={"token": token})).status_code
