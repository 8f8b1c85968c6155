"""Forgetting an artist: what of a corpus's folder is ours is deleted, and no more."""

import os
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from artist_nst.corpus.manifest import LOCK, PART, locked
from artist_nst.corpus.works import (
    PICTURES,
    Corpus,
    DamagedError,
    Work,
    load_corpus,
    name_of,
    packaged_corpora,
    titled,
)
from artist_nst.errors import ArtistNstError, UsageError


@dataclass(frozen=True, slots=True)
class Belongings:
    """What of a corpus's folder is ours.

    Attributes:
        pictures: those that the manifest names and that are below ``images/``.
        bytes: of the pictures.
    """

    pictures: tuple[Path, ...]
    bytes: int


def salvage(folder: Path) -> Corpus:
    """The corpus whose manifest is damaged: whatever pictures lie in ``images/``."""
    images = folder / "images"
    files = [
        f"images/{path.name}"
        for path in (sorted(images.iterdir()) if images.is_dir() else ())
        if path.suffix.lower() in PICTURES and not path.name.startswith(".")
    ]
    works = tuple(Work(id=file, title=file, file=file) for file in files)
    return Corpus(folder, folder.name, name_of(folder) or titled(folder.name), works)


def belongings(corpus: Corpus) -> Belongings:
    """What :func:`forget` would delete, besides the manifest.

    Raises:
        UsageError: the corpus is not one that may be forgotten.
    """
    _refuse_others(corpus.folder)
    found = {path: path.lstat().st_size for path in _pictures(corpus)}
    return Belongings(tuple(found), sum(found.values()))


def forget(corpus: Corpus, *, damaged: bool = False) -> tuple[Path, ...]:
    """Delete a corpus's manifest, and the pictures that it names.

    The manifest goes last: interrupted anywhere, the same call again does the rest.
    Files that the manifest does not name stay, and with them the folder.

    Args:
        damaged: where the manifest is, delete all the pictures in ``images/``.
    Returns:
        The files that stayed.
    Raises:
        UsageError: the corpus is not one that may be forgotten.
        ArtistNstError: another process works on it, or the disk refused.
    """
    folder = corpus.folder
    _refuse_others(folder)
    with locked(folder):
        if (folder / "corpus.json").exists():
            # As it is now, not as it was while the user thought about it.
            pictures = list(_pictures(_as_it_is(folder, damaged)))
            _delete([*pictures, *_parts(folder)])
            _delete_empty(folder, {path.parent for path in pictures})
            _delete([folder / "works.jsonl", folder / "corpus.json"])
        # While it is held, so that it is not another process's that goes.
        with suppress(OSError):
            (folder / LOCK).unlink()
    with suppress(OSError):
        if os.name == "nt":  # where a file that is open can't be deleted
            (folder / LOCK).unlink()
    left = (path for path in sorted(folder.rglob("*")) if path.name != LOCK)
    files = tuple(path for path in left if path.is_symlink() or not path.is_dir())
    if not files:
        with suppress(OSError):
            folder.rmdir()
    return files


def _as_it_is(folder: Path, damaged: bool) -> Corpus:
    try:
        return load_corpus(folder)
    except DamagedError:
        if not damaged:
            raise
        return salvage(folder)


def _refuse_others(folder: Path) -> None:
    if folder.is_symlink():
        raise UsageError(
            f"{folder} is a link to {os.path.realpath(folder)}: delete the link "
            "yourself, and what it leads to if that is to go"
        )
    if os.path.realpath(folder) == os.path.realpath(packaged_corpora() / "procedural"):
        raise UsageError("procedural comes with artist-nst and can't be forgotten")
    # An empty folder may go: it is what an interruption in the very end leaves.
    held = {path.name for path in folder.iterdir()} if folder.exists() else set()
    if "corpus.json" not in held and held - {LOCK}:
        raise UsageError(
            f"{folder} holds pictures of your own, not a corpus of artist-nst's: "
            "delete it yourself"
        )


def _pictures(corpus: Corpus) -> Iterable[Path]:
    """The works' files, where they are what they seem: below images/, past no link."""
    folder = corpus.folder
    images = Path(os.path.realpath(folder)) / "images"
    named = (os.path.normpath(work.file) for work in corpus.works if work.file)
    for path in dict.fromkeys(folder / one for one in named):
        # A link itself may be deleted; what it leads to may not.
        parent = Path(os.path.realpath(path.parent))
        there = os.path.islink(path) or os.path.isfile(path)
        if there and parent.is_relative_to(images):
            yield path


def _parts(folder: Path) -> list[Path]:
    """What a process that was killed left half-written."""
    images = folder / "images"
    within = [folder] if images.is_symlink() else [folder, images]
    return [path for one in within for path in one.glob(f".*{PART}")]


def _delete(files: Iterable[Path]) -> None:
    for path in files:
        try:
            path.unlink(missing_ok=True)
        except OSError as error:
            raise ArtistNstError(
                f"{path} cannot be deleted: {error.strerror or error}; "
                "do the same again once it can"
            ) from error


def _delete_empty(folder: Path, parents: Iterable[Path]) -> None:
    """images/ and the folders in it that pictures were in, if nothing else is there."""
    images = folder / "images"
    inside = {images}
    for parent in parents:
        inside |= {one for one in (parent, *parent.parents) if images in one.parents}
    for one in sorted(inside, reverse=True):
        with suppress(OSError):
            one.rmdir()
