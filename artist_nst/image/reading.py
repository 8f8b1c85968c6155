"""A picture's file opened and handed to Pillow, and what goes wrong in one line.

Imports little: whoever only checks a picture needs neither numpy nor the rest.
"""

import contextlib
import errno
import io
import logging
import os
import re
import stat
import threading
import warnings
from collections.abc import Iterator

from PIL import Image, ImageFile, ImageOps, UnidentifiedImageError

from artist_nst._types import PathLike
from artist_nst.errors import ArtistNstError, TooLargeError

log = logging.getLogger(__name__)

# Only formats with a signature: Pillow's others would take a text file for a
# picture, or start programs such as Ghostscript.
READABLE = ("PNG", "JPEG", "TIFF", "WEBP", "GIF", "BMP", "PPM", "JPEG2000", "AVIF")
READABLE_TEXT = "PNG, JPEG, TIFF, WebP, GIF, BMP, PPM, JPEG 2000 or AVIF"

FULL_PIXELS = 64_000_000
"""The largest picture decoded in full just to be looked at; JPEG need not be."""

WEBP_PIXELS = 24_000_000
"""The same for WebP, whose decoder takes 16 bytes a pixel."""

_pillow_lock = threading.Lock()


def name_of(path: PathLike) -> str:
    """The path as it stands in a message: on one line, whatever it holds."""
    text = os.fspath(path)
    return text if text.isprintable() and text else repr(text)


def line_of(error: BaseException) -> str:
    """What an error says, on one line; its kind where it says nothing."""
    return " ".join(str(error).split()) or type(error).__name__


def unreadable(name: str, error: OSError) -> str:
    """What the system refused, with the mend."""
    match error.errno:
        case errno.ENOENT | errno.ENOTDIR:
            why = "there is no such file; check the path"
        case errno.EISDIR:
            why = "it is a folder; name a picture inside it"
        case errno.EACCES | errno.EPERM:
            why = "permission denied; make the file readable (chmod u+r)"
        case _:
            why = f"{error.strerror or line_of(error)}; check the path and the disk"
    return f"{name} cannot be read: {why}"


def open_file(path: PathLike) -> io.BufferedReader:
    """Open a regular file that holds at least one byte.

    Raises:
        ArtistNstError: It is none, or cannot be read.
    """
    name = name_of(path)
    try:
        status = os.stat(path)
        if stat.S_ISDIR(status.st_mode):
            raise IsADirectoryError(errno.EISDIR, "is a folder")
        # A pipe could block for ever, and a device never end.
        if not stat.S_ISREG(status.st_mode):
            raise ArtistNstError(
                f"{name} cannot be read: it is a pipe or device; copy it to a file"
            )
        stream = open(path, "rb")  # noqa: SIM115 - the caller closes it
    except OSError as error:
        raise ArtistNstError(unreadable(name, error)) from error
    except ValueError as error:  # a NUL in the path
        raise ArtistNstError(
            f"{name} cannot be read: {line_of(error)}; check the path"
        ) from error
    if status.st_size == 0:
        stream.close()
        raise ArtistNstError(
            f"{name} cannot be read: it is empty (0 bytes); copy or save it again"
        )
    return stream


@contextlib.contextmanager
def pillow(max_pixels: int | None, name: str) -> Iterator[None]:
    """Pillow with our limit and its warnings logged, both put back afterwards.

    The limit, the truncation switch and the warning filters belong to the whole
    process, so one thread at a time is let in.
    """
    with _pillow_lock, warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)
        limit, Image.MAX_IMAGE_PIXELS = Image.MAX_IMAGE_PIXELS, max_pixels
        lenient = ImageFile.LOAD_TRUNCATED_IMAGES
        ImageFile.LOAD_TRUNCATED_IMAGES = False
        try:
            yield
        finally:
            Image.MAX_IMAGE_PIXELS = limit
            ImageFile.LOAD_TRUNCATED_IMAGES = lenient
            for text in dict.fromkeys(str(warning.message) for warning in caught):
                log.info("%s: %s", name, " ".join(text.split()))


@contextlib.contextmanager
def decoding(
    name: str, stream: io.BufferedReader, max_pixels: int = 0
) -> Iterator[None]:
    """Turn whatever a decoder raises into one line.

    Raises:
        TooLargeError: Pillow found more pixels than ``max_pixels``.
        ArtistNstError: The file is no picture, truncated or damaged.
    """
    try:
        yield
    except ArtistNstError:
        raise
    except Image.DecompressionBombError as error:
        # Raised before the size is known here; Pillow's text counts the pixels.
        found = re.search(r"\d+", str(error))
        size = f"{int(found.group()):,} pixels" if found else "too many pixels"
        raise too_large(name, size, max_pixels) from error
    except MemoryError as error:
        raise ArtistNstError(
            f"{name} cannot be read: not enough memory; make the picture smaller"
        ) from error
    except UnidentifiedImageError as error:
        raise ArtistNstError(
            f"{name} cannot be read: it is {_guess(stream)}; "
            f"convert it to {READABLE_TEXT}"
        ) from error
    except Exception as error:
        raise ArtistNstError(
            f"{name} cannot be read: it is truncated or damaged ({line_of(error)}); "
            "copy or save it again"
        ) from error


def open_image(stream: io.BufferedReader) -> Image.Image:
    """Read a picture's header; to be called within ``pillow``."""
    Image.init()
    # Which decoders there are depends on how Pillow was built.
    return Image.open(stream, formats=[one for one in READABLE if one in Image.OPEN])


def too_large(name: str, size: str, max_pixels: int) -> TooLargeError:
    """The error for a picture of that size ("30000 × 20000 pixels")."""
    return TooLargeError(
        f"{name} cannot be read: it has {size}, over the limit of {max_pixels:,}; "
        "raise the limit with --max-pixels or make the picture smaller"
    )


def check_affordable(image: Image.Image, name: str, max_pixels: int) -> None:
    """Refuse what would take too much memory where only its whole need be seen.

    JPEG can be decoded at an eighth of its size; others only in full.

    Args:
        image: Opened and not decoded.
        max_pixels: The largest width × height of a JPEG; WebP has at most
            ``WEBP_PIXELS``, others ``FULL_PIXELS``.
    Raises:
        TooLargeError: It is larger.
    """
    width, height = image.size
    size = f"{width} × {height} pixels"
    if image.format == "WEBP" and width * height > WEBP_PIXELS:
        raise TooLargeError(
            f"{name} cannot be read: it has {size}, and WebP is taken up to "
            f"{WEBP_PIXELS:,}; save it as JPEG or PNG"
        )
    if image.format not in ("JPEG", "MPO") and width * height > FULL_PIXELS:
        raise TooLargeError(
            f"{name} cannot be read: it has {size}, and only JPEG is taken above "
            f"{FULL_PIXELS:,}; make the picture smaller or save it as JPEG"
        )
    if width * height > max_pixels:
        raise too_large(name, size, max_pixels)


def _guess(stream: io.BufferedReader) -> str:
    """What a file that no decoder took seems to be."""
    stream.seek(0)
    head = stream.read(1024)
    if head[4:8] == b"ftyp" and b"avif" not in head[:64]:
        return "HEIC/HEIF or a film, which is not supported"
    if b"<svg" in head.lower():
        return "an SVG drawing, which is not supported"
    return "no picture of a supported kind, or truncated or damaged"


def upright(image: Image.Image, name: str) -> Image.Image:
    """The picture as its EXIF orientation says that it is to be seen."""
    try:
        return ImageOps.exif_transpose(image)
    except MemoryError:
        raise
    except Exception as error:  # the EXIF parser raises as many kinds as a decoder
        log.warning("%s: its broken EXIF data is ignored (%s)", name, line_of(error))
        return image
