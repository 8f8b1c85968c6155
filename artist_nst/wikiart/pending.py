"""What a work still needs: its page, its picture, or a better one."""

import hashlib
from contextlib import suppress
from pathlib import Path
from typing import get_args

from artist_nst.corpus.works import Corpus, Work
from artist_nst.errors import ArtistNstError
from artist_nst.wikiart.download import Size, is_outdated, size_of
from artist_nst.wikiart.listing import has_page, is_kept

SIZES: tuple[Size, ...] = get_args(Size)  # from smaller to larger


def needs_page(work: Work, *, details: bool) -> bool:
    """Whether the work's own page is to be read: for details, or for its picture."""
    if not work.url:
        return False
    if not work.image_url and work.status != "restricted":
        return True
    # Of a work that is withheld in the list, the page may show the picture.
    return (details or not work.image_url) and not has_page(work)


def needs_picture(work: Work, size: Size) -> bool:
    """Whether a picture is to be had, or a better one than what is here."""
    if work.status != "ok":
        return work.status != "restricted"
    if not work.image_url or is_kept(work):
        return False
    is_smaller = SIZES.index(size_of(work)) < SIZES.index(size)
    return is_smaller or is_outdated(work)


def whats_broken(corpus: Corpus, work: Work, *, thoroughly: bool) -> str:
    """What is wrong with the file of a work that should be here; "" if nothing.

    Args:
        thoroughly: its hash is compared, not only its length.
    """
    path = path_of(corpus, work)
    if path is None:
        return "its file is nowhere"
    try:
        if path.stat().st_size != work.bytes:
            return "its file has another length"
        if thoroughly:
            with path.open("rb") as file:
                if hashlib.file_digest(file, "sha256").hexdigest() != work.sha256:
                    return "its file has changed"
    except FileNotFoundError:
        return "its file is gone"
    except OSError as error:
        return f"its file can't be read ({error.strerror})"
    return ""


def path_of(corpus: Corpus, work: Work) -> Path | None:
    """Where a work's file should be; None if nowhere in the corpus."""
    with suppress(ArtistNstError):
        return corpus.path(work)
    return None
