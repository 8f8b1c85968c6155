"""Content, style and total-variation losses.

F, P are features of the candidate and the photo, ``(N, H, W)``: N filters, M = H·W
positions. G, A are Gram matrices of the candidate and the style, ``(N, N)``, each
divided by its own image's M, so that images of any two sizes can be compared.
Equation numbers are those of Gatys, Ecker and Bethge, "A neural algorithm of artistic
style", 2015.
"""

from torch import Tensor


def gram(features: Tensor) -> Tensor:
    """Correlations between filters, per position: F Fᵀ / M.

    Args:
        features: ``(N, H, W)``.

    Returns:
        ``(N, N)``; the same for an image and for a tiling of it, up to its borders.

    Source:
        Eq. 3, divided by M.
    """
    flat = features.flatten(1)
    return flat @ flat.T / flat.shape[1]


def content_half_squared(features: Tensor, target: Tensor) -> Tensor:
    """½ Σ (F − P)², eq. 1."""
    return (features - target).square().sum() / 2


def content_squared(features: Tensor, target: Tensor) -> Tensor:
    """Σ (F − P)²."""
    return (features - target).square().sum()


def content_mean(features: Tensor, target: Tensor) -> Tensor:
    """Mean (F − P)²."""
    return (features - target).square().mean()


def content_quarter_mean(features: Tensor, target: Tensor) -> Tensor:
    """Σ (F − P)² / (4 n_H n_W n_C).

    Source:
        Premamayudu, Subbarao and Rao 2019, eq. 1.
    """
    return (features - target).square().mean() / 4


def content_relative(features: Tensor, target: Tensor) -> Tensor:
    """½ mean (F − P)² / mean P²: 0 at the photo, ½ where nothing is left of it.

    Free of scale: the same for any convention of the weights, size of the image or
    loudness of the layer. A target of zeros is compared with as it is.
    """
    return _relative(features, target) / 2


def style_gatys(candidate: Tensor, target: Tensor) -> Tensor:
    """Σ (G − A)² / (4 N²), eq. 4.

    Eq. 4 divides Grams that are sums by 4 N² M²; with G, A per position that is the
    same where the sizes agree, and stays meaningful where they don't. For art.py's
    form, which compares the sums at the candidate's M, hand in A·M_a/M_x.
    """
    return (candidate - target).square().sum() / (4 * target.shape[0] ** 2)


def style_mean(candidate: Tensor, target: Tensor, positions: int) -> Tensor:
    """Mean (G' − A')² / (N M), with G' = M G and A' = M A: Grams that are sums.

    Args:
        positions: M, of the candidate.

    Source:
        Surampudi et al., CSCE 5214 project report, its listing; the style is there of
        the candidate's size, so that both have one M.
    """
    return (candidate - target).square().mean() * positions / target.shape[0]


def style_relative(candidate: Tensor, target: Tensor) -> Tensor:
    """‖G − A‖² / ‖A‖²: 0 at the style, 1 for no activation at all."""
    return _relative(candidate, target)


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


def _relative(value: Tensor, target: Tensor) -> Tensor:
    size = target.square().sum()
    return (value - target).square().sum() / size.where(size > 0, 1.0)
