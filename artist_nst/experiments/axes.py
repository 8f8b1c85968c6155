"""What a comparison can vary: one setting of a recipe, the recipe, or the work."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from artist_nst.errors import UsageError, nearest
from artist_nst.recipes.recipe import Recipe, layers_of

Vary = Callable[[Recipe, str], Recipe]

# In bytes: two of them and a suffix are a file's name, and 255 is the most of that.
LONGEST_SLUG = 110


@dataclass(frozen=True, slots=True)
class Axis:
    """A setting and the values that it is to have, as typed.

    Attributes:
        name: of :data:`AXES`, or ``recipe`` or ``work``.
        values: from left to right, or from top to bottom.
    """

    name: str
    values: tuple[str, ...]

    def head(self, value: str) -> str:
        """Above a column, or beside a row: ``style scale 1.2``."""
        if self.name.endswith("-layer"):
            value = value.replace("+", " + ")
        return f"{self.name.replace('-', ' ')} {value}"

    def slug(self, value: str) -> str:
        """For file names: ``style-scale-1.2``; a long value ends in its hash."""
        slug = f"{self.name}-" + re.sub(r"[^\w.+=-]+", "-", value)
        if len(slug.encode()) <= LONGEST_SLUG:
            return slug
        digest = hashlib.sha256(value.encode("utf-8", "surrogatepass")).hexdigest()[:8]
        begin = slug.encode()[: LONGEST_SLUG - len(digest) - 1]
        return f"{begin.decode(errors='ignore')}-{digest}"


def axis(name: str, values: str) -> Axis:
    """An axis from a command line: ``axis("ratio", "1,5,25")``.

    Raises:
        UsageError: an unknown axis, no value, or one that is given twice; two
            that differ only in what file names can't show.
    """
    known = (*AXES, "recipe", "work")
    if name not in known:
        raise UsageError(f"unknown axis {name!r}: {nearest(name, known)}")
    texts = tuple(value.strip() for value in values.split(","))
    if not all(texts):
        raise UsageError(
            f"{name} {values!r}: write its values with commas between them, and none "
            "left out"
        )
    made = Axis(name, texts)
    files: dict[str, str] = {}
    for text in texts:
        # Some file systems know letters of one case only.
        file = made.slug(text).casefold()
        if files.get(file) == text:
            raise UsageError(f"{name}: {text} is given twice")
        if file in files:
            raise UsageError(
                f"{name}: {files[file]} and {text} would be painted to one file: "
                "leave one of them out"
            )
        files[file] = text
    return made


def vary(recipe: Recipe, name: str, value: str) -> Recipe:
    """The recipe with the setting of that axis changed.

    Raises:
        UsageError: the value can't be read, or can't be painted with.
    """
    try:
        return AXES[name](recipe, value)
    except UsageError as error:
        raise UsageError(f"{name} {value}: {error}") from error


def _with(recipe: Recipe, **changes: Any) -> Recipe:
    return replace(recipe, **changes)


def _number(text: str, kind: type[Any]) -> Any:
    try:
        return kind(text)
    except ValueError:
        what = "a whole number" if kind is int else "a number"
        raise UsageError(f"{text!r} is not {what}") from None


def _numeric(field: str, kind: type[Any] = float, **also: Any) -> Vary:
    return lambda recipe, text: _with(recipe, **{field: _number(text, kind)}, **also)


def _named(field: str) -> Vary:
    return lambda recipe, text: _with(recipe, **{field: text})


def _layers(field: str) -> Vary:
    return lambda recipe, text: _with(recipe, **{field: layers_of(text.split("+"))})


AXES: dict[str, Vary] = {
    "style-scale": _numeric("style_scale"),
    "ratio": _numeric("ratio"),
    "content-layer": _layers("content_layers"),
    "style-layer": _layers("style_layers"),
    "iterations": lambda recipe, text: recipe.with_iterations(_number(text, int)),
    "init": _named("init"),
    # As --tv does: what weighs a paper's sum is replaced.
    "tv": _numeric("tv", tv_sum=0.0),
    "network": _named("network"),
    "pool": _named("pool"),
    "optimizer": _named("optimizer"),
    "color": _named("color"),
    "width": _numeric("width", int),
}
"""The axes that change one setting of a recipe, by name."""
