"""TIFF as tifffile reads it, where Pillow reads it wrongly or not at all.

These are several samples of more than 8 bits, samples of 32 bits or floats, CMYK with
alpha, and files whose first image is a thumbnail.
"""

from __future__ import annotations

import io
import logging
import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from artist_nst._types import Pixels
from artist_nst.errors import ArtistNstError
from artist_nst.image.decoder import too_large_error
from artist_nst.image.reduction import choose_factor, reduce_array

if TYPE_CHECKING:
    from tifffile import TiffPage

log = logging.getLogger(__name__)

_SIGNATURES = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
_WHITE_IS_ZERO, _BLACK_IS_ZERO, _RGB, _CMYK = 0, 1, 2, 5
_RAW = (32803, 34892)  # color filter array, linear raw
_CHANNELS = {_WHITE_IS_ZERO: 1, _BLACK_IS_ZERO: 1, _RGB: 3, _CMYK: 4}
_PREMULTIPLIED, _STRAIGHT = 1, 2
MAX_TILE = 1 << 22  # pixels
MAX_PAGES = 16  # that are looked into
PEAKS = (1.0, 255.0, 65535.0)  # that pictures' values go up to
MAX_OVERSHOOT = 1.1  # times as much


@dataclass(frozen=True, slots=True)
class TiffPicture:
    """A decoded TIFF.

    Attributes:
        samples: ``(H, W, 1)`` gray, ``(H, W, 3)`` RGB, or ``(H, W, 4)`` CMYK, in
            [0, 1], not yet upright, in the color space of ``profile``.
        alpha: ``(H, W)`` in [0, 1], or None.
        profile: The ICC profile, if there is one.
        orientation: EXIF's, 1 to 8.
        size: Height and width of the file's image, not yet upright.
    """

    samples: Pixels
    alpha: Pixels | None
    profile: bytes | None
    orientation: int
    size: tuple[int, int]

    @property
    def upright_size(self) -> tuple[int, int]:
        """Height and width of the file's image, upright."""
        return self.size[::-1] if self.orientation > 4 else self.size


def read_tiff(
    stream: io.BufferedReader, name: str, max_pixels: int, width: int | None = None
) -> TiffPicture | None:
    """Read a TIFF that Pillow does not read rightly; None for other files.

    The largest image of the file is read; it is reduced as it may be for a ``width``
    that it will have.

    Raises:
        TooLargeError: It has more than ``max_pixels``.
        ArtistNstError: It is a camera's raw picture, or of a kind of its own.
    """
    with _open_page(stream, name, max_pixels) as page:
        return None if page is None else _decode(page, name, width)


def read_tiff_size(
    stream: io.BufferedReader, name: str, max_pixels: int
) -> tuple[int, int] | None:
    """Read only the height and width, upright; None and errors as :func:`read_tiff`."""
    with _open_page(stream, name, max_pixels) as page:
        if page is None:
            return None
        size = page.imagelength, page.imagewidth
        return size[::-1] if _read_orientation(page) > 4 else size


@contextmanager
def _open_page(
    stream: io.BufferedReader, name: str, max_pixels: int
) -> Iterator[TiffPage | None]:
    """Yield the page to read; None for a file that Pillow reads, or no TIFF."""
    stream.seek(0)
    if stream.read(4) not in _SIGNATURES:
        yield None
        return
    import tifffile

    stream.seek(0)
    with tifffile.TiffFile(stream) as file:
        page = _find_largest(file)
        if page.photometric in _RAW:
            raise ArtistNstError(
                f"{name} cannot be read: it is a camera's raw picture; develop it, and "
                "save it as TIFF or JPEG"
            )
        tile = page.tilewidth * page.tilelength
        if tile > max(MAX_TILE, 4 * page.imagelength * page.imagewidth):
            raise ArtistNstError(
                f"{name} cannot be read: its tiles are larger than the picture; save "
                "it again"
            )
        is_first = page is file.pages.first
        if is_first and not _is_wide(page):
            yield None
            return
        if page.imagelength * page.imagewidth > max_pixels:
            size = f"{page.imagewidth} × {page.imagelength} pixels"
            raise too_large_error(name, size, max_pixels)
        if not is_first:
            log.info("%s: its first image is a preview; the largest is read", name)
        yield page


def _find_largest(file: Any) -> TiffPage:
    """Return the first image, or the largest if that is a thumbnail."""
    pages = [page.aspage() for page in file.pages[:MAX_PAGES]]
    first = pages[0]
    pages += [inner for page in pages for inner in page.pages or ()]
    largest: TiffPage = max(pages, key=lambda page: page.imagelength * page.imagewidth)
    # Other images of a file that is no preview's are pages of their own.
    is_preview = bool(first.is_reduced) or largest.photometric in _RAW
    ratio = largest.imagelength * largest.imagewidth
    is_small = 4 * first.imagelength * first.imagewidth <= ratio
    return largest if is_preview or is_small else first


def _is_wide(page: TiffPage) -> bool:
    """Tell whether Pillow would read a page wrongly or not at all."""
    samples, dtype = page.samplesperpixel, page.dtype
    if dtype is None or page.photometric not in _CHANNELS:
        return False
    is_cmyk_with_alpha = page.photometric == _CMYK and samples > 4
    is_odd = dtype.kind in "fi" or dtype.itemsize > 2
    return is_cmyk_with_alpha or is_odd or (samples > 1 and dtype.itemsize > 1)


def _decode(page: TiffPage, name: str, width: int | None) -> TiffPicture:
    channels = _CHANNELS.get(page.photometric)
    if channels is None or page.dtype is None:
        raise ArtistNstError(
            f"{name} cannot be read: its colors are of a rare kind "
            f"({page.photometric!r}); save it as RGB"
        )
    array = np.asarray(page.asarray())
    if page.planarconfig == 2 and array.ndim == 3:
        array = np.moveaxis(array, 0, 2)
    size = page.imagelength, page.imagewidth
    orientation = _read_orientation(page)
    upright = size[::-1] if orientation > 4 else size
    array = reduce_array(array.reshape(*size, -1), choose_factor(upright, width))
    colors = _to_unit(array[..., :channels], page.bitspersample, name)
    extra = [int(kind) for kind in page.extrasamples]
    alpha = None
    for index, kind in enumerate(extra):
        if kind in (_PREMULTIPLIED, _STRAIGHT):
            plane = array[..., channels + index]
            alpha = _to_unit(plane, page.bitspersample, name)
            if kind == _PREMULTIPLIED:
                colors = colors / np.maximum(alpha, 1e-6)[..., None]
            break
    if page.photometric == _WHITE_IS_ZERO:
        colors = 1 - colors
    return TiffPicture(
        np.clip(colors, 0, 1),
        None if alpha is None else np.clip(alpha, 0, 1),
        page.tags.valueof(34675),
        orientation,
        size,
    )


def _read_orientation(page: TiffPage) -> int:
    """Read EXIF's orientation; 1 if there is none, or a wrong one."""
    orientation = page.tags.valueof(274, 1)
    return int(orientation) if orientation in range(1, 9) else 1


def _to_unit(array: NDArray[Any], bits: int, name: str) -> Pixels:
    """Scale samples to [0, 1] by their type, or by their range, which is said then.

    A float's type says nothing, and 32-bit integers often hold 16 bits.
    """
    with np.errstate(invalid="ignore"):  # not a number; refused below
        levels = array.astype(np.float64)
    kind = array.dtype.kind
    full = 2.0 ** (bits - (kind == "i")) - 1
    if kind in "iu" and (bits < 32 or levels.max() > MAX_OVERSHOOT * PEAKS[-1]):
        return levels / full
    if not np.isfinite(levels).all():
        raise ArtistNstError(
            f"{name} cannot be read: some of its values are infinite or not a number; "
            "save it again with 8 or 16 bits"
        )
    # A few values above 1 are overshoots of a filter, or highlights.
    bulk = max(float(np.quantile(levels, 0.99)), 1e-9)
    if kind == "f":
        peak = min(PEAKS, key=lambda peak: abs(math.log(bulk / peak)))
    else:
        peak = PEAKS[-1]
    if peak > 1 or bulk > MAX_OVERSHOOT:
        log.info("%s: its values, up to %.4g, are taken for 0 to %g", name, bulk, peak)
    return levels / peak
