"""Near-duplicates: whether two files show one picture, at any size and encoding."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from artist_nst.image.files import resize

# Two files show one picture if their thumbnails correlate more than this.
DUPLICATE_CORRELATION = 0.9
THUMBNAIL_SIDE = 16  # pixels

Thumbnail = NDArray[np.float64]


def make_thumbnail(pixels: NDArray[np.float64]) -> Thumbnail:
    """Reduce a picture to a few pixels of brightness, of mean 0 and length 1.

    Args:
        pixels: ``(H, W, 3)`` in [0, 1].

    Returns:
        ``(THUMBNAIL_SIDE²,)``; the product of two is their pictures' correlation. A
        picture of one brightness gives zeros, and is like no other.
    """
    small: Thumbnail = resize(pixels, THUMBNAIL_SIDE, THUMBNAIL_SIDE).mean(-1).ravel()
    small = small - small.mean()
    return small / max(float(np.linalg.norm(small)), 1e-9)


def match_any(
    thumbnails: Sequence[Thumbnail], others: Sequence[Thumbnail]
) -> NDArray[np.bool_]:
    """Tell which thumbnails, ``(N,)``, are near-duplicates of any of the others."""
    if not thumbnails or not others:
        return np.zeros(len(thumbnails), dtype=bool)
    correlations = np.stack(thumbnails) @ np.stack(others).T
    return np.asarray(correlations.max(1) > DUPLICATE_CORRELATION)


def group_duplicates(thumbnails: Sequence[Thumbnail]) -> list[list[int]]:
    """Group near-duplicates, be it through others.

    Returns:
        Every index of ``thumbnails`` once, in ascending order within a group; groups
        in the order of their first indices.
    """
    from scipy.sparse.csgraph import connected_components

    if not thumbnails:
        return []
    stacked = np.stack(thumbnails)
    matches = stacked @ stacked.T > DUPLICATE_CORRELATION
    _, labels = connected_components(matches, directed=False)
    groups: dict[int, list[int]] = {}
    for index, label in enumerate(labels.tolist()):
        groups.setdefault(label, []).append(index)
    return list(groups.values())
