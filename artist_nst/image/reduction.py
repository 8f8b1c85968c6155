"""Reduce images by whole factors, in bands, so that little more memory is needed."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from artist_nst.image.srgb import WIDE_MODES, expand_palette

# A reduction to this many times the size that is needed cannot be told from none.
MIN_RATIO = 3
MIN_SIDE = 512  # pixels; narrow strips may be enlarged again
_BAND_ROWS = 256


def choose_factor(size: tuple[int, int], width: int | None) -> int:
    """Choose by how much an image may be reduced whose width will be ``width``.

    ``size`` is its height and width; the factor is 1 if it may not be reduced.
    """
    if width is None:
        return 1
    return max(1, min(size[1] // (MIN_RATIO * width), min(size) // MIN_SIDE))


def reduce_image(image: Image.Image, factor: int) -> Image.Image:
    """Average squares of ``factor`` pixels a side.

    A palette is expanded. Gray of more than 8 bits keeps its scale, in the mode I or F.
    """
    is_masked = image.mode in WIDE_MODES and "transparency" in image.info
    if factor == 1 or is_masked:
        return image
    rows = factor * max(1, _BAND_ROWS // factor)
    width, height = image.size
    bands = []
    for top in range(0, height, rows):
        band = image.crop((0, top, width, min(height, top + rows)))
        band = band.convert("F") if image.mode in WIDE_MODES else expand_palette(band)
        bands.append(band.reduce(factor))
    first = bands[0]
    reduced = Image.new(first.mode, (first.width, sum(band.height for band in bands)))
    for number, band in enumerate(bands):
        reduced.paste(band, (0, number * rows // factor))
    if image.mode in WIDE_MODES and image.mode != "F":
        reduced = reduced.convert("I")
    reduced.info = {
        key: value for key, value in image.info.items() if key != "transparency"
    }
    return reduced


def reduce_array(array: NDArray[Any], factor: int) -> NDArray[Any]:
    """Average squares of an ``(H, W, C)`` array, whose type stays.

    What is left at the right and bottom edges, less than a square, is cut off.
    """
    if factor == 1:
        return array
    height, width, channels = array.shape
    squares = (width // factor, factor, channels)
    reduced = np.empty((height // factor, width // factor, channels), array.dtype)
    rows = max(1, _BAND_ROWS // factor)
    for top in range(0, len(reduced), rows):
        band = array[top * factor : (top + rows) * factor, : squares[0] * factor]
        band = band[: len(band) // factor * factor]
        means = band.reshape(-1, factor, *squares).mean((1, 3), dtype=np.float64)
        is_whole = array.dtype.kind in "iu"
        reduced[top : top + rows] = np.rint(means) if is_whole else means
    return reduced
