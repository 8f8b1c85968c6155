"""Make a corpus of pictures on disk: by hard links, or copies.

The originals are only read. A work's id is the start of its file's hash, so that the
same picture is the same work, whatever its name and however often it is adopted.
"""

import logging
import os
import re
import shutil
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from artist_nst._files import (
    READABLE_SUFFIXES,
    describe_read_error,
    find_files,
    hash_file,
    is_picture_file,
    open_file,
)
from artist_nst.corpus.manifest import (
    PART_SUFFIX,
    Manifest,
    is_fetched,
    make_disk_error,
    make_timestamp,
    open_manifest,
)
from artist_nst.corpus.names import (
    clean_line,
    make_file_name,
    make_folder_name,
    make_title,
)
from artist_nst.corpus.works import (
    Work,
    get_packaged_corpora,
    has_manifest,
    load_corpus,
)
from artist_nst.errors import ArtistNstError, UsageError
from artist_nst.image.verify import MAX_PIXELS, verify_picture

log = logging.getLogger(__name__)

# Called with the number of pictures done, of how many, and the last one's name.
OnProgress = Callable[[int, int, str], None]
ID_LENGTH = 16  # hexadecimal digits of the hash
NO_PICTURE: dict[str, Any] = dict.fromkeys(("width", "height", "file", "bytes"))

_YEAR = (
    r"(?P<year>(?:c(?:irca|a)?\.?\s?)?(?:1[0-9]{3}|20[0-9]{2})"
    r"(?:[-–](?:1[0-9]{3}|20[0-9]{2}))?)"
)
# WikiArt tells works of one title and year apart: 1908-3, 1914(1).
_COPY = r"(?:-\d{1,2}|\s?\(\d{1,2}\))?"
_YEAR_LAST = re.compile(
    rf"(?P<title>.+?)(?:[\s,-]+\(?|\(){_YEAR}\)?{_COPY}", re.IGNORECASE
)
_YEAR_FIRST = re.compile(rf"\(?{_YEAR}\)?[\s,.-]+(?P<title>\D.*)", re.IGNORECASE)
MAX_NAMED = 5  # files that are no pictures, in a message

# Cameras and scanners number their files with four digits too.
_COUNTERS = {"img", "image", "dsc", "dscf", "dscn", "pict", "photo", "scan"}


@dataclass(slots=True)
class AdoptReport:
    """What happened to one artist's pictures."""

    artist: str
    folder: Path  # the corpus's
    found: int = 0  # the sum of those below
    added: int = 0  # now, or put back since their file was missing or damaged
    here: int = 0  # before, and whole
    duplicates: int = 0  # with the same bytes as another of these pictures
    failed: tuple[str, ...] = ()  # a line each, or one if the corpus is unusable
    bytes: int = 0  # of those that were added or here


def adopt(
    folder: Path,
    artist: str,
    corpora: Path,
    *,
    copy: bool = False,
    max_pixels: int = MAX_PIXELS,
    on_progress: OnProgress | None = None,
    pictures: Sequence[tuple[Path, Work]] | None = None,
    header: Mapping[str, str] | None = None,
) -> AdoptReport:
    """Make the pictures below ``folder`` works of ``artist``, in ``corpora``.

    What is there already stays; what an earlier run left undone is done. Works that
    failed are in the manifest with their reason, until a run in which they don't.
    Symbolic links to files are followed, those to folders are not. With ``copy``, the
    pictures are copied rather than given a second name (a hard link). ``pictures`` are
    those to take, with what is known of each before it is read; ``header`` is what
    ``corpus.json`` says besides.

    Raises:
        UsageError: There is no such folder, or what is there under the artist's name
            must not be added to.
        ArtistNstError: There are no pictures in it, another process works on the
            corpus, or the disk refused.
    """
    name = clean_line(artist)
    target = corpora / make_folder_name(name)
    report = on_progress or (lambda *_: None)
    try:
        _check_folders(folder, name, target)
        if pictures is None:
            pictures = [(path, parse_stem(path.stem)) for path in list_pictures(folder)]
        source = f"adopted from {clean_line(Path(os.path.realpath(folder)).name)}"
        report(0, len(pictures), "")
        with open_manifest(
            target, slug=target.name, artist=name, source=source
        ) as manifest:
            run = _AdoptRun(manifest, copy, max_pixels)
            for number, (path, work) in enumerate(pictures, 1):
                shown = clean_line(path.relative_to(folder).as_posix())
                run.add(path, shown, work)
                report(number, len(pictures), shown)
            run.finish(header or {})
    except OSError as error:
        raise make_disk_error(target, error) from error
    return run.report


class _AdoptRun:
    """The adding of one artist's pictures to a corpus.

    OSErrors come from the corpus's disk only: whatever is wrong with a picture is an
    ArtistNstError.
    """

    def __init__(self, manifest: Manifest, copy: bool, max_pixels: int) -> None:
        if is_fetched(manifest.header):
            raise UsageError(
                f"{manifest.folder} was fetched from {manifest.header['source']}: "
                "choose another name with --artist, or another folder with --corpora"
            )
        self.manifest = manifest
        self.corpus = manifest.corpus
        self.copy = copy
        self.max_pixels = max_pixels
        self.report = AdoptReport(self.corpus.artist, manifest.folder)
        self.seen: dict[str, Work] = {}  # by id, in the order of the pictures
        self.originals: set[tuple[int, int]] = set()  # identities of their files

    def add(self, path: Path, shown: str, described: Work) -> None:
        """Add a picture unless it is there; messages call it ``shown``."""
        report = self.report
        report.found += 1
        try:
            self.originals.add(_get_identity(path))
            sha256 = hash_file(path)
        except ArtistNstError as error:
            report.failed += (_format_failure(error, path, shown),)
            return
        id = sha256[:ID_LENGTH]
        if id in self.seen:
            report.duplicates += 1
            return
        old = self.manifest.works.get(id)
        if old is not None and self._is_intact(old, path, sha256):
            report.here += 1
            work = old
        else:
            # What the manifest says of a work, even if edited by hand, is kept.
            base = old if old is not None and old.status == "ok" else described
            artist = base.artist or self.corpus.artist
            work = replace(base, id=id, artist=artist, sha256=sha256)
            try:
                work = self._place(work, path)
                report.added += 1
            except ArtistNstError as error:
                reason = _format_failure(error, path, shown)
                report.failed += (reason,)
                work = replace(work, **NO_PICTURE, status="failed", reason=reason)
            if work != old:
                self.manifest.append(work)
        self.seen[id] = work
        report.bytes += work.bytes or 0

    def finish(self, header: Mapping[str, str]) -> None:
        """Put the manifest in order after all pictures."""
        manifest = self.manifest
        gone = {id: work for id, work in manifest.works.items() if self._is_gone(work)}
        # This folder's works come together, where the first of them was; works of
        # other folders stay around them.
        ids = [id for id in manifest.works if id not in gone]
        start = next((at for at, id in enumerate(ids) if id in self.seen), len(ids))
        others = [manifest.works[id] for id in ids if id not in self.seen]
        manifest.rewrite([*others[:start], *self.seen.values(), *others[start:]])
        for work in gone.values():
            if work.file:
                self.corpus.get_path(work).unlink(missing_ok=True)
        now = make_timestamp()
        created = manifest.header.get("created", now)
        manifest.update_header(created=created, updated=now, **header)

    def _place(self, work: Work, original: Path) -> Work:
        """Link or copy a picture into the corpus; return the completed work."""
        image = verify_picture(original, max_pixels=self.max_pixels)
        name = make_file_name(work.id, work.title, image.suffix)
        target = self.manifest.image_folder / name
        part = target.with_name(f".{name}{PART_SUFFIX}")
        try:
            _link_or_copy(original, part, str(work.sha256), self.copy)
            os.replace(part, target)
        finally:
            # Replacing a link to the same file leaves both names.
            part.unlink(missing_ok=True)
        return replace(
            work,
            width=image.width,
            height=image.height,
            file=f"images/{name}",
            bytes=target.stat().st_size,
            status="ok",
            reason=None,
        )

    def _is_intact(self, work: Work, original: Path, sha256: str) -> bool:
        """Tell whether a work of the manifest has its picture, unchanged."""
        if work.status != "ok":
            return False
        with suppress(ArtistNstError):
            path = self.corpus.get_path(work)
            # A copy may be asked for of what was linked before.
            is_link = self.copy and _get_identity(path) == _get_identity(original)
            return not is_link and hash_file(path) == sha256
        return False

    def _is_gone(self, work: Work) -> bool:
        """Tell whether a work that was not seen has become another.

        It had failed, and was repaired or deleted since; or it is still linked to an
        original that was edited since, and so has another id.
        """
        if work.id in self.seen:
            return False
        if work.status == "failed":
            return True
        with suppress(ArtistNstError):
            path = self.corpus.get_path(work)
            is_linked = _get_identity(path) in self.originals
            return is_linked and hash_file(path) != work.sha256
        return False


def _check_folders(folder: Path, artist: str, target: Path) -> None:
    """Check that ``folder`` may be adopted, and ``target`` be created or added to."""
    check_source_folder(folder)
    if not artist:
        raise UsageError("--artist is empty: give the name, such as 'Claude Monet'")
    real_source, real_target = map(Path, map(os.path.realpath, (folder, target)))
    packaged = get_packaged_corpora() / "procedural"
    if target.name == packaged.name or real_target == Path(os.path.realpath(packaged)):
        raise UsageError(
            f"--artist {artist!r}: {packaged.name} comes with artist-nst; choose "
            "another name"
        )
    if real_source in (real_target, *real_target.parents) or (
        real_target in real_source.parents
    ):
        raise UsageError(
            f"{folder} is the corpus {target}, or one is inside the other: choose "
            "another folder with --corpora, or another --artist"
        )
    if not has_manifest(target) and load_corpus(target).works:
        raise UsageError(
            f"{target} is a corpus already, of pictures of your own: choose another "
            "--artist, or another folder with --corpora"
        )


def check_source_folder(folder: Path) -> None:
    """Check that there is a folder to adopt, or raise UsageError."""
    if not os.path.exists(folder):
        raise UsageError(f"{folder}: there is no such folder; check the path")
    if not os.path.isdir(folder):
        raise UsageError(f"{folder} is a file: name the folder that it is in")


def list_pictures(folder: Path) -> list[Path]:
    """List the pictures as ``find_pictures``; ArtistNstError if there are none."""
    if pictures := find_pictures(folder):
        return pictures
    suffixes = ", ".join(sorted(READABLE_SUFFIXES))
    raise ArtistNstError(f"{folder}: no pictures in it ({suffixes})")


def find_pictures(folder: Path) -> list[Path]:
    """Find the pictures in ``folder`` and the folders in it, in natural order.

    A folder that cannot be read, and files that are no pictures, are left out, which
    is logged.
    """
    pictures: list[Path] = []
    others: list[Path] = []
    for path in find_files(folder):
        # A broken link is a picture that fails; a pipe is no picture.
        (pictures if is_picture_file(path) else others).append(path)
    if others:
        names = ", ".join(clean_line(path.name) for path in others[:MAX_NAMED])
        more = f" and {len(others) - MAX_NAMED:,} more" if others[MAX_NAMED:] else ""
        log.info("left out, no pictures: %s%s", names, more)
    return sorted(pictures, key=lambda path: _natural_key(path.relative_to(folder)))


def _natural_key(path: Path) -> tuple[list[str | int], str]:
    """Sort 2 before 10."""
    parts = re.split(r"([0-9]+)", path.with_suffix("").as_posix())
    numbered = [int(part) if at % 2 else part for at, part in enumerate(parts)]
    return numbered, path.suffix


def _get_identity(path: Path) -> tuple[int, int]:
    """Get the device and inode, equal for two names of one file."""
    try:
        status = os.stat(path)
    except OSError as error:
        raise ArtistNstError(describe_read_error(path, error)) from error
    return status.st_dev, status.st_ino


def _link_or_copy(original: Path, target: Path, sha256: str, copy: bool) -> None:
    """Give the file a second name, or copy it if asked to or if that fails.

    It fails on another disk, on a file system without links, or for the file of
    another user.
    """
    if not copy:
        with suppress(OSError):
            # A hard link to a symbolic link would not be one to its file.
            os.link(os.path.realpath(original), target)
            return
    with open_file(original) as source, open(target, "wb") as file:
        shutil.copyfileobj(source, file)
        file.flush()
        os.fsync(file.fileno())
    if hash_file(target) != sha256:
        raise ArtistNstError(f"{original} was changed while it was read: try again")


def parse_stem(stem: str) -> Work:
    """Parse a file's name: ``"starry_night (1889)"`` → "Starry Night", 1889; no id."""
    text = clean_line(stem.replace("_", " "))
    match = _YEAR_LAST.fullmatch(text) or _YEAR_FIRST.fullmatch(text)
    if match:
        title = match["title"].strip(" ,-")
        if any(map(str.isalpha, title)) and title.casefold() not in _COUNTERS:
            return Work("", make_title(title), year=match["year"])
    return Work("", make_title(text))


def _format_failure(error: ArtistNstError, path: Path, shown: str) -> str:
    """Say what is wrong with a picture, by its name in the adopted folder."""
    line = str(error)
    for name in (repr(str(path)), str(path)):
        line = line.replace(name, shown)
    return clean_line(line if shown in line else f"{shown}: {line}")
