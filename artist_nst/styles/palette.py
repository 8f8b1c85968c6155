"""Color histograms: which colors a picture has, wherever they are in it."""

import numpy as np
from numpy.typing import NDArray

# Of CIELAB's L, a and b; what is beyond is counted at the edge.
BINS = (8, 10, 10)
LAB_RANGES = ((0, 100), (-60, 60), (-60, 60))
SMOOTHING = 1.0  # bins; near colors count as similar


def color_histogram(
    pixels: NDArray[np.float64], weights: NDArray[np.float64] | None = None
) -> NDArray[np.float32]:
    """Compute the square root of the share that each color has.

    The product of two such vectors is Bhattacharyya's coefficient: 1 for the same
    colors, 0 for none in common.

    Args:
        pixels: ``(H, W, 3)`` sRGB in [0, 1].
        weights: ``(H, W)``, how much each pixel counts, not all zero; the same if None.

    Returns:
        ``(800,)``, of length 1.

    Source:
        A. Bhattacharyya, "On a measure of divergence between two multinomial
        populations", 1946.
    """
    from scipy.ndimage import gaussian_filter
    from skimage.color import rgb2lab

    lab = rgb2lab(pixels).reshape(-1, 3)
    low, high = np.array(LAB_RANGES, dtype=float).T
    shares = None if weights is None else weights.ravel()
    counts, _ = np.histogramdd(
        np.clip(lab, low, high), BINS, LAB_RANGES, weights=shares
    )
    smooth = gaussian_filter(counts, SMOOTHING, mode="constant").ravel()
    return np.asarray(np.sqrt(smooth / smooth.sum()), dtype=np.float32)
