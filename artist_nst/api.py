"""The functions that Python imports, whose errors speak of arguments, not options."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

from artist_nst import collection
from artist_nst.errors import ArtistNstError, UsageError
from artist_nst.painting import networks, pipeline
from artist_nst.recipes import published
from artist_nst.recipes.recipe import OPTIONS, FieldError

P = ParamSpec("P")
R = TypeVar("R")

# Arguments that are not called like the command line's options.
_ARGUMENTS = {setting.option: field for field, setting in OPTIONS.items()}
_ARGUMENTS |= {"numiter": "iterations", "style-image": "style"}


def _name_arguments(function: Callable[P, R]) -> Callable[P, R]:
    """Replace ``--max-pixels`` by ``max_pixels`` in the errors of a function."""

    @wraps(function)
    def call(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return function(*args, **kwargs)
        except FieldError as error:
            raise UsageError(f"{error.field}{error.problem}") from error
        except ArtistNstError as error:
            error.args = (
                re.sub(
                    r"(?<![\w-])--([a-z][a-z-]+)",
                    lambda option: _ARGUMENTS.get(
                        option[1], option[1].replace("-", "_")
                    ),
                    str(error),
                ),
            )
            raise

    return call


adopt = _name_arguments(collection.adopt)
fetch = _name_arguments(collection.fetch)
load_network = _name_arguments(networks.load_network)
paint = _name_arguments(pipeline.paint)
recipe = _name_arguments(published.recipe)
