"""What a table of modes is computed of."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from artist_nst.styles.clustering import clusters
from artist_nst.styles.descriptors import Style, manners

DRAWS = 10_000
MANNERS = 8  # of an artist, as clusters of his works


def interval(values: NDArray[np.float64], seed: int = 0) -> tuple[float, float]:
    """Where the mean over artists and photos lies, with 95 % confidence.

    Both are drawn anew with replacement, whole rows and columns, for paintings of one
    photo, or after one artist, are not independent of one another.

    Args:
        values: ``(artists, photos)``; differences of two modes, to compare them in
            pairs.

    Source:
        B. Efron, R. Tibshirani, "An introduction to the bootstrap", 1993, section 13.3;
        both ways as A. Owen, "The pigeonhole bootstrap", 2007.
    """
    drawn = np.random.default_rng(seed)
    rows, columns = values.shape
    means = [
        values[
            np.ix_(
                drawn.integers(rows, size=rows), drawn.integers(columns, size=columns)
            )
        ].mean()
        for _ in range(DRAWS)
    ]
    low, high = np.quantile(means, (0.025, 0.975))
    return float(low), float(high)


def covered(works: Sequence[Style], paintings: Sequence[Style]) -> tuple[int, int]:
    """Into how many clusters of an artist's works paintings fall, and how many clusters
    there are.

    A painting falls into the cluster whose mean is the nearest to it.
    """
    own = manners(works, paintings)
    labels = clusters(own[: len(works)], MANNERS)
    found = sorted({*labels.tolist()})
    means = np.stack([own[: len(works)][labels == label].mean(0) for label in found])
    fallen = {
        int(np.square(means - painting).sum(1).argmin())
        for painting in own[len(works) :]
    }
    return len(fallen), len(found)
