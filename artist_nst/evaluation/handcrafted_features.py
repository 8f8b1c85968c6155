"""What tells painters apart and is not what ours minimizes: statistics of a picture's
colors, edges, patterns and wavelets.

They are taken of pictures brought to one size and encoding, for the files of two
artists differ in both. What is finer than about two pixels of that size is left out:
it tells of scanners and encoders, and a judge who sees it knows artists by their files.
(Of works of eight artists, one who sees the binary patterns of neighboring pixels knows
61 %, and 24 % when they are encoded anew; one who sees :data:`PATTERNS` 58 and 57 %.)
"""

from __future__ import annotations

import io

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from artist_nst._types import Pixels
from artist_nst.image.files import resize

VERSION = "1"
"""Of what follows: other numbers, another version."""

SIDE = 256  # pixels, of the longer side
QUALITY = 80  # of the JPEG encoding
NARROWEST = 96  # pixels: so many take five levels of wavelets

COLOR_BINS = 4, 6, 6
COLOR_RANGES = (0, 100), (-50, 50), (-50, 60)  # of CIELAB's L, a, b; and beyond
PERCENTILES = 5, 25, 50, 75, 95

OCTAVES = 3  # of edges: at the whole size, half and a quarter
DIRECTIONS = 8
# In units of lightness, below which a difference counts as none.
FAINT = 0.1

BLUR = 2.0  # pixels, before patterns are looked for at every other pixel
PATTERNS = (8, 1), (16, 2), (16, 4)  # neighbors, and how far away

WAVELET = "db2"
LEVELS = 2, 3, 4, 5  # the first, of two pixels, left out

AGREEMENT_SCALES = 1.0, 2.0  # pixels: of the edges, and of how far they may be moved

Levels = NDArray[np.uint8]
Vector = NDArray[np.float64]
Plane = NDArray[np.float64]

_PER_COLOR_PLANE = 2 + len(PERCENTILES)
_PER_WAVELET_PLANE = len(LEVELS) * 3 * 2
_SIZES = {
    "colors": 4 * _PER_COLOR_PLANE + int(np.prod(COLOR_BINS)) + 2 * _PER_WAVELET_PLANE,
    "edges": OCTAVES * (DIRECTIONS + 2 * len(PERCENTILES)),
    "patterns": sum(neighbors + 2 for neighbors, _ in PATTERNS),
    "wavelets": _PER_WAVELET_PLANE,
}
_ENDS = np.cumsum([*_SIZES.values()]).tolist()

GROUPS = {
    name: slice(end - size, end)
    for (name, size), end in zip(_SIZES.items(), _ENDS, strict=True)
}
"""Where each kind of trait is; all but ``colors`` are of lightness alone."""

COUNT = _ENDS[-1]
"""D, of all traits."""


def sized(pixels: Pixels) -> Pixels:
    """A picture, ``(H, W, 3)`` in [0, 1], with a longer side of ``SIDE`` pixels; a
    smaller one is enlarged."""
    shrink = SIDE / max(pixels.shape[:2])
    height, width = (max(1, round(side * shrink)) for side in pixels.shape[:2])
    return resize(pixels, height, width)


def reduced(pixels: Pixels) -> Levels:
    """A picture as all are compared: of one size, and once through JPEG.

    Args:
        pixels: ``(H, W, 3)`` sRGB in [0, 1].

    Returns:
        ``(h, w, 3)``, the longer side of ``SIDE`` pixels.
    """
    return _encoded(_levels(sized(pixels)), QUALITY, "4:2:0")


def reencoded(pixels: Pixels, source: np.random.Generator) -> Pixels:
    """Another file of the same picture, as it might be found elsewhere: smaller and
    enlarged again, less sharp, and otherwise compressed.

    Args:
        pixels: ``(H, W, 3)`` in [0, 1], of ``SIDE`` pixels.
    """
    from scipy.ndimage import gaussian_filter

    height, width = pixels.shape[:2]
    shrink = source.uniform(0.6, 1.0)
    small = resize(pixels, *(max(1, round(side * shrink)) for side in (height, width)))
    sigma = source.uniform(0.0, 0.8)
    blurred = gaussian_filter(resize(small, height, width), (sigma, sigma, 0))
    quality = int(source.integers(40, 96))
    chroma = str(source.choice(["4:2:0", "4:4:4"]))
    return _encoded(_levels(blurred), quality, chroma) / 255.0


def traits(levels: Levels) -> Vector:
    """All statistics of a picture.

    Args:
        levels: ``(h, w, 3)``, from :func:`reduced`.

    Returns:
        ``(COUNT,)``, finite whatever the picture; :data:`GROUPS` says what is where.
    """
    from skimage.color import rgb2lab

    lab = rgb2lab(_wide_enough(levels) / 255.0)
    light, *chroma = np.moveaxis(lab, 2, 0)
    parts = [
        *_colors(lab),
        *(_wavelets(plane) for plane in chroma),
        _edges(light),
        _patterns(light),
        _wavelets(light),
    ]
    return np.concatenate(parts)


def edge_agreement(pixels: Pixels, other: Pixels) -> float:
    """How far two pictures have their edges in the same places.

    Args:
        pixels, other: ``(H, W, 3)`` in [0, 1], of one size.

    Returns:
        The correlation of their gradients' magnitudes, of lightness and blurred so
        that an edge may have moved by a stroke: 1 for equal edges, about 0 for
        unrelated ones, and 0 where one picture has none.
    """
    from scipy.ndimage import gaussian_filter
    from skimage.color import rgb2lab

    scale, reach = AGREEMENT_SCALES
    maps = []
    for one in (pixels, other):
        slopes = _slopes(rgb2lab(one)[..., 0], scale)
        found = gaussian_filter(np.hypot(*slopes), reach).ravel()
        maps.append(found - found.mean())
    size = float(np.linalg.norm(maps[0]) * np.linalg.norm(maps[1]))
    return float(maps[0] @ maps[1]) / size if size > 1e-9 else 0.0


def _colors(lab: NDArray[np.float64]) -> list[Vector]:
    """Mean, deviation and percentiles of L, a, b and chroma √(a² + b²) (CIE 1976), and
    the square roots of their joint histogram, whose distances are Hellinger's."""
    light, a, b = np.moveaxis(lab, 2, 0)
    planes = light, a, b, np.hypot(a, b)
    moments = [
        np.array([plane.mean(), plane.std(), *np.percentile(plane, PERCENTILES)])
        for plane in planes
    ]
    within = np.clip(lab.reshape(-1, 3), *np.transpose(COLOR_RANGES))
    counts, _ = np.histogramdd(within, bins=COLOR_BINS, range=COLOR_RANGES)
    return [*moments, np.sqrt(counts.ravel() / light.size)]


def _edges(light: Plane) -> Vector:
    """In each octave: how much of the gradient points in each direction (its sign
    aside), how strong it is, and how far its surroundings agree with it.

    Source:
        The last is the coherence (λ₁ − λ₂) / (λ₁ + λ₂) of the structure tensor: J.
        Bigün, G. Granlund, "Optimal orientation detection of linear symmetry", ICCV
        1987.
    """
    from scipy.ndimage import gaussian_filter

    parts = []
    for _ in range(OCTAVES):
        down, across = _slopes(light, 1)
        strength = np.hypot(down, across)
        angle = np.mod(np.arctan2(down, across), np.pi)
        shares, _ = np.histogram(angle, DIRECTIONS, (0, np.pi), weights=strength)
        yy, xx, xy = (
            gaussian_filter(one, 2)
            for one in (down * down, across * across, down * across)
        )
        coherence = np.hypot(yy - xx, 2 * xy) / (yy + xx + FAINT**2)
        parts += [
            shares / max(float(shares.sum()), FAINT),
            np.log(np.percentile(strength, PERCENTILES) + FAINT),
            np.percentile(coherence, PERCENTILES),
        ]
        light = gaussian_filter(light, 1)[::2, ::2]
    return np.concatenate(parts)


def _patterns(light: Plane) -> Vector:
    """Square roots of how often each uniform, rotation-invariant binary pattern comes.

    Differences too small for a level of 255 count as none.

    Source:
        T. Ojala, M. Pietikäinen, T. Mäenpää, "Multiresolution gray-scale and rotation
        invariant texture classification with local binary patterns", PAMI 24, 2002.
    """
    from scipy.ndimage import gaussian_filter
    from skimage.feature import local_binary_pattern

    coarse = gaussian_filter(light, BLUR)[::2, ::2]
    gray = np.clip(np.round(coarse * 2.55), 0, 255).astype(np.uint8)
    parts = []
    for neighbors, radius in PATTERNS:
        found = local_binary_pattern(  # type: ignore[no-untyped-call]
            gray, neighbors, radius, "uniform"
        )
        # Nearer to the border they would see beyond it.
        inside = found[radius:-radius, radius:-radius].astype(int).ravel()
        counts = np.bincount(inside, minlength=neighbors + 2)
        parts.append(np.sqrt(counts / inside.size))
    return np.concatenate(parts)


def _wavelets(plane: Plane) -> Vector:
    """Of each level's horizontal, vertical and diagonal coefficients: the logarithms
    of their mean size, per pixel, and of their kurtosis.

    Source:
        S. Lyu, D. Rockmore, H. Farid, "A digital technique for art authentication",
        PNAS 101, 2004, takes moments of wavelet coefficients; the wavelets are
        Daubechies' of two vanishing moments.
    """
    from pywt import wavedec2

    found = []
    details = wavedec2(plane, WAVELET, level=max(LEVELS))[:0:-1]
    for level in LEVELS:
        for one in details[level - 1]:
            size = one / 2.0**level
            square = size * size
            fourth = (square * square).mean()
            found.append(np.log(np.abs(size).mean() + FAINT))
            found.append(np.log((fourth + FAINT**4) / (square.mean() ** 2 + FAINT**4)))
    return np.array(found)


def _slopes(plane: Plane, scale: float) -> tuple[Plane, Plane]:
    """Derivatives of a Gaussian, downwards and to the right."""
    from scipy.ndimage import gaussian_filter

    return gaussian_filter(plane, scale, (1, 0)), gaussian_filter(plane, scale, (0, 1))


def _wide_enough(levels: Levels) -> Levels:
    """A narrow picture goes on as in a mirror."""
    lacking = [max(0, NARROWEST - side) for side in levels.shape[:2]]
    return np.pad(levels, [*((0, more) for more in lacking), (0, 0)], mode="symmetric")


def _levels(pixels: Pixels) -> Levels:
    return np.round(np.clip(pixels, 0, 1) * 255).astype(np.uint8)


def _encoded(levels: Levels, quality: int, chroma: str) -> Levels:
    """Once through JPEG."""
    stream = io.BytesIO()
    Image.fromarray(levels).save(stream, "JPEG", quality=quality, subsampling=chroma)
    return np.asarray(Image.open(stream))
