"""Kaggle's "Best Artworks of All Time" adopted: a corpus of each of its artists.

They are in ``artists.csv``; the pictures in ``images/``, a folder for each artist, and
smaller ones in ``resized/``. Unpacking mangles some of the names.
"""

import csv
import logging
import os
import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from difflib import get_close_matches
from functools import cache, partial
from pathlib import Path

from artist_nst.corpus.adopt import (
    Adopted,
    OnProgress,
    adopt,
    described,
    one_line,
    pictures_below,
    unread,
)
from artist_nst.corpus.names import folder_name
from artist_nst.corpus.verify import Verify
from artist_nst.corpus.works import Work, fold
from artist_nst.errors import ArtistNstError, UsageError, nearest

log = logging.getLogger(__name__)

ARTISTS = "artists.csv"
PARTS = ("images", "resized")  # the better pictures first
ABOUT = ("years", "nationality", "wikipedia")  # columns that corpus.json takes over
NAMED = 5  # of those who are not in the list

_Artists = Mapping[str, Mapping[str, str]]
"""The rows of ``artists.csv``, by the name in them, folded."""


def is_kaggle(folder: Path) -> bool:
    """Whether it is laid out like the data set: artists in ``artists.csv``, pictures
    in ``images/`` or ``resized/``."""
    if any(os.path.isdir(folder / part) for part in PARTS):
        with (
            suppress(OSError, csv.Error),
            open(folder / ARTISTS, encoding="utf-8-sig", errors="replace") as file,
        ):
            return "name" in _columns(csv.reader(file))
    return False


def check_kaggle(folder: Path) -> None:
    """Say what a folder with ``artists.csv`` lacks to be the data set.

    Raises:
        ArtistNstError: it can't be read, names no artists, or has no pictures by it.
    """
    path = folder / ARTISTS
    if os.path.lexists(path):
        _listed(path)
        parts = " or ".join(f"{part}/" for part in PARTS)
        raise ArtistNstError(
            f"{path}: no {parts} beside it, in which Kaggle's pictures are; add "
            "--artist NAME if all pictures here are of one artist"
        )


def adopt_kaggle(
    folder: Path,
    corpora: Path,
    verify: Verify,
    *,
    only: str | None = None,
    copy: bool = False,
    on_progress: OnProgress | None = None,
) -> list[Adopted]:
    """Make a corpus of each artist in the data set.

    Pictures of no artist in the list are left out, which is logged. An artist whose
    corpus can't be added to, such as one that was fetched, is passed over, and what
    is in the way is in its ``failed``.

    Args:
        only: the artist to adopt, by name or a part of it.
        copy, verify: see :func:`artist_nst.corpus.adopt.adopt`.
    Raises:
        UsageError: no artist, or several, are called ``only``, or its corpus can't
            be added to.
        ArtistNstError: ``artists.csv`` can't be read, there are no pictures, another
            process works on a corpus, or the disk refused.
    """
    artists = _listed(folder / ARTISTS)
    wanted = list(artists) if only is None else [_called(only, artists)]
    pictures, nobodys = _sorted_out(folder, artists)
    if nobodys and only is None:
        some = ", ".join(f"{owner} ({n})" for owner, n in nobodys.most_common(NAMED))
        more = f" and {len(nobodys) - NAMED} more" if len(nobodys) > NAMED else ""
        log.warning("left out, of no artist in %s: %s%s", ARTISTS, some, more)
    found = {one: pictures[one] for one in wanted if one in pictures}
    if not found:
        raise ArtistNstError(f"{folder}: no pictures of {only or 'any of its artists'}")
    if without := [artists[one]["name"] for one in wanted if one not in pictures]:
        log.info("no pictures of %s", ", ".join(without))
    done, total = 0, sum(map(len, found.values()))

    def told(number: int, _: int, shown: str) -> None:
        if on_progress is not None:
            on_progress(done + number, total, shown)

    results = []
    for key, paths in found.items():
        row = artists[key]
        name, style = row["name"], row.get("genre") or None
        works = [replace(_numbered(path.stem, name), style=style) for path in paths]
        try:
            adopted = adopt(
                folder,
                name,
                corpora,
                verify,
                copy=copy,
                on_progress=told,
                pictures=list(zip(paths, works, strict=True)),
                about={one: row[one] for one in ABOUT if row.get(one)},
            )
        except UsageError as error:
            if only is not None:
                raise
            told(len(paths), total, "")
            target, why = corpora / folder_name(name), one_line(str(error))
            adopted = Adopted(name, target, len(paths), failed=(why,))
        results.append(adopted)
        done += len(paths)
    return results


# The list


def _columns(lines: Iterator[list[str]]) -> list[str]:
    return [name.strip().lower() for name in next(lines, [])]


def _listed(path: Path) -> _Artists:
    """The artists in ``artists.csv``, in its order."""
    found: dict[str, dict[str, str]] = {}
    try:
        with open(path, encoding="utf-8-sig", newline="") as file:
            lines = csv.reader(file)
            columns = _columns(lines)
            for cells in lines:
                row = dict(zip(columns, map(one_line, cells), strict=False))
                if key := _folded(row.get("name", "")):
                    found.setdefault(key, row)
    except OSError as error:
        raise unread(path, error) from error
    except (ValueError, csv.Error) as error:
        raise ArtistNstError(
            f"{path}: not a table in UTF-8 ({error}); download or save it again"
        ) from error
    if not found:
        raise ArtistNstError(f"{path}: no artists in it, in a column called name")
    return found


def _called(name: str, artists: _Artists) -> str:
    """The artist that ``name`` names, or a part of whose name it is."""
    key = _folded(name)
    if key in artists:
        return key
    words = set(key.split("-"))
    found = [one for one in artists if words <= set(one.split("-"))]
    if len(found) == 1:
        return found[0]
    if found:
        names = " or ".join(artists[one]["name"] for one in found)
        raise UsageError(f"--artist {name!r} may be {names}; say which")
    hint = nearest(name, [one["name"] for one in artists.values()])
    raise UsageError(f"--artist {name!r} is not in {ARTISTS}: {hint}")


def _folded(name: str) -> str:
    """Of a name in letters that :func:`fold` does not know, the name itself."""
    return fold(name) or one_line(name.replace("_", " "))


# The pictures


def _sorted_out(
    folder: Path, artists: _Artists
) -> tuple[dict[str, list[Path]], Counter[str]]:
    """Each artist's pictures, from ``images/``, else from ``resized/``; and how many
    there are of others, by what they are called."""
    found: dict[str, list[Path]] = {}
    nobodys: Counter[str] = Counter()
    matched = cache(partial(_matched, artists))
    for part in PARTS:
        root = folder / part
        if os.path.isdir(root / part):
            root = root / part
        here: defaultdict[str, list[Path]] = defaultdict(list)
        others: Counter[str] = Counter()
        for path in pictures_below(root) if os.path.isdir(root) else ():
            owner = _owner(path.relative_to(root))
            if key := matched(owner):
                here[key].append(path)
            else:
                others[one_line(owner)] += 1
        found = here | found
        nobodys |= others  # the same ones are in both
    return found, nobodys


def _owner(path: Path) -> str:
    """Whose picture: the folder's name, or the file's without its number."""
    if len(path.parts) > 1:
        return path.parts[0]
    return re.sub(r"[\s_-]*[0-9]*$", "", path.stem)


def _matched(artists: _Artists, owner: str) -> str | None:
    """The artist that a folder is named after."""
    if (key := _folded(owner)) in artists:
        return key
    # Unpacking has turned "ü" into box-drawing signs more than once.
    plain = fold(re.sub(r"[^\x00-\x7f]", "", owner))
    close = get_close_matches(plain, artists, n=1, cutoff=0.8)
    if not close:
        return None
    log.info("%s is taken for %s", one_line(owner), artists[close[0]]["name"])
    return close[0]


def _numbered(stem: str, artist: str) -> Work:
    """``"Claude_Monet_12"`` → "Claude Monet, no. 12"."""
    number = re.search(r"[0-9]+$", stem)
    return Work("", f"{artist}, no. {int(number[0])}") if number else described(stem)
