"""Read and write recipes as TOML files; fields left out are a named recipe's.

::

    base = "art.py"
    ratio = 2000
    levels = [[0.5, 100], [1.0, 60]]

    [content_layers]
    conv4_2 = 1.0
"""

import os
import tomllib
from dataclasses import replace
from pathlib import Path
from typing import Any

import tomli_w

from artist_nst._files import (
    check_writable,
    format_path,
    read_text,
    write_text,
)
from artist_nst._types import PathLike
from artist_nst.errors import UsageError, suggest
from artist_nst.recipes.published import PUBLICATIONS, RECIPES
from artist_nst.recipes.recipe import (
    FIELD_TYPES,
    FieldError,
    Recipe,
    check_drafts,
    read_value,
)

SUFFIX = ".toml"
MAX_FILE_BYTES = 16_000

_BASE = "default"
_LAYERS = ("content_layers", "style_layers", "neighbor_layers")
_HEADER = """\
# A recipe of artist-nst, for the option --recipe FILE.toml of paint and repaint.
# Change what you like, its name too. A field that is left out is the default recipe's,
# or that of the recipe which a line such as base = "art.py" names.
"""


def find_recipe(name: str) -> Recipe:
    """Return a named recipe, or the one in a file.

    Args:
        name: Of a recipe, or the path of a file that ends in ``.toml`` or exists.

    Raises:
        UsageError: An unknown name, or :func:`read_recipe`'s reasons.
    """
    if name in RECIPES:
        return RECIPES[name]
    if name.lower().endswith(SUFFIX) or os.path.isfile(name):
        return read_recipe(name)
    raise UsageError(
        f"unknown recipe {name!r}: {suggest(name, RECIPES)} (to read your own recipe, "
        "name its file with the ending: mine.toml)"
    )


def read_recipe(path: PathLike) -> Recipe:
    """Read the recipe in a TOML file.

    ``base`` names the recipe whose fields are taken if the file gives none
    (``default``). The name is the file's unless given. The fields are validated
    together, whatever their order; whether the network has the layers is not checked.

    Raises:
        UsageError: The file cannot be read, or a field is wrong.
    """
    name = format_path(path)
    values = _load(path, name)
    base = values.pop("base", _BASE)
    if not isinstance(base, str) or base not in RECIPES:
        raise UsageError(
            f"{name}: unknown base {base!r}: {suggest(str(base), RECIPES)}"
        )
    for key in values:
        if key not in FIELD_TYPES:
            hint = suggest(key, ("base", *FIELD_TYPES))
            raise UsageError(f"{name}: a recipe has no {key!r}: {hint}")
    defaults: dict[str, Any] = {
        "name": os.fsencode(Path(path).stem).decode("utf-8", "replace"),
        "source": f"based on {base}: {PUBLICATIONS[base].citation}",
    }
    try:
        changes = {key: read_value(key, value) for key, value in values.items()}
        recipe = replace(RECIPES[base], **{**defaults, **changes})
        if "draft_levels" in changes:
            check_drafts(recipe)
        return recipe
    except FieldError as error:
        raise UsageError(f"{name}: {error.field}{error.problem}") from error


def write_recipe(path: PathLike, recipe: Recipe) -> None:
    """Write every field of a recipe, exactly; a file that exists is replaced.

    Raises:
        UsageError: The name does not end in ``.toml``, or cannot be written there.
        ArtistNstError: The disk refused it.
    """
    check_writable(path, (SUFFIX,))
    values = recipe.to_dict()
    layers = {key: dict(values.pop(key)) for key in _LAYERS}
    # tomli_w would write every number of a list on a line of its own.
    levels = [[float(scale), count] for scale, count in values.pop("levels")]
    parts = (_HEADER, f"{tomli_w.dumps(values)}levels = {levels}\n")
    write_text(path, "\n".join((*parts, tomli_w.dumps(layers))))


def _load(path: PathLike, name: str) -> dict[str, Any]:
    text = read_text(
        path,
        MAX_FILE_BYTES,
        f"is too large for a recipe (over {MAX_FILE_BYTES:,} bytes): name another file",
        allow_empty=True,
    )
    try:
        return tomllib.loads(text.replace("\r\n", "\n"))
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{name} is not valid TOML: {error}") from error
