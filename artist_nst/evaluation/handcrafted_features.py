"""Handcrafted features of a picture: its colors, edges, patterns and wavelets.

They tell artists apart, and are not what painting minimizes. They are computed of
pictures brought to one size and encoding, because the files of two artists differ in
both. Details finer than about two pixels of that size are left out: they tell of
scanners and encoders, and a classifier that sees them knows artists by their files. (Of
works of eight artists, one that sees the binary patterns of neighboring pixels knows
61 %, and 24 % when they are re-encoded; one that sees :data:`PATTERNS` 58 and 57 %.)
"""

from __future__ import annotations

import io

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from artist_nst._types import PathLike, Pixels
from artist_nst.image.encoder import to_levels
from artist_nst.image.files import read_scaled, resize, resize_long_side

FEATURE_VERSION = "1"
"""Of the features: it changes when their numbers do."""

SIDE = 256  # pixels, of the longer side
QUALITY = 80  # of the JPEG encoding
MIN_SIDE = 96  # pixels, which five levels of wavelets need

COLOR_BINS = 4, 6, 6
COLOR_RANGES = (0, 100), (-50, 50), (-50, 60)  # of CIELAB's L, a, b, clipped
PERCENTILES = 5, 25, 50, 75, 95

OCTAVES = 3  # of edges: at the whole size, half and a quarter
DIRECTIONS = 8
NOISE_FLOOR = 0.1  # of lightness; smaller differences hardly count

BLUR = 2.0  # pixels, before patterns are found at every other pixel
PATTERNS = (8, 1), (16, 2), (16, 4)  # numbers of neighbors, and their distance

WAVELET = "db2"
LEVELS = 2, 3, 4, 5  # the first, of two pixels, is left out

AGREEMENT_SCALES = 1.0, 2.0  # pixels: of the edges, and of how far they may move

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

FEATURE_GROUPS = {
    name: slice(end - size, end)
    for (name, size), end in zip(_SIZES.items(), _ENDS, strict=True)
}
"""The places of each kind of feature; all but ``colors`` see lightness alone."""

FEATURE_COUNT = _ENDS[-1]
"""D, of all features."""


def resize_to_side(pixels: Pixels) -> Pixels:
    """Bring a picture's longer side to ``SIDE`` pixels; a small one is enlarged."""
    return resize_long_side(pixels, SIDE)


def read_resized(path: PathLike) -> Pixels:
    """Read a picture at the size of which features are computed.

    Raises:
        ArtistNstError: it can't be read.
    """
    return resize_to_side(read_scaled(path, 2 * SIDE))


def standardize(pixels: Pixels) -> Levels:
    """Bring a picture to the common size, and once through JPEG.

    Args:
        pixels: ``(H, W, 3)`` sRGB in [0, 1].

    Returns:
        ``(h, w, 3)``, the longer side of ``SIDE`` pixels.
    """
    return _encode_jpeg(to_levels(resize_to_side(pixels)), QUALITY, "4:2:0")


def reencode(pixels: Pixels, source: np.random.Generator) -> Pixels:
    """Simulate another file of the same picture, as it might be found elsewhere.

    It is made smaller and enlarged again, less sharp, and compressed differently.

    Args:
        pixels: ``(H, W, 3)`` in [0, 1], of ``SIDE`` pixels.
        source: of random numbers.
    """
    from scipy.ndimage import gaussian_filter

    height, width = pixels.shape[:2]
    shrink = source.uniform(0.6, 1.0)
    small = resize(pixels, *(max(1, round(side * shrink)) for side in (height, width)))
    sigma = source.uniform(0.0, 0.8)
    blurred = gaussian_filter(resize(small, height, width), (sigma, sigma, 0))
    quality = int(source.integers(40, 96))
    chroma = str(source.choice(["4:2:0", "4:4:4"]))
    return _encode_jpeg(to_levels(blurred), quality, chroma) / 255.0


def compute_features(levels: Levels) -> Vector:
    """Compute all features of a picture.

    Args:
        levels: ``(h, w, 3)``, from :func:`standardize`.

    Returns:
        ``(FEATURE_COUNT,)``, finite whatever the picture, in the places of
        :data:`FEATURE_GROUPS`.
    """
    from skimage.color import rgb2lab

    lab = rgb2lab(_pad_narrow(levels) / 255.0)
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
    """Compute how far two pictures have their edges in the same places.

    It is the correlation of their gradients' magnitudes, of lightness and blurred so
    that an edge may move by a brush stroke.

    Args:
        pixels: ``(H, W, 3)`` in [0, 1].
        other: of the same size.

    Returns:
        1 for equal edges, about 0 for unrelated ones, and 0 where a picture has none.
    """
    from scipy.ndimage import gaussian_filter
    from skimage.color import rgb2lab

    scale, reach = AGREEMENT_SCALES
    maps = []
    for picture in (pixels, other):
        down, across = _gradient(rgb2lab(picture)[..., 0], scale)
        edges = gaussian_filter(np.hypot(down, across), reach).ravel()
        maps.append(edges - edges.mean())
    size = float(np.linalg.norm(maps[0]) * np.linalg.norm(maps[1]))
    return float(maps[0] @ maps[1]) / size if size > 1e-9 else 0.0


def _colors(lab: NDArray[np.float64]) -> list[Vector]:
    """Compute moments of colors, and their joint histogram.

    The moments are mean, deviation and percentiles of L, a, b and chroma √(a² + b²)
    (CIE 1976). Of the histogram's square roots, distances are Hellinger's.
    """
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
    """Compute in each octave the gradient's directions, strength and coherence.

    The directions (without sign) are weighted by strength. Coherence is how far
    neighboring gradients have one direction.

    Source:
        It is (λ₁ − λ₂) / (λ₁ + λ₂) of the structure tensor: J. Bigün, G. Granlund,
        "Optimal orientation detection of linear symmetry", ICCV 1987.
    """
    from scipy.ndimage import gaussian_filter

    parts = []
    for _ in range(OCTAVES):
        down, across = _gradient(light, 1)
        strength = np.hypot(down, across)
        angle = np.mod(np.arctan2(down, across), np.pi)
        shares, _ = np.histogram(angle, DIRECTIONS, (0, np.pi), weights=strength)
        yy, xx, xy = (
            gaussian_filter(product, 2)
            for product in (down * down, across * across, down * across)
        )
        coherence = np.hypot(yy - xx, 2 * xy) / (yy + xx + NOISE_FLOOR**2)
        parts += [
            shares / max(float(shares.sum()), NOISE_FLOOR),
            np.log(np.percentile(strength, PERCENTILES) + NOISE_FLOOR),
            np.percentile(coherence, PERCENTILES),
        ]
        light = gaussian_filter(light, 1)[::2, ::2]
    return np.concatenate(parts)


def _patterns(light: Plane) -> Vector:
    """Compute the histogram of uniform, rotation-invariant binary patterns.

    Its square roots are returned. Differences below one level of 255 count as none.

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
        patterns = local_binary_pattern(  # type: ignore[no-untyped-call]
            gray, neighbors, radius, "uniform"
        )
        # Nearer to the border they would see beyond it.
        inside = patterns[radius:-radius, radius:-radius].astype(int).ravel()
        counts = np.bincount(inside, minlength=neighbors + 2)
        parts.append(np.sqrt(counts / inside.size))
    return np.concatenate(parts)


def _wavelets(plane: Plane) -> Vector:
    """Compute the logarithms of wavelet coefficients' mean size and kurtosis.

    They are of each level's horizontal, vertical and diagonal coefficients; the size is
    per pixel.

    Source:
        S. Lyu, D. Rockmore, H. Farid, "A digital technique for art authentication",
        PNAS 101, 2004, takes moments of wavelet coefficients; the wavelets are
        Daubechies' of two vanishing moments.
    """
    from pywt import wavedec2

    statistics = []
    details = wavedec2(plane, WAVELET, level=max(LEVELS))[:0:-1]
    for level in LEVELS:
        for coefficients in details[level - 1]:
            size = coefficients / 2.0**level
            square = size * size
            fourth = (square * square).mean() + NOISE_FLOOR**4
            kurtosis = fourth / (square.mean() ** 2 + NOISE_FLOOR**4)
            statistics += [np.log(np.abs(size).mean() + NOISE_FLOOR), np.log(kurtosis)]
    return np.array(statistics)


def _gradient(plane: Plane, scale: float) -> tuple[Plane, Plane]:
    """Compute derivatives with a Gaussian, downwards and to the right."""
    from scipy.ndimage import gaussian_filter

    return gaussian_filter(plane, scale, (1, 0)), gaussian_filter(plane, scale, (0, 1))


def _pad_narrow(levels: Levels) -> Levels:
    """Continue a narrow picture by its mirror image."""
    down, across = (max(0, MIN_SIDE - side) for side in levels.shape[:2])
    return np.pad(levels, [(0, down), (0, across), (0, 0)], mode="symmetric")


def _encode_jpeg(levels: Levels, quality: int, chroma: str) -> Levels:
    stream = io.BytesIO()
    Image.fromarray(levels).save(stream, "JPEG", quality=quality, subsampling=chroma)
    return np.asarray(Image.open(stream))
