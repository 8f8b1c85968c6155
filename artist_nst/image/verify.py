"""Verify that a file is a complete image, before it is kept."""

import io
from dataclasses import dataclass

from PIL import Image

from artist_nst._files import format_path, open_file
from artist_nst._types import PathLike
from artist_nst.errors import ArtistNstError
from artist_nst.image.decoder import (
    FULL_PIXELS,
    READABLE_TEXT,
    check_jpeg,
    check_size,
    configure_pillow,
    has_sideways_orientation,
    open_image,
    translate_errors,
)

MAX_PIXELS = 300_000_000

# A phone's MPO is a JPEG followed by others.
_SUFFIXES = {
    "JPEG": ".jpg",
    "MPO": ".jpg",
    "PNG": ".png",
    "TIFF": ".tif",
    "WEBP": ".webp",
    "GIF": ".gif",
    "BMP": ".bmp",
    "AVIF": ".avif",
    "HEIF": ".heic",
    "JPEG2000": ".jp2",
    "PPM": ".ppm",
}


@dataclass(frozen=True, slots=True)
class Verified:
    """What decoding an image showed."""

    width: int  # in pixels, upright
    height: int
    suffix: str  # of its format, whatever its name says: ".jpg"


def verify_picture(path: PathLike, *, max_pixels: int = MAX_PIXELS) -> Verified:
    """Decode a whole image to find out if it is truncated or damaged.

    Takes little memory: JPEG is decoded at an eighth of its size, which still reads
    all of its data; progressive JPEG needs 2 more bytes a sample for its coefficients.
    Of an animation, the first frame is decoded. Threads take turns.

    Raises:
        TooLargeError: It has more than ``max_pixels``; as WebP, more than 24,000,000,
            or in another format than JPEG, more than 64,000,000.
        ArtistNstError: The file cannot be read, is of another format, truncated or
            damaged.
    """
    name = format_path(path)
    with (
        open_file(path) as stream,
        translate_errors(name, stream),
    ):
        if size := _verify_tiff(stream, name, max_pixels):
            return Verified(*size, ".tif")
        return _verify(stream, name, max_pixels)


def _verify_tiff(
    stream: io.BufferedReader, name: str, max_pixels: int
) -> tuple[int, int] | None:
    """Return width and height, upright, of a TIFF that Pillow does not read rightly."""
    is_tiff = stream.read(2) in (b"II", b"MM")
    stream.seek(0)
    if not is_tiff:
        return None
    # Late, with numpy: other pictures are checked without.
    from artist_nst.image.tiff import read_tiff

    tiff = read_tiff(stream, name, min(max_pixels, FULL_PIXELS), width=1)
    stream.seek(0)
    if tiff is None:
        return None
    height, width = tiff.upright_size
    return width, height


def _verify(stream: io.BufferedReader, name: str, max_pixels: int) -> Verified:
    with configure_pillow(name):
        image = open_image(stream, name)
        suffix = _SUFFIXES.get(image.format or "")
        if suffix is None:
            raise ArtistNstError(
                f"{name} cannot be used: it is {image.format}; "
                f"convert it to {READABLE_TEXT}"
            )
        check_size(image, name, max_pixels)
        width, height = image.size
        if suffix == ".jpg":
            check_jpeg(stream)
        else:
            width, height = _decode(image, stream, name)
        if suffix != ".tif" and has_sideways_orientation(image):
            width, height = height, width
        return Verified(width, height, suffix)


def _decode(
    image: Image.Image, stream: io.BufferedReader, name: str
) -> tuple[int, int]:
    """Decode in full, which also turns TIFF upright."""
    if image.format == "PNG":
        image.verify()  # the checksums, which load() does not look at
        stream.seek(0)
        image = open_image(stream, name)
    image.load()
    return image.size
