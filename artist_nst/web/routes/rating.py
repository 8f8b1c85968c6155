"""The raters' page, and what it asks for. Raters are known by a random id only."""

from __future__ import annotations

import math
import re
import secrets
from collections.abc import Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Cookie, Depends, HTTPException, Request, Response
from fastapi.responses import HTMLResponse

from artist_nst.surveys.order import count_tasks, shuffle_items
from artist_nst.surveys.store import Survey
from artist_nst.surveys.survey import SCALE, Item, Task, Which
from artist_nst.web.models import AnswerRequest
from artist_nst.web.templates import render

router = APIRouter(prefix="/s/{survey_id}", include_in_schema=False)

COOKIE = "rater"
COOKIE_SECONDS = 365 * 24 * 3600
ANSWER_SECONDS = {"rating": 8, "pairs": 10}  # for which a rater looks, about
MAX_PRELOADED = 12
FOREVER = "private, max-age=31536000, immutable"


def find_survey(request: Request, survey_id: str) -> Survey:
    """Return the survey that an address names; KeyError if there is none."""
    survey: Survey = request.app.state.find_survey(survey_id)
    return survey


def find_rater(rater: Annotated[str, Cookie()] = "") -> str:
    """Return the rater's id; an error 409 if the browser has none of ours."""
    if not _is_rater(rater):
        raise HTTPException(409, "you are not a rater yet: open the survey's page")
    return rater


SurveyOf = Annotated[Survey, Depends(find_survey)]
RaterOf = Annotated[str, Depends(find_rater)]


@router.get("", response_class=HTMLResponse)
def show_page(
    survey: SurveyOf, survey_id: str, rater: Annotated[str, Cookie()] = ""
) -> Response:
    """Show the raters' page, and give a new rater an id."""
    total = count_tasks(survey.kind, len(survey.items))
    is_new = not _is_rater(rater)
    done = 0
    if not is_new:
        task = survey.next_task(rater)
        done = task.done if task else total
    page = render(
        "rate.html",
        survey=survey,
        survey_id=survey_id,
        done=done,
        total=total,
        minutes=math.ceil(total * ANSWER_SECONDS[survey.kind] / 60),
        scale=SCALE,
    )
    response = HTMLResponse(page)
    if is_new:
        _set_new_rater(response, survey_id)
    return response


@router.post("/raters", status_code=204)
def add_rater(_: SurveyOf, survey_id: str) -> Response:
    """Give the browser a new id: somebody else rates now."""
    response = Response(status_code=204)
    _set_new_rater(response, survey_id)
    return response


@router.get("/task")
def get_task(survey: SurveyOf, survey_id: str, rater: RaterOf) -> dict[str, Any]:
    """Show what to ask the rater next."""
    return _view_next_task(survey, survey_id, rater)


@router.post("/answers")
def add_answer(
    survey: SurveyOf, survey_id: str, rater: RaterOf, request: AnswerRequest
) -> dict[str, Any]:
    """Keep an answer, and show what to ask next."""
    survey.add_answer(rater, request.task, request.value, request.seconds)
    return _view_next_task(survey, survey_id, rater)


@router.get("/pictures/{item_id}/{which}.jpg")
def get_picture(survey: SurveyOf, item_id: int, which: Which) -> Response:
    """Show a picture of an item, which never changes."""
    jpeg = survey.get_picture(item_id, which)
    if jpeg is None:
        raise KeyError(item_id)
    return Response(jpeg, media_type="image/jpeg", headers={"Cache-Control": FOREVER})


def _is_rater(rater: str) -> bool:
    return re.fullmatch("[0-9a-f]{32}", rater) is not None


def _set_new_rater(response: Response, survey_id: str) -> None:
    response.set_cookie(
        COOKIE,
        secrets.token_hex(16),
        max_age=COOKIE_SECONDS,
        path=f"/s/{survey_id}",
        httponly=True,
        # Not strict: a link in a message leads a rater back to where they were.
        samesite="lax",
    )


def _view_next_task(survey: Survey, survey_id: str, rater: str) -> dict[str, Any]:
    """View the next task and how many there are; the task is null after the last."""
    task = survey.next_task(rater)
    total = count_tasks(survey.kind, len(survey.items))
    if task is None:
        return {"task": None, "done": total, "total": total}
    facts: dict[str, Any] = {"id": task.id}
    facts["paintings"] = [
        _make_address(survey_id, item, "painting") for item in task.items
    ]
    facts["photos"] = _list_references(survey, survey_id, task.items, "photo")
    facts["works"] = _list_references(survey, survey_id, task.items, "work")
    facts["preload"] = [
        _make_address(survey_id, item, which)
        for item in _guess_next(survey, rater, task)
        for which in item.pictures
    ]
    return {"task": facts, "done": task.done, "total": total}


def _list_references(
    survey: Survey, survey_id: str, items: Sequence[Item], which: Which
) -> list[str]:
    """List the photos or works of a task's items; one if both have the same."""
    shown = [item for item in items if which in item.pictures]
    if len(shown) == 2:
        first, second = (survey.get_picture(item.id, which) for item in shown)
        shown = shown[:1] if first == second else shown
    return [_make_address(survey_id, item, which) for item in shown]


def _make_address(survey_id: str, item: Item, which: Which) -> str:
    return f"/s/{survey_id}/pictures/{item.id}/{which}.jpg"


def _guess_next(survey: Survey, rater: str, task: Task) -> list[Item]:
    """Guess which items come next; of pairs, any may."""
    order = shuffle_items(rater, survey.items)
    if survey.kind == "pairs":
        return order[:MAX_PRELOADED]
    place = order.index(task.items[0])
    return order[place + 1 : place + 2]
