"""A recipe's settings by the names that people type, with values as typed."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from artist_nst.errors import UsageError
from artist_nst.recipes.recipe import (
    FIELD_TYPES,
    OPTIONS,
    Levels,
    Recipe,
    Weighted,
    change_field,
    parse_layers,
)

SETTING_AXES = {
    setting.axis or setting.option: field for field, setting in OPTIONS.items()
}
"""The recipe's field that each axis changes, by the axis's name."""

AXES_OF_OPTIONS = {
    setting.option: setting.axis or setting.option for setting in OPTIONS.values()
}
"""The axis of each command-line option: they are mostly called alike."""


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


def resize_recipe(
    recipe: Recipe, size: tuple[int, int], long_side: int | None
) -> Recipe:
    """Return the recipe with the width that gives the painting its long side.

    ``size`` is the photo's height and width.

    Raises:
        UsageError: ``long_side`` is below 1.
    """
    if long_side is None:
        return recipe
    if long_side < 1:
        raise UsageError(f"--long-side must be a number from 1 up, not {long_side}")
    return replace(recipe, width=scale_width(size, long_side))


def scale_width(size: tuple[int, int], long_side: int) -> int:
    """Return the width of a painting of that long side; ``size`` is the photo's."""
    height, width = size
    return max(1, round(width * long_side / max(height, width)))
