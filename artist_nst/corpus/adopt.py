"""Pictures that are here already, gathered into a corpus: hard-linked, or copied.

The originals are read and never written to. A work's id is the beginning of its file's
hash, so that the same picture is the same work, whatever it is called and however
often it is adopted.
"""

import hashlib
import logging
import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, BinaryIO

from artist_nst.corpus.manifest import (
    PART,
    Manifest,
    disk_trouble,
    hold,
    is_fetched,
    now,
)
from artist_nst.corpus.names import file_name, folder_name
from artist_nst.corpus.verify import Verify
from artist_nst.corpus.works import (
    PICTURES,
    Work,
    load_corpus,
    packaged_corpora,
    titled,
)
from artist_nst.errors import ArtistNstError, UsageError

log = logging.getLogger(__name__)

OnProgress = Callable[[int, int, str], None]
"""Told how many pictures are done, of how many, and the last one's name."""

CHUNK = 1 << 20  # bytes read at a time
ID_DIGITS = 16  # of the hash
NO_PICTURE: dict[str, Any] = dict.fromkeys(("width", "height", "file", "bytes"))

_YEAR = (
    r"(?P<year>(?:c(?:irca|a)?\.?\s?)?(?:1[0-9]{3}|20[0-9]{2})"
    r"(?:[-–](?:1[0-9]{3}|20[0-9]{2}))?)"
)
_YEAR_LAST = re.compile(rf"(?P<title>.+?)(?:[\s,-]+\(?|\(){_YEAR}\)?", re.IGNORECASE)
_YEAR_FIRST = re.compile(rf"\(?{_YEAR}\)?[\s,.-]+(?P<title>\D.*)", re.IGNORECASE)
# Cameras and scanners count in four digits too.
_COUNTERS = {"img", "image", "dsc", "dscf", "dscn", "pict", "photo", "scan"}


@dataclass(slots=True)
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
    found: int = 0
    added: int = 0
    here: int = 0
    duplicates: int = 0
    failed: tuple[str, ...] = ()
    bytes: int = 0


def adopt(
    folder: Path,
    artist: str,
    corpora: Path,
    verify: Verify,
    *,
    copy: bool = False,
    on_progress: OnProgress | None = None,
    pictures: Sequence[tuple[Path, Work]] | None = None,
    about: Mapping[str, str] | None = None,
) -> Adopted:
    """Make the pictures below ``folder`` works of ``artist``, in ``corpora``.

    What is there already stays; what a run before this one left undone is done. Works
    that failed are in the manifest with their reason, until a run in which they don't.
    Symbolic links to files are followed, those to folders are not.

    Args:
        verify: decodes a whole picture, or raises.
        copy: the pictures, rather than giving them a second name (a hard link).
        pictures: these alone, with what is known of each before it is read.
        about: what ``corpus.json`` is to say besides.

    Raises:
        UsageError: ``folder`` is none, or what is there under the artist's name is
            not to be added to.
        ArtistNstError: there are no pictures in it, another process works on the
            corpus, or the disk refused.
    """
    name = one_line(artist)
    target = corpora / folder_name(name)
    tell = on_progress or (lambda *_: None)
    try:
        _check(folder, name, target)
        if pictures is None:
            pictures = [(path, described(path.stem)) for path in pictures_of(folder)]
        source = f"adopted from {one_line(Path(os.path.realpath(folder)).name)}"
        tell(0, len(pictures), "")
        with hold(target, slug=target.name, artist=name, source=source) as manifest:
            gathering = _Gathering(manifest, verify, copy)
            for number, (path, work) in enumerate(pictures, 1):
                shown = one_line(path.relative_to(folder).as_posix())
                gathering.take(path, shown, work)
                tell(number, len(pictures), shown)
            gathering.finish(about or {})
    except OSError as error:
        raise disk_trouble(target, error) from error
    return gathering.result


class _Gathering:
    """The pictures of one artist on their way into the corpus.

    An OSError is always of the corpus's disk: what is wrong with a picture is an
    ArtistNstError.
    """

    def __init__(self, manifest: Manifest, verify: Verify, copy: bool) -> None:
        if is_fetched(manifest.head):
            raise UsageError(
                f"{manifest.folder} was fetched from {manifest.head['source']}: "
                "choose another name with --artist, or another folder with --corpora"
            )
        self.manifest = manifest
        self.corpus = manifest.corpus
        self.verify = verify
        self.copy = copy
        self.result = Adopted(self.corpus.artist, manifest.folder)
        self.seen: dict[str, Work] = {}  # by id, in the order of the pictures
        self.originals: set[tuple[int, int]] = set()

    def take(self, path: Path, shown: str, told: Work) -> None:
        """Read a picture, of which so much is told, and add it unless it is here."""
        result = self.result
        result.found += 1
        try:
            self.originals.add(_identity(path))
            sha256 = _sha256(path)
        except ArtistNstError as error:
            result.failed += (_reason(error, path, shown),)
            return
        id = sha256[:ID_DIGITS]
        old = self.manifest.works.get(id)
        if id in self.seen:
            result.duplicates += 1
            return
        if old is not None and self._is_here(old, path, sha256):
            result.here += 1
            work = old
        else:
            # What the manifest says of a work, put there by hand even, is kept.
            known = old if old is not None and old.status == "ok" else told
            artist = known.artist or self.corpus.artist
            work = replace(known, id=id, artist=artist, sha256=sha256)
            try:
                work = self._placed(work, path)
                result.added += 1
            except ArtistNstError as error:
                reason = _reason(error, path, shown)
                result.failed += (reason,)
                work = replace(work, **NO_PICTURE, status="failed", reason=reason)
            if work != old:
                self.manifest.put(work)
        self.seen[id] = work
        result.bytes += work.bytes or 0

    def finish(self, about: Mapping[str, str]) -> None:
        """Put the manifest in order, when all pictures have been taken."""
        manifest = self.manifest
        gone = {id: work for id, work in manifest.works.items() if self._is_gone(work)}
        # This folder's in their order, where they began; another's stay around them.
        ids = [id for id in manifest.works if id not in gone]
        begin = next((at for at, id in enumerate(ids) if id in self.seen), len(ids))
        rest = [manifest.works[id] for id in ids if id not in self.seen]
        manifest.arrange([*rest[:begin], *self.seen.values(), *rest[begin:]])
        for work in gone.values():
            if work.file:
                self.corpus.path(work).unlink(missing_ok=True)
        time = now()
        created = manifest.head.get("created", time)
        manifest.describe(created=created, updated=time, **about)

    def _placed(self, work: Work, original: Path) -> Work:
        """The work with its picture in place."""
        verified = self.verify(original)
        name = file_name(work.id, work.title, verified.suffix)
        target = self.manifest.images / name
        part = target.with_name(f".{name}{PART}")
        try:
            if self.copy or not _linked(original, part):
                _copied(original, part, str(work.sha256))
            os.replace(part, target)
        finally:
            # Renaming leaves both names alone, too, where they are one file's.
            part.unlink(missing_ok=True)
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
        if work.status != "ok":
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
        with suppress(ArtistNstError):
            path = self.corpus.path(work)
            return _identity(path) in self.originals and _sha256(path) != work.sha256
        return False


def _check(folder: Path, artist: str, target: Path) -> None:
    """Whether ``folder`` may be adopted, and a corpus begun or added to at ``target``.

    Raises:
        UsageError: one or the other may not.
    """
    check_folder(folder)
    if not artist:
        raise UsageError("--artist is empty: give the name, such as 'Claude Monet'")
    here, there = (Path(os.path.realpath(path)) for path in (folder, target))
    packaged = packaged_corpora() / "procedural"
    if target.name == packaged.name or there == Path(os.path.realpath(packaged)):
        raise UsageError(
            f"--artist {artist!r}: {packaged.name} comes with artist-nst; choose "
            "another name"
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
    if not (target / "corpus.json").exists() and load_corpus(target).works:
        raise UsageError(
            f"{target} is a corpus already, of pictures of your own: choose another "
            "--artist, or another folder with --corpora"
        )


# Files


def check_folder(folder: Path) -> None:
    """Whether there is a folder to be adopted.

    Raises:
        UsageError: there is none.
    """
    if not os.path.exists(folder):
        raise UsageError(f"{folder}: there is no such folder; check the path")
    if not os.path.isdir(folder):
        raise UsageError(f"{folder} is a file: name the folder that it is in")


def pictures_of(folder: Path) -> list[Path]:
    """What :func:`pictures_below` finds, which is something.

    Raises:
        ArtistNstError: it is nothing, or the folder can't be read.
    """
    if found := pictures_below(folder):
        return found
    suffixes = ", ".join(sorted(PICTURES))
    raise ArtistNstError(f"{folder}: no pictures in it ({suffixes})")


def pictures_below(folder: Path) -> list[Path]:
    """The pictures in ``folder`` and the folders in it, in natural order.

    Raises:
        ArtistNstError: the folder can't be read; if one in it can't, that is logged.
    """

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
        raise unread(path, error) from error


def _sha256(path: Path, copy: BinaryIO | None = None) -> str:
    """Of a file's bytes, which ``copy`` gets too."""
    digest = hashlib.sha256()
    for chunk in _chunks(path):
        digest.update(chunk)
        if copy is not None:
            copy.write(chunk)
    return digest.hexdigest()


def _identity(path: Path) -> tuple[int, int]:
    """Equal for two names of one file."""
    try:
        status = os.stat(path)
    except OSError as error:
        raise unread(path, error) from error
    return status.st_dev, status.st_ino


def unread(path: Path, error: OSError) -> ArtistNstError:
    """What to raise where the system lets nobody read a file."""
    return ArtistNstError(f"{path} cannot be read: {error.strerror or error}")


def _linked(original: Path, target: Path) -> bool:
    """Give the file a second name; False where that can't be done."""
    # Another disk, a file system without links, another user's file; if nothing at all
    # can be written there, copying says so.
    with suppress(OSError):
        # Of a symbolic link, the link itself would get the name.
        os.link(os.path.realpath(original), target)
        return True
    return False


def _copied(original: Path, target: Path, sha256: str) -> None:
    with open(target, "wb") as file:
        copied = _sha256(original, file)
        file.flush()
        os.fsync(file.fileno())
    if copied != sha256:
        raise ArtistNstError(f"{original} was changed while it was read: try again")


# What names say


def described(stem: str) -> Work:
    """``"starry_night (1889)"`` → "Starry Night", 1889; the id is not known yet."""
    text = one_line(stem.replace("_", " "))
    match = _YEAR_LAST.fullmatch(text) or _YEAR_FIRST.fullmatch(text)
    if match:
        rest = match["title"].strip(" ,-")
        if any(map(str.isalpha, rest)) and rest.casefold() not in _COUNTERS:
            return Work("", titled(rest), year=match["year"])
    return Work("", titled(text))


def one_line(name: str) -> str:
    """On one line, without what is no text: names of files may hold any bytes."""
    text = name.encode("utf-8", "replace").decode()
    return " ".join(re.sub(r"[\x00-\x1f\x7f-\x9f]", " ", text).split())


def _reason(error: ArtistNstError, path: Path, shown: str) -> str:
    """What is wrong with a picture, by its name in the folder that is adopted."""
    line = str(error)
    for name in (repr(str(path)), str(path)):
        line = line.replace(name, shown)
    return one_line(line if shown in line else f"{shown}: {line}")
