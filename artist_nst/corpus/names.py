"""Names of files, safe on every file system whatever the net calls a work."""

import hashlib
import re

from artist_nst.corpus.works import fold

# Letters of one case, so that no two names meet where case is not told apart.
SAFE_ID = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*", re.ASCII)
LONGEST_ID = 40
LONGEST_TITLE = 60


def file_name(id: str, title: str, suffix: str) -> str:
    """``"5772…77"``, ``"Bust of Young Man"``, ``".jpg"`` →
    ``"5772…77_bust-of-young-man.jpg"``.

    Only ``a-z``, ``0-9``, hyphens, one ``_`` at most and the suffix's dot, at most 110
    characters; two ids never give one name. An id that is not safe gives way to its
    hash.
    """
    safe = len(id) <= LONGEST_ID and SAFE_ID.fullmatch(id)
    # Windows takes some names for devices, whatever follows the dot: con.jpg.
    # An id alone can be such a name, a hash can't.
    if not safe or len(id) < 5:
        id = f"x{_hash(id)[:24]}"
    short = fold(title)[:LONGEST_TITLE].strip("-")
    return f"{id}_{short}{suffix}" if short else f"{id}{suffix}"


def folder_name(artist: str) -> str:
    """The folder of an artist's corpus: the folded name, ``"joan-miro"``.

    ``"works-of-<hash>"`` where nothing is left of the name.
    """
    return fold(artist)[:LONGEST_TITLE].strip("-") or f"works-of-{_hash(artist)[:8]}"


def other_folder_name(artist: str) -> str:
    """Where :func:`folder_name` is taken by another artist."""
    return f"{folder_name(artist)}-{_hash(artist)[:8]}"


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
