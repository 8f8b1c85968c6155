"""Files: atomic writing, hashes, errors in one line; and the installed version."""

import contextlib
import errno
import functools
import glob
import hashlib
import io
import logging
import os
import re
import secrets
import stat
import time
from collections.abc import Iterator, Sequence
from importlib import metadata
from pathlib import Path

from artist_nst._types import PathLike
from artist_nst.errors import ArtistNstError, UsageError

log = logging.getLogger(__name__)

# Of what can be written, in lower case.
PICTURE_SUFFIXES = (".png", ".jpg", ".jpeg", ".tif", ".tiff", ".webp")
VIDEO_SUFFIXES = (".gif", ".mp4", ".webm")
# Of what can be read; files with other names are looked into.
READABLE_SUFFIXES = {
    *(".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".tif", ".tiff", ".webp", ".bmp"),
    *(".gif", ".avif", ".heic", ".heif", ".jp2", ".ppm", ".pgm", ".pbm", ".pnm"),
}
_LEFTOVER = re.compile(r"\.artist-nst-[0-9a-f]{16}\.part")
LEFTOVER_SECONDS = 24 * 3600  # another process may still write to a younger one
_SIGNATURES = re.compile(
    rb"\xff\xd8\xff|\x89PNG\r\n\x1a\n|GIF8[79]a|RIFF....WEBP|II\*\0|MM\0\*"
    rb"|BM.{12}[\x0c\x28\x6c\x7c]|\0\0\0\x0cjP  \r\n\x87\n"
    rb"|....ftyp(?:avi[fs]|mif1|msf1|hei[cxms]|hev[cxms])",
    re.DOTALL,
)


def get_version(package: str = "artist-nst") -> str | None:
    """Get the version of an installed package, or None if it is not installed."""
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def format_path(path: PathLike) -> str:
    """Format a path for a message: on one line, whatever characters it holds."""
    text = os.fspath(path)
    return text if text.isprintable() and text else repr(text)


def format_error(error: BaseException) -> str:
    """Put an error's text on one line; its type's name if it has no text."""
    return " ".join(str(error).split()) or type(error).__name__


def describe_read_error(path: PathLike, error: OSError | ValueError) -> str:
    """Say in one line why a file cannot be read and what to do about it.

    An OSError without a number and a ValueError (a NUL in the path) say it themselves.
    """
    if not isinstance(error, OSError) or error.errno is None:
        return f"{format_path(path)} cannot be read: {format_error(error)}"
    match error.errno:
        case errno.ENOENT | errno.ENOTDIR:
            reason = "there is no such file; check the path"
        case errno.EISDIR:
            reason = "it is a folder; name a file inside it"
        case errno.EACCES | errno.EPERM:
            reason = "permission denied; make the file readable (chmod u+r)"
        case _:
            reason = f"{error.strerror}; check the path and the disk"
    return f"{format_path(path)} cannot be read: {reason}"


def describe_write_error(
    path: PathLike, error: OSError | ValueError, option: str = ""
) -> str:
    """Say in one line why a file or folder cannot be written and what to do about it.

    ``option`` is the command-line option that chooses another folder, if there is one.
    As for ``describe_read_error``, an error without a number says it itself.
    """
    if not isinstance(error, OSError) or error.errno is None:
        return f"{format_path(path)} cannot be written: {format_error(error)}"
    another = f"another folder with {option}" if option else "another folder"
    match error.errno:
        case errno.ENOSPC | errno.EDQUOT:
            reason = f"no space left on the disk; free some or choose {another}"
        case errno.EACCES | errno.EPERM | errno.EROFS:
            reason = f"permission denied; choose {another}"
        case errno.ENOENT:
            reason = f"its folder does not exist; create it or choose {another}"
        case errno.ENOTDIR | errno.EEXIST:
            reason = f"there is a file in place of its folder; choose {another}"
        case errno.EISDIR:
            reason = "it is a folder; name a file"
        case errno.ENAMETOOLONG:
            reason = "its name is too long; choose a shorter one"
        case _:
            reason = f"{error.strerror}; choose another name, or {another}"
    return f"{format_path(path)} cannot be written: {reason}"


def open_file(path: PathLike, *, allow_empty: bool = False) -> io.BufferedReader:
    """Open a regular file for reading, or raise ArtistNstError.

    An empty file is refused unless ``allow_empty``.
    """
    try:
        status = os.stat(path)
        if stat.S_ISDIR(status.st_mode):
            raise IsADirectoryError(errno.EISDIR, "is a folder")
        # A pipe could block forever, and a device never end.
        if not stat.S_ISREG(status.st_mode):
            raise OSError("it is a pipe or device; copy it to a file")
        if status.st_size == 0 and not allow_empty:
            raise OSError("it is empty (0 bytes); copy or save it again")
        return open(path, "rb")
    except (OSError, ValueError) as error:
        raise ArtistNstError(describe_read_error(path, error)) from error


def is_picture_file(path: PathLike) -> bool:
    """Tell whether a file is a picture by its name, or by its first bytes.

    Not whether it can be read. A link that leads nowhere is one if its name says so.
    """
    is_named = os.path.splitext(path)[1].lower() in READABLE_SUFFIXES
    if not os.path.isfile(path):
        return is_named and os.path.islink(path)
    if is_named:
        return True
    try:
        with open_file(path) as stream:
            return _SIGNATURES.match(stream.read(32)) is not None
    except (ArtistNstError, OSError):
        return False


def list_folder(folder: Path) -> list[str]:
    """List the names in a folder, sorted; hidden ones are left out.

    Raises:
        ArtistNstError: It cannot be read.
    """
    try:
        return sorted(name for name in os.listdir(folder) if not name.startswith("."))
    except OSError as error:
        raise ArtistNstError(describe_read_error(folder, error)) from error


def find_files(folder: Path) -> list[Path]:
    """Find the files in a folder and the folders in it; hidden ones are left out.

    A folder within it that cannot be read is left out, too, which is logged.
    """

    def log_unreadable(error: OSError) -> None:
        if not isinstance(error, FileNotFoundError):
            path, reason = error.filename, error.strerror
            log.warning("%s cannot be read (%s); it is left out", path, reason)

    found = []
    for parent, folders, files in os.walk(folder, onerror=log_unreadable):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        found += [Path(parent, name) for name in files if not name.startswith(".")]
    return sorted(found)


def find_pictures(picture: str) -> list[Path]:
    """List the pictures of a folder, or of a pattern, which Windows' shells do not.

    Raises:
        UsageError: A folder has none.
    """
    if os.path.isdir(picture):
        paths = (Path(picture, name) for name in list_folder(Path(picture)))
        pictures = list(filter(is_picture_file, paths))
        if not pictures:
            raise UsageError(f"{picture}: the folder has no pictures")
        return pictures
    if os.path.exists(picture):
        return [Path(picture)]
    matches = sorted(glob.glob(picture, recursive=True))
    return [Path(match) for match in matches] or [Path(picture)]


def hash_file(path: PathLike) -> str:
    """Compute the SHA-256 of a file in hexadecimal, or raise ArtistNstError."""
    with open_file(path, allow_empty=True) as stream:
        try:
            return hashlib.file_digest(stream, "sha256").hexdigest()
        except OSError as error:
            raise ArtistNstError(describe_read_error(path, error)) from error


def make_temporary_path(path: PathLike) -> Path:
    """Make a hidden name for a file that will replace ``path``, or a link's target."""
    target = Path(os.path.realpath(path))
    _remove_leftovers(target.parent)
    return target.with_name(f".artist-nst-{secrets.token_hex(8)}.part")


@functools.cache
def _remove_leftovers(folder: Path) -> None:
    """Delete temporary files that killed processes of this program left in a folder."""
    with contextlib.suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            if _LEFTOVER.fullmatch(entry.name) and entry.is_file(follow_symlinks=False):
                age = time.time() - entry.stat(follow_symlinks=False).st_mtime
                if age > LEFTOVER_SECONDS:
                    os.unlink(entry.path)


def replace_file(temporary: Path, path: PathLike) -> None:
    """Flush a temporary file to the disk and move it to ``path`` in one step.

    A symbolic link at ``path`` is written through, not replaced.
    """
    with open(temporary, "rb+") as stream:
        os.fsync(stream.fileno())
    os.replace(temporary, os.path.realpath(path))


@contextlib.contextmanager
def atomic_write(path: PathLike) -> Iterator[Path]:
    """Yield a temporary path whose file replaces ``path`` when the block ends.

    If the block raises, or the disk refuses (OSError), the temporary file is deleted
    and what was at ``path`` stays.
    """
    temporary = make_temporary_path(path)
    try:
        yield temporary
        replace_file(temporary, path)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(temporary)
        raise


def write_bytes(path: PathLike, content: bytes | memoryview) -> None:
    """Write a whole file, or raise OSError and leave everything as it was."""
    with atomic_write(path) as temporary:
        temporary.write_bytes(content)


@contextlib.contextmanager
def translate_write_errors(path: PathLike) -> Iterator[None]:
    """Raise what writing a file raises as an ArtistNstError of one line."""
    try:
        yield
    except OSError as error:
        raise ArtistNstError(describe_write_error(path, error)) from error
    except MemoryError as error:
        raise ArtistNstError(
            f"{format_path(path)} cannot be written: not enough memory; make the "
            "picture smaller"
        ) from error


def write_text(path: PathLike, text: str) -> None:
    """Write a whole file in UTF-8, or raise ArtistNstError and change nothing."""
    with translate_write_errors(path):
        write_bytes(path, text.encode())


def read_text(
    path: PathLike,
    max_bytes: int,
    too_large: str,
    *,
    hint: str = "",
    allow_empty: bool = False,
) -> str:
    """Read a file in UTF-8, with or without a byte order mark.

    Args:
        path: The file.
        max_bytes: More are refused.
        too_large: What then is said after its name.
        hint: Added to what is said of other encodings.
        allow_empty: Whether an empty file is read.

    Raises:
        UsageError: It cannot be read, is too large, or is not text in UTF-8.
    """
    try:
        with open_file(path, allow_empty=allow_empty) as stream:
            content = stream.read(max_bytes + 1)
    except OSError as error:
        raise UsageError(describe_read_error(path, error)) from error
    except ArtistNstError as error:
        raise UsageError(str(error)) from error
    name = format_path(path)
    if len(content) > max_bytes:
        raise UsageError(f"{name} {too_large}")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise UsageError(
            f"{name}, line {line}: it is not text in UTF-8; save it as that{hint}"
        ) from error


def check_suffix(path: PathLike, suffixes: Sequence[str] = PICTURE_SUFFIXES) -> str:
    """Get a name's suffix in lower case; UsageError if it is not in ``suffixes``."""
    suffix = Path(path).suffix.lower()
    if suffix not in suffixes:
        raise UsageError(
            f"{format_path(path)} cannot be written: end its name in "
            f"{', '.join(suffixes)}"
        )
    return suffix


def check_writable(path: PathLike, suffixes: Sequence[str] = PICTURE_SUFFIXES) -> None:
    """Check that a file can be written here, before the work is done.

    Raises:
        UsageError: The suffix is not one of ``suffixes``, the path is a folder, or
            its folder does not exist or cannot be written to.
    """
    check_suffix(path, suffixes)
    try:
        if os.path.isdir(path):
            raise IsADirectoryError(errno.EISDIR, "is a folder")
        with contextlib.suppress(FileNotFoundError):
            # Also refuses a name that is too long, or a loop of links.
            status = os.stat(path)
            if not stat.S_ISREG(status.st_mode):
                raise OSError("it is a pipe or device; name a file")
            if not os.access(path, os.W_OK):
                raise PermissionError(errno.EACCES, "is read-only")
        # Creating a file is the only test that also covers read-only mounts and ACLs.
        probe = make_temporary_path(path)
        probe.touch(exist_ok=False)
        probe.unlink()
    except (OSError, ValueError) as error:
        raise UsageError(describe_write_error(path, error)) from error
