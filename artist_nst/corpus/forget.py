"""Delete a corpus: the files in its folder that artist-nst wrote, and no others."""

import os
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from artist_nst._files import is_picture_file
from artist_nst.corpus.manifest import LOCK_NAME, find_parts, lock_corpus
from artist_nst.corpus.names import make_title
from artist_nst.corpus.works import (
    Corpus,
    DamagedError,
    Work,
    get_packaged_corpora,
    has_manifest,
    load_corpus,
    read_artist_name,
)
from artist_nst.errors import ArtistNstError, UsageError


def recover_corpus(folder: Path) -> Corpus:
    """Make a corpus of what is in ``images/``, for when the manifest is damaged."""
    files = [
        f"images/{path.name}"
        for path in sorted((folder / "images").glob("[!.]*"))
        if is_picture_file(path)
    ]
    works = tuple(Work(id=file, title=file, file=file) for file in files)
    artist = read_artist_name(folder) or make_title(folder.name)
    return Corpus(folder, folder.name, artist, works)


def find_owned_pictures(corpus: Corpus) -> list[Path]:
    """Find what ``forget`` would delete; UsageError if it may not be forgotten.

    They are the pictures that the manifest names and that are below ``images/``.
    """
    _check_deletable(corpus.folder)
    images = Path(os.path.realpath(corpus.folder)) / "images"
    files = (os.path.normpath(work.file) for work in corpus.works if work.file)
    pictures = []
    for path in dict.fromkeys(corpus.folder / file for file in files):
        # A link itself may be deleted; what it leads to may not.
        parent = Path(os.path.realpath(path.parent))
        exists = os.path.islink(path) or os.path.isfile(path)
        if exists and parent.is_relative_to(images):
            pictures.append(path)
    return pictures


def forget(corpus: Corpus, *, damaged: bool = False) -> tuple[Path, ...]:
    """Delete a corpus's manifest, and the pictures that it names.

    The manifest is deleted last: after an interruption, the same call does the rest.
    Files that the manifest does not name stay, and with them the folder. With
    ``damaged``, a damaged manifest stands for all pictures in ``images/``.

    Returns:
        The files that stayed.

    Raises:
        UsageError: The corpus is not one that may be forgotten.
        ArtistNstError: Another process works on it, or the disk refused.
    """
    folder = corpus.folder
    _check_deletable(folder)
    with lock_corpus(folder):
        if has_manifest(folder):
            pictures = find_owned_pictures(_reload(folder, damaged))
            _delete([*pictures, *find_parts(folder)])
            if not (folder / "images").is_symlink():
                for parent, _, _ in os.walk(folder / "images", topdown=False):
                    with suppress(OSError):  # it is not empty
                        os.rmdir(parent)
            _delete([folder / "works.jsonl", folder / "corpus.json"])
        # While it is held: later it may be another process's.
        with suppress(OSError):
            (folder / LOCK_NAME).unlink()
    with suppress(OSError):
        if os.name == "nt":  # there, an open file cannot be deleted
            (folder / LOCK_NAME).unlink()
    remaining = tuple(
        path
        for path in sorted(folder.rglob("*"))
        if path.name != LOCK_NAME and (path.is_symlink() or not path.is_dir())
    )
    if not remaining:
        with suppress(OSError):
            folder.rmdir()
    return remaining


def _reload(folder: Path, damaged: bool) -> Corpus:
    try:
        return load_corpus(folder)
    except DamagedError:
        if not damaged:
            raise
        return recover_corpus(folder)


def _check_deletable(folder: Path) -> None:
    if folder.is_symlink():
        raise UsageError(
            f"{folder} is a link to {os.path.realpath(folder)}: delete the link "
            "yourself, and what it leads to if you don't need that"
        )
    packaged = get_packaged_corpora() / "procedural"
    if os.path.realpath(folder) == os.path.realpath(packaged):
        raise UsageError("procedural comes with artist-nst and can't be forgotten")
    # An empty folder is what an interruption at the very end leaves.
    names = {path.name for path in folder.iterdir()} if folder.exists() else set()
    if "corpus.json" not in names and names - {LOCK_NAME}:
        raise UsageError(
            f"{folder} holds pictures of your own, not a corpus of artist-nst: "
            "delete it yourself"
        )


def _delete(files: Iterable[Path]) -> None:
    for path in files:
        try:
            path.unlink(missing_ok=True)
        except OSError as error:
            raise ArtistNstError(
                f"{path} cannot be deleted: {error.strerror or error}; "
                "repeat the command once it can"
            ) from error
