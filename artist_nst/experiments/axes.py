"""What a comparison can vary: a setting of a recipe, the recipe, works, the run."""

from __future__ import annotations

from dataclasses import dataclass

from artist_nst.errors import UsageError, suggest
from artist_nst.painting.output_names import slug_setting, split_values
from artist_nst.recipes.settings import AXES_OF_OPTIONS, SETTING_AXES

SOURCE_AXES = ("artist", "pick", "work")
"""Those that decide which works are painted after."""

_WITHOUT_EFFECT = "mask-propagation"  # comparisons have no masks

AXES = (
    *(name for name in SETTING_AXES if name != _WITHOUT_EFFECT),
    "recipe",
    *SOURCE_AXES,
    "seed",
    "long-side",
    "precision",
)


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
        return slug_setting(self.name, value)


def parse_axis(name: str, values: str) -> Axis:
    """Read an axis from a command line: ``parse_axis("ratio", "1,5,25")``.

    Raises:
        UsageError: An unknown axis, no value, or one that is given twice; two that
            would share a file name.
    """
    name = AXES_OF_OPTIONS.get(name, name)
    if name not in AXES:
        raise UsageError(f"unknown axis {name!r}: {suggest(name, AXES)}")
    return Axis(name, split_values(name, values))
