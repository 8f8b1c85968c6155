"""Content, style and total-variation losses.

F, P are features of the candidate and the photo, ``(N, H, W)``: N filters, M = H·W
positions. G, A are Gram matrices of the candidate and the style, ``(N, N)``, each
divided by its own image's M, so that images of any two sizes can be compared.
Equation numbers are those of Gatys, Ecker and Bethge, "A neural algorithm of artistic
style", 2015.
"""

from typing import Any

import torch
from torch import Tensor

# Positions of bfloat16 features that are multiplied at once in a Gram matrix.
_SHORT = 1024


def gram(features: Tensor) -> Tensor:
    """Correlations between filters, per position: F Fᵀ / M.

    Args:
        features: ``(N, H, W)``.

    Returns:
        ``(N, N)``; the same for an image and for a tiling of it, up to its borders.
        Of bfloat16 features in float32: their sums need more than eight bits.

    Source:
        Eq. 3, divided by M.
    """
    found: Tensor = _Gram.apply(features)
    return found


def squared_distance(features: Tensor, target: Tensor) -> Tensor:
    """Σ (F − P)², what content losses are made of; in the target's precision."""
    return (features.to(target.dtype) - target).square().sum()


def content_half_squared(
    squared: Tensor,
    target: Tensor,  # noqa: ARG001
    filters: int | None = None,  # noqa: ARG001
) -> Tensor:
    """½ Σ (F − P)², eq. 1.

    Args:
        squared: Σ (F − P)², here and in what follows.
        target: P.
        filters: N, where fewer stand in for them; as many as ``target`` has, if not
            given.
    """
    return squared / 2


def content_squared(
    squared: Tensor,
    target: Tensor,  # noqa: ARG001
    filters: int | None = None,  # noqa: ARG001
) -> Tensor:
    """Σ (F − P)²."""
    return squared


def content_mean(squared: Tensor, target: Tensor, filters: int | None = None) -> Tensor:
    """Mean (F − P)²."""
    return squared / _numbers(target, filters)


def content_quarter_mean(
    squared: Tensor, target: Tensor, filters: int | None = None
) -> Tensor:
    """Σ (F − P)² / (4 n_H n_W n_C).

    Source:
        Premamayudu, Subbarao and Rao 2019, eq. 1.
    """
    return squared / (4 * _numbers(target, filters))


def content_relative(
    squared: Tensor,
    target: Tensor,
    filters: int | None = None,  # noqa: ARG001
) -> Tensor:
    """½ mean (F − P)² / mean P²: 0 at the photo, ½ where nothing is left of it.

    Free of scale: the same for any convention of the weights, size of the image or
    loudness of the layer. A target of zeros is compared with as it is.
    """
    return squared / _size(target) / 2


def style_gatys(
    candidate: Tensor, target: Tensor, filters: int | None = None
) -> Tensor:
    """Σ (G − A)² / (4 N²), eq. 4.

    Eq. 4 divides Grams that are sums by 4 N² M²; with G, A per position that is the
    same where the sizes agree, and stays meaningful where they don't. For art.py's
    form, which compares the sums at the candidate's M, hand in A·M_a/M_x.

    Args:
        filters: N, where the matrices are those of fewer that stand in for them.
    """
    return (candidate - target).square().sum() / (4 * (filters or len(target)) ** 2)


def style_mean(
    candidate: Tensor, target: Tensor, positions: int, filters: int | None = None
) -> Tensor:
    """Mean (G' − A')² / (N M), with G' = M G and A' = M A: Grams that are sums.

    Args:
        positions: M, of the candidate.
        filters: N, as in :func:`style_gatys`.

    Source:
        Surampudi et al., CSCE 5214 project report, its listing; the style is there of
        the candidate's size, so that both have one M.
    """
    squared = (candidate - target).square().sum()
    return squared * positions / (filters or len(target)) ** 3


def style_relative(candidate: Tensor, target: Tensor) -> Tensor:
    """‖G − A‖² / ‖A‖²: 0 at the style, 1 for no activation at all."""
    return (candidate - target).square().sum() / _size(target)


def total_variation(image: Tensor) -> Tensor:
    """Mean absolute difference between neighbouring pixels.

    Args:
        image: ``(1, C, H, W)`` on 0–255.

    Returns:
        In levels of 255, over all horizontal and vertical pairs of neighbours and all
        channels: independent of the image's size. Papers' sums are this times
        :func:`neighbours`.

    Source:
        Rudin, Osher and Fatemi 1992, in the anisotropic form.
    """
    total = image.diff(dim=-1).abs().sum() + image.diff(dim=-2).abs().sum()
    return total / max(neighbours(image), 1)


def neighbours(image: Tensor) -> int:
    """How many pairs of neighbours ``(…, C, H, W)`` has, counted in each channel."""
    height, width = image.shape[-2:]
    pairs = height * (width - 1) + (height - 1) * width
    return pairs * (image.numel() // (height * width))


def _numbers(target: Tensor, filters: int | None) -> int:
    """N M of features ``(N, H, W)``."""
    return (filters or len(target)) * target[0].numel()


def _size(target: Tensor) -> Tensor:
    size = target.square().sum()
    return size + (size == 0)


class _Gram(torch.autograd.Function):
    """A Gram matrix whose gradient is one product, not the two of F Fᵀ."""

    @staticmethod
    def forward(ctx: Any, features: Tensor) -> Tensor:
        ctx.save_for_backward(features)
        flat = features.flatten(1)
        positions = flat.shape[1]
        if features.dtype != torch.bfloat16:
            return flat @ flat.T / positions
        # A product is rounded to its factors' bits: short ones are summed instead.
        whole = positions - positions % _SHORT
        short = flat[:, :whole].T.reshape(-1, _SHORT, len(flat))
        rest = flat[:, whole:].float()
        sums: Tensor = (short.mT @ short).sum(0, dtype=torch.float32)
        return (sums + rest @ rest.T) / positions

    @staticmethod
    def backward(ctx: Any, *slopes: Tensor) -> Tensor:
        features: Tensor = ctx.saved_tensors[0]
        (slope,) = slopes
        flat = features.flatten(1)
        both = ((slope + slope.T) / flat.shape[1]).to(features.dtype)
        # The gradient is to lie in memory as the features do.
        if features.is_contiguous():
            return (both @ flat).view(features.shape)
        return (flat.T @ both).T.view(features.shape)
