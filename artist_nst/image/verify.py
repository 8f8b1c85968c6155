"""Is a file that came from somewhere a whole picture? Asked before it is kept."""

import io
import mmap
import re
from dataclasses import dataclass

from PIL import ExifTags, Image

from artist_nst._types import PathLike
from artist_nst.errors import ArtistNstError
from artist_nst.image.reading import (
    check_affordable,
    decoding,
    name_of,
    open_file,
    open_image,
    pillow,
)

__all__ = ["Verified", "verify_picture"]

# A phone's MPO is a JPEG with others behind it.
_SUFFIXES = {
    "JPEG": ".jpg",
    "MPO": ".jpg",
    "PNG": ".png",
    "TIFF": ".tif",
    "WEBP": ".webp",
    "GIF": ".gif",
    "BMP": ".bmp",
}
_TURNED = (5, 6, 7, 8)  # EXIF orientations with width and height exchanged

# In JPEG's coded data, FF 00 is the byte FF and FF D0 to FF D7 only say where one is.
_MARKER = re.compile(rb"\xff([\x02-\xcf\xd8-\xfe])")
_START, _END = b"\xd8", b"\xd9"


@dataclass(frozen=True, slots=True)
class Verified:
    """What a picture turned out to be, once all of it was decoded.

    Attributes:
        width, height: In pixels, upright.
        suffix: Of its format, whatever its name says: ``".jpg"``.
    """

    width: int
    height: int
    suffix: str


def verify_picture(path: PathLike, *, max_pixels: int = 300_000_000) -> Verified:
    """Decode a whole picture, so that a truncated or damaged one is found.

    Takes little memory: JPEG is decoded at an eighth of its size, which reads all of
    its data; progressive JPEG needs 2 bytes a sample besides, for its coefficients.
    Of an animation, the first frame is decoded. One picture at a time, whatever the
    number of threads.

    Args:
        path: A JPEG, PNG, TIFF, WebP, GIF or BMP file.
        max_pixels: The largest width × height that is taken; WebP only up to
            24,000,000, other formats than JPEG up to 64,000,000.
    Raises:
        TooLargeError: It has more pixels.
        ArtistNstError: The file cannot be read, is of another format, truncated or
            damaged.
    """
    name = name_of(path)
    with open_file(path) as stream, pillow(None, name), decoding(name, stream):
        image = open_image(stream)
        suffix = _SUFFIXES.get(image.format or "")
        if suffix is None:
            raise ArtistNstError(
                f"{name} cannot be taken: it is {image.format}; "
                "convert it to JPEG, PNG, TIFF, WebP, GIF or BMP"
            )
        check_affordable(image, name, max_pixels)
        decode = _decode_jpeg if suffix == ".jpg" else _decode
        width, height = decode(image, stream)
        if suffix != ".tif" and _orientation(image) in _TURNED:
            width, height = height, width
        return Verified(width, height, suffix)


def _decode(image: Image.Image, stream: io.BufferedReader) -> tuple[int, int]:
    """Decode in full; TIFF is upright then."""
    if image.format == "PNG":
        image.verify()  # the checksums, which load() does not look at
        stream.seek(0)
        image = open_image(stream)
    image.load()
    return image.size


def _decode_jpeg(image: Image.Image, stream: io.BufferedReader) -> tuple[int, int]:
    size = image.size
    image.draft(None, (1, 1))  # as small as it gets
    image.load()
    # The decoder takes missing data for grey, and zeros for data.
    with mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as content:
        if not _has_end(content):
            raise OSError("its end is missing")
    return size


def _has_end(content: mmap.mmap) -> bool:
    """Whether the JPEG that a file begins with goes on to its end marker."""
    at = 0
    while marker := _MARKER.search(content, at):
        if marker[1] == _END:
            return True
        at = marker.end()
        if marker[1] != _START:
            # Skipped by its length: a preview in it has an end marker of its own.
            at += int.from_bytes(content[at : at + 2])
    return False


def _orientation(image: Image.Image) -> int | None:
    # The EXIF parser raises as many kinds as a decoder; read_picture ignores it then.
    try:
        found = image.getexif().get(ExifTags.Base.Orientation)
    except MemoryError:
        raise
    except Exception:
        return None
    return found if isinstance(found, int) else None
