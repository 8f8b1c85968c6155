"""What a work still needs: its page, its picture, or a better one."""

from contextlib import suppress
from pathlib import Path
from typing import get_args

from artist_nst._files import hash_file
from artist_nst.corpus.works import Corpus, Work
from artist_nst.errors import ArtistNstError
from artist_nst.wikiart.download import Size, get_size_name, is_outdated
from artist_nst.wikiart.listing import has_details, is_kept

SIZES: tuple[Size, ...] = get_args(Size)  # from smallest to largest


def needs_page(work: Work, *, details: bool) -> bool:
    """Tell whether the work's own page must be read, for details or for its picture."""
    if not work.url:
        return False
    if not work.image_url and work.status != "restricted":
        return True
    # The page of a work that is withheld in the list may show the picture.
    return (details or not work.image_url) and not has_details(work)


def needs_picture(work: Work, size: Size) -> bool:
    """Tell whether the work has no picture yet, or there is a better one."""
    if work.status != "ok":
        return work.status != "restricted"
    if not work.image_url or is_kept(work):
        return False
    is_smaller = SIZES.index(get_size_name(work)) < SIZES.index(size)
    return is_smaller or is_outdated(work)


def find_file_problem(corpus: Corpus, work: Work, *, verify: bool) -> str:
    """Find out what is wrong with the file that a work should have; "" if nothing is.

    With ``verify``, the file's hash is compared, too, and not only its length.
    """
    path = find_path(corpus, work)
    if path is None:
        return "its file is nowhere"
    try:
        if path.stat().st_size != work.bytes:
            return "its file has another length"
        if verify and hash_file(path) != work.sha256:
            return "its file has changed"
    except FileNotFoundError:
        return "its file is gone"
    except (OSError, ArtistNstError) as error:
        return f"its file can't be read ({error})"
    return ""


def find_path(corpus: Corpus, work: Work) -> Path | None:
    """Return the path that a work's file should have; None if not in the corpus."""
    with suppress(ArtistNstError):
        return corpus.get_path(work)
    return None
