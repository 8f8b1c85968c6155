"""Create a survey about paintings."""

from __future__ import annotations

import hashlib
import io
import logging
import os
import sqlite3
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from PIL import Image

from artist_nst._files import (
    atomic_write,
    check_writable,
    format_path,
    translate_write_errors,
)
from artist_nst._types import PathLike
from artist_nst.corpus.names import clean_line, make_title
from artist_nst.errors import ArtistNstError, UsageError, format_count
from artist_nst.image.encoder import to_levels
from artist_nst.image.files import read_scaled
from artist_nst.painting.record_types import RecordedPicture, RecordedStyle
from artist_nst.surveys.database import new_database, translate_database_errors
from artist_nst.surveys.paintings import list_paintings
from artist_nst.surveys.references import (
    References,
    choose_main_style,
    describe_styles,
    find_reference,
    read_references,
)
from artist_nst.surveys.store import Survey, open_survey
from artist_nst.surveys.survey import QUESTIONS, Kind, Which

SUFFIXES = (".db", ".sqlite", ".sqlite3")
MAX_SIDE = 1200  # pixels of a picture in a survey
QUALITY = 90
MIN_ITEMS: dict[Kind, int] = {"rating": 1, "pairs": 2}
MAX_ITEMS = 500

log = logging.getLogger(__name__)


def create_survey(
    path: PathLike,
    source: PathLike | Mapping[Path, str],
    *,
    kind: Kind = "rating",
    question: str | None = None,
    title: str | None = None,
    show_photo: bool = False,
    show_works: bool = False,
    corpora: PathLike | None = None,
    root: Path | None = None,
    on_progress: Callable[[int, int], None] = lambda *_: None,
) -> Survey:
    """Create a survey about paintings, which it keeps copies of.

    A picture that cannot be read is left out, which is logged, as is how many photos or
    works cannot be shown.

    Args:
        path: The new file.
        source: A folder of paintings, of a comparison, or of any pictures; or files
            with their labels.
        kind: What is asked.
        question: In place of the kind's own.
        title: In place of the folder's name.
        show_photo: Whether to keep the photo that each was painted from.
        show_works: Whether to keep the work that each is after; of several, the one
            that most of it is after.
        corpora: The folder of corpora, in place of the one that a record names.
        root: Where paths in records start, in place of each painting's folder.
        on_progress: Called with the number of paintings that are read, and in all.

    Raises:
        UsageError: The file exists or cannot be written, or there are too few pictures
            or too many.
        ArtistNstError: The folder cannot be read, or the disk is full.
    """
    check_writable(path, SUFFIXES)
    _check_is_new(path)
    paintings: Mapping[Path, str]
    if isinstance(source, Mapping):
        paintings, name, place = source, "", "the list"
    else:
        paintings, place = list_paintings(Path(source)), format_path(source)
        name = make_title(Path(os.path.abspath(source)).name)
    if len(paintings) > MAX_ITEMS:
        raise UsageError(
            f"{place} holds {format_count(len(paintings), 'picture')}: "
            f"put the {MAX_ITEMS} at most to ask about into a folder of their own"
        )
    header = (
        kind,
        clean_line(title or "") or clean_line(name) or "Survey",
        clean_line(question or "") or QUESTIONS[kind],
        datetime.now(UTC).isoformat(timespec="seconds"),
    )
    with translate_write_errors(path), atomic_write(path) as temporary:
        with translate_database_errors(path), new_database(temporary) as database:
            database.execute("INSERT INTO survey VALUES (?, ?, ?, ?)", header)
            writer = _ItemWriter(database, show_photo, show_works, corpora, root)
            for number, (painting, label) in enumerate(paintings.items(), 1):
                writer.add(painting, label)
                on_progress(number, len(paintings))
        if writer.count < MIN_ITEMS[kind]:
            raise UsageError(
                f"{place} holds {format_count(writer.count, 'picture')} that can be "
                f"read, and the survey needs {MIN_ITEMS[kind]}: name a folder of "
                "paintings"
            )
        _check_is_new(path)
    writer.log_missing()
    return open_survey(path)


class _ItemWriter:
    """Adds paintings to a new survey, with their photos and works.

    Attributes:
        count: How many were added.
    """

    def __init__(
        self,
        database: sqlite3.Connection,
        show_photo: bool,
        show_works: bool,
        corpora: PathLike | None,
        root: Path | None,
    ) -> None:
        self.database = database
        wanted: dict[Which, bool] = {"photo": show_photo, "work": show_works}
        self.shown = [which for which, is_shown in wanted.items() if is_shown]
        self.corpora = corpora
        self.root = root
        self.count = 0
        self._missing: dict[Which, int] = dict.fromkeys(self.shown, 0)
        self._kept: dict[str, str | None] = {}

    def add(self, painting: Path, label: str) -> None:
        """Add a painting, unless it cannot be read, which is logged."""
        try:
            jpeg = encode_picture(painting)
        except ArtistNstError as error:
            log.warning("%s; it is left out", error)
            return
        references = read_references(painting)
        pictures = {
            which: self._keep(which, references, painting) for which in self.shown
        }
        for which, key in pictures.items():
            self._missing[which] += key is None
        self.count += 1
        self.database.execute(
            "INSERT INTO item VALUES (?, ?, ?, ?, ?, ?)",
            [
                self.count,
                clean_line(label) or f"painting {self.count}",
                clean_line(describe_styles(references)) if references else "",
                self._insert(jpeg),
                pictures.get("photo"),
                pictures.get("work"),
            ],
        )

    def _keep(
        self, which: Which, references: References | None, painting: Path
    ) -> str | None:
        """Keep the photo or work of a painting, if it can be found."""
        if references is None:
            return None
        picture: RecordedPicture | RecordedStyle = references["content"]
        if which == "work":
            picture = choose_main_style(references)
        sha256 = picture["sha256"]
        if sha256 not in self._kept:
            corpora = self.corpora or references["corpora"]
            path = find_reference(picture, self.root or painting.parent, corpora)
            self._kept[sha256] = None
            if path is not None:
                with suppress(ArtistNstError):
                    self._kept[sha256] = self._insert(encode_picture(path))
        return self._kept[sha256]

    def _insert(self, jpeg: bytes) -> str:
        """Insert a picture, once, and return its key."""
        key = hashlib.sha256(jpeg).hexdigest()
        self.database.execute(
            "INSERT OR IGNORE INTO picture VALUES (?, ?)", [key, jpeg]
        )
        return key

    def log_missing(self) -> None:
        """Say which photos and works cannot be shown."""
        for which, count in self._missing.items():
            if count:
                log.warning(
                    "the %s cannot be shown for %d of %s: it is not where the "
                    "painting's record says, or there is no record",
                    which,
                    count,
                    format_count(self.count, "painting"),
                )


def encode_picture(path: PathLike) -> bytes:
    """Encode a picture as a JPEG without metadata, of ``MAX_SIDE`` pixels at most.

    Raises:
        ArtistNstError: It cannot be read.
    """
    stream = io.BytesIO()
    image = Image.fromarray(to_levels(read_scaled(path, MAX_SIDE)))
    image.save(stream, "JPEG", quality=QUALITY)
    return stream.getvalue()


def _check_is_new(path: PathLike) -> None:
    if os.path.lexists(path):
        raise UsageError(
            f"{format_path(path)} exists already: choose another name, or delete it"
        )
