"""Validate data that others may have written, by the types it is declared with."""

import json
import re
from typing import Annotated, Any, TypeVar

import msgspec
from msgspec import Meta

T = TypeVar("T")

# For the names of JSON's types.
_WORDS = {
    "str": "text",
    "int": "a whole number",
    "float": "a number",
    "bool": "true or false",
    "null": "null",
    "object": "an object",
    "array": "a list",
}

Text = Annotated[str, Meta(max_length=20_000)]
"""May hold control characters and lone surrogates, as titles and file names do."""
Hash = Annotated[str, Meta(pattern=r"^[0-9a-f]{64}$")]
"""SHA-256, in hexadecimal."""
Side = Annotated[int, Meta(ge=1, le=10_000_000)]
"""In pixels."""
Count = Annotated[int, Meta(ge=0, le=2**63 - 1)]


def validate(values: object, kind: type[T]) -> T:
    """Return plain values as the type that they must be of; others' keys are dropped.

    Raises:
        ValueError: They are not of that type; the text says where.
    """
    try:
        return msgspec.convert(values, kind)
    except msgspec.ValidationError as error:
        raise ValueError(_describe(str(error))) from error
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error


def _describe(message: str) -> str:
    """Put msgspec's message in words: ``seed is text, not a whole number``."""
    problem, _, place = message.partition(" - at `$")
    place = place.strip(".`") or "it"
    if missing := re.fullmatch(r"Object missing required field `(.*)`", problem):
        return f"{place} has no {missing[1]}"
    if types := re.fullmatch(r"Expected `([^`]*)`, got `([^`]*)`", problem):
        expected, received = (
            " or ".join(_WORDS.get(name, name) for name in names.split(" | "))
            for names in types.groups()
        )
        return f"{place} is {received}, not {expected}"
    if "matching regex" in problem:
        return f"{place} has characters that are not allowed there, or too many"
    return f"{place} is out of range ({problem})"


def is_json(text: str | bytes) -> bool:
    """Tell whether a text is JSON as :func:`parse_json` reads it."""
    try:
        parse_json(text)
    except ValueError:
        return False
    return True


def parse_json(text: str | bytes) -> Any:
    """Parse JSON.

    Raises:
        ValueError: It is not JSON, or nested too deeply.
    """
    try:
        return json.loads(text)
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error
