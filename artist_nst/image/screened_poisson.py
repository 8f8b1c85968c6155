"""The screened Poisson equation: a painting's colors with the photo's gradients."""

from __future__ import annotations

import numpy as np

from artist_nst._types import Pixels


def restore_gradients(painted: Pixels, photo: Pixels, weight: float) -> Pixels:
    """Give a painting the edges of its photo.

    The result O minimizes λ ‖O − S‖² + ‖∇O − ∇I‖² in each channel, with S the painting,
    I the photo, ∇ the differences between neighboring pixels, and nothing flowing over
    the border. Hence (λ − Δ)(O − I) = λ (S − I): what the painting adds to the photo is
    kept where it varies over more than 2π/√λ pixels.

    Args:
        painted: S, ``(H, W, C)`` in [0, 1].
        photo: I, likewise.
        weight: λ above 0: large keeps the painting, small the photo.

    Returns:
        O, clipped to [0, 1].

    Source:
        R. Mechrez, E. Shechtman, L. Zelnik-Manor, "Photorealistic style transfer with
        screened Poisson equation", BMVC 2017, eq. 1; solved exactly by the cosine
        transform, which diagonalizes Δ.
    """
    from scipy.fft import dctn, idctn

    rows, columns = (_laplacian_eigenvalues(side) for side in photo.shape[:2])
    eigenvalues = rows[:, None, None] + columns[:, None]
    change = dctn(painted - photo, axes=(0, 1))
    change *= weight / (weight + eigenvalues)
    return np.asarray(np.clip(photo + idctn(change, axes=(0, 1)), 0, 1))


def _laplacian_eigenvalues(side: int) -> Pixels:
    """Return the eigenvalues of −Δ along a side, by the frequency of the cosine."""
    return np.asarray(2 - 2 * np.cos(np.pi * np.arange(side) / side))
