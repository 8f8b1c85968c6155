"""Small JPEGs of pictures on disk, made when first asked for and then kept."""

from __future__ import annotations

import hashlib
import threading
from pathlib import Path

from artist_nst._files import write_bytes
from artist_nst.image.encoder import encode, to_samples
from artist_nst.image.files import read_scaled

SIDES = (320, 1280)  # pixels of the longer side

# Each decodes a whole picture: more at once would only take memory.
_AT_ONCE = 2


class Thumbnails:
    """Thumbnails in one folder.

    Args:
        folder: Holds them.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._slots = threading.Semaphore(_AT_ONCE)

    def get(self, picture: Path, side: int) -> Path:
        """Return the path of a picture's thumbnail; make it if it is not there.

        Args:
            picture: The file.
            side: Of the longer side in pixels, one of ``SIDES``.

        Raises:
            ArtistNstError: The picture cannot be read.
            OSError: It is not there.
        """
        status = picture.stat()
        key = f"{picture}\0{status.st_mtime_ns}\0{status.st_size}\0{side}"
        name = hashlib.sha256(key.encode(errors="surrogatepass")).hexdigest()[:32]
        path = self.folder / f"{name}.jpg"
        if not path.exists():
            with self._slots:
                pixels = read_scaled(picture, side)
                write_bytes(path, encode(to_samples(pixels, None), ".jpg", path.name))
        return path
