"""Pages made one after the other."""

from __future__ import annotations

import threading
import time

import pytest

from maskwise.errors import UserError
from maskwise.listeners import Listener
from maskwise.serving.refusals import RefusedError
from maskwise.studio import page_maker
from maskwise.studio.page_maker import PageJob, PageMaker


def ended(job: PageJob) -> PageJob:
    """``job`` once it has ended."""
    until_s = time.monotonic() + 20
    while not job.ended:
        assert time.monotonic() < until_s, "the page is not made"
        time.sleep(0.01)
    return job


def test_a_page_is_made_once_and_kept() -> None:
    maker, made = PageMaker(), []

    def make(_: Listener) -> str:
        made.append(1)
        return "a page"

    assert [ended(maker.job(("report", "a"), make)).text for _ in range(3)] == ["a page"] * 3
    assert ended(maker.job(("report", "b"), make)).text == "a page"
    assert len(made) == 2
    maker.forget(maker.job(("report", "a"), make))
    ended(maker.job(("report", "a"), make))
    assert len(made) == 3


def test_progress_is_what_the_work_reports() -> None:
    maker, go_on, reported = PageMaker(), threading.Event(), threading.Event()

    def make(listener: Listener) -> str:
        listener.on_stage("looking at photos", 10)
        listener.on_advance(3)
        reported.set()
        go_on.wait(20)
        return ""

    job = maker.job(("data",), make)
    assert reported.wait(20)
    assert (job.stage, job.done, job.total, job.ended) == ("looking at photos", 3, 10, False)
    assert maker.find(job.id) is job
    go_on.set()
    assert ended(job).text == ""


def test_problems_are_kept_and_the_next_page_is_made_all_the_same() -> None:
    maker = PageMaker()

    def refuse(_: Listener) -> str:
        raise UserError(["one thing.", "another."])

    assert ended(maker.job(("a",), refuse)).problems == ("one thing.", "another.")
    assert ended(maker.job(("b",), lambda _: "page")).text == "page"


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_fault_ends_the_thread_and_another_takes_its_place() -> None:
    maker = PageMaker()
    (problem,) = ended(maker.job(("a",), lambda _: str(1 // 0))).problems
    assert "terminal" in problem
    maker._thread.join(20)
    assert ended(maker.job(("b",), lambda _: "page")).text == "page"


def test_too_many_waiting_are_refused_and_a_stop_ends_the_one_at_work() -> None:
    maker, begun = PageMaker(), threading.Event()

    def make(listener: Listener) -> str:
        begun.set()
        while True:
            listener.on_advance(1)
            time.sleep(0.01)

    first = maker.job(("0",), make)
    assert begun.wait(20)
    waiting = [maker.job((str(number),), make) for number in range(1, 1 + page_maker.MOST_WAITING)]
    with pytest.raises(RefusedError, match="503 busy"):
        maker.job(("one more",), make)
    maker.stop()
    assert {ended(job).problems for job in (first, *waiting)} == {("The studio was stopped.",)}


def test_old_pages_go_where_there_is_no_room(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(page_maker, "MOST_KEPT_CHARACTERS", 10)
    maker = PageMaker()
    first = ended(maker.job(("a",), lambda _: "123456"))
    second = ended(maker.job(("b",), lambda _: "123456"))
    third = maker.job(("c",), lambda _: "1")
    assert [maker.find(job.id) for job in (first, second, third)] == [None, second, third]
