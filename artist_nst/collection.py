"""Collecting works into a corpus: fetch from WikiArt, or adopt a folder."""

from __future__ import annotations

import logging
import os
import re
import shlex
from contextlib import suppress
from pathlib import Path
from typing import Any

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

    Kaggle's "Best Artworks of All Time" becomes a corpus of each of its artists; so
    does a folder of artists' folders if no artist is named. Run again, it adds what is
    new and puts back what is missing.

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
        artists = _find_artist_folders(source)
        log.info(
            "%d folders, each an artist's; for one artist's, name it", len(artists)
        )
    else:
        artists = {artist: source}
    return [
        _adopt_folder(
            source,
            artist,
            target,
            copy=copy,
            max_pixels=max_pixels,
            on_progress=on_progress,
        )
        for artist, source in artists.items()
    ]


def _adopt_folder(
    source: Path, artist: str, target: Path, **options: Any
) -> AdoptReport:
    """Adopt one artist's pictures, and note what the name meant before."""
    namesake = _find_namesake(artist, target)
    adopted = adopt_folder(source, artist, target, **options)
    if namesake is not None and adopted.folder.exists():
        log.info(
            "note: %s (%s) is another corpus; `--artist %s` means this one from now on",
            read_artist_name(namesake) or make_title(namesake.name),
            namesake.name,
            shlex.quote(artist),
        )
    return adopted


def _find_artist_folders(folder: Path) -> dict[str, Path]:
    """Find a folder's folders of pictures, by the artists that they are named after.

    Raises:
        UsageError: There are not several, or some are named by numbers, such as years;
            or there are pictures beside them.
        ArtistNstError: There are no pictures.
    """
    check_source_folder(folder)
    check_kaggle(folder)
    parents = {
        folder / picture.relative_to(folder).parts[0]
        for picture in list_pictures(folder)
    }
    artists = {make_title(clean_line(path.name)): path for path in sorted(parents)}
    have_names = all(re.search(r"[^\W\d]{2}", name) for name in artists)
    if len(parents) > 1 and have_names and all(map(os.path.isdir, parents)):
        return artists
    name = make_title(clean_line(folder.resolve().name))
    raise UsageError(
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
