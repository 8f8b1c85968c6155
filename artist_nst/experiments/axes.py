"""What a comparison can vary: a setting of a recipe, the recipe, works, the run."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from typing import Any

from artist_nst.errors import UsageError, suggest
from artist_nst.recipes.recipe import (
    FIELD_TYPES,
    OPTIONS,
    Levels,
    Recipe,
    Weighted,
    change_field,
    parse_layers,
)

# In bytes: a file's name is two of them and a suffix, and may have 255.
MAX_SLUG_BYTES = 110

SETTING_AXES = {
    setting.axis or setting.option: field for field, setting in OPTIONS.items()
}
"""The recipe's field that each axis changes, by the axis's name."""

SOURCE_AXES = ("artist", "pick", "work")
"""Those that decide which works are painted after."""

AXES = (*SETTING_AXES, "recipe", *SOURCE_AXES, "seed", "long-side", "precision")

# By the names of options, too.
_NAMES = {setting.option: setting.axis for setting in OPTIONS.values() if setting.axis}


@dataclass(frozen=True, slots=True)
class Axis:
    """A setting and the values that it is to have, as typed.

    Attributes:
        name: One of :data:`AXES`.
        values: From left to right, or from top to bottom.
    """

    name: str
    values: tuple[str, ...]

    def heading(self, value: str) -> str:
        """Return the text above a column, or beside a row: ``style scale 1.2``."""
        if self.name.endswith("-layer"):
            value = value.replace("+", " + ")
        return f"{self.name.replace('-', ' ')} {value}"

    def slug(self, value: str) -> str:
        """Return a part of a file name: ``style-scale-1.2``; a long one is hashed."""
        slug = f"{self.name}-" + re.sub(r"[^\w.+=-]+", "-", value)
        if len(slug.encode()) <= MAX_SLUG_BYTES:
            return slug
        digest = hashlib.sha256(value.encode("utf-8", "surrogatepass")).hexdigest()[:8]
        start = slug.encode()[: MAX_SLUG_BYTES - len(digest) - 1]
        return f"{start.decode(errors='ignore')}-{digest}"


def parse_axis(name: str, values: str) -> Axis:
    """Read an axis from a command line: ``parse_axis("ratio", "1,5,25")``.

    Raises:
        UsageError: An unknown axis, no value, or one that is given twice; two that
            would share a file name.
    """
    name = _NAMES.get(name, name)
    if name not in AXES:
        raise UsageError(f"unknown axis {name!r}: {suggest(name, AXES)}")
    texts = tuple(value.strip() for value in values.split(","))
    if not all(texts):
        raise UsageError(f"{name} {values!r}: separate its values by single commas")
    axis = Axis(name, texts)
    taken: dict[str, str] = {}
    for text in texts:
        # Some file systems do not tell upper from lower case.
        file_name = axis.slug(text).casefold()
        if taken.get(file_name) == text:
            raise UsageError(f"{name}: {text} is given twice")
        if file_name in taken:
            raise UsageError(
                f"{name}: {taken[file_name]} and {text} would be painted to one file: "
                "leave one of them out"
            )
        taken[file_name] = text
    return axis


def change_setting(recipe: Recipe, axis: str, text: str) -> Recipe:
    """Return the recipe with the setting of an axis changed.

    Args:
        recipe: What is varied.
        axis: One of :data:`SETTING_AXES`.
        text: The value as typed; layers are joined by ``+``.

    Raises:
        UsageError: The value cannot be read, or cannot be painted with.
    """
    field = SETTING_AXES[axis]
    try:
        return change_field(recipe, field, parse_value(FIELD_TYPES[field], text))
    except UsageError as error:
        raise UsageError(f"{axis} {text}: {error}") from error


def parse_value(kind: Any, text: str) -> Any:
    """Read a value of a field's type as typed; UsageError if it is not one."""
    if kind == Weighted:
        return parse_layers(text.split("+"))
    if kind not in (int, float, Levels):
        return text
    try:
        return float(text) if kind is float else int(text)
    except ValueError:
        what = "a number" if kind is float else "a whole number"
        raise UsageError(f"{text!r} is not {what}") from None
