"""Read image files as sRGB floats, write them atomically, and resize pixels."""

from __future__ import annotations

import contextlib
import hashlib
import io
import logging
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from artist_nst._files import (
    check_suffix,
    format_error,
    format_path,
    open_file,
    translate_write_errors,
    write_bytes,
)
from artist_nst._types import PathLike, Pixels
from artist_nst.errors import ArtistNstError, TooLargeError
from artist_nst.image.decoder import (
    FULL_PIXELS,
    apply_orientation,
    check_jpeg,
    check_size,
    configure_pillow,
    has_sideways_orientation,
    open_image,
    too_large_error,
    translate_errors,
)
from artist_nst.image.encoder import encode, find_record, to_levels, to_samples
from artist_nst.image.reduction import choose_factor, reduce_image
from artist_nst.image.srgb import (
    WIDE_MODES,
    expand_palette,
    read_tiff_tags,
    tiff_to_floats,
    to_floats,
)
from artist_nst.image.tiff import read_tiff

MAX_PIXELS = 180_000_000

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Picture:
    """A decoded image.

    Attributes:
        pixels: (H, W, 3) sRGB in [0, 1], composited over white where transparent.
        alpha: (H, W) opacity in [0, 1], or None when the image is fully opaque.
        sha256: Of the file's bytes, in hexadecimal.
        size: Height and width of the file's image, which ``pixels`` may be a reduction
            of.
    """

    pixels: Pixels
    alpha: Pixels | None
    sha256: str
    size: tuple[int, int]


def read_picture(
    path: PathLike, *, max_pixels: int = MAX_PIXELS, width: int | None = None
) -> Picture:
    """Read and decode an image, upright and in sRGB.

    EXIF orientation and an embedded ICC profile are applied. 16-bit and float gray
    keep their precision; Pillow gives other 16-bit images 8 bits a channel. Of an
    animation, the first frame is read.

    Args:
        path: The file.
        max_pixels: Larger images are refused.
        width: The width that it will be resized to. A much wider image is reduced
            while it is decoded, to at least ``MIN_RATIO`` times that width, which takes
            less memory and time.

    Raises:
        TooLargeError: It has more than ``max_pixels``.
        ArtistNstError: The file cannot be read or is damaged.
    """
    name = format_path(path)
    with open_file(path) as stream, translate_errors(name, stream, max_pixels):
        sha256 = hashlib.file_digest(stream, "sha256").hexdigest()
        tiff = read_tiff(stream, name, max_pixels, width)
        if tiff is not None:
            pixels, alpha = tiff_to_floats(tiff, name)
            return Picture(pixels, alpha, sha256, tiff.upright_size)
        stream.seek(0)
        with configure_pillow(name, max_pixels):
            image = open_image(stream, name)
            if image.width * image.height > max_pixels:
                text = f"{image.width} × {image.height} pixels"
                raise too_large_error(name, text, max_pixels)
            tiff_tags = read_tiff_tags(image)
            upright, size = _decode_upright(image, name, width)
            if image.format in ("JPEG", "MPO"):
                _warn_of_damage(stream, name)
            # A phone's MPO is one image with a preview; counting may fail on damage.
            with contextlib.suppress(Exception):
                if image.format != "MPO" and getattr(image, "is_animated", False):
                    log.info("%s holds several frames; only the first is read", name)
        pixels, alpha = to_floats(upright, tiff_tags, name)
    return Picture(pixels, alpha, sha256, size)


def _warn_of_damage(stream: io.BufferedReader, name: str) -> None:
    try:
        check_jpeg(stream)
    except ValueError as error:
        reason = format_error(error)
        log.warning("%s seems damaged (%s): compare it with the original", name, reason)


def _decode_upright(
    image: Image.Image, name: str, width: int | None
) -> tuple[Image.Image, tuple[int, int]]:
    """Decode an image, reduced as it may be for that width, and turn it upright.

    Returns:
        The image, and the height and width that it has in full.
    """
    is_jpeg = image.format in ("JPEG", "MPO")
    if not is_jpeg:
        # First, since Pillow decodes a PNG to look for its orientation, and turns TIFF.
        image.load()
    is_sideways = has_sideways_orientation(image)

    def get_size() -> tuple[int, int]:
        return image.size if is_sideways else image.size[::-1]

    size = get_size()
    if is_jpeg:
        # Decoded at a half, a quarter or an eighth, the rest is done below.
        factor = choose_factor(size, width)
        image.draft(None, (image.width // factor, image.height // factor))
        image.load()
    reduced = reduce_image(image, choose_factor(get_size(), width))
    return apply_orientation(reduced, name), size


def read_small(
    path: PathLike, side: int, *, max_pixels: int = MAX_PIXELS
) -> NDArray[np.uint8]:
    """Read an image at a small size, in little time and memory.

    Upright, in sRGB and over white, as ``read_picture`` reads it. JPEG is decoded only
    as finely as that size needs.

    Returns:
        (H, W, 3) sRGB, 0 to 255, with ``side`` pixels on the longer side; a smaller
        image stays so.

    Raises:
        TooLargeError: It has more than ``max_pixels``; as WebP, more than 24,000,000,
            or in another format than JPEG, more than 64,000,000.
        ArtistNstError: The file cannot be read or is damaged.
    """
    name = format_path(path)
    with open_file(path) as stream, translate_errors(name, stream):
        tiff = read_tiff(stream, name, min(max_pixels, FULL_PIXELS), side)
        if tiff is not None:
            pixels, _ = tiff_to_floats(tiff, name)
            if max(pixels.shape[:2]) > side:
                pixels = resize_long_side(pixels, side)
            return to_levels(pixels)
        stream.seek(0)
        with configure_pillow(name):
            image = open_image(stream, name)
            check_size(image, name, max_pixels)
            tiff_tags = read_tiff_tags(image)
            image = apply_orientation(_reduce(image, side), name)
        return to_levels(to_floats(image, tiff_tags, name)[0])


def read_scaled(path: PathLike, side: int, *, max_pixels: int = MAX_PIXELS) -> Pixels:
    """Read an image as ``read_small`` but in [0, 1], or in full if that refuses it."""
    try:
        return read_small(path, side, max_pixels=max_pixels) / 255.0
    except TooLargeError:
        return resize_long_side(read_picture(path, max_pixels=max_pixels).pixels, side)


def read_record(path: PathLike) -> str:
    """Read the JSON text that ``write_picture`` embedded, exactly as it was given.

    Raises:
        ArtistNstError: The file cannot be opened or holds no such record.
    """
    name = format_path(path)
    # A file that makes the decoder fail holds no record.
    suppress = contextlib.suppress(Exception)
    with open_file(path) as stream, configure_pillow(name), suppress:
        record = find_record(stream)
        if record is not None:
            return record
    raise ArtistNstError(
        f"{name} holds no artist-nst record: it was not painted by artist-nst, "
        "or was re-saved by another program"
    )


def _reduce(image: Image.Image, side: int) -> Image.Image:
    """Shrink an image into a square of that side."""
    if image.format not in ("JPEG", "MPO"):
        image.load()
    if image.mode in WIDE_MODES:
        # Interpolation may go beyond the values that tell the image's scale.
        image.thumbnail((side, side), Image.Resampling.NEAREST, reducing_gap=None)
        return image
    image = expand_palette(image)
    image.thumbnail((side, side), Image.Resampling.LANCZOS, reducing_gap=3.0)
    return image


def write_picture(
    path: PathLike,
    pixels: NDArray[np.floating[Any]] | NDArray[np.uint8],
    *,
    alpha: NDArray[np.floating[Any]] | None = None,
    record: str | None = None,
) -> None:
    """Write an image atomically, in the format that the file's suffix names.

    PNG and WebP (lossless) hold 8 bits a channel, JPEG 8 bits at quality 95 without
    chroma subsampling, TIFF 16 bits. All carry an sRGB profile and, if given, the
    record; nothing else. An existing file is replaced only by a complete new one.

    Args:
        path: Its suffix is one of ``PICTURE_SUFFIXES``.
        pixels: (H, W, 3) sRGB; clipped to [0, 1] and rounded to the nearest level.
            Stored as they are, not multiplied by ``alpha``. Or levels from 0 to 255,
            which take an eighth of the memory and 8 bits in TIFF too.
        alpha: (H, W) opacity, clipped to [0, 1]. JPEG has none: there the image is
            composited over white.
        record: JSON text to embed; for JPEG at most about 64,000 bytes.

    Raises:
        ValueError: A shape is wrong or a value is not finite.
        UsageError: The suffix is not one that can be written.
        ArtistNstError: The image or record does not fit the format, or the disk
            refused it.
    """
    suffix = check_suffix(path)
    samples = to_samples(pixels, alpha)
    with translate_write_errors(path):
        write_bytes(path, encode(samples, suffix, format_path(path), record))


def resize(pixels: Pixels, height: int, width: int) -> Pixels:
    """Resample (H, W) or (H, W, C) in [0, 1] with an anti-aliased Lanczos filter.

    The result is clipped to [0, 1] and in single precision, or an exact copy when the
    size is already right.
    """
    if pixels.shape[:2] == (height, width):
        return pixels.copy()
    if pixels.ndim == 3:
        channels = np.moveaxis(pixels, 2, 0)
        return np.stack([resize(plane, height, width) for plane in channels], axis=2)
    plane = Image.fromarray(np.ascontiguousarray(pixels, dtype=np.float32))
    resized = plane.resize((width, height), Image.Resampling.LANCZOS)
    return np.clip(np.asarray(resized, dtype=np.float64), 0.0, 1.0)


def resize_long_side(pixels: Pixels, side: int, minimum: int = 1) -> Pixels:
    """Resize (H, W) or (H, W, C), up or down, to a longer side of ``side`` pixels.

    No side gets shorter than ``minimum``: a narrow image is widened to it.
    """
    scale = side / max(pixels.shape[:2])
    height, width = (max(minimum, round(length * scale)) for length in pixels.shape[:2])
    return resize(pixels, height, width)
