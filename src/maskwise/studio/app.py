"""The studio's routes. What can take long is made by the ``PageMaker``; the rest in threads, a few at a time."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Sequence
from typing import Annotated, Literal, TypeVar

from pydantic import Field, ValidationError
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from maskwise.errors import UserError
from maskwise.listeners import Listener
from maskwise.reports.words import Language, in_language, preferred_language
from maskwise.serving.config import ServeSettings
from maskwise.serving.metrics import Metrics
from maskwise.serving.receive_body import Bodies
from maskwise.serving.refusals import RefusedError
from maskwise.serving.service import Shares
from maskwise.settings import Settings
from maskwise.store.marks import mark_run
from maskwise.studio.frame import (
    choosing_page,
    framed,
    has_korean,
    job_fragment,
    linked_runs_page,
    problems_page,
    tag_buttons,
    waiting_page,
)
from maskwise.studio.page_maker import PageMaker
from maskwise.studio.page_policy import page_response
from maskwise.studio.pages import RUNNING, StudioPages, content_of_folder
from maskwise.studio.predictors import PREDICT, Predictors
from maskwise.studio.save_corrections import Decision, corrections_path, save_corrections

_Made = TypeVar("_Made")
_Sent = TypeVar("_Sent", bound=Settings)
_BODY_BYTES, _BODIES_BYTES = 64 * 2**10, 2**20
_AT_ONCE = 16
"""Requests of one client that wait for or have a thread."""
_PATIENCE_S, _LOOK_S = 0.6, 0.03
"""A page that takes longer is waited for by a page."""
_RUN_ID = re.compile(r"[0-9a-f]{12,64}")
_RELOAD = {"x-studio-reload": "1"}
_PREDICT_NOTE = "The photo goes to this machine alone and is not kept. A run is exported to the cache when first used."
_AUDIT_NOTE = "Which labels are likely wrong, by the predictions of a run for people whom it never saw."
_COMPARE_NOTE = "Whether one run is better than another for new people, on the people whom both held out."


class TagChange(Settings):
    """Tags to give and to take."""

    add: Annotated[tuple[str, ...], Field(max_length=8)] = ()
    remove: Annotated[tuple[str, ...], Field(max_length=8)] = ()


class DecisionList(Settings):
    """What was decided about the rows of a list, by place."""

    list: str = Field(pattern=r"^[0-9a-f]{16}$")
    decisions: dict[Annotated[str, Field(pattern=r"^[0-9]{1,6}$")], Literal["yes", "no", "skip"]]


class Studio:
    """The application behind the door; a ``Stoppable`` for the server."""

    name = "studio"

    def __init__(self, pages: StudioPages, settings: ServeSettings, language: Language | None) -> None:
        self.pages, self.settings, self.language = pages, settings, language
        self.metrics, self.draining = Metrics(), False
        self.maker, self.predictors = PageMaker(), Predictors(settings, pages.cache)
        self._bodies, self._shares = Bodies(_BODY_BYTES, _BODIES_BYTES), Shares(_AT_ONCE)
        reading = [
            Route("/", self._board),
            Route(RUNNING, self._running),
            Route("/runs/{run}", self._run),
            Route("/runs/{run}/live", self._live),
            Route("/compare", self._compare),
            Route("/data", self._explored),
            Route("/audit", self._audit),
            Route(PREDICT, self._predict),
            Route(PREDICT + "/{run}", self._predict_with),
            Route("/jobs/{job}", self._job),
        ]
        changing = [
            Route("/runs/{run}/tags", self._tag, methods=["POST"]),
            Route("/corrections", self._correct, methods=["POST"]),
        ]
        handlers = {UserError: self._on_problems, RefusedError: self._on_refusal, HTTPException: self._on_http}
        self._app = Starlette(routes=[*reading, *changing], exception_handlers=handlers)
        self._app.router.redirect_slashes = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """A loaded model's page and predictions below ``/predict/<run>/``; all else by the routes."""
        _, *parts = scope["path"].split("/")
        loaded = None
        if len(parts) > 2 and f"/{parts[0]}" == PREDICT:
            loaded = self.predictors.find(parts[1], self._language(Request(scope)))
            if loaded is None and not parts[2]:
                scope = {**scope, "path": scope["path"][:-1]}
        await (loaded or self._app)(scope, receive, send)

    def warm_up(self) -> None:
        """Nothing: pages are made when they are wanted."""

    def stop(self) -> None:
        """End the page at work and the models."""
        self.maker.stop()
        self.predictors.stop()

    async def _board(self, request: Request) -> Response:
        return self._page(request, await self._in_thread(request, self.pages.board))

    async def _running(self, request: Request) -> Response:
        return self._fragment(request, await self._in_thread(request, self.pages.running))

    async def _run(self, request: Request) -> Response:
        run = await self._in_thread(request, lambda: self.pages.find(_run_id(request)))
        if run.record.status == "running":
            return self._page(request, await self._in_thread(request, lambda: self.pages.training(run)))
        maps = request.query_params.get("maps") == "1"
        key = ("report", run.record.run_id, self.pages.content_of(run), str(self.pages.data_of(run)), str(maps))
        made = await self._made(
            request, f"Report: {run.record.name}", key, lambda listener: self.pages.report(run, listener, maps=maps)
        )
        if isinstance(made, Response):
            return made
        tools = await self._in_thread(request, lambda: self.pages.tools(run, maps=maps))
        return self._page(request, framed(made, request.url.path, tools))

    async def _live(self, request: Request) -> Response:
        run = await self._in_thread(request, lambda: self.pages.find(_run_id(request)))
        if run.record.status == "finished":
            return HTMLResponse("", headers=_RELOAD)
        return self._fragment(request, await self._in_thread(request, lambda: self.pages.live(run)))

    async def _compare(self, request: Request) -> Response:
        ids = [_checked_id(request.query_params.get(name, "")) for name in ("a", "b") if name in request.query_params]
        if len(ids) < 2:
            choices = await self._in_thread(request, self.pages.choices)
            fields = (("a", "Reference"), ("b", "Candidate"))
            page = choosing_page("Compare two runs", _COMPARE_NOTE, "/compare", choices, fields, *ids)
            return self._page(request, framed(page, "/compare"))
        runs = await self._in_thread(request, lambda: [self.pages.find(each) for each in ids])
        key = ("compare", *ids, *map(self.pages.content_of, runs), str(self.pages.data_of(runs[0])))
        made = await self._made(request, "Comparison", key, lambda listener: self.pages.compare(runs, listener))
        return made if isinstance(made, Response) else self._page(request, made)

    async def _explored(self, request: Request) -> Response:
        folder = await self._in_thread(request, self.pages.data_at_hand)
        faces = request.query_params.get("faces") == "1"
        content = await self._in_thread(request, lambda: content_of_folder(folder))
        key = ("data", str(folder), content, str(faces))
        made = await self._made(
            request, "Data", key, lambda listener: self.pages.explored(folder, listener, faces=faces)
        )
        return made if isinstance(made, Response) else self._page(request, made)

    async def _audit(self, request: Request) -> Response:
        ids = [_checked_id(each) for each in request.query_params.getlist("run")]
        if not ids:
            choices = await self._in_thread(request, self.pages.choices)
            fields = (("run", "Run"),)
            page = choosing_page("Likely wrong labels", _AUDIT_NOTE, "/audit", choices, fields)
            return self._page(request, framed(page, "/audit"))
        runs = await self._in_thread(request, lambda: [self.pages.find(each) for each in ids])
        data = await self._in_thread(request, lambda: self.pages.data_of(runs[0]) or self.pages.data_at_hand())
        content = await self._in_thread(request, lambda: content_of_folder(data))
        key = ("audit", *ids, *map(self.pages.content_of, runs), str(data), content)
        made = await self._made(
            request, "Likely wrong labels", key, lambda listener: self.pages.audit(ids, data, listener)
        )
        return made if isinstance(made, Response) else self._page(request, made)

    async def _predict(self, request: Request) -> Response:
        choices = await self._in_thread(request, self.pages.choices)
        page = linked_runs_page("Predict a photo", _PREDICT_NOTE, choices, PREDICT + "/{run}/")
        return self._page(request, framed(page, PREDICT))

    async def _predict_with(self, request: Request) -> Response:
        run = await self._in_thread(request, lambda: self.pages.find(_run_id(request)))
        if self.predictors.find(run.record.run_id, self._language(request)) is not None:
            return RedirectResponse(f"{PREDICT}/{run.record.run_id}/", 303)
        data = self.pages.data_of(run)

        def load(listener: Listener) -> str:
            self.predictors.load(run.folder, data, listener)
            return ""

        key = ("predict", run.record.run_id, self.pages.content_of(run))
        made = await self._made(request, f"Predict with {run.record.name}", key, load)
        if isinstance(made, Response):
            return made
        self.maker.forget(self.maker.job(key, load))  # the model may be unloaded again for another
        return RedirectResponse(f"{PREDICT}/{run.record.run_id}/", 303)

    async def _job(self, request: Request) -> Response:
        job = self.maker.find(request.path_params["job"])
        if job is None or job.ended:
            return HTMLResponse("", headers=_RELOAD)
        return self._fragment(request, job_fragment(job))

    async def _tag(self, request: Request) -> Response:
        change = await self._sent(request, TagChange)
        run = await self._in_thread(request, lambda: self.pages.find(_run_id(request)))
        marks = await self._in_thread(request, lambda: mark_run(run.folder, change.add, change.remove))
        return JSONResponse({"tags": marks.tags, "given": self._said(request, tag_buttons(marks)), "message": ""})

    async def _correct(self, request: Request) -> Response:
        sent = await self._sent(request, DecisionList)
        audited = self.pages.lists.get(sent.list)
        if audited is None:
            raise RefusedError(422, "no_such_list", "The studio does not know this list. Load the page anew.")
        decisions: dict[int, Decision] = {int(place): word for place, word in sent.decisions.items()}
        path = corrections_path(self.pages.store, audited.data_name)
        accepted = await self._in_thread(request, lambda: save_corrections(path, audited.rows, decisions))
        return JSONResponse(
            {"accepted": accepted, "message": self._said(request, f"{accepted} accepted, saved in {path}")}
        )

    async def _made(
        self, request: Request, title: str, key: tuple[str, ...], make: Callable[[Listener], str]
    ) -> str | Response:
        """The page of ``key``; a page that waits for it, or says why there is none."""
        job = self.maker.job(key, make)
        for _ in range(round(_PATIENCE_S / _LOOK_S)):
            if job.ended:
                break
            await asyncio.sleep(_LOOK_S)
        if job.problems:
            self.maker.forget(job)
            return self._page(request, framed(problems_page(title, job.problems), ""), 422)
        if job.text is None:
            return self._page(request, framed(waiting_page(title, job), ""), 202)
        return job.text

    async def _in_thread(self, request: Request, work: Callable[[], _Made]) -> _Made:
        with self._shares.hold(request.state.client, 1):
            return await asyncio.to_thread(work)

    async def _sent(self, request: Request, kind: type[_Sent]) -> _Sent:
        """The body, which must be JSON and just what ``kind`` says."""
        if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
            raise RefusedError(415, "unsupported_type", "The body must be application/json.")
        with self._bodies.hold() as held:
            body = await held.read(request.headers, request.receive)
        try:
            return kind.model_validate_json(body)
        except ValidationError:
            raise RefusedError(422, "bad_body", "The body is not what this address takes.") from None

    async def _on_problems(self, request: Request, error: Exception) -> Response:
        assert isinstance(error, UserError)
        return self._refused(request, 422, "problem", error.problems)

    async def _on_refusal(self, request: Request, error: Exception) -> Response:
        assert isinstance(error, RefusedError)
        return self._refused(request, error.status, error.code, [error.message], error.headers)

    async def _on_http(self, request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        headers = [(name.encode(), value.encode()) for name, value in (error.headers or {}).items()]
        return self._refused(request, error.status_code, "not_found", ["There is no such page."], headers)

    def _refused(
        self,
        request: Request,
        status: int,
        code: str,
        problems: Sequence[str],
        headers: Sequence[tuple[bytes, bytes]] = (),
    ) -> Response:
        """A page that says why; JSON for what a script sent."""
        request.state.refused = code
        if request.method == "POST":
            language = self._language(request) if all(map(has_korean, problems)) else "en"
            message = in_language(" ".join(problems), language)
            refused: Response = JSONResponse(
                {"error": {"code": code, "message": message, "language": language}}, status
            )
        else:
            refused = self._page(request, framed(problems_page("maskwise studio", problems), ""), status)
        refused.raw_headers += headers
        return refused

    def _language(self, request: Request) -> Language:
        """As chosen at the start, else the first that the browser prefers and pages know."""
        return self.language or preferred_language(request.headers.get("accept-language", ""))

    def _page(self, request: Request, html: str, status: int = 200) -> Response:
        return page_response(in_language(html, self._language(request)), status)

    def _fragment(self, request: Request, html: str) -> Response:
        return HTMLResponse(self._said(request, html))

    def _said(self, request: Request, html: str) -> str:
        return in_language(html, self._language(request))


def _run_id(request: Request) -> str:
    return _checked_id(request.path_params["run"])


def _checked_id(text: str) -> str:
    if not _RUN_ID.fullmatch(text):
        raise RefusedError(404, "not_found", "There is no such run.")
    return text
