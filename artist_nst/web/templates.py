"""HTML from templates; every value is escaped."""

from __future__ import annotations

import functools
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from artist_nst._files import get_version


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


def render(template: str, **values: Any) -> str:
    """Render a template; ``page`` is the entry of the menu that is the current one."""
    return _get_environment().get_template(template).render(values)
