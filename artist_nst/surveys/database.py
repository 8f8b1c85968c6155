"""The SQLite file of a survey: its tables, and connections to it."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from artist_nst._files import format_error, format_path, open_file
from artist_nst._types import PathLike
from artist_nst.errors import ArtistNstError

SQLITE = b"SQLite format 3\0"  # starts its files
APPLICATION_ID = 0x61727476  # tells a survey from other SQLite files
VERSION = 1
BUSY_SECONDS = 60  # that a call waits for the others'

# A pair is kept when it is asked, so that a reload asks it again; ``chosen`` is empty
# until it is answered.
SCHEMA = """
CREATE TABLE survey (
    kind TEXT NOT NULL,
    title TEXT NOT NULL,
    question TEXT NOT NULL,
    created TEXT NOT NULL
);
CREATE TABLE picture (
    sha256 TEXT PRIMARY KEY,
    jpeg BLOB NOT NULL
);
CREATE TABLE item (
    id INTEGER PRIMARY KEY,
    label TEXT NOT NULL,
    caption TEXT NOT NULL,
    painting TEXT NOT NULL REFERENCES picture,
    photo TEXT REFERENCES picture,
    work TEXT REFERENCES picture
);
CREATE TABLE rater (
    number INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE
);
CREATE TABLE rating (
    rater TEXT NOT NULL REFERENCES rater (id),
    item INTEGER NOT NULL REFERENCES item,
    value INTEGER NOT NULL CHECK (value BETWEEN 1 AND 5),
    time TEXT NOT NULL,
    seconds REAL,
    PRIMARY KEY (rater, item)
);
CREATE TABLE choice (
    rater TEXT NOT NULL,
    left_item INTEGER NOT NULL REFERENCES item,
    right_item INTEGER NOT NULL REFERENCES item,
    chosen INTEGER CHECK (chosen IN (left_item, right_item)),
    time TEXT,
    seconds REAL,
    PRIMARY KEY (rater, left_item, right_item)
);
"""


@contextmanager
def translate_database_errors(path: PathLike) -> Iterator[None]:
    """Raise what SQLite raises as an ArtistNstError of one line."""
    try:
        yield
    except sqlite3.Error as error:
        raise ArtistNstError(
            f"{format_path(path)} cannot be used as a survey ({format_error(error)}): "
            "check the disk, and that the file and its folder can be written to"
        ) from error


@contextmanager
def connect(path: PathLike) -> Iterator[sqlite3.Connection]:
    """Open a survey for one call; each statement is committed on its own.

    Raises:
        ArtistNstError: SQLite cannot read or write it.
    """
    uri = f"{Path(path).absolute().as_uri()}?mode=rw"
    with (
        translate_database_errors(path),
        closing(
            sqlite3.connect(uri, BUSY_SECONDS, isolation_level=None, uri=True)
        ) as database,
    ):
        database.executescript(
            "PRAGMA synchronous = FULL;"
            "PRAGMA foreign_keys = ON;"
            "PRAGMA trusted_schema = OFF;"
        )
        yield database


@contextmanager
def transaction(path: PathLike) -> Iterator[sqlite3.Connection]:
    """Open a survey for one call that is committed at the end, or not at all."""
    with connect(path) as database:
        database.execute("BEGIN IMMEDIATE")
        yield database
        database.execute("COMMIT")


@contextmanager
def new_database(path: Path) -> Iterator[sqlite3.Connection]:
    """Make a file with the tables of a survey, to be filled in the block."""
    with closing(sqlite3.connect(path, isolation_level=None)) as database:
        # The file gets its name only when it is complete: no journal is needed yet.
        database.executescript(
            "PRAGMA journal_mode = OFF;"
            "PRAGMA synchronous = OFF;"
            f"PRAGMA application_id = {APPLICATION_ID};"
            f"PRAGMA user_version = {VERSION};"
            f"{SCHEMA}"
        )
        database.execute("BEGIN")
        yield database
        database.execute("COMMIT")
        database.execute("PRAGMA journal_mode = WAL")


def check_database(path: PathLike) -> None:
    """Raise ArtistNstError if a file is no survey, or of a newer version."""
    with open_file(path) as stream:
        is_survey = stream.read(len(SQLITE)) == SQLITE
    if is_survey:
        with connect(path) as database:
            (application,) = database.execute("PRAGMA application_id").fetchone()
            (version,) = database.execute("PRAGMA user_version").fetchone()
        is_survey = application == APPLICATION_ID
    if not is_survey:
        raise ArtistNstError(
            f"{format_path(path)} is no survey: name a file that `artist-nst survey "
            "create` made"
        )
    if version > VERSION:
        raise ArtistNstError(
            f"{format_path(path)}: this survey is of version {version}, newer than "
            "this artist-nst reads; upgrade artist-nst"
        )
