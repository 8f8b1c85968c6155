"""A polite client (being written)."""

from collections.abc import Callable
from typing import TypeVar

from artist_nst.errors import ArtistNstError

T = TypeVar("T")


class BadAnswerError(ArtistNstError):
    """The site answered something else than was asked for: worth another try."""


class NotFoundError(ArtistNstError):
    """The site has no such page or picture."""


class UnavailableError(ArtistNstError):
    """No usable answer, however often it was asked."""
