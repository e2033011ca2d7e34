"""The routes. Photos are read from the body here, as FastAPI's own uploads go through temporary files."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import FastAPI, Query, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, PlainTextResponse
from starlette.exceptions import HTTPException

from maskwise.data.photo_budget import READ
from maskwise.reports.words import markdown_in
from maskwise.serving.multipart import Upload, parse_form
from maskwise.serving.receive_body import HeldBody
from maskwise.serving.refusals import RefusedError
from maskwise.serving.schema import (
    ErrorResponse,
    ExplainQuery,
    ExplainResponse,
    Health,
    ModelQuery,
    ModelResponse,
    PredictQuery,
    PredictResponse,
)
from maskwise.serving.service import Caller, Service

_RAW = ("image/*", "application/octet-stream")
"""What a body may be called; its bytes show which format it is."""
_FORM = "multipart/form-data"
_BINARY = {"type": "string", "format": "binary"}
_REASONS = {
    400: "The request cannot be understood.",
    401: "A key is needed.",
    408: "The request took too long to arrive.",
    411: "The body has no length.",
    413: "The body, a photo or their number is too large.",
    415: f"The body or a photo is of another type than {READ}.",
    429: "You have too many photos waiting, or too many connections; Retry-After says when to come back.",
    422: "A photo cannot be read, or the query makes no sense here.",
    431: "The headers are too large.",
    500: "The service failed; see its log under the request's id.",
    503: "Busy, starting or stopping; Retry-After says when to come back.",
}


def build_app(service: Service) -> FastAPI:
    """The application of ``service``, to stand behind a ``Gate``."""
    # Pages of documentation would be loaded from another host; openapi.json is ours.
    app = FastAPI(
        title="maskwise",
        version="1",
        description="Predicts how faces in photos appear: mask, gender, age group. Photos are not kept.",
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        servers=[{"url": service.settings.path_prefix}] if service.settings.path_prefix else None,
        exception_handlers={
            RefusedError: _on_refusal,
            HTTPException: _on_http,
            RequestValidationError: _on_query,
            Exception: _on_fault,
        },
    )
    _add_predicting(app, service)
    _add_status(app, service)
    return app


def _add_predicting(app: FastAPI, service: Service) -> None:
    refusals = _responses(400, 401, 408, 411, 413, 415, 422, 429, 431, 500, 503)

    @app.post("/v1/predict", response_model=PredictResponse, responses=refusals, openapi_extra=_body("array"))
    async def predict(request: Request, query: Annotated[PredictQuery, Query()]) -> Any:
        """Predict photos: one as the body, or one or more as parts named `image` of a form."""
        options = service.options(query.faces, query.abstain_below, calibrated=query.calibrated)
        with service.bodies.hold() as held:
            uploads = await _uploads(request, held, service.settings.request_images)
            body = await service.predict(uploads, options, _caller(request))
        return Response(body, media_type="application/json")

    @app.post("/v1/explain", response_model=ExplainResponse, responses=refusals, openapi_extra=_body("string"))
    async def explain(request: Request, query: Annotated[ExplainQuery, Query()]) -> Any:
        """What one prediction depends on: how far its probability falls where the face is covered."""
        options = service.options(query.faces, None, calibrated=False)
        with service.bodies.hold() as held:
            (upload,) = await _uploads(request, held, 1)
            body = await service.explain(upload, options.faces, query.face, _caller(request))
        return Response(body, media_type="application/json")


def _add_status(app: FastAPI, service: Service) -> None:
    @app.get("/v1/model", response_model=ModelResponse, responses=_responses(400, 401, 422, 431, 503))
    async def model(query: Annotated[ModelQuery, Query()]) -> Any:
        """The model, its card and what is known of its licenses."""
        facts = service.facts
        return JSONResponse(facts | {name: markdown_in(facts[name], query.language) for name in ("card", "licences")})

    @app.get("/healthz", response_model=Health, responses=_responses(400, 431, 503))
    async def healthz() -> Any:
        """Whether the process works; if not, replace it."""
        if not service.workers.alive():
            raise RefusedError(503, "broken", "The service no longer works.")
        return JSONResponse({"status": "alive"})

    @app.get("/readyz", response_model=Health, responses=_responses(400, 431, 503))
    async def readyz() -> Any:
        """Whether requests should be sent here."""
        service.refuse_unready()
        return JSONResponse({"status": "ready"})

    metrics_text: dict[int | str, dict[str, Any]] = {200: {"content": {"text/plain": {"schema": {"type": "string"}}}}}

    @app.get("/metrics", response_class=PlainTextResponse, responses=metrics_text | _responses(400, 401, 431, 503))
    async def metrics() -> Any:
        """Counters in Prometheus' text format."""
        return Response(service.metrics.text(), media_type="text/plain; version=0.0.4; charset=utf-8")


def _caller(request: Request) -> Caller:
    return Caller(request.state.request_id, request.state.client, request.receive)


async def _uploads(request: Request, held: HeldBody, most: int) -> list[Upload]:
    """The photos that were sent. Whatever can be refused by its headers is, before the body is read."""
    content_type = request.headers.get("content-type", "")
    kind = content_type.partition(";")[0].strip().lower()
    if kind != _FORM and not (kind.startswith("image/") or kind in _RAW):
        message = f"Content-Type must be {', '.join(_RAW)} or {_FORM}, got another."
        raise RefusedError(415, "unsupported_type", message)
    body = await held.read(request.headers, request.receive)
    if kind == _FORM:
        return parse_form(body, content_type, most)
    if not body:
        raise RefusedError(400, "no_image", "The body must be a photo, got nothing.")
    return [Upload(body, None)]


async def _on_refusal(request: Request, refusal: Exception) -> Response:
    assert isinstance(refusal, RefusedError)
    request.state.refused = refusal.code
    headers = {name.decode(): value.decode() for name, value in refusal.headers}
    return JSONResponse(refusal.body(request.state.request_id), refusal.status, headers)


async def _on_http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    known = {
        404: ("not_found", "There is nothing at this address."),
        405: ("method_not_allowed", "This address does not take that method."),
    }
    code, message = known.get(error.status_code, ("refused", "The request is refused."))
    refusal = RefusedError(error.status_code, code, message, allow=(error.headers or {}).get("Allow"))
    return await _on_refusal(request, refusal)


async def _on_query(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    # The names are ours or were sent; only ours are shown.
    ours = {name for query in (PredictQuery, ExplainQuery, ModelQuery) for name in query.model_fields}
    named = {str(detail["loc"][-1]) for detail in error.errors()}
    wrong = ", ".join(sorted(named & ours)) or "a name that is not known"
    message = f"The query must be as /openapi.json says, got something else for {wrong}."
    return await _on_refusal(request, RefusedError(422, "bad_query", message))


async def _on_fault(request: Request, _: Exception) -> Response:
    # Starlette raises it again after this, and uvicorn writes it into the log.
    message = "The service failed. See its log under the request's id."
    return await _on_refusal(request, RefusedError(500, "internal", message))


def _responses(*statuses: int) -> dict[int | str, dict[str, Any]]:
    return {status: {"model": ErrorResponse, "description": _REASONS[status]} for status in statuses}


def _body(of_image: Literal["array", "string"]) -> dict[str, Any]:
    """What OpenAPI says of the body; ``of_image`` says whether a form may hold several photos."""
    image = _BINARY if of_image == "string" else {"type": "array", "items": _BINARY, "minItems": 1}
    form = {"type": "object", "properties": {"image": image}, "required": ["image"], "additionalProperties": False}
    content = {kind: {"schema": _BINARY} for kind in _RAW} | {_FORM: {"schema": form}}
    return {"requestBody": {"required": True, "content": content}}
