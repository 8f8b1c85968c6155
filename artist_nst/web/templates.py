"""HTML from templates; every value is escaped."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any

from fastapi import Request
from jinja2 import Environment, PackageLoader, StrictUndefined

from artist_nst._files import get_version

STATIC = Path(__file__).parent / "static"  # what pages load
STUDIO, PLAIN = "base.html", "plain.html"  # what pages extend


@functools.cache
def _get_environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("artist_nst.web", "html"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals["version"] = get_version() or ""
    return environment


def render(template: str, *, base: str = STUDIO, **values: Any) -> str:
    """Render a template; ``page`` is the entry of the menu that is the current one."""
    return _get_environment().get_template(template).render(values, base=base)


def is_for_raters(request: Request) -> bool:
    """Tell whether a request is of a rater, who sees nothing of the studio."""
    return request.url.path.startswith(request.app.state.raters)


def choose_base(request: Request) -> str:
    """Choose what a page extends that raters may see, too."""
    return PLAIN if is_for_raters(request) else STUDIO
