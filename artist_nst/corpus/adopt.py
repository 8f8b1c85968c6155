"""Pictures that are here already, gathered into a corpus: hard-linked, or copied.

The originals are read and never written to. A work's id is the beginning of its file's
hash, so that the same picture is the same work, whatever it is called and however
often it is adopted.
"""

import csv
import hashlib
import logging
import os
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from difflib import get_close_matches
from itertools import takewhile
from pathlib import Path

from artist_nst.corpus.manifest import PART, Manifest, disk_trouble, hold
from artist_nst.corpus.names import file_name, folder_name
from artist_nst.corpus.verify import Verify
from artist_nst.corpus.works import (
    PICTURES,
    Work,
    _titled,
    fold,
    load_corpus,
    packaged_corpora,
)
from artist_nst.errors import ArtistNstError, UsageError, nearest

log = logging.getLogger(__name__)

OnProgress = Callable[[int, int, str], None]
"""Told how many pictures are done, of how many, and the last one's name."""

CHUNK = 1 << 20  # bytes read at a time
ID_DIGITS = 16  # of the hash
ARTISTS = "artists.csv"  # of the Kaggle data set
PARTS = ("images", "resized")  # of the same, the better pictures first
ABOUT = ("years", "nationality", "wikipedia")  # columns that corpus.json takes over

_YEAR = (
    r"(?P<year>(?:c(?:irca|a)?\.?\s?)?(?:1[0-9]{3}|20[0-9]{2})"
    r"(?:[-–](?:1[0-9]{3}|20[0-9]{2}))?)"
)
_YEAR_LAST = re.compile(rf"(?P<title>.+?)(?:[\s,-]+\(?|\(){_YEAR}\)?", re.IGNORECASE)
_YEAR_FIRST = re.compile(rf"\(?{_YEAR}\)?[\s,.-]+(?P<title>\D.*)", re.IGNORECASE)
# Cameras and scanners count in four digits too.
_COUNTERS = {"img", "image", "dsc", "dscf", "dscn", "pict", "photo", "scan"}


@dataclass(frozen=True, slots=True)
class Adopted:
    """What became of one artist's pictures: each was added, was here, was a duplicate
    or failed.

    Attributes:
        artist: the name.
        folder: the corpus's.
        found: pictures, whatever became of them.
        added: put into the corpus now, or put there again where a file was missing.
        here: in the corpus before, and whole.
        duplicates: the same bytes as another of these pictures.
        failed: a line for each that could not be taken; or one for all of them, where
            the corpus could not be used.
        bytes: of those that were added or here.
    """

    artist: str
    folder: Path
    found: int
    added: int = 0
    here: int = 0
    duplicates: int = 0
    failed: tuple[str, ...] = ()
    bytes: int = 0


@dataclass(frozen=True, slots=True)
class _Artist:
    """Whose pictures; what ``corpus.json`` is to say besides; every work's style."""

    name: str
    about: dict[str, str] = field(default_factory=dict)
    style: str | None = None


def adopt(
    folder: Path,
    artist: str,
    corpora: Path,
    verify: Verify,
    *,
    copy: bool = False,
    on_progress: OnProgress | None = None,
) -> Adopted:
    """Make the pictures below ``folder`` works of ``artist``, in ``corpora``.

    What is there already stays; what a run before this one left undone is done. Works
    that failed are in the manifest with their reason, until a run in which they don't.
    Symbolic links to files are followed, those to folders are not.

    Args:
        verify: decodes a whole picture, or raises.
        copy: the pictures, rather than giving them a second name (a hard link).

    Raises:
        UsageError: ``folder`` is none, or what is there under the artist's name is
            not to be added to.
        ArtistNstError: there are no pictures in it, another process works on the
            corpus, or the disk refused.
    """
    _check_folder(folder)
    name = _text(artist)
    if not name:
        raise UsageError("--artist is empty: give the name, such as 'Claude Monet'")
    paths = _pictures_below(folder)
    if not paths:
        suffixes = ", ".join(sorted(PICTURES))
        raise ArtistNstError(f"{folder}: no pictures in it ({suffixes})")
    adopter = _Adopter(folder, corpora, verify, copy, on_progress, len(paths))
    works = [_described(path.stem) for path in paths]
    return adopter.adopt(_Artist(name), zip(paths, works, strict=True))


def is_kaggle(folder: Path) -> bool:
    """Whether it is laid out like Kaggle's "Best Artworks of All Time": artists in
    ``artists.csv``, pictures in ``images/`` or ``resized/``."""
    if not any(os.path.isdir(folder / part) for part in PARTS):
        return False
    try:
        with open(folder / ARTISTS, encoding="utf-8-sig", errors="replace") as file:
            return "name" in _columns(next(csv.reader(file), []))
    except (OSError, csv.Error):
        return False


def adopt_kaggle(
    folder: Path,
    corpora: Path,
    verify: Verify,
    *,
    only: str | None = None,
    copy: bool = False,
    on_progress: OnProgress | None = None,
) -> list[Adopted]:
    """Make a corpus of each artist in Kaggle's "Best Artworks of All Time".

    Pictures of no artist in the list are left out, which is logged. An artist whose
    corpus can't be added to, such as one that was fetched, is passed over, and what
    is in the way is in its ``failed``.

    Args:
        only: the artist to adopt, by name or a part of it.
        copy, verify: see :func:`adopt`.
    Raises:
        UsageError: no artist, or several, are called ``only``, or its corpus can't
            be added to.
        ArtistNstError: ``artists.csv`` can't be read, there are no pictures, another
            process works on a corpus, or the disk refused.
    """
    _check_folder(folder)
    artists = _listed(folder / ARTISTS)
    wanted = list(artists) if only is None else [_called(only, artists)]
    sorted_out = _sorted_out(folder, list(artists), say=only is None)
    found = {name: sorted_out[name] for name in wanted if name in sorted_out}
    if not found:
        raise ArtistNstError(f"{folder}: no pictures of {only or 'any of its artists'}")
    if without := [name for name in wanted if name not in found]:
        log.info("no pictures of %s", ", ".join(without))
    total = sum(map(len, found.values()))
    adopter = _Adopter(folder, corpora, verify, copy, on_progress, total)
    results = []
    for name, paths in found.items():
        works = [_numbered(path.stem, artists[name]) for path in paths]
        try:
            pictures = zip(paths, works, strict=True)
            results.append(adopter.adopt(artists[name], pictures))
        except UsageError as error:
            if only is not None:
                raise
            results.append(adopter.pass_over(name, len(paths), error))
    return results


# One artist


@dataclass(slots=True)
class _Adopter:
    """Adopts artists' pictures out of one folder, and counts them all."""

    folder: Path
    corpora: Path
    verify: Verify
    copy: bool
    on_progress: OnProgress | None
    total: int
    done: int = 0

    def adopt(self, artist: _Artist, pictures: Iterable[tuple[Path, Work]]) -> Adopted:
        """Files, and what is known of each before it is read, made the artist's."""
        target = self.corpora / folder_name(artist.name)
        source = f"adopted from {_text(Path(os.path.realpath(self.folder)).name)}"
        self._count(0)
        try:
            _check_target(self.folder, target, artist.name)
            with hold(
                target, slug=target.name, artist=artist.name, source=source
            ) as manifest:
                gathering = _Gathering(manifest, self.verify, self.copy)
                for path, work in pictures:
                    shown = _text(path.relative_to(self.folder).as_posix())
                    gathering.take(path, shown, work)
                    self._count(1, shown)
                gathering.finish(artist.about)
        except OSError as error:
            raise disk_trouble(target, error) from error
        return gathering.result()

    def pass_over(self, name: str, count: int, error: UsageError) -> Adopted:
        """What is said of an artist whose corpus can't be added to."""
        self._count(count)
        folder = self.corpora / folder_name(name)
        return Adopted(name, folder, count, failed=(_text(str(error)),))

    def _count(self, number: int, shown: str = "") -> None:
        self.done += number
        if self.on_progress is not None:
            self.on_progress(self.done, self.total, shown)


class _Gathering:
    """The pictures of one artist on their way into the corpus.

    An OSError is always of the corpus's disk: what is wrong with a picture is an
    ArtistNstError.
    """

    def __init__(self, manifest: Manifest, verify: Verify, copy: bool) -> None:
        if str(manifest.head["source"]).startswith("http"):
            raise UsageError(
                f"{manifest.folder} was fetched from {manifest.head['source']}: "
                "choose another name with --artist, or another folder with --corpora"
            )
        self.manifest = manifest
        self.corpus = manifest.corpus
        self.verify = verify
        self.copy = copy
        self.seen: dict[str, Work] = {}  # by id, in the order of the pictures
        self.originals: set[tuple[int, int]] = set()
        self.failed: list[str] = []
        self.found = self.added = self.here = self.duplicates = 0

    def take(self, path: Path, shown: str, described: Work) -> None:
        """Read a picture, and add it unless it is here."""
        self.found += 1
        try:
            self.originals.add(_identity(path))
            sha256 = _sha256(path)
        except ArtistNstError as error:
            self.failed.append(_reason(error, path, shown))
            return
        id = sha256[:ID_DIGITS]
        old = self.manifest.works.get(id)
        if id in self.seen:
            self.duplicates += 1
        elif old is not None and self._is_here(old, path, sha256):
            self.here += 1
            self.seen[id] = old
        else:
            # What the manifest says of a work, put there by hand even, is kept.
            known = old if old is not None and old.status == "ok" else described
            artist = known.artist or self.corpus.artist
            work = replace(known, id=id, artist=artist, sha256=sha256)
            try:
                work = self._placed(work, path)
                self.added += 1
            except ArtistNstError as error:
                reason = _reason(error, path, shown)
                self.failed.append(reason)
                work = _without_picture(work, reason)
            self.seen[id] = work
            if work != old:
                self.manifest.put(work)

    def finish(self, about: dict[str, str]) -> None:
        """Put the manifest in order, when all pictures have been taken."""
        manifest = self.manifest
        gone = {id for id, work in manifest.works.items() if self._is_gone(work)}
        stale = [manifest.works[id] for id in gone]
        works = [work for id, work in manifest.works.items() if id not in gone]
        # This folder's in their order, where they began; another's stay around them.
        before = list(takewhile(lambda work: work.id not in self.seen, works))
        after = [work for work in works[len(before) :] if work.id not in self.seen]
        manifest.arrange([*before, *self.seen.values(), *after])
        for work in stale:
            if work.file:
                self.corpus.path(work).unlink(missing_ok=True)
        now = datetime.now(UTC).isoformat(timespec="seconds")
        created = manifest.head.get("created", now)
        manifest.describe(created=created, updated=now, **about)

    def result(self) -> Adopted:
        """What became of the pictures."""
        return Adopted(
            artist=self.corpus.artist,
            folder=self.corpus.folder,
            found=self.found,
            added=self.added,
            here=self.here,
            duplicates=self.duplicates,
            failed=tuple(self.failed),
            bytes=sum(work.bytes or 0 for work in self.seen.values()),
        )

    def _placed(self, work: Work, original: Path) -> Work:
        """The work with its picture in place."""
        verified = self.verify(original)
        name = file_name(work.id, work.title, verified.suffix)
        target = self.manifest.images / name
        if self.copy or not _linked(original, target):
            _copied(original, target, str(work.sha256))
        return replace(
            work,
            width=verified.width,
            height=verified.height,
            file=f"images/{name}",
            bytes=target.stat().st_size,
            status="ok",
            reason=None,
        )

    def _is_here(self, work: Work, original: Path, sha256: str) -> bool:
        """Whether a work of the manifest has its picture, unchanged."""
        if work.status != "ok" or not work.file:
            return False
        with suppress(ArtistNstError):
            path = self.corpus.path(work)
            # Where it was linked before, a copy may be asked for now.
            linked = self.copy and _identity(path) == _identity(original)
            return not linked and _sha256(path) == sha256
        return False

    def _is_gone(self, work: Work) -> bool:
        """Whether a work that was not met has become another.

        What failed was mended or is not there any more; or else its picture is still
        linked to an original that was since edited, and so has another id.
        """
        if work.id in self.seen:
            return False
        if work.status == "failed":
            return True
        if not work.file:
            return False
        with suppress(ArtistNstError):
            path = self.corpus.path(work)
            return _identity(path) in self.originals and _sha256(path) != work.sha256
        return False


def _check_folder(folder: Path) -> None:
    if not os.path.exists(folder):
        raise UsageError(f"{folder}: there is no such folder; check the path")
    if not os.path.isdir(folder):
        raise UsageError(f"{folder} is a file: name the folder that it is in")


def _check_target(folder: Path, target: Path, artist: str) -> None:
    """Whether a corpus may be begun, or added to, at ``target``."""
    here, there = (Path(os.path.realpath(path)) for path in (folder, target))
    begun = (target / "corpus.json").exists()
    if there == Path(os.path.realpath(packaged_corpora() / "procedural")):
        raise UsageError(
            f"--artist {artist!r}: {target} comes with artist-nst; choose another name"
        )
    if here == there:
        raise UsageError(
            f"{folder} is the corpus of {artist!r} already: paint from it, or adopt "
            "it as another --artist"
        )
    if here.is_relative_to(there) or there.is_relative_to(here):
        raise UsageError(
            f"{folder} and the corpus {target} lie one in the other: choose another "
            "folder with --corpora"
        )
    if not begun and load_corpus(target).works:
        raise UsageError(
            f"{target} is a corpus already, of pictures of your own: choose another "
            "--artist, or another folder with --corpora"
        )


# Files


def _pictures_below(folder: Path) -> list[Path]:
    """The pictures in ``folder`` and the folders in it, in natural order."""

    def unreadable(error: OSError) -> None:
        place = Path(error.filename)
        why = f"{place} cannot be read ({error.strerror})"
        if place == folder:
            raise ArtistNstError(f"{why}: make it readable") from error
        log.warning("%s; its pictures are left out", why)

    found = []
    for parent, folders, files in os.walk(folder, onerror=unreadable):
        folders[:] = [name for name in folders if not name.startswith(".")]
        for name in files:
            path = Path(parent, name)
            if name.startswith(".") or path.suffix.lower() not in PICTURES:
                continue
            # A link that leads nowhere is a picture that fails, a pipe is none.
            if os.path.isfile(path) or os.path.islink(path):
                found.append(path)
    return sorted(found, key=lambda path: _natural(path.relative_to(folder)))


def _natural(path: Path) -> tuple[list[str | int], str]:
    """Sorts 2 before 10."""
    parts = re.split(r"([0-9]+)", path.with_suffix("").as_posix())
    return [int(one) if at % 2 else one for at, one in enumerate(parts)], path.suffix


def _chunks(path: Path) -> Iterator[bytes]:
    try:
        with open(path, "rb") as file:
            while chunk := file.read(CHUNK):
                yield chunk
    except OSError as error:
        raise _unread(path, error) from error


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    for chunk in _chunks(path):
        digest.update(chunk)
    return digest.hexdigest()


def _identity(path: Path) -> tuple[int, int]:
    """Equal for two names of one file."""
    try:
        status = os.stat(path)
    except OSError as error:
        raise _unread(path, error) from error
    return status.st_dev, status.st_ino


def _unread(path: Path, error: OSError) -> ArtistNstError:
    return ArtistNstError(f"{path} cannot be read: {error.strerror or error}")


def _linked(original: Path, target: Path) -> bool:
    """Give the file a second name; False where that can't be done."""
    part = target.with_name(f".{target.name}{PART}")
    try:
        # Of a symbolic link, the link itself would get the name.
        os.link(os.path.realpath(original), part)
    except OSError:
        # Another disk, a file system without links, another user's file; if nothing
        # at all can be written there, copying says so.
        return False
    os.replace(part, target)
    # Renaming leaves both names alone where they are one file's.
    part.unlink(missing_ok=True)
    return True


def _copied(original: Path, target: Path, sha256: str) -> None:
    part = target.with_name(f".{target.name}{PART}")
    digest = hashlib.sha256()
    try:
        with open(part, "wb") as file:
            for chunk in _chunks(original):
                digest.update(chunk)
                file.write(chunk)
            file.flush()
            os.fsync(file.fileno())
        if digest.hexdigest() != sha256:
            raise ArtistNstError(f"{original} was changed while it was read: try again")
        os.replace(part, target)
    except BaseException:
        with suppress(OSError):
            part.unlink()
        raise


# What names say


def _described(stem: str) -> Work:
    """``"starry_night (1889)"`` → "Starry Night", 1889; the id is not known yet."""
    text = _text(stem.replace("_", " "))
    match = _YEAR_LAST.fullmatch(text) or _YEAR_FIRST.fullmatch(text)
    if match:
        rest = match["title"].strip(" ,-")
        if any(map(str.isalpha, rest)) and rest.casefold() not in _COUNTERS:
            return Work("", _titled(rest), year=match["year"])
    return Work("", _titled(text))


def _numbered(stem: str, artist: _Artist) -> Work:
    """``"Claude_Monet_12"`` → "Claude Monet, no. 12"."""
    number = re.search(r"[0-9]+$", stem)
    if number is None:
        return replace(_described(stem), style=artist.style)
    return Work("", f"{artist.name}, no. {int(number[0])}", style=artist.style)


def _text(name: str) -> str:
    """On one line, without what is no text: names of files may hold any bytes."""
    text = name.encode("utf-8", "replace").decode()
    return " ".join(re.sub(r"[\x00-\x1f\x7f-\x9f]", " ", text).split())


def _reason(error: ArtistNstError, path: Path, shown: str) -> str:
    """What is wrong with a picture, by its name in the folder that is adopted."""
    line = str(error)
    for name in (repr(str(path)), str(path)):
        line = line.replace(name, shown)
    return _text(line if shown in line else f"{shown}: {line}")


def _without_picture(work: Work, reason: str) -> Work:
    return replace(
        work,
        width=None,
        height=None,
        file=None,
        bytes=None,
        status="failed",
        reason=reason,
    )


# Kaggle's data set


def _columns(header: Iterable[str]) -> list[str]:
    return [name.strip().lower() for name in header]


def _listed(path: Path) -> dict[str, _Artist]:
    """The artists in ``artists.csv``, by name."""
    found: dict[str, _Artist] = {}
    try:
        with open(path, encoding="utf-8-sig", newline="") as file:
            lines = csv.reader(file)
            columns = _columns(next(lines, []))
            for cells in lines:
                row = dict(zip(columns, map(_text, cells), strict=False))
                if name := row.get("name"):
                    about = {key: row[key] for key in ABOUT if row.get(key)}
                    artist = _Artist(name, about, row.get("genre") or None)
                    found.setdefault(name, artist)
    except OSError as error:
        raise _unread(path, error) from error
    except (ValueError, csv.Error) as error:
        raise ArtistNstError(
            f"{path}: not a table in UTF-8 ({error}); download or save it again"
        ) from error
    if not found:
        raise ArtistNstError(f"{path}: no artists in it, in a column called name")
    return found


def _called(name: str, rows: Iterable[str]) -> str:
    """The artist that ``name`` names, or a part of whose name it is."""
    names, words = list(rows), set(_folded(name).split("-"))
    same = [one for one in names if _folded(one) == _folded(name)]
    found = same or [one for one in names if words <= set(_folded(one).split("-"))]
    if len(found) == 1:
        return found[0]
    if found:
        raise UsageError(f"--artist {name!r} may be {' or '.join(found)}; say which")
    raise UsageError(f"--artist {name!r} is not in {ARTISTS}: {nearest(name, names)}")


def _sorted_out(
    folder: Path, rows: Iterable[str], *, say: bool
) -> dict[str, list[Path]]:
    """The pictures of each artist: from ``images/``, else from ``resized/``."""
    names = list(rows)
    found: dict[str, list[Path]] = {}
    nobody: Counter[str] = Counter()
    for part in PARTS:
        root = folder / part
        if os.path.isdir(root / part):
            root = root / part
        groups: defaultdict[str, list[Path]] = defaultdict(list)
        if os.path.isdir(root):
            for path in _pictures_below(root):
                groups[_owner(path.relative_to(root))].append(path)
        here: defaultdict[str, list[Path]] = defaultdict(list)
        for owner, paths in groups.items():
            name = _matched(owner, names)
            if name is None:
                nobody[_text(owner)] = max(len(paths), nobody[_text(owner)])
            else:
                here[name] += paths
        found = {**here, **found}
    if nobody and say:
        some = ", ".join(f"{owner} ({n})" for owner, n in nobody.most_common(5))
        more = f" and {len(nobody) - 5} more" if len(nobody) > 5 else ""
        log.warning("left out, of no artist in %s: %s%s", ARTISTS, some, more)
    return found


def _owner(path: Path) -> str:
    """Whose picture: the folder's name, or the file's without its number."""
    if len(path.parts) > 1:
        return path.parts[0]
    return re.sub(r"[\s_-]*[0-9]*$", "", path.stem)


def _matched(owner: str, names: list[str]) -> str | None:
    """The artist that a folder is named after."""
    same = [name for name in names if _folded(name) == _folded(owner)]
    if same:
        return same[0]
    # Unpacking has turned "ü" into box-drawing signs more than once.
    plain = fold(re.sub(r"[^\x00-\x7f]", "", owner))
    folded = {fold(name): name for name in reversed(names)}
    close = get_close_matches(plain, folded, n=1, cutoff=0.8)
    if not close:
        return None
    log.info("%s is taken for %s", _text(owner), folded[close[0]])
    return folded[close[0]]


def _folded(name: str) -> str:
    """Of a name in letters that :func:`fold` does not know, the name itself."""
    return fold(name) or _text(name.replace("_", " "))
