"""Write a corpus's manifest: ``corpus.json``, ``works.jsonl`` and the lock.

Whenever the process dies, what is on disk can be read and continued: ``corpus.json``
and a rewritten ``works.jsonl`` are replaced atomically; an appended line is read only
once its line break is there.
"""

import json
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from artist_nst._files import describe_write_error, write_bytes
from artist_nst.corpus.works import (
    FORMAT,
    Corpus,
    Work,
    has_manifest,
    load_corpus,
    make_corpus,
    read_header,
)
from artist_nst.errors import ArtistNstError

LOCK_NAME = ".lock"
PART_SUFFIX = ".part"  # of hidden files that are still being written


class DiskError(ArtistNstError):
    """The disk refused to write: no work is at fault, and going on is useless."""


class Manifest:
    """A corpus's manifest, open in one process at a time (``open_manifest``).

    Attributes:
        header: The content of ``corpus.json``.
        works: By id, in the manifest's order.

    Raises:
        DiskError: From any method: the disk refused.
    """

    def __init__(
        self, folder: Path, header: dict[str, Any], works: Iterable[Work]
    ) -> None:
        self.folder = folder
        self.image_folder = folder / "images"
        self.header = header
        self.works = {work.id: work for work in works}

    @property
    def corpus(self) -> Corpus:
        """The works as they are now."""
        return make_corpus(self.folder, self.header, self.works.values())

    def update_header(self, **values: Any) -> None:
        """Set keys of ``corpus.json``."""
        self.header |= values
        with _translate_errors(self.folder):
            write_bytes(self.folder / "corpus.json", _encode(self.header, indent=2))

    def append(self, work: Work) -> None:
        """Append a work's newest values to ``works.jsonl``."""
        self.works[work.id] = work
        path = self.folder / "works.jsonl"
        with _translate_errors(self.folder), open(path, "ab", 0) as file:
            _append_whole(file.fileno(), encode_work(work))

    def rewrite(self, works: Iterable[Work]) -> None:
        """Rewrite ``works.jsonl`` with these works, in this order."""
        by_id = {work.id: work for work in works}
        text = b"".join(map(encode_work, by_id.values()))
        with _translate_errors(self.folder):
            write_bytes(self.folder / "works.jsonl", text)
        self.works = by_id


@contextmanager
def open_manifest(
    folder: Path, *, slug: str, artist: str, source: str
) -> Iterator[Manifest]:
    """Open the manifest of the corpus in ``folder``; start one if there is none.

    Only one process has it open at a time; the lock ends with the process, however
    that ends. Files that a killed process left half-written are deleted. ``slug``,
    ``artist`` and ``source`` are those of a corpus that is started now.

    Raises:
        ArtistNstError: Another process has it open, the disk refused, or the manifest
            is damaged or from a newer version.
    """
    with lock_corpus(folder):
        exists = has_manifest(folder)
        header = {"format": FORMAT, "slug": slug, "artist": artist, "source": source}
        works = load_corpus(folder).works if exists else ()
        manifest = Manifest(folder, header | read_header(folder), works)
        with _translate_errors(folder):
            path = folder / "works.jsonl"
            lines = path.read_bytes() if exists and path.exists() else b""
            if lines and not lines.endswith(b"\n"):
                manifest.rewrite(works)  # the last line was cut off, or edited so
            manifest.image_folder.mkdir(exist_ok=True)
            _check_inside(folder, manifest.image_folder)
            for part in find_parts(folder):
                part.unlink()
        try:
            if not exists:
                manifest.update_header()
            yield manifest
        except BaseException:
            if not (exists or manifest.works):
                _remove_empty(folder)  # leave no artist without a work
            raise


@contextmanager
def lock_corpus(folder: Path) -> Iterator[None]:
    """Make ``folder`` if need be, and lock it for this process.

    Raises:
        ArtistNstError: Another process works on it, or it cannot be written to.
    """
    lock = FileLock(folder / LOCK_NAME, timeout=0)
    with _translate_errors(folder):
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


def find_parts(folder: Path) -> list[Path]:
    """Find files of a corpus that a killed process left half-written."""
    images = folder / "images"
    folders = [folder] if images.is_symlink() else [folder, images]
    return [path for parent in folders for path in parent.glob(f".*{PART_SUFFIX}")]


def is_fetched(header: dict[str, Any]) -> bool:
    """Tell whether a corpus with that ``corpus.json`` was downloaded."""
    return str(header.get("source")).startswith("http")


def make_timestamp() -> str:
    """Format the current time as in manifests: ISO 8601, UTC, to the second."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def encode_work(work: Work) -> bytes:
    """Encode a work as a line of ``works.jsonl``, with its line break."""
    return _encode(asdict(work))


def make_disk_error(folder: Path, error: OSError) -> DiskError:
    """Make the error that says what the disk refused, in one line."""
    return DiskError(describe_write_error(folder, error, option="--corpora"))


@contextmanager
def _translate_errors(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise make_disk_error(folder, error) from error


def _encode(values: dict[str, Any], indent: int | None = None) -> bytes:
    text = json.dumps(values, ensure_ascii=False, indent=indent) + "\n"
    # A lone surrogate is not valid UTF-8; its escape is that of JSON.
    return text.encode(errors="backslashreplace")


def _check_inside(folder: Path, images: Path) -> None:
    if not Path(os.path.realpath(images)).is_relative_to(os.path.realpath(folder)):
        raise ArtistNstError(
            f"{images} is a link out of its corpus, which is not allowed: link {folder}"
            " or the whole folder of corpora instead"
        )


def _remove_empty(folder: Path) -> None:
    with suppress(OSError):
        (folder / "images").rmdir()  # fails if a picture came before its line did
        (folder / "corpus.json").unlink(missing_ok=True)
        (folder / LOCK_NAME).unlink(missing_ok=True)
        folder.rmdir()


def _append_whole(descriptor: int, content: bytes) -> None:
    """Write all or nothing: a full disk would accept part of a line."""
    start = os.fstat(descriptor).st_size
    try:
        while content:
            content = content[os.write(descriptor, content) :]
    except OSError:
        with suppress(OSError):
            os.ftruncate(descriptor, start)
        raise
