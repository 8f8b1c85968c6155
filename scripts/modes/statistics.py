"""Statistics of the table: confidence intervals, and how varied paintings are."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from artist_nst.styles.clustering import assign_clusters
from artist_nst.styles.descriptors import StyleDescriptor, style_embedding

RESAMPLES = 10_000
CLUSTERS = 8  # of an artist's works


def bootstrap_interval(
    values: NDArray[np.float64], seed: int = 0
) -> tuple[float, float]:
    """Estimate the 95 % confidence interval of the mean over artists and photos.

    Rows and columns are both resampled, because paintings of one photo, or after one
    artist, are not independent.

    Args:
        values: ``(artists, photos)``; differences, to compare two modes in pairs.

    Source:
        B. Efron, R. Tibshirani, "An introduction to the bootstrap", 1993, section 13.3;
        both axes as A. Owen, "The pigeonhole bootstrap", 2007.
    """
    rng = np.random.default_rng(seed)
    rows, columns = values.shape
    means = [
        values[
            np.ix_(rng.integers(rows, size=rows), rng.integers(columns, size=columns))
        ].mean()
        for _ in range(RESAMPLES)
    ]
    low, high = np.quantile(means, (0.025, 0.975))
    return float(low), float(high)


def count_clusters(
    works: Sequence[StyleDescriptor], paintings: Sequence[StyleDescriptor]
) -> tuple[int, int]:
    """Count the clusters of works that paintings belong to, and all clusters.

    A painting belongs to the cluster with the nearest mean.
    """
    embedding = style_embedding(works, paintings)
    work_vectors, painting_vectors = np.split(embedding, [len(works)])
    labels = assign_clusters(work_vectors, CLUSTERS)
    means = np.stack(
        [work_vectors[labels == label].mean(0) for label in np.unique(labels)]
    )
    reached = {
        int(np.square(means - vector).sum(1).argmin()) for vector in painting_vectors
    }
    return len(reached), len(means)
