"""What fetch and adopt ask of whoever can decode a picture."""

from collections.abc import Callable
from pathlib import Path
from typing import Protocol


class Verified(Protocol):
    """What a picture turned out to be, once all of it was decoded."""

    @property
    def width(self) -> int:
        """In pixels, upright."""

    @property
    def height(self) -> int:
        """In pixels, upright."""

    @property
    def suffix(self) -> str:
        """Of its format, whatever its name says: ``".jpg"``."""


# Raises ArtistNstError for a damaged picture, TooLargeError beyond a limit.
Verify = Callable[[Path], Verified]
