"""The ledger of a batch: a line for each job that was painted or failed."""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

import msgspec

from artist_nst._files import describe_read_error, open_file, translate_write_errors
from artist_nst._validation import Count, Hash, Text
from artist_nst.errors import ArtistNstError

LEDGER_FILE = "batch.jsonl"

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """What became of a job.

    Attributes:
        key: The job's.
        out: Its output, relative to the folder.
        state: Whether it was painted.
        reason: Why it failed.
        seconds: That it took; None if not known.
        size: Of the output in bytes; None if there is none.
        mtime_ns: When the output was changed last, in nanoseconds; None if it is
            behind a URL.
        version: Of the output, as its store names it.
        time: When the job ended, in ISO 8601.
    """

    key: Hash
    out: Text
    state: Literal["finished", "failed"]
    reason: Text = ""
    seconds: float | None = None
    size: Count | None = None
    mtime_ns: int | None = None
    version: Text = ""
    time: Text = ""


class Ledger:
    """The ledger in an output folder; only lines are added to it.

    Args:
        folder: Of the outputs.

    Raises:
        ArtistNstError: It cannot be read.
    """

    def __init__(self, folder: Path) -> None:
        self.path = folder / LEDGER_FILE
        self.entries: dict[tuple[str, str], Entry] = {}
        if os.path.lexists(self.path):
            self._read()

    def find(self, key: str, out: str) -> Entry | None:
        """Return what became of a job last, if it is known."""
        return self.entries.get((key, out))

    def add(self, *entries: Entry) -> None:
        """Append entries, and wait until the disk has them.

        Raises:
            ArtistNstError: The disk refuses them.
        """
        with translate_write_errors(self.path), open(self.path, "ab+") as stream:
            lines = [json.dumps(asdict(entry)) for entry in entries]
            # A line that was cut off must not swallow the next one.
            start = "" if _ends_line(self.path) else "\n"
            stream.write("".join([start, *(f"{line}\n" for line in lines)]).encode())
            stream.flush()
            os.fsync(stream.fileno())
        self._note(entries)

    def _note(self, entries: Iterable[Entry]) -> None:
        for entry in entries:
            self.entries[entry.key, entry.out] = entry

    def _read(self) -> None:
        decoder = msgspec.json.Decoder(Entry)
        damaged = 0
        try:
            with open_file(self.path, allow_empty=True) as stream:
                for line in stream:
                    try:
                        self._note([decoder.decode(line)])
                    except (msgspec.MsgspecError, ValueError, RecursionError):
                        damaged += bool(line.strip())
        except OSError as error:
            raise ArtistNstError(describe_read_error(self.path, error)) from error
        if damaged:
            log.warning("%s: damaged lines are left out: %d", self.path, damaged)


def _ends_line(path: Path) -> bool:
    """Tell whether a file is empty, or ends in a line break."""
    with open(path, "rb") as stream:
        if stream.seek(0, os.SEEK_END) == 0:
            return True
        stream.seek(-1, os.SEEK_END)
        return stream.read() == b"\n"
