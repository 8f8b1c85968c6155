"""A photo's details in a painting's colors: for pictures that look photographed."""

from __future__ import annotations

import numpy as np
from PIL import Image

from artist_nst._types import Pixels
from artist_nst.image.color import LUMA
from artist_nst.image.screened_poisson import restore_gradients

# Of the squares that local maps of colors are fitted in, relative to the long side.
SQUARE_SHARE = 1 / 4

# Long side, in pixels, at which the maps are fitted: they vary slowly.
MAP_SIDE = 256

# Added to the colors' variances: where a photo varies by less than about 3% of the
# range, its variation is taken for noise, and not amplified.
COLOR_VARIANCE = 1e-3


def restore_details(painted: Pixels, photo: Pixels, wavelength: float) -> Pixels:
    """Replace what is fine in a painting by what the photo has there, recolored.

    Args:
        painted: ``(H, W, 3)`` in [0, 1].
        photo: Likewise.
        wavelength: In pixels, above 0: what varies over less is the photo's.
    """
    recolored = recolor_chroma(photo, painted)
    return restore_gradients(painted, recolored, (2 * np.pi / wavelength) ** 2)


def recolor_chroma(photo: Pixels, painted: Pixels) -> Pixels:
    """Give a photo the painting's colors, and keep its own luma.

    The photo's gradients are between its own colors, which a painting may not have:
    this is the photo to restore them from. In every square, the affine map of the
    photo's colors is found that comes nearest to the painting; each pixel's result is
    the mean over the squares that it is in, its luma then the photo's.

    Args:
        photo: I, ``(H, W, 3)`` in [0, 1].
        painted: S, likewise.

    Returns:
        Unclipped.

    Source:
        K. He, J. Sun, X. Tang, "Guided image filtering", IEEE TPAMI 35(6), 2013, eqs.
        16–18, with the photo for guide; on a part of the pixels as in K. He, J. Sun,
        "Fast guided filter", 2015.
    """
    step = max(1, max(photo.shape[:2]) // MAP_SIDE)
    maps = _fit_maps(photo[::step, ::step], painted[::step, ::step])
    height, width = photo.shape[:2]
    matrix, shift = (_enlarge(planes, height, width) for planes in maps)
    mapped = np.einsum("hwa,hwab->hwb", photo, matrix) + shift
    return np.asarray(mapped + ((photo - mapped) @ LUMA)[..., None])


def _fit_maps(photo: Pixels, painted: Pixels) -> tuple[Pixels, Pixels]:
    """Fit ``painted ≈ photo @ matrix + shift`` around each pixel; eqs. 16–18."""
    from scipy.ndimage import uniform_filter

    side = 2 * round(SQUARE_SHARE * max(photo.shape[:2]) / 2) + 1

    def average(planes: Pixels) -> Pixels:
        return np.asarray(uniform_filter(planes, side, axes=(0, 1), mode="nearest"))

    mean, painted_mean = average(photo), average(painted)
    covariance, cross_covariance = (
        average(photo[..., :, None] * other[..., None, :])
        - mean[..., :, None] * other_mean[..., None, :]
        for other, other_mean in ((photo, mean), (painted, painted_mean))
    )
    regularized = covariance + COLOR_VARIANCE * np.eye(3)
    matrix = np.asarray(np.linalg.solve(regularized, cross_covariance), float)
    shift = painted_mean - np.einsum("hwa,hwab->hwb", mean, matrix)
    return average(matrix), average(shift)


def _enlarge(planes: Pixels, height: int, width: int) -> Pixels:
    """Interpolate ``(h, w, …)`` linearly to ``(height, width, …)``."""
    flat = planes.reshape(*planes.shape[:2], -1).astype(np.float32)
    enlarged = [
        np.asarray(
            Image.fromarray(plane).resize((width, height), Image.Resampling.BILINEAR),
            float,
        )
        for plane in np.moveaxis(flat, 2, 0).copy()
    ]
    return np.stack(enlarged, 2).reshape(height, width, *planes.shape[2:])
