"""Encode images as files' bytes, and embed records in them that can be read back."""

import io
import logging
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags, Image
from PIL.PngImagePlugin import PngInfo

from artist_nst.errors import ArtistNstError
from artist_nst.image.srgb import composite_over_white, make_srgb_profile

log = logging.getLogger(__name__)

# (H, W, 3) or (H, W, 4): floats in [0, 1], or uint8 levels.
Samples = NDArray[Any]

_RECORD_KEY = "artist-nst"
_ASCII, _UNDEFINED = b"ASCII\0\0\0", b"\0" * 8  # EXIF UserComment character codes
_EXIF_LIMIT = 65_000  # bytes; a JPEG segment holds 65,533
_SIDE_LIMITS = {".jpg": 65_500, ".jpeg": 65_500, ".webp": 16_383}  # pixels
_TIFF_DESCRIPTION, _TIFF_ICC = 270, 34675
_TIFF_UNDEFINED = 7  # the type of plain bytes


def to_levels(
    pixels: NDArray[np.floating[Any]] | NDArray[np.uint8],
) -> NDArray[np.uint8]:
    """Clip pixels to [0, 1] and round them to 8-bit levels; levels stay as they are."""
    if pixels.dtype == np.uint8:
        return pixels.astype(np.uint8, copy=False)
    return np.asarray(np.rint(np.clip(pixels, 0.0, 1.0) * 255.0), dtype=np.uint8)


def to_samples(
    pixels: NDArray[np.floating[Any]] | NDArray[np.uint8],
    alpha: NDArray[np.floating[Any]] | None,
) -> Samples:
    """Join pixels and alpha to (H, W, 3 or 4), clipped to [0, 1].

    ValueError if a shape is wrong or a value is not finite. Levels stay as they are.
    """
    if pixels.dtype == np.uint8:
        if alpha is None and pixels.ndim == 3 and pixels.shape[2] == 3 and pixels.size:
            return pixels
        pixels = pixels / 255.0
    samples = np.asarray(pixels, dtype=np.float64)
    if samples.ndim != 3 or samples.shape[2] != 3 or samples.size == 0:
        raise ValueError(f"pixels are {samples.shape}, not (height, width, 3)")
    if alpha is not None:
        samples = np.concatenate([samples, alpha[..., None]], axis=2)
    if not np.isfinite(samples).all():
        raise ValueError("pixels or alpha hold values that are not finite")
    return np.clip(samples, 0.0, 1.0)


def encode(
    samples: Samples, suffix: str, name: str, record: str | None = None
) -> memoryview:
    """Encode an image in memory: a full disk then cannot fail inside an encoder.

    ``suffix`` chooses the format; ``name`` is the file's for messages.

    Raises:
        ArtistNstError: The image or the record is too large for the format.
    """
    limit = _SIDE_LIMITS.get(suffix)
    if limit is not None and max(samples.shape[:2]) > limit:
        raise ArtistNstError(
            f"{name} cannot be written: {suffix} holds at most {limit} pixels a side; "
            "name a .png or .tif file instead"
        )
    buffer = io.BytesIO()
    if suffix in (".tif", ".tiff"):
        _encode_tiff(buffer, samples, record)
        return buffer.getbuffer()
    if suffix in (".jpg", ".jpeg") and samples.shape[2] == 4:
        log.info("%s: JPEG has no transparency; composited over white", name)
        samples = composite_over_white(samples[..., :3], samples[..., 3])
    image = Image.fromarray(to_levels(samples))
    options: dict[str, Any] = {"icc_profile": make_srgb_profile()}
    if suffix == ".png":
        chunks = PngInfo()
        if record is not None:
            chunks.add_itxt(_RECORD_KEY, record)
        image.save(buffer, "PNG", pnginfo=chunks, **options)
        return buffer.getbuffer()
    options["exif"] = exif = b"" if record is None else _make_exif(record)
    if suffix == ".webp":
        # Lossy WebP halves the chroma; exact keeps colors under transparency.
        image.save(buffer, "WEBP", lossless=True, exact=True, **options)
        return buffer.getbuffer()
    if len(exif) > _EXIF_LIMIT:
        raise ArtistNstError(
            f"{name} cannot be written: its record of {len(exif):,} bytes is over "
            f"the {_EXIF_LIMIT:,} that JPEG holds; name a .png file instead"
        )
    image.save(buffer, "JPEG", quality=95, subsampling="4:4:4", **options)
    return buffer.getbuffer()


def find_record(stream: BinaryIO) -> str | None:
    """Get the record that ``encode`` embedded; None if there is none."""
    image = Image.open(stream, formats=("PNG", "JPEG", "TIFF", "WEBP"))
    text = image.info.get(_RECORD_KEY)
    if isinstance(text, str):
        return str(text)
    if image.format == "PNG":
        return None  # what follows the picture would be read only after decoding it
    exif = image.getexif()
    # Any program may write a comment; ours comes with our name as the software.
    if exif.get(ExifTags.Base.Software) != _RECORD_KEY:
        return None
    comment = exif.get_ifd(ExifTags.IFD.Exif).get(ExifTags.Base.UserComment)
    if isinstance(comment, bytes) and comment.startswith((_ASCII, _UNDEFINED)):
        return comment[8:].decode("utf-8")
    description = exif.get(_TIFF_DESCRIPTION)
    if isinstance(description, str):  # Pillow reads these bytes as Latin-1
        return description.encode("latin-1").decode("utf-8")
    return None


def _encode_tiff(buffer: BinaryIO, samples: Samples, record: str | None) -> None:
    import tifffile  # slow to import, and needed for this format only

    icc = make_srgb_profile()
    if samples.dtype != np.uint8:
        samples = np.rint(samples * 65535.0).astype(np.uint16)
    tifffile.imwrite(
        buffer,
        samples,
        byteorder="<",
        photometric="rgb",
        planarconfig="contig",
        extrasamples=["unassalpha"] if samples.shape[2] == 4 else None,
        compression="zlib",
        description=None if record is None else record.encode("utf-8"),
        software=False if record is None else _RECORD_KEY,
        metadata=None,
        extratags=[(_TIFF_ICC, _TIFF_UNDEFINED, len(icc), icc, True)],
    )


def _make_exif(record: str) -> bytes:
    text = record.encode("utf-8")
    exif = Image.Exif()
    exif[ExifTags.Base.Software] = _RECORD_KEY
    code = _ASCII if text.isascii() else _UNDEFINED
    exif[ExifTags.IFD.Exif] = {ExifTags.Base.UserComment.value: code + text}
    return exif.tobytes()
