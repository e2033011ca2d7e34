"""The studio's routes over HTTP."""

from __future__ import annotations

import re
import time
from pathlib import Path
from typing import Any

import httpx
import pytest

from maskwise.store.marks import read_marks
from maskwise.store.runs import StoredRun
from support.korean import english_left
from support.running_studio import RunningStudio


def made(client: httpx.Client, address: str) -> httpx.Response:
    """The page, once it is made."""
    until_s = time.monotonic() + 60
    while (response := client.get(address)).status_code == 202:
        assert time.monotonic() < until_s, "the page is not made"
        time.sleep(0.05)
    return response


def test_the_board_leads_to_a_report_and_back(visitor: httpx.Client, run: StoredRun) -> None:
    address = f"/runs/{run.record.run_id}"
    board = visitor.get("/")
    assert f'href="{address}"' in board.text
    report = made(visitor, address)
    assert report.status_code == 200
    assert "Report: good" in report.text
    assert '<a href="/"' in report.text


def test_two_runs_are_compared(visitor: httpx.Client, run: StoredRun) -> None:
    choosing = visitor.get("/compare")
    assert choosing.text.count(f'value="{run.record.run_id}"') == 2
    for address in ("/compare", f"/compare?a={run.record.run_id}"):
        first, second = re.findall(r'value="(\w+)" selected', visitor.get(address).text)
        assert first != second
    assert first == run.record.run_id
    other = choosing.text.partition("poor (")[0].rpartition('value="')[2][:16]
    page = made(visitor, f"/compare?a={run.record.run_id}&b={other}")
    assert page.status_code == 200
    assert "poor against good" in page.text


@pytest.mark.parametrize(
    "address",
    ["/runs/..%2f..%2fetc", "/runs/nothing", "/runs/0123456789abcdef", "/audit?run=../../x", "/compare?a=x&b=y", "/x"],
)
def test_what_is_not_there_is_said_on_a_page(visitor: httpx.Client, address: str) -> None:
    refused = visitor.get(address)
    assert refused.status_code in (404, 422)
    assert 'role="alert"' in refused.text
    assert "Traceback" not in refused.text


def test_a_data_set_that_is_gone_is_one_line(visitor: httpx.Client) -> None:
    refused = visitor.get("/data")
    assert refused.status_code == 422
    assert "Start it with --data DIR." in refused.text


def test_a_tag_is_given_and_taken(visitor: httpx.Client, run: StoredRun) -> None:
    address = f"/runs/{run.record.run_id}/tags"
    assert visitor.post(address, json={"add": ["paper"], "remove": []}).json()["tags"] == ["paper"]
    assert read_marks(run.folder, run.record.run_id).tags == ("paper",)
    assert 'data-tag="paper"' in made(visitor, f"/runs/{run.record.run_id}").text
    assert visitor.post(address, json={"add": [], "remove": ["paper"]}).json()["tags"] == []


@pytest.mark.parametrize(
    "body",
    [
        {"add": ["two words"], "remove": []},
        {"add": ["<b>"], "remove": []},
        {"add": [], "remove": []},
        {"add": "paper"},
        {"add": ["a"] * 9},
        {"add": [1]},
        {"note": "x"},
        [],
    ],
)
def test_other_tags_are_refused(visitor: httpx.Client, run: StoredRun, body: Any) -> None:
    refused = visitor.post(f"/runs/{run.record.run_id}/tags", json=body)
    assert refused.status_code == 422
    assert read_marks(run.folder, run.record.run_id).tags == ()


def test_bodies_have_a_type_and_a_size(visitor: httpx.Client, run: StoredRun) -> None:
    address = f"/runs/{run.record.run_id}/tags"
    form = visitor.post(address, data={"add": "paper"})
    large = visitor.post(address, json={"add": ["a" * 70_000]})
    assert [(each.status_code, each.json()["error"]["code"]) for each in (form, large)] == [
        (415, "unsupported_type"),
        (413, "body_too_large"),
    ]


def test_corrections_of_a_list_that_was_never_shown_are_refused(visitor: httpx.Client, store: Path) -> None:
    refused = visitor.post("/corrections", json={"list": "0" * 16, "decisions": {"0": "yes"}})
    assert (refused.status_code, refused.json()["error"]["code"]) == (422, "no_such_list")
    assert not list(store.glob("corrections*"))


@pytest.mark.parametrize("method", ["PUT", "DELETE", "POST"])
def test_pages_are_only_read(visitor: httpx.Client, method: str) -> None:
    assert visitor.request(method, "/").status_code == 405


def test_headers_keep_pages_to_themselves(visitor: httpx.Client) -> None:
    headers = visitor.get("/").headers
    assert headers["cache-control"] == "no-store"
    assert headers["x-frame-options"] == "DENY"
    assert len(headers.get_list("content-security-policy")) == 1
    assert headers["content-security-policy"].startswith("default-src 'none'; img-src 'self' data:;")


def test_the_board_comes_while_a_page_is_made(studio: RunningStudio, visitor: httpx.Client, run: StoredRun) -> None:
    """A page is made in a thread of its own: what is quick need not wait for it."""
    waiting = visitor.get(f"/predict/{run.record.run_id}")
    assert waiting.status_code in (202, 422)
    assert visitor.get("/").status_code == 200


def test_pages_and_what_scripts_show_are_in_the_browser_s_language(visitor: httpx.Client, run: StoredRun) -> None:
    korean = {"accept-language": "ko-KR,ko;q=0.9,en;q=0.8"}
    visitor.headers.update(korean)
    names = ("good", "poor", "faces", "c0ffee", "ladder", "mask", "macro", "studio")
    compared = visitor.get("/compare").text
    ids = re.findall(r'value="([0-9a-f]{12,})"', compared)
    listed = ("/", "/compare", "/audit", "/predict", "/nothing", "/runs/0123456789ab")
    for address in (*listed, f"/runs/{run.record.run_id}", f"/compare?a={ids[0]}&b={ids[1]}"):
        page = made(visitor, address)
        assert '<html lang="ko">' in page.text
        assert english_left(page.text, *names) == [], address
    tagged = visitor.post(f"/runs/{run.record.run_id}/tags", json={"add": ["ko"], "remove": []}).json()
    assert 'aria-label="태그 ko 지우기"' in tagged["given"]
    visitor.post(f"/runs/{run.record.run_id}/tags", json={"add": [], "remove": ["ko"]})


def test_messages_of_the_library_are_framed_in_korean_and_marked_as_english(
    visitor: httpx.Client, run: StoredRun
) -> None:
    visitor.headers.update({"accept-language": "ko"})
    page = visitor.get("/data").text
    assert "페이지를 표시할 수 없습니다." in page
    assert re.search(r'<p lang="en">[^<]* Start it with --data DIR\.</p>', page)
    address = f"/runs/{run.record.run_id}/tags"
    library = visitor.post(address, json={"add": ["two words"], "remove": []}).json()["error"]
    assert library["language"] == "en"
    own = visitor.post("/corrections", json={"list": "0" * 16, "decisions": {}}).json()["error"]
    assert own["language"] == "ko"
    assert english_left(f"<p>{own['message']}</p>") == []
