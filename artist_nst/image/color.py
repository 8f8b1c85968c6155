"""Color transfer: give a painting the photo's colors instead of the artist's.

There are two ways. :data:`RECOLORINGS` recolor the *style* image like the photo before
its features are computed. :data:`PLANES` paint brightness only and take the color from
the photo. Both are compared in Gatys et al., "Controlling perceptual factors in neural
style transfer" (CVPR 2017), section 5.

Pixels are float64 ``(H, W, 3)`` sRGB in 0–1; two images may differ in size.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from artist_nst._types import Pixels

Matrix = NDArray[np.float64]

# The most by which any color direction's deviation grows: what color a gray scan or a
# flat sky has is compression noise, and would be amplified to bright speckles.
MAX_GAIN = 10.0

# The least variance that an image is taken to have, to avoid division by zero: that of
# a deviation of a millionth of the range, far below what 8-bit rounding alone gives.
# It applies to both images, hence a flat one matches itself.
MIN_VARIANCE = 1e-12

# Reinhard et al. 2001: RGB to cone responses, and their logarithms to lightness,
# yellow–blue, red–green.
LMS_OF_RGB = np.array(
    [[0.3811, 0.5783, 0.0402], [0.1967, 0.7244, 0.0782], [0.0241, 0.1288, 0.8444]]
)
LALPHABETA_OF_LMS = np.diag(1 / np.sqrt([3.0, 6.0, 2.0])) @ np.array(
    [[1.0, 1.0, 1.0], [1.0, 1.0, -2.0], [1.0, -1.0, 0.0]]
)
MIN_LMS = 1 / 255

PLANES = ("luminance", "hsv")
LUMA = np.array([0.299, 0.587, 0.114])  # Y of full-range BT.601 YCbCr


def match_moments(style: Pixels, content: Pixels) -> Pixels:
    """Give every channel of the style the content's mean and standard deviation.

    ``x' = (σ_c / σ_s)·(x − μ_s) + μ_c``, with ``σ_c / σ_s`` at most ``MAX_GAIN``, for
    ``(H, W, C)`` in any color space; the result is unbounded.

    Source:
        E. Reinhard, M. Ashikhmin, B. Gooch, P. Shirley, "Color transfer between
        images", IEEE CG&A 21(5), 2001; population deviations.
    """
    mean = style.mean((0, 1))
    style_deviation, content_deviation = (
        np.maximum(image.std((0, 1)), np.sqrt(MIN_VARIANCE))
        for image in (style, content)
    )
    gain = np.minimum(content_deviation / style_deviation, MAX_GAIN)
    return np.asarray(gain * (style - mean) + content.mean((0, 1)))


def _reinhard(style: Pixels, content: Pixels) -> Pixels:
    """Match as Reinhard et al. 2001, but in CIELAB (D65); clip the result to sRGB."""
    from skimage.color import lab2rgb, rgb2lab

    lab = match_moments(rgb2lab(style), rgb2lab(content))
    # Beyond this b, XYZ's Z would be negative: skimage clips it too, but warns.
    blue_limit = 200 * (lab[..., 0] + 16) / 116
    lab[..., 2] = np.minimum(lab[..., 2], blue_limit - 1e-9)
    return np.asarray(lab2rgb(lab))


def _to_lalphabeta(pixels: Pixels) -> Pixels:
    lms = np.maximum(pixels @ LMS_OF_RGB.T, MIN_LMS)
    return np.asarray(np.log10(lms) @ LALPHABETA_OF_LMS.T)


def _reinhard_lalphabeta(style: Pixels, content: Pixels) -> Pixels:
    """Match mean and deviation in the 2001 paper's own space, lαβ.

    ``LMS = max(M·RGB, 1/255)``, RGB as given (not linearized);
    ``lαβ = diag(1/√3, 1/√6, 1/√2)·[[1,1,1], [1,1,−2], [1,−1,0]]·log₁₀ LMS``. The way
    back uses the exact inverses, where the paper prints rounded ones. Because of the
    floor, pixels darker than 1/255 change in the round trip. The result is unclipped.
    """
    matched = match_moments(_to_lalphabeta(style), _to_lalphabeta(content))
    lms = 10 ** (matched @ np.linalg.inv(LALPHABETA_OF_LMS).T)
    return np.asarray(lms @ np.linalg.inv(LMS_OF_RGB).T)


def _matrix_power(symmetric: Matrix, exponent: float, floor: float) -> Matrix:
    """Raise a positive semidefinite matrix to a power, its eigenvalues to a floor."""
    values, vectors = np.linalg.eigh(symmetric)
    return np.asarray((vectors * np.maximum(values, floor) ** exponent) @ vectors.T)


def monge_kantorovich(style: Matrix, content: Matrix) -> Matrix:
    """Compute the symmetric map of one covariance to another that moves points least.

    From ``Σ_s`` to ``Σ_c``, both ``(C, C)``:
    ``A = Σ_s^-½ (Σ_s^½ Σ_c Σ_s^½)^½ Σ_s^-½``, hence ``A Σ_s Aᵀ = Σ_c``.

    If A would stretch some direction by more than ``MAX_GAIN``, the smallest
    eigenvalues of ``Σ_s`` are raised until it does not: that limits the stretch in
    empty directions and keeps the others (a gray drawing still takes on the photo's
    main color axis, which limiting A's own eigenvalues would undo).

    Source:
        F. Pitié, A. Kokaram, "The linear Monge–Kantorovitch linear colour mapping
        for example-based colour transfer", CVMP 2007; Gatys et al. 2017, section 5
        (color histogram matching).
    """
    content = _matrix_power(content, 1, MIN_VARIANCE)
    floor = MIN_VARIANCE
    while True:
        root = _matrix_power(style, 0.5, floor)
        inverse = _matrix_power(style, -0.5, floor)
        matrix = inverse @ _matrix_power(root @ content @ root, 0.5, 0.0) @ inverse
        if not np.linalg.norm(matrix, 2) > MAX_GAIN:  # NaN ends it too
            return np.asarray(matrix)
        floor *= 2


def _linear(style: Pixels, content: Pixels) -> Pixels:
    """Match mean and covariance in RGB: ``x' = A(x − μ_s) + μ_c``, unclipped.

    See :func:`monge_kantorovich` for A; the covariances are the populations'.
    """
    flat_style, flat_content = style.reshape(-1, 3), content.reshape(-1, 3)
    matrix = monge_kantorovich(
        np.cov(flat_style.T, bias=True), np.cov(flat_content.T, bias=True)
    )
    recolored = (flat_style - flat_style.mean(0)) @ matrix.T + flat_content.mean(0)
    return np.asarray(recolored.reshape(style.shape))


def _histogram(style: Pixels, content: Pixels) -> Pixels:
    """Give each of R, G, B the content's distribution: ``F_c⁻¹(F_s(x))``.

    Source:
        Gonzalez & Woods, "Digital image processing", histogram matching;
        :func:`skimage.exposure.match_histograms`.
    """
    from skimage.exposure import match_histograms

    return np.asarray(match_histograms(style, content, channel_axis=-1))


RECOLORINGS: dict[str, Callable[[Pixels, Pixels], Pixels]] = {
    "reinhard": _reinhard,
    "reinhard-lalphabeta": _reinhard_lalphabeta,
    "linear": _linear,
    "histogram": _histogram,
}


def recolor(
    style: Pixels, content: Pixels, method: str, strength: float = 1.0
) -> Pixels:
    """Give the style image the photo's colors: ``(1 − t)·style + t·recolored``.

    ``method`` is one of :data:`RECOLORINGS`; ``strength`` is t, from 0 for the style
    as it is to 1. The result has the style's shape and is clipped to 0–1.
    """
    # Clipped before blending too, so that half strength is half way to the result.
    recolored = np.clip(RECOLORINGS[method](style, content), 0, 1)
    return np.clip((1 - strength) * style + strength * recolored, 0, 1)


def extract_plane(pixels: Pixels, method: str) -> Pixels:
    """Extract the brightness that is painted: Y of YCbCr (BT.601), or V of HSV.

    ``method`` is one of :data:`PLANES`; the result is ``(H, W, 1)`` in 0–1.
    """
    if method == "hsv":
        return np.asarray(pixels.max(-1, keepdims=True))
    return np.asarray((pixels @ LUMA)[..., None])


def match_plane(style_plane: Pixels, content_plane: Pixels) -> Pixels:
    """Give the style's brightness the photo's mean and standard deviation.

    ``L' = (σ_c / σ_s)·(L − μ_s) + μ_c``, ``σ_c / σ_s`` at most ``MAX_GAIN``, clipped to
    0–1: without this, a dark style would darken a photo whose colors do not follow.

    Source:
        Gatys et al. 2017, section 5 (luminance-only transfer).
    """
    return np.clip(match_moments(style_plane, content_plane), 0, 1)


def replace_plane(content: Pixels, painted_plane: Pixels, method: str) -> Pixels:
    """Combine a painted brightness ``(H, W, 1)`` with the photo's colors.

    ``luminance``: painted Y with the photo's Cb, Cr; ``hsv``: painted V with the
    photo's H, S. The result is ``(H, W, 3)``, clipped to 0–1.

    Source:
        Gatys et al. 2017, section 5, with YCbCr or HSV for its YIQ.
    """
    plane = extract_plane(content, method)
    if method == "hsv":
        # Scaling R, G and B alike keeps H and S; black, without either, turns gray.
        black = plane <= 0
        ratios = np.where(black, 1.0, content / np.where(black, 1.0, plane))
        return np.clip(ratios * painted_plane, 0, 1)
    # R − Y, G − Y and B − Y are linear in Cb and Cr: R, G and B are shifted alike.
    return np.clip(content + (painted_plane - plane), 0, 1)
