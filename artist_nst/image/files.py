"""Pictures on disk: read to sRGB floats, written whole or not at all."""

import contextlib
import errno
import hashlib
import io
import logging
import os
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags, Image, ImageCms
from PIL.PngImagePlugin import PngInfo

from artist_nst._types import PathLike
from artist_nst.errors import ArtistNstError, UsageError
from artist_nst.image.reading import (
    check_affordable,
    decoding,
    line_of,
    name_of,
    open_file,
    open_image,
    pillow,
    too_large,
    unreadable,
    upright,
)

__all__ = [
    "MAX_PIXELS",
    "SUFFIXES",
    "Picture",
    "check_writable",
    "disk_trouble",
    "read_picture",
    "read_record",
    "read_small",
    "resize",
    "sha256_of",
    "temporary_beside",
    "write_picture",
    "write_text",
]

MAX_PIXELS = 180_000_000
"""The largest picture read unless told otherwise, in pixels."""

SUFFIXES = (".png", ".jpg", ".jpeg", ".tif", ".tiff", ".webp")
"""The file name endings that can be written, in lower case."""

log = logging.getLogger(__name__)

_RECORDED = ("PNG", "JPEG", "TIFF", "WEBP")
_RECORD_KEY = "artist-nst"
_ASCII, _UNDEFINED = b"ASCII\0\0\0", b"\0" * 8  # EXIF UserComment character codes
_EXIF_LIMIT = 65_000  # bytes; a JPEG segment holds 65,533
_SIDE_LIMITS = {".jpg": 65_500, ".jpeg": 65_500, ".webp": 16_383}  # pixels
_WIDE = ("I", "F", "I;16", "I;16B", "I;16L", "I;16N")
_TIFF_BITS, _TIFF_PHOTOMETRIC, _TIFF_DESCRIPTION, _TIFF_ICC = 258, 262, 270, 34675
_TIFF_UNDEFINED = 7  # the type of plain bytes


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture in memory.

    Attributes:
        pixels: (H, W, 3) sRGB in [0, 1], composited over white where transparent.
        alpha: (H, W) opacity in [0, 1], or None when the picture is fully opaque.
        sha256: Of the file's bytes, in hexadecimal; "" for a picture made in memory.
    """

    pixels: NDArray[np.float64]
    alpha: NDArray[np.float64] | None
    sha256: str


def read_picture(path: PathLike, *, max_pixels: int = MAX_PIXELS) -> Picture:
    """Read and decode a whole picture, upright and in sRGB.

    EXIF orientation and an embedded ICC profile are applied. 16-bit and float grey
    keep their precision; Pillow gives other 16-bit pictures 8 bits a channel. Of an
    animation, the first frame is read.

    Args:
        path: A PNG, JPEG, TIFF, WebP, GIF, BMP, PPM, JPEG 2000 or AVIF file.
        max_pixels: The largest width × height that is decoded.

    Returns:
        Pixels (H, W, 3) and alpha (H, W), both in [0, 1].

    Raises:
        ArtistNstError: The file cannot be read, is damaged or is too large.
    """
    name = name_of(path)
    with open_file(path) as stream:
        with decoding(name, stream, max_pixels):
            image, tags = _load(stream, name, max_pixels)
        with decoding(name, stream):
            pixels, alpha = _to_floats(image, tags, name)
        return Picture(pixels, alpha, _digest(stream, name))


def read_small(
    path: PathLike, side: int, *, max_pixels: int = MAX_PIXELS
) -> NDArray[np.uint8]:
    """Read a picture as small as it is to be shown, in little time and memory.

    Upright, in sRGB and over white, as ``read_picture`` reads it; what JPEG files
    hold beyond the size asked for is not decoded.

    Args:
        path: As for ``read_picture``.
        side: The longer side of the result in pixels; a smaller picture stays so.
        max_pixels: The largest width × height of a JPEG; WebP has at most
            24,000,000, others 64,000,000.

    Returns:
        (H, W, 3) sRGB, 0 to 255.

    Raises:
        ArtistNstError: The file cannot be read, is damaged or is too large.
    """
    name = name_of(path)
    with open_file(path) as stream, decoding(name, stream):
        with pillow(None, name):
            image = open_image(stream)
            check_affordable(image, name, max_pixels)
            tags = _tags(image)
            image = upright(_reduced(image, side), name)
        pixels, _ = _to_floats(image, tags, name)
    return np.rint(pixels * 255.0).astype(np.uint8)


def sha256_of(path: PathLike) -> str:
    """The SHA-256 of a file's bytes, in hexadecimal.

    Raises:
        ArtistNstError: The file cannot be read.
    """
    with open_file(path) as stream:
        return _digest(stream, name_of(path))


def read_record(path: PathLike) -> str:
    """The JSON text that ``write_picture`` embedded, exactly as it was given.

    Raises:
        ArtistNstError: The file cannot be opened or holds no such record.
    """
    name = name_of(path)
    record: str | None = None
    # Whatever the decoder trips over, a file that it cannot parse holds no record.
    with open_file(path) as stream, pillow(None, name), contextlib.suppress(Exception):
        record = _find_record(Image.open(stream, formats=_RECORDED))
    if record is None:
        raise ArtistNstError(
            f"{name} holds no artist-nst record: it was not painted by artist-nst, "
            "or was re-saved by another program"
        )
    return record


def write_picture(
    path: PathLike,
    pixels: NDArray[np.floating[Any]] | NDArray[np.uint8],
    *,
    alpha: NDArray[np.floating[Any]] | None = None,
    record: str | None = None,
) -> None:
    """Write a picture in the format that its suffix names, whole or not at all.

    PNG and WebP (lossless) hold 8 bits a channel, JPEG 8 bits at quality 95 without
    chroma subsampling, TIFF 16 bits. All carry an sRGB profile and, if given, the
    record; nothing else. An existing file is replaced only by a complete new one.

    Args:
        path: Where to; its suffix is one of ``SUFFIXES``.
        pixels: (H, W, 3) sRGB; clipped to [0, 1] and rounded to the nearest level.
            Stored as they are, not multiplied by ``alpha``. Or levels from 0 to 255,
            which take an eighth of the memory and 8 bits in TIFF too.
        alpha: (H, W) opacity, clipped to [0, 1]. JPEG has none: there the picture is
            composited over white.
        record: JSON text to embed; for JPEG at most about 64,000 bytes.

    Raises:
        ValueError: A shape is wrong or a value is not finite.
        UsageError: The suffix is not one that can be written.
        ArtistNstError: The picture or record does not fit the format, or the disk
            refused it.
    """
    name = name_of(path)
    suffix = _suffix(path)
    samples = _samples(pixels, alpha)
    try:
        _replace(path, _encode(samples, suffix, name, record))
    except OSError as error:
        raise ArtistNstError(disk_trouble(name, error)) from error
    except MemoryError as error:
        raise ArtistNstError(
            f"{name} cannot be written: not enough memory; make the picture smaller"
        ) from error


def write_text(path: PathLike, text: str) -> None:
    """Write a text beside pictures, whole or not at all, as ``write_picture`` does.

    Raises:
        ArtistNstError: It can't be written; what was at ``path`` is kept.
    """
    try:
        _replace(path, memoryview(text.encode()))
    except OSError as error:
        raise ArtistNstError(disk_trouble(name_of(path), error)) from error


def check_writable(path: PathLike, suffixes: Sequence[str] = SUFFIXES) -> None:
    """Find out whether a file could be written here, before the work is done.

    Raises:
        UsageError: The suffix is not one of ``suffixes``, the path is a folder, or
            its folder does not exist or cannot be written to.
    """
    name = name_of(path)
    _suffix(path, suffixes)
    try:
        if os.path.isdir(path):
            raise IsADirectoryError(errno.EISDIR, "is a folder")
        with contextlib.suppress(FileNotFoundError):
            os.stat(path)  # refuses a name that is too long, or loops
        # Creating a file is the only test that also covers read-only mounts and ACLs.
        probe = temporary_beside(Path(os.path.realpath(path)))
        with open(probe, "xb"):
            pass
        os.unlink(probe)
    except OSError as error:
        raise UsageError(disk_trouble(name, error)) from error
    except ValueError as error:
        raise UsageError(f"{name} cannot be written: {line_of(error)}") from error


def resize(pixels: NDArray[np.float64], height: int, width: int) -> NDArray[np.float64]:
    """Resample a picture with an anti-aliased Lanczos filter.

    Args:
        pixels: (H, W) or (H, W, C) in [0, 1].
        height: Of the result, in pixels.
        width: Of the result, in pixels.

    Returns:
        (height, width) or (height, width, C), clipped to [0, 1], in single precision;
        an exact copy when the size is already right.

    Raises:
        ValueError: The array has another number of axes, or a side is below 1.
    """
    if pixels.ndim not in (2, 3) or height < 1 or width < 1:
        raise ValueError(f"cannot resize {pixels.shape} to {height} x {width}")
    if pixels.shape[:2] == (height, width):
        return pixels.copy()
    if pixels.ndim == 3:
        channels = np.moveaxis(pixels, 2, 0)
        return np.stack([resize(one, height, width) for one in channels], axis=2)
    plane = Image.fromarray(np.ascontiguousarray(pixels, dtype=np.float32))
    resized = plane.resize((width, height), Image.Resampling.LANCZOS)
    return np.clip(np.asarray(resized, dtype=np.float64), 0.0, 1.0)


# Names and messages


def _suffix(path: PathLike, suffixes: Sequence[str] = SUFFIXES) -> str:
    suffix = Path(path).suffix.lower()
    if suffix not in suffixes:
        raise UsageError(
            f"{name_of(path)} cannot be written: end its name in {', '.join(suffixes)}"
        )
    return suffix


def disk_trouble(name: str, error: OSError) -> str:
    """In one line, what keeps the file ``name`` from being written, and the mend."""
    match error.errno:
        case errno.ENOSPC | errno.EDQUOT:
            why = "no space left on the disk; free some or choose another folder"
        case errno.EACCES | errno.EPERM | errno.EROFS:
            why = "permission denied; choose a folder that you may write to"
        case errno.ENOENT | errno.ENOTDIR:
            why = "its folder does not exist; create it or choose another"
        case errno.EISDIR:
            why = "it is a folder; name a file"
        case errno.ENAMETOOLONG:
            why = "its name is too long; choose a shorter one"
        case _:
            reason = error.strerror or line_of(error)
            why = f"{reason}; choose another name or folder"
    return f"{name} cannot be written: {why}"


# Reading


def _digest(stream: io.BufferedReader, name: str) -> str:
    try:
        stream.seek(0)
        return hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError as error:
        raise ArtistNstError(unreadable(name, error)) from error


def _load(
    stream: io.BufferedReader, name: str, max_pixels: int
) -> tuple[Image.Image, dict[int, Any]]:
    """The first frame, decoded and upright, and the TIFF tags about its levels."""
    with pillow(max_pixels, name):
        image = open_image(stream)
        width, height = image.size
        if width * height > max_pixels:
            size = f"{width} × {height} pixels"
            raise too_large(name, size, max_pixels)
        image.load()
        tags = _tags(image)
        turned = upright(image, name)
        # A phone's MPO is one picture with a preview; counting may fail on damage.
        with contextlib.suppress(Exception):
            if image.format != "MPO" and getattr(image, "is_animated", False):
                log.info("%s holds several frames; only the first is read", name)
    return turned, tags


def _tags(image: Image.Image) -> dict[int, Any]:
    found = getattr(image, "tag_v2", {})
    return {tag: found.get(tag) for tag in (_TIFF_BITS, _TIFF_PHOTOMETRIC)}


def _reduced(image: Image.Image, side: int) -> Image.Image:
    """The picture in a square of that side, in a mode that can be interpolated."""
    if image.format not in ("JPEG", "MPO"):
        image.load()
    if image.mode in _WIDE:
        # Without mixing: that may go beyond the values that tell their scale.
        image.thumbnail((side, side), Image.Resampling.NEAREST, reducing_gap=None)
        return image
    image = _without_palette(image)
    image.thumbnail((side, side), Image.Resampling.LANCZOS, reducing_gap=3.0)
    return image


def _to_floats(
    image: Image.Image, tags: dict[int, Any], name: str
) -> tuple[NDArray[np.float64], NDArray[np.float64] | None]:
    """Pixels (H, W, 3) over white, and alpha (H, W) unless it is 1 throughout."""
    alpha: NDArray[np.float64] | None = None
    if image.mode in _WIDE:
        pixels, alpha = _wide_to_srgb(image, tags, name)
    else:
        icc = image.info.get("icc_profile")
        colours, opacity = _split_alpha(image)
        pixels = np.asarray(_to_srgb(colours, icc, name), dtype=np.float64)
        pixels /= 255.0
        if opacity is not None:
            alpha = np.asarray(opacity, dtype=np.float64) / 255.0
    if alpha is None or bool(np.all(alpha == 1.0)):
        return pixels, None
    return _over_white(pixels, alpha), alpha


def _over_white(
    pixels: NDArray[np.float64], alpha: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Composite as browsers do: in sRGB, not in linear light."""
    return pixels * alpha[..., None] + (1.0 - alpha[..., None])


def _split_alpha(image: Image.Image) -> tuple[Image.Image, Image.Image | None]:
    """Colours without a palette or alpha, and the alpha if the picture has any."""
    image = _without_palette(image)
    if image.mode in ("LA", "RGBA"):
        return image.convert(image.mode[:-1]), image.getchannel("A")
    return image, None


def _without_palette(image: Image.Image) -> Image.Image:
    """The picture in grey levels or colours, its transparency in a channel."""
    if image.mode == "La":
        return image.convert("LA")
    if image.mode in ("PA", "RGBa"):
        return image.convert("RGBA")
    if image.mode not in ("LA", "RGBA") and image.has_transparency_data:
        return image.convert("LA" if image.mode in ("1", "L") else "RGBA")
    if image.mode in ("1", "P"):
        return image.convert("L" if image.mode == "1" else "RGB")
    return image


def _to_srgb(image: Image.Image, icc: bytes | None, name: str) -> Image.Image:
    """Mode RGB in sRGB: through the profile if it is there and fits."""
    if icc:
        try:
            profile = ImageCms.getOpenProfile(io.BytesIO(icc))
            space = profile.profile.xcolor_space.strip()
            source = _for_profile(image, space)
            if source is not None:
                converted = ImageCms.profileToProfile(
                    source,
                    profile,
                    ImageCms.createProfile("sRGB"),
                    renderingIntent=ImageCms.Intent.RELATIVE_COLORIMETRIC,
                    outputMode="RGB",
                    flags=ImageCms.Flags.BLACKPOINTCOMPENSATION,
                )
                if converted is not None:
                    return converted
            reason = f"it is for {space}, the picture is {image.mode}"
        except MemoryError:
            raise
        except Exception as error:  # also a Pillow built without LittleCMS
            reason = line_of(error)
        log.warning("%s: its ICC profile is ignored (%s)", name, reason)
    return image.convert("RGB")


def _for_profile(image: Image.Image, space: str) -> Image.Image | None:
    """The image in the mode that a profile's colour space asks for, if it can be."""
    grey = image.mode in ("1", "L")
    match space:
        case "GRAY" if grey:
            return image.convert("L")
        case "RGB" if image.mode not in ("CMYK", "LAB"):
            return image.convert("RGB")
        case "CMYK" if image.mode == "CMYK":
            return image
        case "Lab" if image.mode == "LAB":
            return image
    return None


def _wide_to_srgb(
    image: Image.Image, tags: dict[int, Any], name: str
) -> tuple[NDArray[np.float64], NDArray[np.float64] | None]:
    """16-bit, 32-bit and float grey, with all their levels."""
    levels = np.asarray(image, dtype=np.float64)
    clear = image.info.get("transparency")
    alpha = (levels != clear).astype(np.float64) if isinstance(clear, int) else None
    if not np.isfinite(levels).all():
        raise ArtistNstError(
            f"{name} cannot be read: some of its values are infinite or not a number; "
            "save it again with 8 or 16 bits"
        )
    if image.mode == "F":
        peak = 1.0 if levels.max() <= 1.0 else 255.0
    else:
        peak = 4095.0 if tags.get(_TIFF_BITS) == (12,) else 65535.0
    grey = np.clip(levels / peak, 0.0, 1.0)
    if tags.get(_TIFF_PHOTOMETRIC) == 0:  # white is zero; Pillow minds it in 8 bits
        grey = 1.0 - grey
    icc = image.info.get("icc_profile")
    if not icc:
        return np.repeat(grey[..., None], 3, axis=2), alpha
    # LittleCMS takes 8 bits here: send the 256 levels through and interpolate.
    ramp = Image.fromarray(np.arange(256, dtype=np.uint8)[None])
    curves = np.asarray(_to_srgb(ramp, icc, name), dtype=np.float64)[0].T / 255.0
    return np.stack([_along(curve, grey) for curve in curves], axis=2), alpha


def _along(
    curve: NDArray[np.float64], grey: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Values of a curve of 256 rounded samples, without the steps of the rounding."""
    at = np.linspace(0.0, 1.0, curve.size)
    if curve[0] < curve[-1] and bool(np.all(np.diff(curve) >= 0.0)):
        # Each run of equal samples becomes one, at its middle; the ends stay.
        curve, run = np.unique(curve, return_inverse=True)
        at = np.bincount(run, weights=at) / np.bincount(run)
        at[0], at[-1] = 0.0, 1.0
    return np.interp(grey, at, curve)


def _find_record(image: Image.Image) -> str | None:
    text = image.info.get(_RECORD_KEY)
    if isinstance(text, str):
        return str(text)
    exif = image.getexif()
    # Any program may write a comment: ours are those signed with our name.
    if exif.get(ExifTags.Base.Software) != _RECORD_KEY:
        return None
    comment = exif.get_ifd(ExifTags.IFD.Exif).get(ExifTags.Base.UserComment)
    if isinstance(comment, bytes) and comment.startswith((_ASCII, _UNDEFINED)):
        return comment[8:].decode("utf-8")
    description = exif.get(_TIFF_DESCRIPTION)
    if isinstance(description, str):  # Pillow reads these bytes as Latin-1
        return description.encode("latin-1").decode("utf-8")
    return None


# Writing


# Floats in [0, 1], or levels from 0 to 255.
Samples = NDArray[Any]


def _samples(
    pixels: NDArray[np.floating[Any]] | NDArray[np.uint8],
    alpha: NDArray[np.floating[Any]] | None,
) -> Samples:
    """(H, W, 3) or, with alpha, (H, W, 4), checked and clipped to [0, 1]."""
    if pixels.dtype == np.uint8:
        if alpha is None and pixels.ndim == 3 and pixels.shape[2] == 3 and pixels.size:
            return pixels.astype(np.uint8, copy=False)
        pixels = pixels / 255.0
    colours = np.asarray(pixels, dtype=np.float64)
    if colours.ndim != 3 or colours.shape[2] != 3 or colours.size == 0:
        raise ValueError(f"pixels are {colours.shape}, not (height, width, 3)")
    if alpha is not None:
        opacity = np.asarray(alpha, dtype=np.float64)
        if opacity.shape != colours.shape[:2]:
            raise ValueError(f"alpha is {opacity.shape}, pixels are {colours.shape}")
        colours = np.concatenate([colours, opacity[..., None]], axis=2)
    if not np.isfinite(colours).all():
        raise ValueError("pixels or alpha hold values that are not finite")
    return np.clip(colours, 0.0, 1.0)


def _encode(samples: Samples, suffix: str, name: str, record: str | None) -> memoryview:
    """The file's bytes, made in memory: a full disk cannot then hide in an encoder."""
    buffer = io.BytesIO()
    limit = _SIDE_LIMITS.get(suffix)
    if limit is not None and max(samples.shape[:2]) > limit:
        raise ArtistNstError(
            f"{name} cannot be written: {suffix} holds at most {limit} pixels a side; "
            "name a .png or .tif file instead"
        )
    if suffix in (".tif", ".tiff"):
        _encode_tiff(buffer, samples, record)
        return buffer.getbuffer()
    if suffix in (".jpg", ".jpeg") and samples.shape[2] == 4:
        log.info("%s: JPEG has no transparency; painted over white", name)
        samples = _over_white(samples[..., :3], samples[..., 3])
    image = Image.fromarray(_levels(samples, np.uint8))
    icc = _srgb_profile()
    if suffix == ".png":
        chunks = PngInfo()
        if record is not None:
            chunks.add_itxt(_RECORD_KEY, record)
        image.save(buffer, "PNG", pnginfo=chunks, icc_profile=icc)
        return buffer.getbuffer()
    exif = b"" if record is None else _exif(record)
    if suffix == ".webp":
        # Lossy WebP halves the chroma; exact keeps colours under transparency.
        options: dict[str, Any] = {"lossless": True, "exact": True}
        image.save(buffer, "WEBP", icc_profile=icc, exif=exif, **options)
        return buffer.getbuffer()
    if len(exif) > _EXIF_LIMIT:
        raise ArtistNstError(
            f"{name} cannot be written: its record of {len(exif):,} bytes is over "
            f"the {_EXIF_LIMIT:,} that JPEG holds; name a .png file instead"
        )
    options = {"quality": 95, "subsampling": "4:4:4"}
    image.save(buffer, "JPEG", icc_profile=icc, exif=exif, **options)
    return buffer.getbuffer()


def _levels(samples: Samples, kind: type[np.unsignedinteger[Any]]) -> NDArray[Any]:
    """Rounded to the nearest level; samples that are levels stay as they are."""
    if samples.dtype == np.uint8:
        return samples
    return np.rint(samples * float(np.iinfo(kind).max)).astype(kind)


def _encode_tiff(buffer: BinaryIO, samples: Samples, record: str | None) -> None:
    import tifffile  # slow to import, and needed for this format only

    icc = _srgb_profile()
    tifffile.imwrite(
        buffer,
        _levels(samples, np.uint16),
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


def _exif(record: str) -> bytes:
    text = record.encode("utf-8")
    exif = Image.Exif()
    exif[ExifTags.Base.Software] = _RECORD_KEY
    code = _ASCII if text.isascii() else _UNDEFINED
    exif[ExifTags.IFD.Exif] = {ExifTags.Base.UserComment.value: code + text}
    return exif.tobytes()


def _srgb_profile() -> bytes:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    # Bytes 24 to 35 are the time of creation: fixed, so that files are the same.
    created = b"".join(n.to_bytes(2, "big") for n in (2000, 1, 1, 0, 0, 0))
    return profile[:24] + created + profile[36:]


def temporary_beside(target: Path) -> Path:
    """A name for a file that ``os.replace`` can move onto the target."""
    return target.with_name(f".artist-nst-{secrets.token_hex(8)}.part")


def _replace(path: PathLike, content: memoryview) -> None:
    """Put the bytes at the path at once; on any failure leave all as it was."""
    target = Path(os.path.realpath(path))  # write through a link, not over it
    temporary = temporary_beside(target)
    try:
        with open(temporary, "xb") as stream:  # made with the umask's permissions
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        os.replace(temporary, target)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(temporary)
        raise
