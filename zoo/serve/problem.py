"""Errors in one shape: problem details of RFC 9457, with what the zoo's own errors say (what, where, fix)."""

from __future__ import annotations

import logging
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException

from zoo.errors import BadInput, ZooError

log = logging.getLogger("zoo.serve")
_TELL = "Tell whoever runs it; its log has more."
MEDIA_TYPE = "application/problem+json"
_REFERENCE = {"$ref": "#/components/schemas/ProblemDetails"}


class ProblemDetails(BaseModel):
    """What went wrong, where, and what to do about it (RFC 9457)."""

    type: str = Field(description="Always about:blank: status and title say what kind it is.")
    title: str = Field(description="The status in words.", examples=["Unprocessable Content"])
    status: int = Field(description="The HTTP status.", examples=[422])
    detail: str = Field(description="What is wrong, in one sentence.", examples=["The text is empty."])
    where: str = Field("", description="What it concerns: a text of the list, a key of the body.", examples=["text 3"])
    fix: str = Field("", description="What to do about it.", examples=["Leave empty texts out before asking."])


class Problem(HTTPException):  # type: ignore[misc]  # Starlette is not read by mypy here
    """An error answer.

    Args:
        status: HTTP status.
        what, where, fix: as of ZooError.
        after: seconds for Retry-After, or None.
    """

    def __init__(self, status: int, what: str, *, where: str = "", fix: str = "", after: int | None = None) -> None:
        headers = {} if after is None else {"Retry-After": str(after)}
        if status == 401:
            headers["WWW-Authenticate"] = "Bearer"
        super().__init__(status, detail=what, headers=headers)
        self.where, self.fix = where, fix


def response(error: HTTPException) -> JSONResponse:
    """The answer that says so."""
    details = ProblemDetails(
        type="about:blank",
        title=_title(error.status_code),
        status=error.status_code,
        detail=str(error.detail),
        where=getattr(error, "where", ""),
        fix=getattr(error, "fix", ""),
    )
    return JSONResponse(details.model_dump(), error.status_code, headers=error.headers, media_type=MEDIA_TYPE)


def of_zoo(error: ZooError) -> Problem:
    """An error of the zoo as an answer: a text's own (422); or the service's (503), which names paths: it is logged."""
    if isinstance(error, BadInput):
        return Problem(422, error.what, where=error.where, fix=error.fix)
    log.error("%s", error)
    return Problem(503, "The service can't answer.", fix=_TELL)


def install(app: FastAPI) -> None:
    """Answer every error of the app in this shape, and say so in its OpenAPI."""

    async def problem(request: Request, error: Exception) -> JSONResponse:
        if isinstance(error, ZooError):
            error = of_zoo(error)
        if isinstance(error, RequestValidationError):
            error = _of_body(error)
        if not isinstance(error, HTTPException):
            # What went wrong is in the log, with its trace; a client learns nothing of the service's inside.
            error = Problem(500, "The service failed.", fix=_TELL)
        return response(error)

    for kind in (HTTPException, RequestValidationError, ZooError, Exception):
        app.add_exception_handler(kind, problem)
    described = app.openapi

    def openapi() -> dict[str, Any]:
        schema = described()
        for path in schema["paths"].values():
            for operation in path.values():
                answers = operation["responses"]
                if answers.get("422", {}).get("description") == "Validation Error":
                    del answers["422"]  # FastAPI's own shape; where a body can be wrong, `declared` says ours
                for status in answers:
                    if int(status) >= 400:
                        answers[status]["content"] = {MEDIA_TYPE: {"schema": _REFERENCE}}
        for name in ("HTTPValidationError", "ValidationError"):
            schema["components"]["schemas"].pop(name, None)
        return schema

    app.openapi = openapi  # type: ignore[method-assign]  # as FastAPI's own documentation extends it


def declared(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """An operation's error answers, for its OpenAPI."""
    return {status: {"model": ProblemDetails, "description": _title(status)} for status in statuses}


def _title(status: int) -> str:
    return HTTPStatus(status).phrase


def _of_body(error: RequestValidationError) -> Problem:
    """What is wrong with a request: of several errors the deepest, which is about the form that was meant."""
    first = max(error.errors(), key=lambda one: len(one["loc"]))
    fix = "/v1/openapi.json says what a request may hold."
    if first["type"] == "json_invalid":
        return Problem(422, "The body is not JSON.", where=f"character {first['loc'][-1]}", fix=fix)
    if first["loc"] == ("body",):
        return Problem(422, "The body is not a JSON object.", fix=f"Send one, as application/json; {fix}")
    key, *inner = first["loc"][1:]  # without "body"; unions add names of types
    place = next((f" {part}" for part in inner if isinstance(part, int)), "")
    return Problem(422, f"{first['msg']}.", where=f"{key}{place}", fix=fix)
