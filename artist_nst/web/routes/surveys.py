"""Surveys in the studio: create them, and look at their results."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Response
from fastapi.responses import HTMLResponse

from artist_nst.errors import UsageError, format_count
from artist_nst.surveys.creation import MIN_ITEMS, create_survey
from artist_nst.surveys.paintings import list_paintings
from artist_nst.surveys.store import Survey
from artist_nst.surveys.survey import QUESTIONS
from artist_nst.web.dependencies import StudioOf
from artist_nst.web.models import SurveyRequest
from artist_nst.web.studio import Studio
from artist_nst.web.survey_results import download_csv, show_report, view_statistics
from artist_nst.web.templates import render

router = APIRouter()


def find_survey(studio: StudioOf, survey_id: str) -> Survey:
    """Return the survey that an address names; KeyError if there is none."""
    return studio.surveys.find(survey_id)


SurveyOf = Annotated[Survey, Depends(find_survey)]


@router.get("/surveys", response_class=HTMLResponse, include_in_schema=False)
def show_surveys() -> str:
    """Show the surveys, and a form for a new one."""
    return render("surveys.html", page="surveys", questions=QUESTIONS)


@router.get("/surveys/{survey_id}", include_in_schema=False)
def show_results(survey: SurveyOf, survey_id: str) -> Response:
    """Show the results of a survey."""
    links = {
        "All surveys": "/surveys",
        "Answers as CSV": f"/api/surveys/{survey_id}/answers.csv",
        "The raters’ page": f"/s/{survey_id}",
    }
    return show_report(survey, links)


@router.get("/api/surveys", tags=["surveys"])
def list_surveys(studio: StudioOf) -> list[dict[str, Any]]:
    """List the surveys, the one that was changed last first."""
    surveys = studio.surveys.list_surveys()
    return [view_survey(survey_id, survey) for survey_id, survey in surveys.items()]


@router.post("/api/surveys", status_code=201, tags=["surveys"])
def add_survey(studio: StudioOf, request: SurveyRequest) -> dict[str, Any]:
    """Create a survey."""
    studio.folder.check_space()
    paintings = _find_paintings(studio, request)
    if len(paintings) < MIN_ITEMS[request.kind]:
        least = format_count(MIN_ITEMS[request.kind], "painting")
        raise UsageError(f"choose at least {least}")
    path = studio.surveys.make_path()
    survey = create_survey(
        path,
        paintings,
        kind=request.kind,
        title=request.title,
        question=request.question,
        show_photo=request.show_photo,
        show_works=request.show_works,
        corpora=studio.artists.corpora,
        root=studio.folder.root,
    )
    return view_survey(path.stem, survey)


@router.get("/api/surveys/{survey_id}", tags=["surveys"])
def get_survey(survey: SurveyOf, survey_id: str) -> dict[str, Any]:
    """Show a survey and what the answers say so far; null where it is undefined."""
    return view_survey(survey_id, survey) | {"statistics": view_statistics(survey)}


@router.get("/api/surveys/{survey_id}/answers.csv", tags=["surveys"])
def get_answers(survey: SurveyOf) -> Response:
    """Download all answers as a table."""
    return download_csv(survey)


def view_survey(survey_id: str, survey: Survey) -> dict[str, Any]:
    """View a survey, and how many have answered it."""
    is_pairs = survey.kind == "pairs"
    answers = survey.list_choices() if is_pairs else survey.list_ratings()
    return {
        "id": survey_id,
        "kind": survey.kind,
        "title": survey.title,
        "question": survey.question,
        "paintings": len(survey.items),
        "raters": len({answer.rater for answer in answers}),
        "answers": len(answers),
        "rate": f"/s/{survey_id}",
        "results": f"/surveys/{survey_id}",
    }


def _find_paintings(studio: Studio, request: SurveyRequest) -> dict[Path, str]:
    """Find the files that a survey is to be about, with their labels.

    Raises:
        UsageError: There is no such painting or comparison, or no choice was made.
    """
    if bool(request.paintings) == bool(request.comparison):
        raise UsageError("choose paintings, or a comparison")
    try:
        if request.comparison:
            return list_paintings(studio.paintings.find_comparison(request.comparison))
        known = {
            painting.id: painting.path for painting in studio.paintings.list_paintings()
        }
        return {known[key]: known[key].stem for key in request.paintings}
    except KeyError as error:
        raise UsageError("what you chose is no longer here") from error
