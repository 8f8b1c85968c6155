"""What was computed of picture files, kept so that it is computed once."""

from __future__ import annotations

import hashlib
import logging
import os
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from platformdirs import user_cache_path
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file

from artist_nst.errors import ArtistNstError
from artist_nst.image.files import sha256_of

log = logging.getLogger(__name__)

Row = NDArray[np.float32]

# Seconds of work that a killed process may lose.
AT_RISK = 20.0


class Kept:
    """Rows of numbers, one for each picture file, in the user's cache folder.

    A row belongs to a file's content, whatever the file is called. Where the folder
    can't be written to, rows are computed anew each time.

    Args:
        name: of what they are of: a corpus.
        key: everything but the file that decides the numbers; another key, other rows.
    """

    def __init__(self, name: str, key: str) -> None:
        # A folder's name may hold bytes that are no UTF-8.
        text = f"{name} {key}".encode(errors="surrogatepass")
        digest = hashlib.sha256(text).hexdigest()[:16]
        plain = "".join(one if one.isalnum() else "-" for one in name)[:60]
        folder = user_cache_path("artist-nst", appauthor=False) / "works"
        self.path = folder / f"{plain}-{digest}.safetensors"

    def rows(
        self,
        paths: Sequence[Path],
        compute: Callable[[Path], Row],
        on_progress: Callable[[int, int], None] | None = None,
    ) -> list[Row | ArtistNstError]:
        """The row of every file, computed where it is not kept.

        Args:
            compute: gives a row of always the same shape, or raises ArtistNstError.
            on_progress: told how many of those to be computed are done, of how many.

        Returns:
            In the order of ``paths``; the error in place of a file that has no row.
        """
        found: list[str | ArtistNstError] = [_hash(path) for path in paths]
        known = self._read()
        places = {
            own: path
            for own, path in zip(found, paths, strict=True)
            if isinstance(own, str) and own not in known
        }
        failed: dict[str, ArtistNstError] = {}
        saved, unsaved = time.monotonic(), 0
        try:
            for number, (own, path) in enumerate(places.items(), 1):
                try:
                    known[own] = np.asarray(compute(path), dtype=np.float32)
                    unsaved += 1
                except ArtistNstError as error:
                    failed[own] = error
                if on_progress is not None:
                    on_progress(number, len(places))
                if unsaved and time.monotonic() - saved > AT_RISK:
                    self._write(known)
                    saved, unsaved = time.monotonic(), 0
        finally:
            if unsaved:
                self._write(known)
        return [
            own
            if isinstance(own, ArtistNstError)
            else failed[own]
            if own in failed
            else known[own]
            for own in found
        ]

    def _read(self) -> dict[str, Row]:
        """By the files' hashes; nothing where there is nothing sound."""
        try:
            return load_file(self.path)
        except (OSError, SafetensorError):
            return {}

    def _write(self, rows: dict[str, Row]) -> None:
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryDirectory(dir=self.path.parent) as folder:
                part = Path(folder) / self.path.name
                # With what another process has added; only what it writes in this
                # very moment is computed anew.
                save_file({**self._read(), **rows}, part)
                os.replace(part, self.path)
        except (OSError, SafetensorError) as error:
            log.debug("rows can't be kept in %s: %s", self.path.parent, error)


def _hash(path: Path) -> str | ArtistNstError:
    try:
        return sha256_of(path)
    except ArtistNstError as error:
        return error
