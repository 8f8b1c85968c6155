"""An output folder behind a URL: its ledger, log and report, kept here and there."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from artist_nst._files import translate_write_errors, write_bytes
from artist_nst.batch import urls
from artist_nst.batch.job_log import LOG_FILE
from artist_nst.batch.ledger import LEDGER_FILE
from artist_nst.batch.report import REPORT_FILE
from artist_nst.batch.results_table import PARQUET
from artist_nst.errors import ArtistNstError
from artist_nst.painting.output_names import TABLE

PUSH_SECONDS = 30.0  # between two copies of the ledger
PUSH_SHARE = 20  # copying takes one part of the time

log = logging.getLogger(__name__)


def pull(folder: Path) -> None:
    """Add the lines that the store's ledger and log have to those here.

    Another machine may have painted since; or this one was stopped before it could
    write its last lines to the store.

    Raises:
        ArtistNstError: The store cannot be read.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for name in (LEDGER_FILE, LOG_FILE):
        path = folder / name
        here = path.read_bytes() if path.is_file() else b""
        there = urls.read_bytes(path)
        lines = dict.fromkeys([*there.split(b"\n"), *here.split(b"\n")])
        content = b"".join(line + b"\n" for line in lines if line)
        if content:
            with translate_write_errors(path):
                write_bytes(path, content)


@contextmanager
def synchronized(folder: Path) -> Iterator[Callable[[], None]]:
    """Keep the ledger, log and report in the store up to date.

    The store is written to at once: what is wrong is told before the first job.

    Args:
        folder: Of the outputs; nothing is done if it is behind no URL.

    Yields:
        A function to be called now and then.

    Raises:
        ArtistNstError: The store cannot be read or written to.
    """
    if urls.to_url(folder) is None:
        yield lambda: None
        return
    pull(folder)
    (folder / LOG_FILE).touch()
    copies = _Copies(folder)
    copies.write()
    try:
        yield copies.write_if_due
    except BaseException:
        copies.try_to_write()
        raise
    copies.write()


class _Copies:
    """Copies in the store of the files that a batch writes besides its paintings."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._written: dict[str, tuple[int, int]] = {}
        self._next = time.monotonic() + PUSH_SECONDS

    def write(self) -> None:
        """Write those that have changed; raises ArtistNstError if the store refuses."""
        for name in (LOG_FILE, LEDGER_FILE, TABLE, PARQUET, REPORT_FILE):
            path = self.folder / name
            if not path.is_file():
                continue
            status = path.stat()
            stamp = status.st_size, status.st_mtime_ns
            if self._written.get(name) != stamp:
                urls.upload(path)
                self._written[name] = stamp

    def write_if_due(self) -> None:
        """Write them now and then."""
        if time.monotonic() < self._next:
            return
        started = time.monotonic()
        self.try_to_write()
        now = time.monotonic()
        self._next = now + max(PUSH_SECONDS, PUSH_SHARE * (now - started))

    def try_to_write(self) -> None:
        """Write those that have changed; a failure is logged."""
        try:
            self.write()
        except ArtistNstError as error:
            log.warning("%s", error)
