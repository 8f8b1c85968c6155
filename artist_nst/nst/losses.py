"""Content, style and total-variation losses.

F, P are features of the candidate and the photo, ``(N, H, W)``: N filters, M = H·W
positions. G, A are Gram matrices of the candidate and the style, ``(N, N)``, each
divided by its own image's M, so that images of any two sizes can be compared.
Equation numbers are those of Gatys, Ecker and Bethge, "A neural algorithm of artistic
style", 2015.

Content losses take Σ (F − P)² and P, style losses G and A. ``filters`` is N where a
compact network stands in for a larger one (otherwise it is the target's own).
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor

from artist_nst.nst.products import multiply_rows

# Positions of bfloat16 features that are multiplied at once in a Gram matrix.
_CHUNK_POSITIONS = 1024


class Window(NamedTuple):
    """What a Gram matrix is of, among some rows of a layer.

    Attributes:
        rows: Those of the features that the mask covers any of.
        mask: m at these rows, ``(h, W)`` in [0, 1].
        total: Σ m over all rows of the layer, a number.
    """

    rows: slice
    mask: Tensor
    total: Tensor


def gram(features: Tensor) -> Tensor:
    """Correlate filters, averaged over positions: F Fᵀ / M of ``(N, H, W)``.

    Returns:
        ``(N, N)``; the same for an image and for a tiling of it, except at its borders.
        Float32 for bfloat16 features: their sums need more than eight bits.

    Source:
        Eq. 3, divided by M.
    """
    matrix: Tensor = _Gram.apply(features)
    return matrix


def guided_grams(features: Tensor, windows: Sequence[Window]) -> tuple[Tensor, ...]:
    """Correlate filters over what each mask covers: F diag(m) Fᵀ / Σ m.

    Args:
        features: F, ``(N, H, W)``, or some rows of it.
        windows: The masks; of some rows, each gets what these add to its matrix.

    Returns:
        ``(N, N)`` for each, as :func:`gram`.

    Source:
        Gatys et al. 2017, section 4.
    """
    matrices: tuple[Tensor, ...] = _GuidedGrams.apply(features, windows)
    return matrices


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


def _correlate(flat: Tensor) -> Tensor:
    """F Fᵀ of ``(N, M)``."""
    if flat.dtype != torch.bfloat16:
        return flat @ flat.T
    # A bfloat16 product is rounded to eight bits: short ones are added in float32.
    filters, positions = flat.shape
    end = positions - positions % _CHUNK_POSITIONS
    chunks = flat[:, :end].T.reshape(
        positions // _CHUNK_POSITIONS, _CHUNK_POSITIONS, filters
    )
    rest = flat[:, end:].float()
    sums: Tensor = (chunks.mT @ chunks).sum(0, dtype=torch.float32)
    return sums + rest @ rest.T


def _multiply(symmetric: Tensor, features: Tensor) -> Tensor:
    """S F of ``(N, N)`` and ``(N, H, W)``, in the memory format of the features."""
    flat, symmetric = features.flatten(1), symmetric.to(features.dtype)
    if features.is_contiguous():
        return (symmetric @ flat).view(features.shape)
    return multiply_rows(flat.T, symmetric).T.view(features.shape)


class _Gram(torch.autograd.Function):
    """Gram matrix whose gradient is one product, not the two of F Fᵀ."""

    @staticmethod
    def forward(ctx: Any, features: Tensor) -> Tensor:
        ctx.save_for_backward(features)
        return _correlate(features.flatten(1)) / features[0].numel()

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:
        features: Tensor = ctx.saved_tensors[0]
        (gradient,) = gradients
        return _multiply((gradient + gradient.T) / features[0].numel(), features)


class _GuidedGrams(torch.autograd.Function):
    """Gram matrices of windows, whose gradients are added up in one tensor."""

    @staticmethod
    def forward(
        ctx: Any, features: Tensor, windows: Sequence[Window]
    ) -> tuple[Tensor, ...]:
        ctx.save_for_backward(features)
        ctx.windows = windows
        matrices = []
        for rows, mask, total in windows:
            weighted = features[:, rows] * mask.sqrt().to(features.dtype)
            matrices.append(_correlate(weighted.flatten(1)) / total)
        return tuple(matrices)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        features: Tensor = ctx.saved_tensors[0]
        result = torch.zeros_like(features)
        for gradient, (rows, mask, total) in zip(gradients, ctx.windows, strict=True):
            part = _multiply((gradient + gradient.T) / total, features[:, rows])
            result[:, rows].addcmul_(part, mask.to(part.dtype))
        return result, None
