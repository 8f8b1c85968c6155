"""Adopt Kaggle's "Best Artworks of All Time": a corpus of each of its artists.

The artists are in ``artists.csv``; the pictures in ``images/``, a folder for each
artist, and smaller ones in ``resized/``. Unpacking garbles some of the names.
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

from artist_nst._files import describe_read_error
from artist_nst.corpus.adopt import (
    AdoptReport,
    OnProgress,
    adopt,
    find_pictures,
    parse_stem,
)
from artist_nst.corpus.names import clean_line, fold, make_folder_name, match_name
from artist_nst.corpus.works import Work
from artist_nst.errors import ArtistNstError, UsageError, suggest
from artist_nst.image.verify import MAX_PIXELS

log = logging.getLogger(__name__)

ARTISTS = "artists.csv"
PARTS = ("images", "resized")  # the better pictures first
HEADER_COLUMNS = ("years", "nationality", "wikipedia")  # copied to corpus.json
MAX_NAMED = 5  # unlisted artists in a note
MANGLED = re.compile(r"[^\x00-\x7f]|#U[0-9a-f]{4}", re.IGNORECASE)
NUMBER = re.compile(r"[\s_-]*[0-9]*$")  # at the end of a file's name

_Artists = Mapping[str, Mapping[str, str]]  # rows of artists.csv by folded name


def is_kaggle(folder: Path) -> bool:
    """Tell whether a folder has the data set's files and folders."""
    if any(os.path.isdir(folder / part) for part in PARTS):
        with (
            suppress(OSError, csv.Error),
            open(folder / ARTISTS, encoding="utf-8-sig", errors="replace") as file,
        ):
            return "name" in _read_columns(csv.reader(file))
    return False


def check_kaggle(folder: Path) -> None:
    """Raise ArtistNstError for what a folder with ``artists.csv`` lacks."""
    path = folder / ARTISTS
    if os.path.lexists(path):
        _read_artists(path)
        raise ArtistNstError(
            f"{path}: no images/ or resized/ beside it, in which Kaggle's pictures "
            "are; add --artist NAME if all pictures here are of one artist"
        )


def adopt_kaggle(
    folder: Path,
    corpora: Path,
    *,
    only: str | None = None,
    copy: bool = False,
    max_pixels: int = MAX_PIXELS,
    on_progress: OnProgress | None = None,
) -> list[AdoptReport]:
    """Make a corpus of each artist in the data set, or of the one called ``only``.

    Pictures of artists who are not in the list are left out, which is logged. An
    artist whose corpus cannot be added to, such as one that was fetched, is skipped,
    and the reason is in its ``failed``. The other options are those of ``adopt``.

    Raises:
        UsageError: No artist, or several, have a name with ``only`` in it, or its
            corpus cannot be added to.
        ArtistNstError: As for ``adopt``, or ``artists.csv`` cannot be read.
    """
    artists = _read_artists(folder / ARTISTS)
    pictures = _select_pictures(folder, artists, only)
    done, total = 0, sum(map(len, pictures.values()))

    def report(number: int, _: int, shown: str) -> None:
        if on_progress is not None:
            on_progress(done + number, total, shown)

    reports = []
    for key, paths in pictures.items():
        row = artists[key]
        try:
            adopted = adopt(
                folder,
                row["name"],
                corpora,
                copy=copy,
                max_pixels=max_pixels,
                on_progress=report,
                pictures=[(path, _parse_work(path.stem, row)) for path in paths],
                header={name: row[name] for name in HEADER_COLUMNS if row.get(name)},
            )
        except UsageError as error:
            if only is not None:
                raise
            report(len(paths), total, "")
            target = corpora / make_folder_name(row["name"])
            adopted = AdoptReport(row["name"], target, len(paths))
            adopted.failed = (clean_line(str(error)),)
        reports.append(adopted)
        done += len(paths)
    return reports


def _read_columns(lines: Iterator[list[str]]) -> list[str]:
    return [name.strip().lower() for name in next(lines, [])]


def _read_artists(path: Path) -> _Artists:
    """Read the artists in ``artists.csv``, in its order."""
    artists: dict[str, dict[str, str]] = {}
    try:
        with open(path, encoding="utf-8-sig", newline="") as file:
            lines = csv.reader(file)
            columns = _read_columns(lines)
            for cells in lines:
                row = dict(zip(columns, map(clean_line, cells), strict=False))
                if key := _fold(row.get("name", "")):
                    artists.setdefault(key, row)
    except OSError as error:
        raise ArtistNstError(describe_read_error(path, error)) from error
    except (ValueError, csv.Error) as error:
        raise ArtistNstError(
            f"{path}: not a table in UTF-8 ({error}); download or save it again"
        ) from error
    if not artists:
        raise ArtistNstError(f"{path}: no artists in it, in a column called name")
    return artists


def _find_artist(name: str, artists: _Artists) -> str:
    """Find the key of the artist with a name or part of it."""
    matches = match_name(name, artists, lambda key: (key, artists[key]["name"]))
    if len(matches) == 1:
        return matches[0]
    if matches:
        names = " or ".join(artists[key]["name"] for key in matches)
        raise UsageError(f"--artist {name!r} may be {names}; say which")
    hint = suggest(name, [row["name"] for row in artists.values()])
    raise UsageError(f"--artist {name!r} is not in {ARTISTS}: {hint}")


def _fold(name: str) -> str:
    """Fold a name; one without Latin letters only loses its underscores."""
    return fold(name) or clean_line(name.replace("_", " "))


def _select_pictures(
    folder: Path, artists: _Artists, only: str | None
) -> dict[str, list[Path]]:
    """Get the pictures of each artist, or of the only one; log what is left out."""
    keys = list(artists) if only is None else [_find_artist(only, artists)]
    pictures, unlisted = _sort_pictures(folder, artists)
    if unlisted and only is None:
        names = ", ".join(
            f"{name} ({n})" for name, n in unlisted.most_common(MAX_NAMED)
        )
        more = " …" if len(unlisted) > MAX_NAMED else ""
        log.warning("left out, not in %s: %s%s", ARTISTS, names, more)
    if missing := [artists[key]["name"] for key in keys if key not in pictures]:
        log.info("no pictures of %s", ", ".join(missing))
    selected = {key: pictures[key] for key in keys if key in pictures}
    if not selected:
        raise ArtistNstError(f"{folder}: no pictures of {only or 'any of its artists'}")
    return selected


def _sort_pictures(
    folder: Path, artists: _Artists
) -> tuple[dict[str, list[Path]], Counter[str]]:
    """Sort the pictures by artist: from ``images/``, else from ``resized/``.

    The second result is the number of pictures of unlisted artists, by their names.
    """
    pictures: dict[str, list[Path]] = {}
    unlisted: Counter[str] = Counter()
    match = cache(partial(_match_owner, artists))
    for part in PARTS:
        root = folder / part
        if os.path.isdir(root / part):
            root = root / part
        in_part: defaultdict[str, list[Path]] = defaultdict(list)
        unlisted_in_part: Counter[str] = Counter()
        for path in find_pictures(root) if os.path.isdir(root) else ():
            parts = path.relative_to(root).parts
            # The folder's name, or the file's without its number.
            owner = parts[0] if parts[1:] else NUMBER.sub("", path.stem)
            if key := match(owner):
                in_part[key].append(path)
            else:
                unlisted_in_part[clean_line(owner)] += 1
        pictures = in_part | pictures
        unlisted |= unlisted_in_part  # both parts have the same pictures
    return pictures, unlisted


def _match_owner(artists: _Artists, owner: str) -> str | None:
    """Find the key of the artist that a folder is named after."""
    if (key := _fold(owner)) in artists:
        return key
    # Unpacking has turned "ü" into box-drawing characters more than once, or into
    # their numbers (#U251c). A name without them is another artist's.
    if not MANGLED.search(owner):
        return None
    plain = fold(MANGLED.sub("", owner))
    similar = get_close_matches(plain, artists, n=1, cutoff=0.8)
    if not similar:
        return None
    log.info("%s is taken for %s", clean_line(owner), artists[similar[0]]["name"])
    return similar[0]


def _parse_work(stem: str, artist: Mapping[str, str]) -> Work:
    """Parse a file's name: ``"Claude_Monet_12"`` → "Claude Monet, no. 12"."""
    work = parse_stem(stem)
    if number := re.search(r"[0-9]+$", stem):
        work = Work("", f"{artist['name']}, no. {int(number[0])}")
    return replace(work, style=artist.get("genre") or None)
