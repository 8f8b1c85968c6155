"""The page that asks for the token."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse

from artist_nst.web.security import SESSION, Guard
from artist_nst.web.templates import choose_base, render

router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)


@router.get("/token")
def ask_for_token(request: Request) -> str:
    """Ask for the token."""
    return _render_form(request)


@router.post("/token")
def open_session(request: Request, token: Annotated[str, Form()] = "") -> Response:
    """Open a session for who knows the token."""
    guard: Guard = request.app.state.guard
    secret = guard.open_session(token.strip())
    if secret is None:
        return HTMLResponse(_render_form(request, "That is not the token."), 403)
    response = RedirectResponse(request.app.state.home, 303)
    response.set_cookie(SESSION, secret, httponly=True, samesite="strict")
    return response


def _render_form(request: Request, error: str = "") -> str:
    return render("token.html", base=choose_base(request), page="", error=error)
