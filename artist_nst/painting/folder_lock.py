"""Keep two processes from painting into one folder."""

from __future__ import annotations

import hashlib
import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout
from platformdirs import user_cache_path

from artist_nst.errors import ArtistNstError

log = logging.getLogger(__name__)


@contextmanager
def exclusive_lock(folder: Path) -> Iterator[None]:
    """Keep other processes of this user from painting into the same folder.

    Raises:
        ArtistNstError: Another process is painting there.
    """
    # The lock file is not in the folder of paintings, which is the user's.
    place = os.path.realpath(folder).encode(errors="replace")
    locks = user_cache_path("artist-nst", appauthor=False) / "locks"
    lock = FileLock(locks / f"{hashlib.sha256(place).hexdigest()[:16]}.lock", timeout=0)
    try:
        locks.mkdir(parents=True, exist_ok=True)
        lock.acquire()
    except Timeout:
        raise ArtistNstError(
            f"{folder}: another artist-nst is painting there: wait for it, or choose "
            "another folder with -o"
        ) from None
    except OSError as error:
        log.debug("no other process is kept out: %s", error)
    try:
        yield
    finally:
        lock.release()
