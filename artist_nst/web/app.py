"""The web application: routes, errors and the guard around them."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, JSONResponse
from fastapi.staticfiles import StaticFiles
from starlette.exceptions import HTTPException

from artist_nst._files import get_version
from artist_nst.errors import ArtistNstError, UsageError
from artist_nst.web.queue import QueueFullError
from artist_nst.web.routes import artists, library, pages, painting
from artist_nst.web.security import Guard
from artist_nst.web.studio import Studio
from artist_nst.web.templates import render

log = logging.getLogger(__name__)

STATIC = Path(__file__).parent / "static"


def create_app(studio: Studio, host: str = "127.0.0.1", token: str = "") -> Guard:
    """Create the application.

    Args:
        studio: What it shows; started and closed with the application.
        host: The address that it is served at.
        token: That everybody must know who is not on this machine.
    """

    @asynccontextmanager
    async def live(_: FastAPI) -> AsyncIterator[None]:
        studio.signal.bind(asyncio.get_running_loop())
        studio.start()
        threading.Thread(target=_load_late_modules, daemon=True).start()
        yield
        await asyncio.to_thread(studio.close)

    app = FastAPI(
        title="artist-nst studio",
        version=get_version() or "",
        lifespan=live,
        # Swagger's pages load scripts from elsewhere; ours is at /api.
        docs_url=None,
        redoc_url=None,
        openapi_url="/api/openapi.json",
    )
    app.state.studio = studio
    for module in (painting, library, artists, pages):
        app.include_router(module.router)
    app.mount("/static", StaticFiles(directory=STATIC), name="static")
    for error, handler in {
        UsageError: _answer_usage_error,
        ArtistNstError: _answer_failure,
        RequestValidationError: _answer_invalid,
        KeyError: _answer_unknown,
        HTTPException: _answer_http_error,
        Exception: _answer_bug,
    }.items():
        app.add_exception_handler(error, handler)
    guard = Guard(app, host, token)
    app.state.guard = guard
    return guard


def _load_late_modules() -> None:
    """Import what descriptions of paintings need, before the first is asked for."""
    import artist_nst.painting.description  # noqa: F401


def _answer(request: Request, status: int, reason: str) -> Response:
    """Answer with a line: JSON for the API, else a page."""
    if request.url.path.startswith("/api/"):
        return JSONResponse({"error": reason}, status)
    return HTMLResponse(
        render("error.html", page="", status=status, error=reason), status
    )


async def _answer_usage_error(request: Request, error: Exception) -> Response:
    return _answer(request, 422, str(error))


async def _answer_failure(request: Request, error: Exception) -> Response:
    if isinstance(error, QueueFullError):
        response = _answer(request, 503, str(error))
        response.headers["Retry-After"] = "30"
        return response
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
