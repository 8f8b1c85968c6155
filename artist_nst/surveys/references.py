"""The photo and the works of a painting, found where its record says."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path, PureWindowsPath
from typing import Annotated, TypedDict, cast

from msgspec import Meta

from artist_nst._files import hash_file
from artist_nst._types import PathLike
from artist_nst._validation import Text, parse_json, validate
from artist_nst.corpus.works import (
    Corpus,
    Work,
    choose_corpora_folder,
    find_corpus_folder,
    find_work,
    has_manifest,
    load_corpus,
)
from artist_nst.errors import ArtistNstError
from artist_nst.image.files import read_record
from artist_nst.painting.record_types import (
    RecordedPicture,
    RecordedStyle,
    RecordedWork,
)


class References(TypedDict):
    """The part of a painting's record that says what it was painted from."""

    content: RecordedPicture
    styles: Annotated[list[RecordedStyle], Meta(min_length=1)]
    corpora: Text | None


def read_references(painting: Path) -> References | None:
    """Read the references in a painting's record; None if there is no such record."""
    with suppress(ArtistNstError, ValueError):
        return validate(parse_json(read_record(painting)), References)
    return None


def is_sheet(picture: Path) -> bool:
    """Tell whether a picture is the sheet of a series of paintings."""
    with suppress(ArtistNstError, ValueError):
        return "sheet" in parse_json(read_record(picture))
    return False


def choose_main_style(references: References) -> RecordedStyle:
    """Choose the style that most of a painting is after, as far as is known."""
    return max(
        references["styles"], key=lambda style: style.get("share", style["weight"])
    )


def describe_styles(references: References) -> str:
    """Describe what a painting is after: ``after Night, Ada and 2 more``."""
    style = choose_main_style(references)
    if work := style["work"]:
        title = f"{work['title']}, {work['artist']}"
    elif style["path"]:
        # A record may have been written on Windows.
        title = PureWindowsPath(style["path"]).name
    else:
        return ""
    more = len(references["styles"]) - 1
    return f"after {title}{f' and {more} more' if more else ''}"


def find_reference(
    picture: RecordedPicture | RecordedStyle, folder: Path, corpora: PathLike | None
) -> Path | None:
    """Find a recorded picture by its hash, in the corpora or where it was.

    Args:
        picture: As a record has it.
        folder: Where a relative path may start, if not here.
        corpora: The folder of corpora.
    """
    for path in _list_candidates(picture, folder, corpora):
        with suppress(ArtistNstError):
            if os.path.isfile(path) and hash_file(path) == picture["sha256"]:
                return path
    return None


def _list_candidates(
    picture: RecordedPicture | RecordedStyle, folder: Path, corpora: PathLike | None
) -> Iterator[Path]:
    work = cast(RecordedWork | None, picture.get("work"))
    if work is not None:
        with suppress(ArtistNstError):
            yield _find_work_file(work, corpora)
    if picture["path"] is not None:
        # As it was typed: relative to here, or to the folder.
        original = Path(picture["path"])
        yield from (original, folder / original)


def _find_work_file(work: RecordedWork, corpora: PathLike | None) -> Path:
    folder = find_corpus_folder(work["corpus"], choose_corpora_folder(corpora))
    if has_manifest(folder):
        corpus = load_corpus(folder)
        return corpus.get_path(find_work(corpus, work["id"]))
    # Not by listing the folder, which a foreign record may choose.
    picture = Work(id=work["id"], title="", file=work["id"])
    return Corpus(folder, folder.name, "", ()).get_path(picture)
