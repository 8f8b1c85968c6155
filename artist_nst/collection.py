"""Works gathered into a corpus: fetched or adopted, every picture verified."""

from __future__ import annotations

import logging
import os
import shlex
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path

from artist_nst._types import PathLike
from artist_nst.corpus.adopt import (
    Adopted,
    OnProgress,
    check_folder,
    one_line,
    pictures_of,
)
from artist_nst.corpus.adopt import adopt as adopt_folder
from artist_nst.corpus.filters import Selection
from artist_nst.corpus.kaggle import adopt_kaggle, check_kaggle, is_kaggle
from artist_nst.corpus.names import folder_name
from artist_nst.corpus.works import corpora_folder, find_folder, name_of, titled
from artist_nst.errors import UsageError
from artist_nst.image.verify import verify_picture
from artist_nst.wikiart.client import Polite
from artist_nst.wikiart.fetch import fetch as fetch_artist
from artist_nst.wikiart.report import Progress, Report, Wish

__all__ = [
    "Adopted",
    "Polite",
    "Progress",
    "Report",
    "Selection",
    "Wish",
    "adopt",
    "fetch",
]

log = logging.getLogger(__name__)

MAX_PIXELS = 300_000_000


def fetch(
    artist: str,
    corpora: PathLike | None = None,
    *,
    wish: Wish | None = None,
    site: Polite | None = None,
    max_pixels: int = MAX_PIXELS,
    on_progress: Callable[[Progress], None] = lambda _: None,
) -> Report:
    """Bring an artist's corpus up to what is wished, from WikiArt.

    Args:
        artist: a name, or a slug as in WikiArt's addresses.
        corpora: where corpora are (see :func:`artist_nst.corpus.works.corpora_folder`).
        wish: which works, and how; all of them by default.
        site: the client, shared over several artists.
        max_pixels: of a picture; larger ones are refused.
        on_progress: told each page of the list and each work, from several threads.
    Returns:
        What was done. Ctrl-C ends it early, with ``interrupted`` set.
    Raises:
        UsageError: no artist, or several, are called so.
        ArtistNstError: the site or the disk failed, or another process is at it.
    """
    return fetch_artist(
        artist,
        corpora_folder(corpora),
        site or Polite(),
        partial(verify_picture, max_pixels=max_pixels),
        wish or Wish(),
        on_progress,
    )


def adopt(
    folder: PathLike,
    artist: str | None = None,
    corpora: PathLike | None = None,
    copy: bool = False,
    max_pixels: int = MAX_PIXELS,
    on_progress: OnProgress | None = None,
) -> list[Adopted]:
    """Make a corpus of a folder's pictures, or one of each artist in Kaggle's "Best
    Artworks of All Time". The originals stay as they are.

    Run again, it adds what is new and puts back what is missing.

    Args:
        artist: whose pictures these are; of Kaggle's artists, the one to adopt.
        corpora: where corpora are (see :func:`artist_nst.corpus.works.corpora_folder`).
        copy: the pictures, rather than giving them a second name (a hard link), by
            which an original that is edited in place changes the corpus too.
        max_pixels: of a picture; larger ones fail.
        on_progress: told how many pictures are done, of how many, and the last's name.
    Returns:
        What became of each artist's pictures; those that failed are in the manifest.
    Raises:
        UsageError: an artist is to be named, or is unknown; ``folder`` is none; the
            corpus can't be added to.
        ArtistNstError: there are no pictures; the disk refused; another process works
            on the corpus.
    """
    if not os.fspath(folder):
        raise UsageError("no folder is named: say where the pictures are")
    place, verify = Path(folder), partial(verify_picture, max_pixels=max_pixels)
    target = corpora_folder(corpora)
    if is_kaggle(place):
        return adopt_kaggle(
            place, target, verify, only=artist, copy=copy, on_progress=on_progress
        )
    if artist is None:
        raise _nameless(place)
    other = _namesake(artist, target)
    adopted = adopt_folder(
        place, artist, target, verify, copy=copy, on_progress=on_progress
    )
    if other is not None and adopted.folder.exists():
        log.info(
            "note: %s (%s) is another corpus; `--artist %s` means this one from now on",
            name_of(other) or titled(other.name),
            other.name,
            shlex.quote(artist),
        )
    return [adopted]


def _nameless(place: Path) -> UsageError:
    """What to ask of who does not say whose pictures these are; if these are any."""
    check_folder(place)
    check_kaggle(place)
    pictures_of(place)
    name = titled(one_line(place.resolve().name))
    return UsageError(
        f"whose pictures are in {place}? add --artist NAME, such as "
        f"--artist {name or 'Claude Monet'!r}"
    )


def _namesake(artist: str, corpora: Path) -> Path | None:
    """The other corpus that ``artist`` has meant so far."""
    # No one is called so, or several; what the disk refuses is said when adopting.
    with suppress(UsageError, OSError):
        found = find_folder(artist, corpora)
        return found if found != corpora / folder_name(one_line(artist)) else None
    return None
