"""Colors that a PNG describes by its chunks cICP, cHRM and gAMA, not by a profile.

Source:
    Portable Network Graphics (third edition), W3C 2025; ITU-T H.273 for the numbers in
    cICP; ITU-R BT.2100 for PQ and HLG; BT.2408 for the level of white.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from artist_nst._types import Pixels

log = logging.getLogger(__name__)

Matrix = NDArray[np.float64]
Points = tuple[tuple[float, float], ...]
"""x and y of red, green, blue and white."""

# By the numbers of H.273.
_D65 = (0.3127, 0.3290)
_SRGB: Points = ((0.640, 0.330), (0.300, 0.600), (0.150, 0.060), _D65)
_PRIMARIES: dict[int, Points] = {
    1: _SRGB,
    5: ((0.640, 0.330), (0.290, 0.600), (0.150, 0.060), _D65),
    6: ((0.630, 0.340), (0.310, 0.595), (0.155, 0.070), _D65),
    7: ((0.630, 0.340), (0.310, 0.595), (0.155, 0.070), _D65),
    9: ((0.708, 0.292), (0.170, 0.797), (0.131, 0.046), _D65),
    11: ((0.680, 0.320), (0.265, 0.690), (0.150, 0.060), (0.314, 0.351)),
    12: ((0.680, 0.320), (0.265, 0.690), (0.150, 0.060), _D65),
}
_BRADFORD = np.array(
    [[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]]
)
_TOLERANCE = 0.005  # within which values are sRGB's own
_GAMMA = 1 / 2.2  # that programs write for sRGB
WHITE = 203.0  # cd/m² of white paper in HDR; brighter are lights
HLG_PEAK = 1000.0  # cd/m²
KNEE = 0.75  # of white; brighter is compressed


@dataclass(frozen=True, slots=True)
class ColorTags:
    """How to convert to sRGB.

    Attributes:
        linearize: From stored values in [0, 1] to light; 1 is white, HDR goes beyond.
        matrix: From linear RGB to linear sRGB, ``(3, 3)``.
        is_hdr: Whether highlights need to be compressed.
    """

    linearize: Callable[[Pixels], Pixels]
    matrix: Matrix
    is_hdr: bool = False

    def convert(self, pixels: Pixels) -> Pixels:
        """Convert ``(H, W, 3)`` to sRGB in [0, 1]; other colors are clipped."""
        linear = np.maximum(self.linearize(pixels) @ self.matrix.T, 0.0)
        if self.is_hdr:
            brightest = linear.max(-1, keepdims=True)
            linear = linear * _compress(brightest) / np.maximum(brightest, 1e-9)
        return _encode_srgb(np.minimum(linear, 1.0))


def find_color_tags(info: Mapping[Any, Any], name: str) -> ColorTags | None:
    """Find the color tags in a PNG's ``info``; None if it is sRGB, or does not say.

    ``info["cicp"]`` is the chunk's content; a profile comes before cHRM and gAMA.
    """
    if "cicp" in info:
        return _read_cicp(info["cicp"], name)
    if "icc_profile" in info or "srgb" in info:
        return None
    gamma = info.get("gamma", _GAMMA)
    points: Points = _SRGB
    if values := info.get("chromaticity"):
        white, *colors = zip(values[::2], values[1::2], strict=True)
        points = (*colors, white)
    is_srgb_gamma = abs(gamma - _GAMMA) < _TOLERANCE
    if is_srgb_gamma and np.allclose(points, _SRGB, atol=_TOLERANCE):
        return None
    matrix = _make_matrix(points)
    if matrix is None or not 0.1 <= gamma <= 10:
        log.warning("%s: its color tags are ignored: they make no sense", name)
        return None
    return ColorTags(lambda pixels: pixels ** (1 / gamma), matrix)


def _read_cicp(content: bytes, name: str) -> ColorTags | None:
    numbers = tuple(content)
    primaries, transfer = numbers[:2] if len(numbers) == 4 else (0, 0)
    curve = _CURVES.get(transfer)
    if curve is None or primaries not in _PRIMARIES or numbers[2:] != (0, 1):
        log.warning(
            "%s: its cICP colors %s are not known, sRGB is taken", name, numbers
        )
        return None
    if primaries == 1 and curve is _decode_srgb:
        return None
    matrix = _make_matrix(_PRIMARIES[primaries])
    assert matrix is not None
    is_hdr = transfer in (_PQ, _HLG)
    if is_hdr:
        log.info("%s: it is HDR; its lights are compressed", name)
    return ColorTags(curve, matrix, is_hdr)


def _make_matrix(points: Points) -> Matrix | None:
    """Make the matrix from linear RGB of these primaries and white to linear sRGB."""
    try:
        source, white = _to_xyz(points)
        target, target_white = _to_xyz(_SRGB)
        gains = (_BRADFORD @ target_white) / (_BRADFORD @ white)
        adaptation = np.linalg.inv(_BRADFORD) @ np.diag(gains) @ _BRADFORD
        matrix = np.linalg.inv(target) @ adaptation @ source
    except (np.linalg.LinAlgError, ZeroDivisionError):
        return None
    return matrix if np.abs(matrix).max() < 100 else None


def _to_xyz(points: Points) -> tuple[Matrix, Matrix]:
    """Return the matrix from linear RGB to XYZ, and XYZ of white."""
    *columns, white = ([x / y, 1.0, (1.0 - x - y) / y] for x, y in points)
    primaries = np.array(columns).T
    weights = np.linalg.solve(primaries, np.array(white))
    return primaries * weights, np.array(white)


def _compress(light: Pixels) -> Pixels:
    """Compress what is above the knee into [KNEE, 1), smoothly."""
    above = np.maximum(light - KNEE, 0.0) / (1 - KNEE)
    return np.minimum(light, KNEE) + (1 - KNEE) * -np.expm1(-above)


def _encode_srgb(linear: Pixels) -> Pixels:
    """Encode light in [0, 1] as sRGB does (IEC 61966-2-1)."""
    curve = 1.055 * np.maximum(linear, 0.0031308) ** (1 / 2.4) - 0.055
    return np.where(linear <= 0.0031308, 12.92 * linear, curve)


def _decode_srgb(values: Pixels) -> Pixels:
    curve = ((np.maximum(values, 0.04045) + 0.055) / 1.055) ** 2.4
    return np.where(values <= 0.04045, values / 12.92, curve)


def _decode_pq(values: Pixels) -> Pixels:
    """Decode SMPTE ST 2084 relative to white."""
    root = values ** (4096 / 2523 / 128)
    c1, c2, c3 = 3424 / 4096, 2413 / 128, 2392 / 128
    ratio = np.maximum(root - c1, 0.0) / (c2 - c3 * root)
    return np.asarray(10_000 / WHITE * ratio ** (16384 / 2610))


def _decode_hlg(values: Pixels) -> Pixels:
    """Decode hybrid log-gamma, for a display of ``HLG_PEAK``, relative to white."""
    a = 0.17883277
    b, c = 1 - 4 * a, 0.5 - a * np.log(4 * a)
    scene = np.where(
        values <= 0.5,
        values**2 / 3,
        (np.exp((np.maximum(values, 0.5) - c) / a) + b) / 12,
    )
    luminance = scene @ np.array([0.2627, 0.6780, 0.0593])
    return np.asarray(scene * HLG_PEAK / WHITE * luminance[..., None] ** 0.2)


_PQ, _HLG = 16, 18
_CURVES: dict[int, Callable[[Pixels], Pixels]] = {
    **dict.fromkeys((1, 6, 13, 14, 15), _decode_srgb),
    4: lambda values: values**2.2,
    5: lambda values: values**2.8,
    8: lambda values: values,
    _PQ: _decode_pq,
    _HLG: _decode_hlg,
}
