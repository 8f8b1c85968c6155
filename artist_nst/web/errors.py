"""Errors as one line: JSON for programs, a page for people."""

from __future__ import annotations

import logging

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, JSONResponse
from starlette.exceptions import HTTPException

from artist_nst.errors import ArtistNstError, UsageError
from artist_nst.web.folder import hide_folders
from artist_nst.web.queue import QueueFullError
from artist_nst.web.templates import choose_base, is_for_raters, render

log = logging.getLogger(__name__)


def add_error_handlers(app: FastAPI, raters: str = "/s/") -> None:
    """Let an application answer every error with a line.

    Args:
        app: The application.
        raters: Paths that start so are for raters, who see nothing of the studio.
    """
    app.state.raters = raters
    for error, handler in {
        UsageError: _answer_usage_error,
        ArtistNstError: _answer_failure,
        RequestValidationError: _answer_invalid,
        KeyError: _answer_unknown,
        FileNotFoundError: _answer_unknown,
        HTTPException: _answer_http_error,
        Exception: _answer_bug,
    }.items():
        app.add_exception_handler(error, handler)


def _answer(request: Request, status: int, reason: str) -> Response:
    """Answer with a line: JSON for scripts, else a page."""
    reason = hide_folders(reason)
    is_page = "text/html" in request.headers.get("accept", "")
    is_script = is_for_raters(request) and not is_page
    if is_script or request.url.path.startswith("/api/"):
        return JSONResponse({"error": reason}, status)
    base = choose_base(request)
    page = render("error.html", base=base, page="", status=status, error=reason)
    return HTMLResponse(page, status)


async def _answer_usage_error(request: Request, error: Exception) -> Response:
    return _answer(request, 422, str(error))


async def _answer_failure(request: Request, error: Exception) -> Response:
    if isinstance(error, QueueFullError):
        response = _answer(request, 503, str(error))
        response.headers["Retry-After"] = "30"
        return response
    if is_for_raters(request):
        # They keep their answer and try again; the reason is for who runs the survey.
        log.error("%s", error)
        return _answer(request, 503, "the survey cannot be used now: try again later")
    return _answer(request, 400, str(error))


async def _answer_invalid(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    first = error.errors()[0]
    place = ".".join(str(part) for part in first["loc"][1:]) or "the request"
    return _answer(request, 422, f"{place}: {first['msg']}")


async def _answer_unknown(request: Request, _: Exception) -> Response:
    return _answer(request, 404, "there is nothing here, or no longer")


async def _answer_http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    if error.status_code == 404:
        return await _answer_unknown(request, error)
    return _answer(request, error.status_code, str(error.detail).lower())


async def _answer_bug(request: Request, error: Exception) -> Response:
    log.error("%s %s failed", request.method, request.url.path, exc_info=error)
    return _answer(request, 500, "something went wrong: the terminal says what")
