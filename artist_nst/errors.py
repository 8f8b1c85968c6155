"""Errors in one line that say how to fix the problem, and words for them."""

from collections.abc import Iterable
from difflib import get_close_matches


class ArtistNstError(Exception):
    """A failure with a one-line message for the user; exit code 1."""


class UsageError(ArtistNstError):
    """The request itself is wrong; exit code 2."""


class TooLargeError(ArtistNstError):
    """The input is over one of our limits; trying again would not help."""


def format_count(count: int, noun: str) -> str:
    """Format a number of things: ``"1 work"``, ``"1,234 works"``."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def suggest(name: str, choices: Iterable[str]) -> str:
    """Say ``"did you mean 'conv4_2'?"``, or ``"choose from a, b, c"``."""
    names = list(choices)
    if similar := get_close_matches(name, names, n=3, cutoff=0.5):
        return f"did you mean {' or '.join(map(repr, similar))}?"
    return f"choose from {', '.join(names)}"
