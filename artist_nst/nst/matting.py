"""The matting Laplacian: how far an image is from a photo under other light.

Where a photo is recolored, the new colors are nearly an affine function of its own in
every small window, and edges and straight lines stay where they are. With I the photo,
V a plane of the image, and w_k the windows of 3×3 pixels,

    Vᵀ L V = Σ_k min over a, b of Σ_{i in w_k} (V_i − aᵀ I_i − b)² + ε |a|².

Rows of L sum to zero and no window is wider than three pixels, so L is known by the
weights −L_ij of the twelve kinds of pairs of pixels that share a window, and
Vᵀ L V = Σ_pairs −L_ij (V_i − V_j)², which loses no digits to cancellation.

Source:
    Levin, Lischinski and Weiss, "A closed-form solution to natural image matting",
    2008, eqs. 4 and 12; as a loss of style transfer: Luan, Paris, Shechtman and Bala,
    "Deep photo style transfer", 2017, eq. 2.
"""

from itertools import combinations, product

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from artist_nst._types import Pixels

# Luan et al. take 10⁻⁷, with which the noise of a flat sky may become any pattern, and
# long edges bend more; with 10⁻³ colors come less near to the style's.
EPSILON = 1e-4

_WINDOW = tuple(product(range(3), range(3)))
_OFFSETS = tuple(
    (dy, dx) for dy, dx in product(range(3), range(-2, 3)) if (dy, dx) > (0, 0)
)
"""Of a pair's second pixel from its first, which is above it or left of it."""

# Rows of windows that are computed at once: all of a large photo's would take 1 GB.
_BAND_ROWS = 128

Planes = NDArray[np.float64]


class MattingTerm:
    """Mean squared distance of an image from a locally affine recoloring of a photo.

    It is Σ_c V_cᵀ L V_c / (9 K C), with K the windows and C the image's channels: the
    mean over windows, their pixels and channels of the squared residual of the best
    affine fit, in levels² (of 0–255). 0 for the photo under any affine map of its
    colors; independent of the image's size.

    Args:
        photo: ``(H, W, 3)`` in [0, 1], of the image's size, at least 3×3; or
            ``(H, W, 1)``, if only brightness is painted.
        device: The image's.
        dtype: The image's.
        epsilon: ε, which keeps flat windows from following any color: for it, a
            window varies where its variance is about ε / 9 or more.
    """

    def __init__(
        self,
        photo: Pixels,
        device: torch.device | str = "cpu",
        dtype: torch.dtype = torch.float32,
        epsilon: float = EPSILON,
    ) -> None:
        height, width = photo.shape[:2]
        self._divisor = 9 * (height - 2) * (width - 2)
        weights = torch.from_numpy(compute_pair_weights(photo, epsilon))
        self._weights = weights.to(device, dtype)

    @torch.no_grad()
    def __call__(self, image: Tensor) -> tuple[Tensor, Tensor]:
        """Compute the term and its gradient, 2 L V / (9 K C).

        Args:
            image: ``(1, C, H, W)`` on 0–255.

        Returns:
            A scalar, and a gradient of the image's shape.
        """
        scale = 1 / (self._divisor * image.shape[1])
        gradient = torch.zeros_like(image)
        total = image.new_zeros(())
        for offset, weights in zip(_OFFSETS, self._weights, strict=True):
            first, second = _slice_pairs(offset, *image.shape[-2:])
            difference = image[..., *first] - image[..., *second]
            force = difference * weights[first]
            total += torch.linalg.vecdot(force.flatten(), difference.flatten())
            gradient[..., *first] += force
            gradient[..., *second] -= force
        return total * scale, gradient.mul_(2 * scale)


def compute_pair_weights(photo: Pixels, epsilon: float = EPSILON) -> Planes:
    """Compute −L_ij of all pairs of pixels that share a window of the photo.

    It is Σ over the windows of both of (1 + (I_i − μ)ᵀ (Σ + ε/9)⁻¹ (I_j − μ)) / 9, with
    μ and Σ the window's mean color and covariance.

    Args:
        photo: ``(H, W, 3)`` or ``(H, W, 1)`` in [0, 1], at least 3×3.
        epsilon: ε.

    Returns:
        ``(12, H, W)``, by the pair's offset, at its first pixel; 0 where the second is
        outside.
    """
    height, width = photo.shape[:2]
    weights = np.zeros((len(_OFFSETS), height, width))
    for top in range(0, height - 2, _BAND_ROWS):
        rows = slice(top, top + _BAND_ROWS + 2)
        _add_band(weights[:, rows], photo[rows], epsilon)
    return weights


def _add_band(weights: Planes, photo: Pixels, epsilon: float) -> None:
    """Add to the weights of a band what the windows within it contribute."""
    height, width = (side - 2 for side in photo.shape[:2])
    places = [(slice(y, y + height), slice(x, x + width)) for y, x in _WINDOW]
    colors = np.stack([photo[place] for place in places])
    colors -= colors.mean(0)
    covariance = np.einsum("khwa,khwb->hwab", colors, colors) / 9
    inverse = np.linalg.inv(covariance + epsilon / 9 * np.eye(colors.shape[-1]))
    mapped = np.einsum("hwab,khwb->khwa", inverse, colors)
    for (first, start), (second, end) in combinations(enumerate(_WINDOW), 2):
        offset = end[0] - start[0], end[1] - start[1]
        product_ = np.einsum("hwa,hwa->hw", colors[first], mapped[second])
        weights[_OFFSETS.index(offset)][places[first]] += (1 + product_) / 9


def _slice_pairs(
    offset: tuple[int, int], height: int, width: int
) -> tuple[tuple[slice, slice], tuple[slice, slice]]:
    """Return where the first and where the second pixels of all pairs are."""
    dy, dx = offset
    left, right = max(0, -dx), max(0, dx)
    first = slice(0, height - dy), slice(left, width - right)
    second = slice(dy, height), slice(left + dx, width - right + dx)
    return first, second
