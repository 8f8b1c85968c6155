"""Thumbnails of paintings, for the report; kept of those that are behind URLs."""

from __future__ import annotations

import logging
from pathlib import Path

from artist_nst._files import translate_write_errors, write_bytes
from artist_nst.errors import ArtistNstError
from artist_nst.image.encoder import encode
from artist_nst.image.files import read_small

FOLDER = ".thumbnails"
THUMBNAIL_SIDE = 240  # pixels

log = logging.getLogger(__name__)


def make_thumbnail(path: Path) -> bytes:
    """Make a JPEG of a painting; empty if it cannot be read."""
    try:
        return bytes(encode(read_small(path, THUMBNAIL_SIDE), ".jpg", "thumbnail"))
    except ArtistNstError:
        return b""


def keep_thumbnail(folder: Path, key: str, jpeg: bytes) -> None:
    """Keep a job's thumbnail in the folder of the outputs."""
    path = folder / FOLDER / f"{key}.jpg"
    try:
        path.parent.mkdir(exist_ok=True)
        with translate_write_errors(path):
            write_bytes(path, jpeg)
    except (ArtistNstError, OSError) as error:
        log.debug("the report lacks a thumbnail: %s", error)


def find_thumbnail(folder: Path, key: str, out: str) -> bytes:
    """Return a job's thumbnail; empty if there is none."""
    try:
        return (folder / FOLDER / f"{key}.jpg").read_bytes()
    except OSError:
        return make_thumbnail(folder / out)
