"""The log of a batch: a line for what becomes of each job, with its key."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from pathlib import Path

from artist_nst._files import translate_write_errors

LOG_FILE = "batch.log"
KEY_LETTERS = 12  # that name a job; the ledger has the whole key


class JobLog:
    """Appends lines to the log in an output folder.

    Args:
        folder: Of the outputs.
    """

    def __init__(self, folder: Path) -> None:
        self.path = folder / LOG_FILE

    def write(self, key: str, *texts: str) -> None:
        """Append a line for each text about a job.

        Raises:
            ArtistNstError: The disk refuses them.
        """
        self._append(f"{key[:KEY_LETTERS]} {text}" for text in texts)

    def note(self, text: str) -> None:
        """Append a line about the batch.

        Raises:
            ArtistNstError: The disk refuses it.
        """
        self._append([text])

    def _append(self, texts: Iterable[str]) -> None:
        now = datetime.now().astimezone().isoformat(timespec="seconds")
        lines = [f"{now} {' '.join(text.split())}\n" for text in texts]
        with (
            translate_write_errors(self.path),
            open(self.path, "a", encoding="utf-8", errors="backslashreplace") as stream,
        ):
            stream.write("".join(lines))
