"""Collecting works into a corpus: fetch from WikiArt, or adopt a folder."""

from __future__ import annotations

import logging
import os
import shlex
from contextlib import suppress
from pathlib import Path

from artist_nst._types import PathLike
from artist_nst.corpus.adopt import (
    AdoptReport,
    OnProgress,
    check_source_folder,
    list_pictures,
)
from artist_nst.corpus.adopt import adopt as adopt_folder
from artist_nst.corpus.filters import Selection
from artist_nst.corpus.kaggle import adopt_kaggle, check_kaggle, is_kaggle
from artist_nst.corpus.names import clean_line, make_folder_name, make_title
from artist_nst.corpus.works import (
    choose_corpora_folder,
    find_corpus_folder,
    read_artist_name,
)
from artist_nst.errors import UsageError
from artist_nst.image.verify import MAX_PIXELS
from artist_nst.wikiart.client import WikiArtClient
from artist_nst.wikiart.fetch import fetch
from artist_nst.wikiart.report import FetchOptions, FetchProgress, FetchReport

__all__ = [
    "AdoptReport",
    "FetchOptions",
    "FetchProgress",
    "FetchReport",
    "Selection",
    "WikiArtClient",
    "adopt",
    "fetch",
]

log = logging.getLogger(__name__)


def adopt(
    folder: PathLike,
    artist: str | None = None,
    corpora: PathLike | None = None,
    copy: bool = False,
    max_pixels: int = MAX_PIXELS,
    on_progress: OnProgress | None = None,
) -> list[AdoptReport]:
    """Make a corpus of a folder's pictures; the originals stay as they are.

    Kaggle's "Best Artworks of All Time" becomes a corpus of each of its artists. Run
    again, it adds what is new and puts back what is missing.

    Args:
        folder: Of the pictures.
        artist: Whose pictures these are; of Kaggle's artists, the one to adopt.
        corpora: The folder of corpora (see
            :func:`artist_nst.corpus.works.choose_corpora_folder`).
        copy: Copy the pictures, rather than giving them a second name (a hard link),
            through which an original that is edited in place changes the corpus too.
        max_pixels: Of a picture; larger ones fail.
        on_progress: Called with the number of pictures done, of how many, and the
            last one's name.

    Returns:
        What happened to each artist's pictures; the manifest has those that failed.

    Raises:
        UsageError: An artist must be named, or is unknown; there is no such folder;
            the corpus cannot be added to.
        ArtistNstError: There are no pictures, the disk refused, or another process
            works on the corpus.
    """
    if not os.fspath(folder):
        raise UsageError("no folder is named: say where the pictures are")
    source, target = Path(folder), choose_corpora_folder(corpora)
    if is_kaggle(source):
        return adopt_kaggle(
            source,
            target,
            only=artist,
            copy=copy,
            max_pixels=max_pixels,
            on_progress=on_progress,
        )
    if artist is None:
        raise _no_artist_error(source)
    namesake = _find_namesake(artist, target)
    adopted = adopt_folder(
        source,
        artist,
        target,
        copy=copy,
        max_pixels=max_pixels,
        on_progress=on_progress,
    )
    if namesake is not None and adopted.folder.exists():
        log.info(
            "note: %s (%s) is another corpus; `--artist %s` means this one from now on",
            read_artist_name(namesake) or make_title(namesake.name),
            namesake.name,
            shlex.quote(artist),
        )
    return [adopted]


def _no_artist_error(folder: Path) -> UsageError:
    """Make the error that asks whose pictures these are, if there are pictures."""
    check_source_folder(folder)
    check_kaggle(folder)
    list_pictures(folder)
    name = make_title(clean_line(folder.resolve().name))
    return UsageError(
        f"whose pictures are in {folder}? add --artist NAME, such as "
        f"--artist {name or 'Claude Monet'!r}"
    )


def _find_namesake(artist: str, corpora: Path) -> Path | None:
    """Find the other corpus that ``artist`` has meant so far."""
    # No artist or several have that name; disk errors are reported when adopting.
    with suppress(UsageError, OSError):
        folder = find_corpus_folder(artist, corpora)
        return (
            None if folder == corpora / make_folder_name(clean_line(artist)) else folder
        )
    return None
