"""The studio's folder: paintings, and what they are made of, in folders beside them."""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path

from artist_nst.errors import ArtistNstError, UsageError

MIN_FREE_BYTES = 500_000_000  # of the disk, below which nothing more is taken in

_FOLDERS = re.compile(r"(?<![\w.:/~-])(?:/|[A-Za-z]:\\)(?:[^/\\\s'\":]+[/\\])+")


def hide_folders(text: str) -> str:
    """Cut folders off the absolute paths in a message, which others may read, too."""
    home = os.path.expanduser("~").rstrip(os.sep)
    return _FOLDERS.sub("", text.replace(home + os.sep, "") if home else text)


class StudioFolder:
    """Folders below one that the user names; all are created.

    Args:
        root: Holds the paintings.

    Raises:
        UsageError: It cannot be created, or is a file.
    """

    def __init__(self, root: Path) -> None:
        self.root = root.absolute()
        self.photos = self.root / "photos"
        self.masks = self.root / "masks"
        self.comparisons = self.root / "comparisons"
        self.surveys = self.root / "surveys"
        self.thumbnails = self.root / ".thumbnails"
        for folder in (
            self.photos,
            self.masks,
            self.comparisons,
            self.surveys,
            self.thumbnails,
        ):
            try:
                folder.mkdir(parents=True, exist_ok=True)
            except OSError as error:
                raise UsageError(
                    f"-o {root}: the folder cannot be created ({error.strerror}); "
                    "choose another"
                ) from error
        if not os.access(self.root, os.W_OK):
            raise UsageError(f"-o {root}: the folder can't be written to")

    def check_space(self, needed: int = 0) -> None:
        """Raise ArtistNstError if the disk is nearly full, or would be."""
        free = shutil.disk_usage(self.root).free
        if free - needed < MIN_FREE_BYTES:
            raise ArtistNstError(
                f"the disk has {free / 1e6:.0f} MB left: free some space first"
            )
