"""Open images with Pillow, within limits, with errors in one line.

Imports neither numpy nor anything else that is slow, so that checking a download is
cheap.
"""

import contextlib
import io
import logging
import mmap
import re
import threading
import warnings
from collections.abc import Iterator
from typing import IO, Any, cast

from PIL import (
    ExifTags,
    Image,
    ImageFile,
    ImageOps,
    PngImagePlugin,
    UnidentifiedImageError,
)

from artist_nst._files import format_error
from artist_nst.errors import ArtistNstError, TooLargeError

log = logging.getLogger(__name__)
# What is wrong is raised, too; without a handler of its own it is also printed.
for library in ("PIL", "tifffile"):
    logging.getLogger(library).addHandler(logging.NullHandler())

# Only formats with a signature: Pillow's others would take a text file for an image,
# or start programs such as Ghostscript.
READABLE = (
    *("PNG", "JPEG", "TIFF", "WEBP", "GIF", "BMP", "PPM", "JPEG2000", "AVIF", "HEIF"),
)
READABLE_TEXT = "PNG, JPEG, TIFF, WebP, GIF, BMP, PPM, JPEG 2000, AVIF or HEIC"

# The largest image that is decoded in full for a preview or a check. JPEG may be
# larger; WebP must be smaller, since its decoder takes 16 bytes a pixel.
FULL_PIXELS = 64_000_000
WEBP_PIXELS = 24_000_000

_SIDEWAYS = (5, 6, 7, 8)  # EXIF orientations with width and height exchanged

MAX_SCANS = 200  # of a progressive JPEG; programs write ten or so
MAX_READS = 1_000_000  # of a decoder in Python; a GIF of 64 megapixels takes half
MAX_PLAIN_PIXELS = 2_000_000  # of a PPM in digits, which takes 3 seconds a million
MAX_TEXT = 64 << 20  # bytes of a PNG's text or profile, decompressed

_pillow_lock = threading.Lock()


@contextlib.contextmanager
def configure_pillow(name: str, max_pixels: int | None = None) -> Iterator[None]:
    """Set Pillow's size limit and log its warnings; restore both afterwards.

    The limit, the truncation switch and the warning filters belong to the whole
    process, so only one thread at a time is let in. Pillow raises
    DecompressionBombError above twice ``max_pixels``.
    """
    with _pillow_lock, warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)
        limit, Image.MAX_IMAGE_PIXELS = Image.MAX_IMAGE_PIXELS, max_pixels
        lenient = ImageFile.LOAD_TRUNCATED_IMAGES
        ImageFile.LOAD_TRUNCATED_IMAGES = False
        text = PngImagePlugin.MAX_TEXT_CHUNK
        PngImagePlugin.MAX_TEXT_CHUNK = MAX_TEXT
        try:
            yield
        finally:
            Image.MAX_IMAGE_PIXELS = limit
            ImageFile.LOAD_TRUNCATED_IMAGES = lenient
            PngImagePlugin.MAX_TEXT_CHUNK = text
            for line in dict.fromkeys(str(warning.message) for warning in caught):
                log.info("%s: %s", name, " ".join(line.split()))


@contextlib.contextmanager
def translate_errors(
    name: str, stream: io.BufferedReader, max_pixels: int = 0
) -> Iterator[None]:
    """Turn whatever a decoder raises into one line.

    Raises:
        TooLargeError: Pillow found more pixels than ``max_pixels``.
        ArtistNstError: The file is not an image, or is truncated or damaged.
    """
    try:
        yield
    except ArtistNstError:
        raise
    except Image.DecompressionBombError as error:
        # Raised before the size is known here; Pillow's text has the pixel count.
        count = re.search(r"\d+", str(error))
        size = f"{int(count.group()):,} pixels" if count else "too many pixels"
        raise too_large_error(name, size, max_pixels) from error
    except MemoryError as error:
        raise ArtistNstError(
            f"{name} cannot be read: not enough memory; make the picture smaller"
        ) from error
    except UnidentifiedImageError as error:
        raise ArtistNstError(
            f"{name} cannot be read: it is {_guess_content(stream)}; "
            f"convert it to {READABLE_TEXT}"
        ) from error
    except Exception as error:
        raise ArtistNstError(
            f"{name} cannot be read: it is truncated or damaged "
            f"({format_error(error)}); copy or save it again"
        ) from error


def open_image(stream: io.BufferedReader, name: str) -> Image.Image:
    """Read an image's header; call it within ``configure_pillow``.

    Raises:
        TooLargeError: It has more pixels than are read of its kind.
        Exception: It is no image, or damaged; ``translate_errors`` knows them.
    """
    Image.init()
    _register_heif(stream)
    # Which decoders there are depends on how Pillow was built.
    formats = [name for name in READABLE if name in Image.OPEN]
    counted = cast("IO[bytes]", _CountedReader(stream))
    image = Image.open(counted, formats=formats)
    if image.format in ("JPEG", "MPO"):
        _check_scans(stream)
    elif image.format == "PNG":
        _scale_transparency(image)
        _read_cicp(image, stream)
    elif image.format == "PPM":
        _check_digits(image, name)
    elif image.format == "HEIF":
        _translate_nclx(image)
    return image


class _CountedReader:
    """A file that gives up after ``MAX_READS`` reads: of tiny parts, without end."""

    def __init__(self, stream: io.BufferedReader) -> None:
        self._stream = stream
        self._reads = 0

    def read(self, size: int = -1) -> bytes:
        """Read as files do; OSError after too many reads."""
        self._reads += 1
        if self._reads > MAX_READS:
            raise OSError(f"it is made of more than {MAX_READS:,} parts")
        return self._stream.read(size)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


def _register_heif(stream: io.BufferedReader) -> None:
    """Let Pillow open HEIC, the format of phones, if the file may be one."""
    head = stream.read(12)
    stream.seek(0)
    if head[4:8] == b"ftyp" and "HEIF" not in Image.OPEN:
        import pi_heif  # slow to import, and needed for this format only

        pi_heif.register_heif_opener()


def _translate_nclx(image: Image.Image) -> None:
    """Describe a HEIC's colors as a PNG's chunk cICP does, if it has no profile."""
    colors = image.info.get("nclx_profile")
    if colors and not image.info.get("icc_profile"):
        numbers = colors["color_primaries"], colors["transfer_characteristics"]
        if 2 not in numbers:  # "unspecified"
            image.info["cicp"] = bytes((*numbers, 0, 1))


def _check_scans(stream: io.BufferedReader) -> None:
    """Raise OSError for a progressive JPEG that would take minutes to decode."""
    position = stream.tell()
    with mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as content:
        scans = sum(1 for _ in re.finditer(rb"\xff\xda", content))
    stream.seek(position)
    if scans > MAX_SCANS:
        raise OSError(f"it has {scans:,} scans, where {MAX_SCANS} are allowed")


def _check_digits(image: Image.Image, name: str) -> None:
    """Raise TooLargeError for a PPM whose numbers are text, if there are too many."""
    width, height = image.size
    decoders = {tile[0] for tile in getattr(image, "tile", [])}
    if "ppm_plain" in decoders and width * height > MAX_PLAIN_PIXELS:
        raise TooLargeError(
            f"{name} cannot be read: its {width} × {height} pixels are written in "
            f"digits, which is read up to {MAX_PLAIN_PIXELS:,}; save it as PNG"
        )


def _read_cicp(image: Image.Image, stream: io.BufferedReader) -> None:
    """Add the content of a PNG's chunk cICP to ``image.info``; Pillow does not."""
    position = stream.tell()
    stream.seek(8)
    while len(head := stream.read(8)) == 8 and head[4:] not in (b"IDAT", b"IEND"):
        size = int.from_bytes(head[:4], "big")
        if head[4:] == b"cICP":
            image.info["cicp"] = stream.read(min(size, 8))
            break
        stream.seek(size + 4, io.SEEK_CUR)
    stream.seek(position)


def _scale_transparency(image: Image.Image) -> None:
    """Scale a PNG's transparent color to the 8 bits that Pillow decodes to."""
    clear = image.info.get("transparency")
    tiles = getattr(image, "tile", [])
    raw_mode = tiles[0][3] if tiles else ""
    if isinstance(clear, tuple) and raw_mode == "RGB;16B":
        image.info["transparency"] = tuple(value >> 8 for value in clear)
    elif isinstance(clear, int) and raw_mode in ("L;2", "L;4"):
        image.info["transparency"] = clear * (85 if raw_mode == "L;2" else 17)


def too_large_error(name: str, size: str, max_pixels: int) -> TooLargeError:
    """Make the error for an image of that size ("30000 × 20000 pixels")."""
    return TooLargeError(
        f"{name} cannot be read: it has {size}, over the limit of {max_pixels:,}; "
        "raise the limit with --max-pixels or make the picture smaller"
    )


def check_size(image: Image.Image, name: str, max_pixels: int) -> None:
    """Raise TooLargeError for an image of too many pixels for its format.

    JPEG, which can be decoded at an eighth of its size, may have ``max_pixels``; WebP
    at most ``WEBP_PIXELS``, others ``FULL_PIXELS``.
    """
    width, height = image.size
    size = f"{width} × {height} pixels"
    limit = WEBP_PIXELS if image.format == "WEBP" else FULL_PIXELS
    if image.format not in ("JPEG", "MPO") and width * height > limit:
        raise TooLargeError(
            f"{name} cannot be read: it has {size}, and {image.format} is read up to "
            f"{limit:,} here; make the picture smaller or save it as JPEG"
        )
    if width * height > max_pixels:
        raise too_large_error(name, size, max_pixels)


def check_jpeg(stream: io.BufferedReader) -> None:
    """Decode a JPEG by a decoder that reports damage which others paint over.

    Raises:
        ValueError: It is damaged; the message is libjpeg's.
    """
    stream.seek(0)
    content = stream.read()
    try:
        _decode_strictly(content)
    except ValueError as error:
        # Without its end marker, a JPEG is whole if its data are; not if they were
        # filled up with zeros.
        if "Premature end of JPEG file" not in str(error) or content[-2:] == b"\0\0":
            raise
        _decode_strictly(content + b"\xff\xd9")


def _decode_strictly(content: bytes) -> None:
    # Late: it imports numpy.
    import simplejpeg

    # At an eighth of the size, which still reads all data.
    scale = {"min_height": 1, "min_width": 1, "min_factor": 8}
    simplejpeg.decode_jpeg(content, colorspace="GRAY", strict=True, **scale)


def apply_orientation(image: Image.Image, name: str) -> Image.Image:
    """Decode an image, and turn it upright, in place, as its EXIF orientation says."""
    image.load()  # whose errors are not the EXIF data's
    try:
        ImageOps.exif_transpose(image, in_place=True)
    except MemoryError:
        raise
    except Exception as error:  # the EXIF parser raises as many kinds as a decoder
        reason = format_error(error)
        log.warning("%s: its broken EXIF data is ignored (%s)", name, reason)
    return image


def has_sideways_orientation(image: Image.Image) -> bool:
    """Tell whether turning an image upright exchanges width and height."""
    try:
        return image.getexif().get(ExifTags.Base.Orientation) in _SIDEWAYS
    except MemoryError:
        raise
    except Exception:  # apply_orientation ignores it, too
        return False


def _guess_content(stream: io.BufferedReader) -> str:
    """Say what a file that no decoder accepts seems to be."""
    stream.seek(0)
    head = stream.read(1024)
    if head[4:8] == b"ftyp" and b"avif" not in head[:64]:
        return "a damaged HEIC, or a video"
    if b"<svg" in head.lower():
        return "an SVG drawing, which is not supported"
    return "not a picture of a supported format, or truncated or damaged"
