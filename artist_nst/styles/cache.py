"""On-disk cache of numbers computed from picture files."""

from __future__ import annotations

import hashlib
import logging
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from platformdirs import user_cache_path
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file

from artist_nst._files import atomic_write, hash_file
from artist_nst.errors import ArtistNstError

log = logging.getLogger(__name__)

Features = NDArray[np.float32]

# Of how pictures are read: arrays of an earlier version are computed anew.
READER_VERSION = 2
SAVE_INTERVAL = 20.0  # seconds of work that a killed process may lose


class FeatureCache:
    """Arrays computed from picture files, in the user's cache folder.

    An array belongs to a file's content, whatever the file's name. If the folder can't
    be written to, arrays are computed anew each time.

    Args:
        name: of the files' corpus, or of whatever is computed.
        key: all but the file that decides the numbers: another key, other arrays.
    """

    def __init__(self, name: str, key: str) -> None:
        # A folder's name may hold bytes that are not UTF-8.
        text = f"{name} {key} {READER_VERSION}".encode(errors="surrogatepass")
        digest = hashlib.sha256(text).hexdigest()[:16]
        safe_name = "".join(char if char.isalnum() else "-" for char in name)[:60]
        folder = user_cache_path("artist-nst", appauthor=False) / "works"
        self.path = folder / f"{safe_name}-{digest}.safetensors"

    def get_or_compute(
        self,
        paths: Sequence[Path],
        compute: Callable[[Path], Features],
        on_progress: Callable[[int, int], None] | None = None,
    ) -> list[Features | ArtistNstError]:
        """Get the array of every file, computed if it is not in the cache.

        Args:
            paths: the picture files.
            compute: gives an array of always the same shape, or raises ArtistNstError.
            on_progress: told how many of those to be computed are done, of how many.

        Returns:
            In the order of ``paths``; the error in place of a file that has no array.
        """
        hashes = [_try_hash(path) for path in paths]
        cached = self._read()
        missing = {
            digest: path
            for digest, path in zip(hashes, paths, strict=True)
            if isinstance(digest, str) and digest not in cached
        }
        failed: dict[str, ArtistNstError] = {}
        saved, unsaved = time.monotonic(), 0
        try:
            for number, (digest, path) in enumerate(missing.items(), 1):
                try:
                    cached[digest] = np.asarray(compute(path), dtype=np.float32)
                    unsaved += 1
                except ArtistNstError as error:
                    failed[digest] = error
                if on_progress is not None:
                    on_progress(number, len(missing))
                if unsaved and time.monotonic() - saved > SAVE_INTERVAL:
                    self._write(cached)
                    saved, unsaved = time.monotonic(), 0
        finally:
            if unsaved:
                self._write(cached)
        results: dict[str, Features | ArtistNstError] = {**cached, **failed}
        return [
            digest if isinstance(digest, ArtistNstError) else results[digest]
            for digest in hashes
        ]

    def _read(self) -> dict[str, Features]:
        """Read all arrays by their files' hashes; none if the cache file is damaged."""
        try:
            arrays = load_file(self.path)
        except (OSError, SafetensorError):
            return {}
        kinds = {(array.shape, array.dtype.name) for array in arrays.values()}
        is_whole = len(kinds) == 1 and kinds.pop()[1] == "float32"
        return arrays if is_whole else {}

    def _write(self, arrays: dict[str, Features]) -> None:
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with atomic_write(self.path) as temporary:
                # Arrays that another process has added meanwhile are kept.
                save_file({**self._read(), **arrays}, temporary)
        except (OSError, SafetensorError) as error:
            log.debug("features can't be cached in %s: %s", self.path.parent, error)


def _try_hash(path: Path) -> str | ArtistNstError:
    try:
        return hash_file(path)
    except ArtistNstError as error:
        return error
