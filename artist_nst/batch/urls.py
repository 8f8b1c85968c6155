"""Files behind URLs such as ``s3://bucket/photos/a.jpg``, read and written by fsspec.

Each URL has a path in a cache folder of the user's that mirrors the store. Before its
file is fetched, a path can be joined, named and compared like all others.
"""

from __future__ import annotations

import errno
import os
import re
import secrets
from collections.abc import Callable, Collection, Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager, suppress
from pathlib import Path, PurePosixPath
from typing import Any

import tenacity
from filelock import FileLock
from platformdirs import user_cache_path

from artist_nst import _files
from artist_nst._files import (
    READABLE_SUFFIXES,
    atomic_write,
    find_files,
    format_error,
    format_path,
    write_bytes,
)
from artist_nst.errors import ArtistNstError, UsageError

CONNECTIONS = 16  # files that are fetched at a time
PROGRESS_STEP = 20  # files
MAX_TRIES = 3  # of an upload, besides those of the store's own package
# A put to them is there as a whole, or not at all.
OBJECT_STORES = frozenset(
    {"s3", "s3a", "gs", "gcs", "az", "abfs", "abfss", "adl", "oss", "oci", "memory"}
)

_URL = re.compile(r"([a-z][a-z0-9+.-]+)://(.+)", re.DOTALL)
# What tells one version of a file from another, by the store.
_VERSIONS = ("etag", "ETag", "md5Hash", "mtime", "LastModified", "last_modified")


class _StoreError(ArtistNstError):
    """A store that fails for the moment: trying again may help."""


def is_url(text: str) -> bool:
    """Tell whether a text is a URL."""
    return _URL.match(text) is not None


def get_mirror() -> Path:
    """Get the folder in which files behind URLs are kept."""
    return user_cache_path("artist-nst", appauthor=False) / "urls"


def to_path(url: str) -> Path:
    """Return the place of a URL's file or folder in the mirror.

    Raises:
        UsageError: No path can be the URL's.
    """
    match = _URL.match(url)
    assert match is not None
    parts = match[2].strip("/").split("/")
    if any(part in ("", ".", "..") or "\0" in part for part in parts):
        raise UsageError(f"{format_path(url)}: a URL's parts must be names: correct it")
    if re.search(":.*@", parts[0]):
        raise UsageError(
            f"{match[1]}://…@…: leave the password out of the URL, and set it as the "
            "store's own package reads it"
        )
    return Path(get_mirror(), match[1], *parts)


def choose_path(name: str) -> Path:
    """Return the path of a file that is named by a path or a URL.

    Raises:
        UsageError: No path can be the URL's.
    """
    return to_path(name) if is_url(name) else Path(name)


def to_url(path: str | os.PathLike[str]) -> str | None:
    """Return the URL whose place in the mirror a path is; None for other paths."""
    absolute, mirror = Path(os.path.abspath(path)), os.path.abspath(get_mirror())
    if not absolute.is_relative_to(mirror):
        return None
    scheme, *parts = absolute.relative_to(mirror).parts or ("",)
    if not parts:
        return None
    return f"{scheme}://{'/' * (scheme == 'file')}{'/'.join(parts)}"


def name_path(path: Path) -> str:
    """Name a file for a message: by its URL, or its path."""
    return format_path(to_url(path) or path)


def name_urls(text: str) -> str:
    """Replace the paths of a message that are in the mirror by their URLs."""
    root = re.escape(f"{os.path.abspath(get_mirror())}{os.sep}")
    text = re.sub(rf"{root}file{re.escape(os.sep)}", "file:///", text)
    return re.sub(rf"{root}([a-z0-9+.-]+){re.escape(os.sep)}", r"\1://", text)


def find_pictures(picture: str) -> list[str]:
    """List the pictures of a file, folder or pattern, by their paths or URLs.

    Raises:
        UsageError: A folder has none, no file fits the pattern, or a package lacks.
        ArtistNstError: The store cannot be read.
    """
    if not is_url(picture):
        return [str(path) for path in _files.find_pictures(picture)]
    to_path(picture)  # raises if it has no place
    with _translated(picture, "read"):
        system, name = _open(picture)
        if re.search(r"[*?\[]", name):
            found = [*system.glob(name, detail=True).values()]
            missing = "no file fits the pattern; check it"
        elif system.isdir(name):
            found = [
                info
                for info in system.ls(name, detail=True)
                if PurePosixPath(info["name"]).suffix.lower() in READABLE_SUFFIXES
            ]
            missing = "the folder has no pictures"
        else:
            return [picture]
    scheme = picture.partition("://")[0]
    names = sorted(info["name"] for info in found if info["type"] == "file")
    pictures = [name for name in names if not PurePosixPath(name).name.startswith(".")]
    if not pictures:
        raise UsageError(f"{format_path(picture)}: {missing}")
    return [f"{scheme}://{name}" for name in pictures]


def fetch(path: Path) -> None:
    """Bring a file of the mirror up to date: it is read if its version is another.

    Raises:
        UsageError: A package lacks.
        ArtistNstError: It cannot be read.
    """
    with _opened(path) as (system, name):
        info = system.info(name)
        if info["type"] == "directory":
            raise IsADirectoryError(errno.EISDIR, "it is a folder; name a file in it")
        _fetch(system, info, path)


def fetch_files(
    paths: Collection[Path],
    on_progress: Callable[[int, int], None] = lambda _done, _total: None,
) -> dict[Path, ArtistNstError]:
    """Bring files of the mirror up to date, several at a time.

    Args:
        paths: Their places.
        on_progress: Called with the number of files looked at, and of all.

    Returns:
        Why some cannot be read.

    Raises:
        UsageError: A package lacks.
    """
    failures: dict[Path, ArtistNstError] = {}
    with ThreadPoolExecutor(CONNECTIONS) as pool:
        futures = {pool.submit(fetch, path): path for path in paths}
        try:
            for number, future in enumerate(as_completed(futures), 1):
                try:
                    future.result()
                except UsageError:
                    raise
                except ArtistNstError as error:
                    failures[futures[future]] = error
                if number % PROGRESS_STEP == 0:
                    on_progress(number, len(futures))
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
    return failures


def fetch_folder(folder: Path) -> None:
    """Bring all files of a folder of the mirror up to date.

    What the store does not have any more is deleted. Hidden files are left out.

    Raises:
        ArtistNstError: It cannot be read.
    """
    with _opened(folder) as (system, name):
        # What was listed before may be old.
        system.invalidate_cache()
        found = {
            place: info
            for info in system.find(name, detail=True).values()
            if (place := _place_in(folder, name, info["name"])) is not None
        }
        with ThreadPoolExecutor(CONNECTIONS) as pool:
            jobs = [(system, info, place) for place, info in found.items()]
            for _ in pool.map(lambda job: _fetch(*job), jobs):
                continue
        for path in find_files(folder):
            if path not in found:
                path.unlink()


def list_folder(folder: Path) -> dict[str, tuple[int | None, str]]:
    """List the files in a folder: their names, sizes in bytes, and versions.

    It is empty if there is no such folder.

    Raises:
        ArtistNstError: It cannot be read.
    """
    return {
        PurePosixPath(info["name"]).name: (info.get("size"), _get_version(info))
        for info in _list(folder)
        if info["type"] == "file"
    }


def list_folders(folder: Path) -> list[str]:
    """List the names of the folders in a folder; raises as :func:`list_folder`."""
    names = (
        PurePosixPath(info["name"].rstrip("/")).name
        for info in _list(folder)
        if info["type"] == "directory"
    )
    return sorted(name for name in names if not name.startswith("."))


def _list(folder: Path) -> list[dict[str, Any]]:
    with _opened(folder) as (system, name):
        system.invalidate_cache()
        try:
            return [*system.ls(name, detail=True)]
        except FileNotFoundError:
            return []


def exists(path: Path) -> bool:
    """Tell whether a file is there: in the store, if its path is in the mirror.

    Raises:
        ArtistNstError: The store cannot be read.
    """
    if to_url(path) is None:
        return os.path.exists(path)
    with _opened(path) as (system, name):
        try:
            system.info(name)
        except FileNotFoundError:
            return False
        return True


def read_bytes(path: Path) -> bytes:
    """Read a file of a store into memory; empty if there is none.

    Raises:
        ArtistNstError: It cannot be read.
    """
    with _opened(path) as (system, name):
        try:
            content: bytes = system.cat_file(name)
        except FileNotFoundError:
            return b""
        return content


def get_fetched_version(path: Path) -> str:
    """Get the version of a file that was fetched; empty if it was not."""
    try:
        return _get_stamp(path).read_text("utf-8")
    except OSError:
        return ""


@tenacity.retry(
    retry=tenacity.retry_if_exception_type(_StoreError),
    stop=tenacity.stop_after_attempt(MAX_TRIES),
    wait=tenacity.wait_exponential(),
    reraise=True,
)
def upload(path: Path) -> str:
    """Write a file of the mirror to its store, where it is seen as a whole only.

    Returns:
        Its version there.

    Raises:
        UsageError: A package lacks.
        ArtistNstError: The store refuses it.
    """
    with _opened(path, "written") as (system, name):
        if str(to_url(path)).partition("://")[0] in OBJECT_STORES:
            system.put_file(str(path), name)
        else:
            _put_and_move(system, path, name)
        info = system.info(name)
        if info["size"] != path.stat().st_size:
            raise OSError("it was cut off")
        return _get_version(info)


def _put_and_move(system: Any, path: Path, name: str) -> None:
    folder = name.rpartition("/")[0]
    temporary = f"{folder}/.artist-nst-{secrets.token_hex(8)}.part"
    system.makedirs(folder, exist_ok=True)
    try:
        system.put_file(str(path), temporary)
        system.mv(temporary, name)
    except BaseException:
        with suppress(Exception):
            system.rm_file(temporary)
        raise


@contextmanager
def _opened(path: Path, done: str = "read") -> Iterator[tuple[Any, str]]:
    """Yield the file system of a place in the mirror, and its name there.

    What the store's package raises meanwhile is raised as an ArtistNstError.
    """
    url = to_url(path)
    assert url is not None
    with _translated(url, done):
        yield _open(url)


def _open(url: str) -> tuple[Any, str]:
    """Return the file system of a URL, and the URL's name in it."""
    scheme = url.partition("://")[0]
    try:
        from fsspec.core import url_to_fs
        from fsspec.registry import known_implementations
    except ImportError as error:
        raise UsageError(
            f"{format_path(url)}: URLs need fsspec: install it with "
            "`pip install 'artist-nst[cluster]'`"
        ) from error
    try:
        system, name = url_to_fs(url)
    except ImportError as error:
        known = known_implementations.get(scheme, {})
        package = known.get("class", "fsspec").partition(".")[0]
        way = f"`pip install {package}`"
        if package == "fsspec":
            way = f"pip ({format_error(error)})"
        raise UsageError(
            f"{format_path(url)}: {scheme}:// needs another package: install it with "
            f"{way}"
        ) from error
    except ValueError as error:
        raise UsageError(
            f"{format_path(url)} is of no kind that fsspec knows "
            f"({format_error(error)}): correct it"
        ) from error
    return system, name


def _fetch(system: Any, info: dict[str, Any], path: Path) -> None:
    """Read a file into the mirror unless the same version is there."""
    version, stamp = _get_version(info), _get_stamp(path)
    if path.is_file() and get_fetched_version(path) == version:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    # The workers of a node often ask for the same file at once.
    with FileLock(path.with_name(f".{path.name}.lock")):
        if path.is_file() and get_fetched_version(path) == version:
            return
        stamp.unlink(missing_ok=True)
        with atomic_write(path) as temporary:
            system.get_file(info["name"], str(temporary))
            size = info.get("size")
            if size is not None and temporary.stat().st_size != size:
                raise OSError("it was cut off")
        write_bytes(stamp, version.encode())


def _get_stamp(path: Path) -> Path:
    return path.with_name(f".{path.name}.version")


def _get_version(info: dict[str, Any]) -> str:
    """Return what tells a file's version: its entity tag, or its time."""
    found = next((info[name] for name in _VERSIONS if info.get(name)), "")
    return f"{str(found).strip(chr(34))} {info.get('size')}"


def _place_in(folder: Path, root: str, name: str) -> Path | None:
    """Return the place of a file that was listed in a folder; None if it is hidden."""
    parts = name.removeprefix(root).strip("/").split("/")
    # A name of "..", which a store may have, must not leave the mirror.
    if any(not part or part.startswith(".") for part in parts):
        return None
    return folder.joinpath(*parts)


@contextmanager
def _translated(url: str, done: str) -> Iterator[None]:
    """Raise what a store's package raises as an ArtistNstError of one line."""
    name = format_path(url)
    try:
        yield
    except ArtistNstError:
        raise
    except FileNotFoundError as error:
        raise ArtistNstError(
            f"{name} cannot be {done}: there is no such file or bucket; check the URL"
        ) from error
    except PermissionError as error:
        raise ArtistNstError(
            f"{name} cannot be {done}: permission denied; check the credentials, and "
            "what they allow"
        ) from error
    # Each package has errors of its own, without a common base.
    except Exception as error:
        reason = getattr(error, "strerror", None) or format_error(error)
        raise _StoreError(
            f"{name} cannot be {done}: {' '.join(str(reason).split())}"
        ) from error
