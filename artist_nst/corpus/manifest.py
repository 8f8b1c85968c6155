"""The manifest while it is written: ``corpus.json``, ``works.jsonl`` and the lock.

Whatever moment the process dies at, what is on disk can be read and gone on with:
``corpus.json`` and a rewritten ``works.jsonl`` are put in place whole; a line that is
appended is read only when its line break is there.
"""

import errno
import json
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from artist_nst.corpus.works import FORMAT, Corpus, Work, load_corpus, titled
from artist_nst.errors import ArtistNstError

LOCK = ".lock"
PART = ".part"


class DiskError(ArtistNstError):
    """The disk refused: no work's fault, and no use going on."""


class Manifest:
    """A corpus's manifest, held by one process at a time (:func:`hold`).

    Attributes:
        folder: the corpus's.
        head: what ``corpus.json`` says.
        works: by id, in the manifest's order.
    """

    def __init__(self, folder: Path, head: dict[str, Any], works: list[Work]) -> None:
        self.folder = folder
        self.head = head
        self.works = {work.id: work for work in works}

    @property
    def corpus(self) -> Corpus:
        """The works as they are now."""
        slug = str(self.head.get("slug") or self.folder.name)
        name = str(self.head.get("artist") or titled(slug))
        return Corpus(self.folder, slug, name, tuple(self.works.values()))

    @property
    def images(self) -> Path:
        """The folder of the pictures."""
        return self.folder / "images"

    def describe(self, **values: Any) -> None:
        """Set keys of ``corpus.json``.

        Raises:
            DiskError: the disk refused.
        """
        self.head |= values
        text = _encoded(self.head, indent=2)
        with _disk(self.folder):
            write_whole(self.folder / "corpus.json", text)

    def put(self, work: Work) -> None:
        """Append what is now known of a work.

        Raises:
            DiskError: the disk refused.
        """
        self.works[work.id] = work
        with _disk(self.folder), open(self.folder / "works.jsonl", "ab", 0) as file:
            _write(file.fileno(), line(work))

    def arrange(self, works: Iterable[Work]) -> None:
        """Rewrite ``works.jsonl``: these works, in this order, a line each.

        Raises:
            DiskError: the disk refused.
        """
        kept = {work.id: work for work in works}
        text = b"".join(map(line, kept.values()))
        with _disk(self.folder):
            write_whole(self.folder / "works.jsonl", text)
        self.works = kept


@contextmanager
def hold(folder: Path, *, slug: str, artist: str, source: str) -> Iterator[Manifest]:
    """The manifest of the corpus in ``folder``, begun if there is none.

    Only one process has it at a time; the lock goes with the process, however that
    ends. What a process that was killed left half-written is cleared away.

    Args:
        slug, artist, source: of a corpus that is begun now.
    Raises:
        ArtistNstError: another process has it, the disk refused, or the manifest is
            damaged or from a newer version.
    """
    with locked(folder):
        begun = (folder / "corpus.json").exists()
        if begun:
            load_corpus(folder)  # says what is wrong before anything is touched
            _mend_tail(folder / "works.jsonl")
            works = list(load_corpus(folder).works)
            head = json.loads((folder / "corpus.json").read_text("utf-8-sig"))
        else:
            head, works = {}, []
        known = {"format": FORMAT, "slug": slug, "artist": artist, "source": source}
        manifest = Manifest(folder, known | head, works)
        with _disk(folder):
            manifest.images.mkdir(exist_ok=True)
            _check_inside(folder, manifest.images)
            for left in (*folder.glob(f".*{PART}"), *manifest.images.glob(f".*{PART}")):
                left.unlink()
        try:
            if not begun:
                manifest.describe()
            yield manifest
        except BaseException:
            if not (begun or manifest.works):
                _undo(folder)  # no artist is left behind without a work
            raise


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """``folder``, made if need be, while no other process works on it.

    Raises:
        ArtistNstError: another process does, or the folder can't be written to.
    """
    lock = FileLock(folder / LOCK, timeout=0)
    with _disk(folder):
        folder.mkdir(parents=True, exist_ok=True)
        try:
            lock.acquire()
        except Timeout as error:
            raise ArtistNstError(
                f"{folder.name}: another artist-nst is working on {folder}; "
                "let it finish, or stop it"
            ) from error
    try:
        yield
    finally:
        lock.release()


def is_fetched(head: dict[str, Any]) -> bool:
    """Whether a corpus with that ``corpus.json`` came from the net."""
    return str(head.get("source")).startswith("http")


def now() -> str:
    """The time as manifests have it: ISO 8601, UTC, to the second."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def line(work: Work) -> bytes:
    """A work as a line of ``works.jsonl``, with its line break."""
    return _encoded(asdict(work))


def write_whole(path: Path, content: bytes) -> None:
    """Put ``content`` at ``path`` at once, or leave all as it was.

    Raises:
        OSError: the disk refused.
    """
    part = path.with_name(f".{path.name}{PART}")
    try:
        with open(part, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(part, path)
    except BaseException:
        with suppress(OSError):
            part.unlink()
        raise


def disk_trouble(folder: Path, error: OSError) -> DiskError:
    """What the disk refused, in one line."""
    match error.errno:
        case errno.ENOSPC | errno.EDQUOT:
            why = "no space left on the disk; free some and do the same again"
        case errno.EACCES | errno.EPERM | errno.EROFS:
            why = "not permitted to write; choose another folder with --corpora"
        case errno.ENOTDIR | errno.EEXIST:
            why = "a file is in the folder's place; choose another with --corpora"
        case _:
            why = f"{error.strerror or error}; choose another folder with --corpora"
    return DiskError(f"{folder} cannot be written: {why}")


@contextmanager
def _disk(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise disk_trouble(folder, error) from error


def _encoded(value: dict[str, Any], indent: int | None = None) -> bytes:
    try:
        text = json.dumps(value, ensure_ascii=False, indent=indent).encode()
    except UnicodeEncodeError:
        # A lone surrogate is no UTF-8: escaped, it can be written and read again.
        text = json.dumps(value, indent=indent).encode()
    return text + b"\n"


def _check_inside(folder: Path, images: Path) -> None:
    if not Path(os.path.realpath(images)).is_relative_to(os.path.realpath(folder)):
        raise ArtistNstError(
            f"{images} leads out of its corpus, which must not be: link {folder}, or "
            "the whole folder of corpora, in its place"
        )


def _undo(folder: Path) -> None:
    with suppress(OSError):
        (folder / "images").rmdir()  # not if a picture came before its line did
        (folder / "corpus.json").unlink(missing_ok=True)
        (folder / LOCK).unlink(missing_ok=True)
        folder.rmdir()


def _mend_tail(path: Path) -> None:
    """Cut off a last line that was not written to its end."""
    if not path.exists():
        return
    with _disk(path.parent), open(path, "r+b") as file:
        content = file.read()
        end = content.rfind(b"\n") + 1
        rest = content[end:]
        try:
            if rest.strip():
                json.loads(rest)
                file.write(b"\n")  # whole, but for the break that an editor left out
        except ValueError:
            file.truncate(end)


def _write(descriptor: int, content: bytes) -> None:
    """All of it, or none of it: a full disk takes a part of a line."""
    start = os.fstat(descriptor).st_size
    try:
        while content:
            content = content[os.write(descriptor, content) :]
    except OSError:
        with suppress(OSError):
            os.ftruncate(descriptor, start)
        raise
