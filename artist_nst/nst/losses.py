"""Content, style and total-variation losses.

F, P are features of the candidate and the photo, ``(N, H, W)``: N filters, M = H·W
positions. G, A are Gram matrices of the candidate and the style, ``(N, N)``, each
divided by its own image's M, so that images of any two sizes can be compared.
Equation numbers are those of Gatys, Ecker and Bethge, "A neural algorithm of artistic
style", 2015.

Content losses take Σ (F − P)² and P, style losses G and A. ``filters`` is N where a
compact network stands in for a larger one (otherwise it is the target's own).
"""

from typing import Any

import torch
from torch import Tensor

# Positions of bfloat16 features that are multiplied at once in a Gram matrix.
_CHUNK_POSITIONS = 1024


def gram(features: Tensor, mask: Tensor | None = None) -> Tensor:
    """Correlate filters, averaged over positions: F Fᵀ / M of ``(N, H, W)``.

    With a mask m ``(H, W)``, averaged over what it covers: F diag(m) Fᵀ / Σ m, or zeros
    if it covers nothing.

    Returns:
        ``(N, N)``; the same for an image and for a tiling of it, except at its borders.
        Float32 for bfloat16 features: their sums need more than eight bits.

    Source:
        Eq. 3, divided by M; guided Gram matrices, Gatys et al. 2017, section 4.
    """
    matrix: Tensor = _Gram.apply(features, mask)
    return matrix


def squared_distance(features: Tensor, target: Tensor) -> Tensor:
    """Σ (F − P)², from which content losses are made; in the target's precision."""
    return (features.to(target.dtype) - target).square().sum()


def content_half_squared(squared: Tensor, *_: object) -> Tensor:
    """½ Σ (F − P)², eq. 1."""
    return squared / 2


def content_squared(squared: Tensor, *_: object) -> Tensor:
    """Σ (F − P)²."""
    return squared


def content_mean(squared: Tensor, target: Tensor, filters: int | None = None) -> Tensor:
    """Mean (F − P)²."""
    return squared / _count_elements(target, filters)


def content_quarter_mean(
    squared: Tensor, target: Tensor, filters: int | None = None
) -> Tensor:
    """Σ (F − P)² / (4 n_H n_W n_C).

    Source:
        Premamayudu, Subbarao and Rao 2019, eq. 1.
    """
    return squared / (4 * _count_elements(target, filters))


def content_relative(squared: Tensor, target: Tensor, *_: object) -> Tensor:
    """½ mean (F − P)² / mean P²: 0 at the photo, ½ where nothing is left of it.

    Independent of scale: the same for any input convention of the weights, image size
    or mean activation of the layer. For a target of zeros the denominator is 1.
    """
    return squared / _nonzero_norm(target) / 2


def style_gatys(
    candidate: Tensor, target: Tensor, filters: int | None = None
) -> Tensor:
    """Σ (G − A)² / (4 N²), eq. 4.

    Eq. 4 divides Gram matrices that are sums by 4 N² M². With G, A per position that is
    the same where the sizes agree, and stays meaningful where they don't. For art.py's
    form, which compares the sums at the candidate's M, pass A·M_a/M_x.
    """
    return (candidate - target).square().sum() / (4 * (filters or len(target)) ** 2)


def style_mean(
    candidate: Tensor, target: Tensor, positions: int, filters: int | None = None
) -> Tensor:
    """Mean (G' − A')² / (N M), with G' = M G and A' = M A: Gram matrices that are sums.

    Source:
        Surampudi et al., CSCE 5214 project report, its listing; the style is there of
        the candidate's size, so that both have one M.
    """
    squared = (candidate - target).square().sum()
    return squared * positions / (filters or len(target)) ** 3


def style_relative(candidate: Tensor, target: Tensor) -> Tensor:
    """‖G − A‖² / ‖A‖²: 0 at the style, 1 for no activation at all."""
    return (candidate - target).square().sum() / _nonzero_norm(target)


def total_variation(image: Tensor) -> Tensor:
    """Compute the mean absolute difference between neighboring pixels, in levels.

    Over all horizontal and vertical pairs of neighbors and all channels: independent of
    the image's size. The sums in papers are this times :func:`count_neighbor_pairs`.

    Source:
        Rudin, Osher and Fatemi 1992, in the anisotropic form.
    """
    total = image.diff(dim=-1).abs().sum() + image.diff(dim=-2).abs().sum()
    return total / max(count_neighbor_pairs(image), 1)


def count_covered(mask: Tensor) -> Tensor:
    """Σ m, the positions that a mask covers; 1 if it covers none."""
    total = mask.sum()
    return total + (total == 0)


def count_neighbor_pairs(image: Tensor) -> int:
    """Count pairs of neighboring pixels of ``(…, C, H, W)``, in each channel."""
    height, width = image.shape[-2:]
    pairs = height * (width - 1) + (height - 1) * width
    return pairs * (image.numel() // (height * width))


def _count_elements(target: Tensor, filters: int | None) -> int:
    """N M of features ``(N, H, W)``."""
    return (filters or len(target)) * target[0].numel()


def _nonzero_norm(target: Tensor) -> Tensor:
    """‖target‖², or 1 for zeros."""
    norm = target.square().sum()
    return norm + (norm == 0)


class _Gram(torch.autograd.Function):
    """Gram matrix whose gradient is one product, not the two of F Fᵀ."""

    @staticmethod
    def forward(ctx: Any, features: Tensor, mask: Tensor | None) -> Tensor:
        ctx.save_for_backward(features, mask)
        flat = features.flatten(1)
        count = flat.shape[1]
        positions = count if mask is None else count_covered(mask)
        if mask is not None:
            flat = (features * mask.sqrt().to(features.dtype)).flatten(1)
        if features.dtype != torch.bfloat16:
            return flat @ flat.T / positions
        # A bfloat16 product is rounded to eight bits: short ones are added in float32.
        end = count - count % _CHUNK_POSITIONS
        chunks = flat[:, :end].T.reshape(-1, _CHUNK_POSITIONS, len(flat))
        rest = flat[:, end:].float()
        sums: Tensor = (chunks.mT @ chunks).sum(0, dtype=torch.float32)
        return (sums + rest @ rest.T) / positions

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        features, mask = ctx.saved_tensors
        (gradient,) = gradients
        flat = features.flatten(1)
        positions = flat.shape[1] if mask is None else count_covered(mask)
        symmetric = ((gradient + gradient.T) / positions).to(features.dtype)
        # The result must have the features' memory format.
        if features.is_contiguous():
            product = (symmetric @ flat).view(features.shape)
        else:
            product = (flat.T @ symmetric).T.view(features.shape)
        return product if mask is None else product.mul_(mask), None
