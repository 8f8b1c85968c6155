"""The web application: routes, and the guard around them."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI
from fastapi.staticfiles import StaticFiles

from artist_nst._files import get_version
from artist_nst.web.errors import add_error_handlers
from artist_nst.web.routes import (
    artists,
    library,
    pages,
    painting,
    rating,
    session,
    surveys,
)
from artist_nst.web.security import Guard
from artist_nst.web.studio import Studio
from artist_nst.web.templates import STATIC


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
    app.state.find_survey = studio.surveys.find
    app.state.home = "/"
    for module in (painting, library, artists, surveys, rating, pages, session):
        app.include_router(module.router)
    app.mount("/static", StaticFiles(directory=STATIC), name="static")
    add_error_handlers(app)
    guard = Guard(app, host, token)
    app.state.guard = guard
    return guard


def _load_late_modules() -> None:
    """Import what descriptions of paintings need, before the first is asked for."""
    import artist_nst.painting.description  # noqa: F401
