"""The columns of a job file: their names, and values as text."""

from __future__ import annotations

from reprlib import repr as shorten

from artist_nst.errors import UsageError, suggest
from artist_nst.recipes.settings import AXES_OF_OPTIONS, SETTING_AXES

NAMED_COLUMNS = (
    *("photo", "artist", "work", "pick", "style", "mask", "protect", "regions"),
    *("recipe", "seed", "out", "long-side"),
)
"""Those that are no setting of a recipe."""

COLUMNS = (*NAMED_COLUMNS, *AXES_OF_OPTIONS)

Value = str | list[str]


def find_column(name: str) -> str:
    """Return the column that a name means; a setting's by its axis.

    Raises:
        UsageError: There is none; names the nearest.
    """
    column = name.strip().lower().replace("_", "-")
    column = AXES_OF_OPTIONS.get(column, column)
    if column not in NAMED_COLUMNS and column not in SETTING_AXES:
        raise UsageError(f"unknown column {shorten(name)}: {suggest(column, COLUMNS)}")
    return column


def takes_list(column: str) -> bool:
    """Tell whether a column may have several values."""
    return column in ("work", "style", "mask") or column.endswith("-layer")


def read_value(column: str, value: object) -> Value | None:
    """Return a value of JSON or TOML as text, or texts; None if there is none.

    Raises:
        UsageError: It is of the wrong kind.
    """
    if value is None:
        return None
    if not isinstance(value, list):
        return _read_text(value).strip() or None
    if not takes_list(column):
        raise UsageError(f"it takes one value, not {shorten(value)}")
    texts = [_read_text(item).strip() for item in value]
    if not all(texts):
        raise UsageError("one of its values is empty: leave it out")
    return "+".join(texts) if column.endswith("-layer") else texts


def _read_text(value: object) -> str:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise UsageError(f"it must be text or a number, not {shorten(value)}")
    return str(value)
