"""The web application of one survey, without the studio."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

from fastapi import FastAPI, Response
from fastapi.responses import RedirectResponse
from fastapi.staticfiles import StaticFiles

from artist_nst.surveys.store import open_survey
from artist_nst.web.errors import add_error_handlers
from artist_nst.web.routes import rating, session
from artist_nst.web.security import Guard, is_public
from artist_nst.web.survey_results import download_csv, show_report
from artist_nst.web.templates import STATIC

RESULTS = "/results"


def create_survey_app(path: Path, host: str = "127.0.0.1", token: str = "") -> Guard:
    """Create the application: the raters' page, and the results behind the token.

    Args:
        path: The survey's file.
        host: The address that it is served at.
        token: That must be known to see the results.

    Raises:
        ArtistNstError: The file is no survey.
    """
    survey = open_survey(path)
    # Of the file, so that a browser does not take another survey for this one.
    survey_id = hashlib.sha256(os.fsencode(survey.path)).hexdigest()[:16]
    raters_page = f"/s/{survey_id}"
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
    app.state.find_survey = {survey_id: survey}.__getitem__
    app.state.home = RESULTS

    @app.get("/")
    def show_raters_page() -> Response:
        return RedirectResponse(raters_page, 303)

    @app.get(RESULTS)
    def show_results() -> Response:
        links = {"Answers as CSV": f"{RESULTS}/answers.csv", "Rate": raters_page}
        return show_report(survey, links)

    @app.get(f"{RESULTS}/answers.csv")
    def get_answers() -> Response:
        return download_csv(survey)

    app.include_router(rating.router)
    app.include_router(session.router)
    app.mount("/static", StaticFiles(directory=STATIC), name="static")
    add_error_handlers(app, raters="/")
    guard = Guard(app, host, token, lambda path: path == "/" or is_public(path))
    app.state.guard = guard
    return guard
