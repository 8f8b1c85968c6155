"""What routes get from the application."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Request

from artist_nst.web.studio import Studio


def get_studio(request: Request) -> Studio:
    """Return the application's studio."""
    studio: Studio = request.app.state.studio
    return studio


StudioOf = Annotated[Studio, Depends(get_studio)]
