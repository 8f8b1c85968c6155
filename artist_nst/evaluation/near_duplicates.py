"""Whether two files show one picture, whatever their sizes and encodings."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from artist_nst.image.files import resize

# Two files are taken to show one picture where their thumbnails correlate so much.
ALIKE = 0.9
THUMBNAIL = 16  # squares along each side

Thumbnail = NDArray[np.float64]


def thumbnail(pixels: NDArray[np.float64]) -> Thumbnail:
    """Brightness of a few squares, of mean 0 and length 1.

    Args:
        pixels: ``(H, W, 3)`` in [0, 1].

    Returns:
        ``(THUMBNAIL²,)``; the product of two is their pictures' correlation. Zeros
        for a picture of one brightness, which is then like no other.
    """
    small: Thumbnail = resize(pixels, THUMBNAIL, THUMBNAIL).mean(-1).ravel()
    small = small - small.mean()
    return small / max(float(np.linalg.norm(small)), 1e-9)


def alike_any(
    thumbnails: Sequence[Thumbnail], others: Sequence[Thumbnail]
) -> NDArray[np.bool_]:
    """Which of the first look like any of the second, ``(N,)``."""
    if not thumbnails or not others:
        return np.zeros(len(thumbnails), dtype=bool)
    likeness = np.stack(thumbnails) @ np.stack(others).T
    return np.asarray(likeness.max(1) > ALIKE)


def groups(thumbnails: Sequence[Thumbnail]) -> list[list[int]]:
    """Those that look alike together, be it through others.

    Returns:
        Every place in ``thumbnails`` once, in ascending order within a group; groups
        in that of their first places.
    """
    from scipy.sparse.csgraph import connected_components

    if not thumbnails:
        return []
    seen = np.stack(thumbnails)
    _, labels = connected_components(seen @ seen.T > ALIKE, directed=False)
    found: dict[int, list[int]] = {}
    for place, label in enumerate(labels.tolist()):
        found.setdefault(label, []).append(place)
    return list(found.values())
