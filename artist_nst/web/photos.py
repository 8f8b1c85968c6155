"""Pictures that users upload: photos, style images of their own, and masks."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import threading
from dataclasses import dataclass
from pathlib import Path

from artist_nst._files import make_temporary_path, replace_file
from artist_nst.corpus.names import fold
from artist_nst.errors import ArtistNstError
from artist_nst.image.verify import verify_picture

MAX_BYTES = 64 << 20
MAX_PIXELS = 120_000_000

_ID = re.compile(r"[0-9a-f]{16}")


@dataclass(frozen=True, slots=True)
class Photo:
    """An uploaded picture.

    Attributes:
        id: The start of its SHA-256.
        name: Made of the letters and digits of the name it was uploaded under.
        width, height: In pixels, upright.
    """

    id: str
    name: str
    width: int
    height: int


class PhotoStore:
    """Uploaded pictures, each once, in a folder named after its id.

    Args:
        folder: Holds them.

    Attributes:
        turn: Held while a picture is read and added: many at once would only take
            memory.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.turn = threading.Lock()
        self._sizes: dict[str, tuple[int, int]] = {}

    def add(self, name: str, content: bytes) -> Photo:
        """Keep a picture that decodes.

        Args:
            name: The name under which it was uploaded; only letters and digits of it
                are used.
            content: The file's bytes.

        Raises:
            ArtistNstError: It is too large, or no picture, or damaged.
        """
        if len(content) > MAX_BYTES:
            raise ArtistNstError(
                f"the picture has {len(content) / 1e6:.0f} MB: at most "
                f"{MAX_BYTES / 1e6:.0f} are taken"
            )
        photo_id = hashlib.sha256(content).hexdigest()[:16]
        if found := self._find_path(photo_id):
            return self._describe(photo_id, found)
        # Not under its name, which the messages would show with the server's path.
        temporary = make_temporary_path(self.folder / f"{photo_id}.upload")
        try:
            temporary.write_bytes(content)
            try:
                verified = verify_picture(temporary, max_pixels=MAX_PIXELS)
            except ArtistNstError as error:
                reason = str(error).replace(str(temporary), "the picture")
                raise ArtistNstError(reason) from error
            stem = fold(os.path.splitext(name)[0])[:40].strip("-") or "photo"
            path = self.folder / photo_id / f"{stem}{verified.suffix}"
            path.parent.mkdir(exist_ok=True)
            replace_file(temporary, path)
        finally:
            temporary.unlink(missing_ok=True)
        self._sizes[photo_id] = verified.width, verified.height
        return self._describe(photo_id, path)

    def find(self, photo_id: str) -> Path:
        """Return the path of a picture.

        Raises:
            KeyError: There is none.
        """
        path = self._find_path(photo_id)
        if path is None:
            raise KeyError(photo_id)
        return path

    def remove(self, photo_id: str) -> None:
        """Remove a picture; KeyError if there is none."""
        shutil.rmtree(self.find(photo_id).parent)

    def describe(self, photo_id: str) -> Photo:
        """Describe a picture; KeyError if there is none."""
        return self._describe(photo_id, self.find(photo_id))

    def list_recent(self, count: int = 12) -> list[Photo]:
        """List the pictures that were uploaded last."""
        folders = [path for path in self.folder.iterdir() if _ID.fullmatch(path.name)]
        folders.sort(key=lambda path: path.stat().st_mtime, reverse=True)
        found = ((path.name, self._find_path(path.name)) for path in folders[:count])
        return [self._describe(photo_id, path) for photo_id, path in found if path]

    def _find_path(self, photo_id: str) -> Path | None:
        folder = self.folder / photo_id
        if not _ID.fullmatch(photo_id) or not folder.is_dir():
            return None
        return next((path for path in folder.iterdir() if path.is_file()), None)

    def _describe(self, photo_id: str, path: Path) -> Photo:
        if photo_id not in self._sizes:
            verified = verify_picture(path, max_pixels=MAX_PIXELS)
            self._sizes[photo_id] = verified.width, verified.height
        return Photo(photo_id, path.name, *self._sizes[photo_id])
