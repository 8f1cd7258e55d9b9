"""Errors into pages: one place decides status, title and what to do, for people and for programs."""

from __future__ import annotations

import logging

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from app.core.errors import GradingFailed, GreenroomError, InvalidRequest, NotFound, Refused, TooLong
from app.core.round import AlreadyAnswered
from app.logs import frames
from app.web.templates import render

_log = logging.getLogger(__name__)

_STATUS: tuple[tuple[type[GreenroomError], int, str], ...] = (
    (NotFound, 404, "That isn't here"),
    (TooLong, 413, "That is too long"),
    (AlreadyAnswered, 409, "Already answered"),
    (Refused, 409, "Not now"),
    (InvalidRequest, 422, "That doesn't fit"),
    (GradingFailed, 503, "Grading failed"),
)


def wants_json(request: Request) -> bool:
    """Whether the caller is a program: it asks for JSON and not for a page."""
    accept = request.headers.get("accept", "")
    return "application/json" in accept and "text/html" not in accept


def error_response(request: Request, status: int, title: str, detail: str, kept: str = "") -> Response:
    """An error as a page, or as JSON with the same words. `kept` is text of the candidate's that must not be lost."""
    if wants_json(request):
        return JSONResponse({"error": title, "detail": detail}, status_code=status)
    context = {"status": status, "title": title, "detail": detail, "kept": kept}
    return render(request, "error.html", context, status_code=status)


def register(app: FastAPI) -> None:
    """Have every error of ours and of the framework become a helpful page; `Doors` sees to all others."""

    @app.exception_handler(GreenroomError)
    async def _ours(request: Request, error: GreenroomError) -> Response:
        status, title = next(
            ((status, title) for kind, status, title in _STATUS if isinstance(error, kind)), (400, "That didn't work")
        )
        return error_response(request, status, title, str(error), kept=getattr(request.state, "kept", ""))

    @app.exception_handler(RequestValidationError)
    async def _form(request: Request, error: RequestValidationError) -> Response:
        fields = ", ".join(sorted({str(one["loc"][-1]) for one in error.errors()}))
        detail = f"Something in the form can't be used: {fields}. Go back, check it and send it again."
        return error_response(request, 422, "That doesn't fit", detail)

    @app.exception_handler(HTTPException)
    async def _http(request: Request, error: HTTPException) -> Response:
        if error.status_code == 404:
            return error_response(
                request, 404, "That isn't here", "The page may have moved, or the round may have been deleted."
            )
        if error.status_code == 405:
            detail = f"This address takes no {request.method} request. Open the page here and use its buttons."
        else:
            detail = str(error.detail)
        response = error_response(request, error.status_code, "That didn't work", detail)
        response.headers.update(error.headers or {})
        return response


def unexpected(request: Request, error: Exception) -> Response:
    """The page for an error of nobody's. The log gets no message of it: that may quote an answer."""
    _log.error("unexpected error on %s: %s", request.url.path, frames(error))
    detail = "Greenroom made a mistake; what you sent before is safe. Reload the page, and report it if it stays."
    return error_response(request, 500, "Something broke", detail, kept=getattr(request.state, "kept", ""))
