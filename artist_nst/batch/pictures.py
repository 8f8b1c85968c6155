"""Sizes and hashes of pictures, each file opened once, and not again if it is known."""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

import msgspec

from artist_nst._files import describe_read_error, write_text
from artist_nst._validation import Hash, Side
from artist_nst.errors import ArtistNstError
from artist_nst.image.decoder import too_large_error
from artist_nst.image.header import PictureHeader, read_header

log = logging.getLogger(__name__)

CACHE_FILE = ".batch-pictures.json"
MAX_CACHE_BYTES = 1 << 30

# Bytes, mtime in nanoseconds, hash, width and height.
Facts = tuple[int, int, Hash, Side, Side]


class PictureIndex:
    """Reads pictures' headers and hashes.

    Args:
        folder: Holds the cache of an earlier run, if there was one.
        max_pixels: Larger pictures are refused.
        failures: Why pictures cannot be read that are known not to be.
    """

    def __init__(
        self,
        folder: Path,
        max_pixels: int,
        failures: Mapping[Path, ArtistNstError] = MappingProxyType({}),
    ) -> None:
        self.cache = folder / CACHE_FILE
        self.max_pixels = max_pixels
        self._known = _load(self.cache)
        self._used: dict[str, Facts] = {}
        self._read: dict[Path, PictureHeader | ArtistNstError] = {**failures}

    def read(self, path: Path) -> PictureHeader | ArtistNstError:
        """Return what is known of a picture, or why it cannot be read."""
        if path not in self._read:
            try:
                self._read[path] = self._look_up(path)
            except ArtistNstError as error:
                self._read[path] = error
        return self._read[path]

    @property
    def paths(self) -> list[Path]:
        """The pictures that could be read."""
        return [
            path
            for path, header in self._read.items()
            if isinstance(header, PictureHeader)
        ]

    def save(self) -> None:
        """Keep what is known for the next run, if the folder exists."""
        if self._used.items() <= self._known.items() or not self.cache.parent.is_dir():
            return
        try:
            write_text(self.cache, json.dumps(self._known | self._used))
        except ArtistNstError as error:
            log.debug("pictures will be hashed again: %s", error)

    def _look_up(self, path: Path) -> PictureHeader:
        try:
            status = os.stat(path)
        except (OSError, ValueError) as error:
            raise ArtistNstError(describe_read_error(path, error)) from error
        key, stamp = os.path.abspath(path), (status.st_size, status.st_mtime_ns)
        facts = self._used.get(key) or self._known.get(key)
        if facts is None or facts[:2] != stamp:
            header = read_header(path, max_pixels=self.max_pixels)
            facts = (*stamp, header.sha256, header.width, header.height)
        _, _, sha256, width, height = self._used[key] = facts
        if width * height > self.max_pixels:
            text = f"{width} × {height} pixels"
            raise too_large_error(str(path), text, self.max_pixels)
        return PictureHeader(sha256, width, height)


def _load(path: Path) -> dict[str, Facts]:
    """Read the cache; empty if there is none, or it is damaged."""
    try:
        if path.stat().st_size > MAX_CACHE_BYTES:
            return {}
        return msgspec.json.decode(path.read_bytes(), type=dict[str, Facts])
    except (OSError, ValueError, msgspec.MsgspecError, RecursionError):
        return {}
