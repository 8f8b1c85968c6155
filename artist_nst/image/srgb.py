"""Convert decoded images of any Pillow mode to float sRGB, through ICC profiles."""

from __future__ import annotations

import io
import logging
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms

from artist_nst._files import format_error
from artist_nst._types import Pixels
from artist_nst.errors import ArtistNstError
from artist_nst.image.color_tags import find_color_tags

if TYPE_CHECKING:
    from artist_nst.image.tiff import TiffPicture

log = logging.getLogger(__name__)

# Modes with more than 8 bits, all of them gray.
WIDE_MODES = ("I", "F", "I;16", "I;16B", "I;16L", "I;16N")

MIN_OPACITY = 0.02  # of what is taken to be visible

_TIFF_BITS, _TIFF_PHOTOMETRIC = 258, 262


def read_tiff_tags(image: Image.Image) -> dict[int, Any]:
    """Get the TIFF tags that ``to_floats`` needs; loading may drop them."""
    tags = getattr(image, "tag_v2", {})
    return {tag: tags.get(tag) for tag in (_TIFF_BITS, _TIFF_PHOTOMETRIC)}


def to_floats(
    image: Image.Image, tiff_tags: dict[int, Any], name: str
) -> tuple[Pixels, Pixels | None]:
    """Convert a decoded image of any mode to sRGB floats.

    Returns:
        Pixels (H, W, 3) over white, and alpha (H, W) unless it is 1 throughout.
    """
    alpha: Pixels | None = None
    tags = find_color_tags(image.info, name)
    if image.mode in WIDE_MODES:
        pixels, alpha = _wide_to_srgb(image, tiff_tags, name)
    else:
        icc = image.info.get("icc_profile")
        image = expand_palette(image)
        if image.mode in ("LA", "RGBA"):
            alpha = np.asarray(image.getchannel("A"), dtype=np.float64) / 255.0
            image = image.convert(image.mode[:-1])
        pixels = np.asarray(_to_srgb(image, icc, name), dtype=np.float64)
        pixels /= 255.0
    if tags is not None:
        pixels = tags.convert(pixels)
    if alpha is None or bool(np.all(alpha == 1.0)):
        return pixels, None
    return composite_over_white(pixels, alpha), alpha


def tiff_to_floats(tiff: TiffPicture, name: str) -> tuple[Pixels, Pixels | None]:
    """Convert a decoded TIFF to upright sRGB; returned as by :func:`to_floats`."""
    samples, alpha = tiff.samples, tiff.alpha
    if samples.shape[2] == 1:
        pixels = _gray_to_srgb(samples[..., 0], tiff.profile, name)
    elif samples.shape[2] == 3 and not tiff.profile:
        pixels = samples
    else:
        # LittleCMS takes 8 bits here.
        levels = np.rint(255 * samples).astype(np.uint8)
        mode = "CMYK" if samples.shape[2] == 4 else "RGB"
        image = Image.fromarray(levels, mode)
        pixels = np.asarray(_to_srgb(image, tiff.profile, name)) / 255.0
    pixels = _turn_upright(pixels, tiff.orientation)
    if alpha is None or bool(np.all(alpha == 1.0)):
        return pixels, None
    alpha = _turn_upright(alpha, tiff.orientation)
    return composite_over_white(pixels, alpha), alpha


def _turn_upright(array: Pixels, orientation: int) -> Pixels:
    """Turn ``(H, W)`` or ``(H, W, C)`` upright as an EXIF orientation says."""
    if orientation > 4:
        array = array.swapaxes(0, 1)
    flips: dict[int, int | tuple[int, ...]] = {
        2: 1,
        3: (0, 1),
        4: 0,
        6: 1,
        7: (0, 1),
        8: 0,
    }
    axes = flips.get(orientation)
    return array if axes is None else np.ascontiguousarray(np.flip(array, axes))


def composite_over_white(pixels: Pixels, alpha: Pixels) -> Pixels:
    """Composite as browsers do: in sRGB, not in linear light."""
    return pixels * alpha[..., None] + (1.0 - alpha[..., None])


def remove_white(pixels: Pixels, alpha: Pixels) -> Pixels:
    """Undo :func:`composite_over_white`; colors that are hardly visible stay.

    Stored with ``alpha``, the result shows on white what ``pixels`` show, and no white
    border on any other background.
    """
    opacity = alpha[..., None]
    straight = 1.0 - (1.0 - pixels) / np.maximum(opacity, MIN_OPACITY)
    return np.where(opacity < MIN_OPACITY, pixels, np.clip(straight, 0.0, 1.0))


def expand_palette(image: Image.Image) -> Image.Image:
    """Convert to gray levels or colors, with any transparency in a channel."""
    if image.mode == "La":
        return image.convert("LA")
    if image.mode in ("PA", "RGBa"):
        return image.convert("RGBA")
    if image.mode not in ("LA", "RGBA") and image.has_transparency_data:
        return image.convert("LA" if image.mode in ("1", "L") else "RGBA")
    if image.mode in ("1", "P"):
        return image.convert("L" if image.mode == "1" else "RGB")
    return image


def make_srgb_profile() -> bytes:
    """Make an sRGB profile, always of the same bytes."""
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    # Bytes 24 to 35 hold the time of creation.
    created = b"".join(n.to_bytes(2, "big") for n in (2000, 1, 1, 0, 0, 0))
    return profile[:24] + created + profile[36:]


def _to_srgb(image: Image.Image, icc: bytes | None, name: str) -> Image.Image:
    """Convert to mode RGB in sRGB, through the profile if there is one that fits."""
    if icc:
        try:
            profile = ImageCms.getOpenProfile(io.BytesIO(icc))
            space = profile.profile.xcolor_space.strip()
            source = _convert_for_profile(image, space)
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
            reason = format_error(error)
        log.warning("%s: its ICC profile is ignored (%s)", name, reason)
    return image.convert("RGB")


def _convert_for_profile(image: Image.Image, space: str) -> Image.Image | None:
    """Convert to the mode of a profile's color space; None if that cannot be done."""
    match space:
        case "GRAY" if image.mode in ("1", "L"):
            return image.convert("L")
        case "RGB" if image.mode not in ("CMYK", "LAB"):
            return image.convert("RGB")
        case "CMYK" if image.mode == "CMYK":
            return image
        case "Lab" if image.mode == "LAB":
            return image
    return None


def _wide_to_srgb(
    image: Image.Image, tiff_tags: dict[int, Any], name: str
) -> tuple[Pixels, Pixels | None]:
    """Convert 16-bit, 32-bit and float gray, keeping all its levels."""
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
        peak = 4095.0 if tiff_tags.get(_TIFF_BITS) == (12,) else 65535.0
    gray = np.clip(levels / peak, 0.0, 1.0)
    # 0 is white; Pillow takes that into account for 8 bits only.
    if tiff_tags.get(_TIFF_PHOTOMETRIC) == 0:
        gray = 1.0 - gray
    return _gray_to_srgb(gray, image.info.get("icc_profile"), name), alpha


def _gray_to_srgb(gray: Pixels, icc: bytes | None, name: str) -> Pixels:
    """Convert ``(H, W)`` gray in [0, 1] to sRGB, keeping all its levels."""
    if not icc:
        return np.repeat(gray[..., None], 3, axis=2)
    # LittleCMS takes 8 bits here: send the 256 levels through and interpolate.
    ramp = Image.fromarray(np.arange(256, dtype=np.uint8)[None])
    curves = np.asarray(_to_srgb(ramp, icc, name), dtype=np.float64)[0].T / 255.0
    return np.stack([_interpolate(curve, gray) for curve in curves], axis=2)


def _interpolate(curve: NDArray[np.float64], gray: Pixels) -> Pixels:
    """Interpolate a curve of 256 rounded samples without the steps of the rounding."""
    positions = np.linspace(0.0, 1.0, curve.size)
    if curve[0] < curve[-1] and bool(np.all(np.diff(curve) >= 0.0)):
        # Each run of equal samples becomes one, at its middle; the ends stay.
        curve, run = np.unique(curve, return_inverse=True)
        positions = np.bincount(run, weights=positions) / np.bincount(run)
        positions[0], positions[-1] = 0.0, 1.0
    return np.interp(gray, positions, curve)
