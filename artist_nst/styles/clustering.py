"""Nearest neighbors, medoids and clusters of embeddings.

Embeddings are vectors ``(n, D)``, one for each work; works that are painted alike have
a small Euclidean distance.
"""

import numpy as np
from numpy.typing import NDArray

Embeddings = NDArray[np.floating]


def find_medoid(embeddings: Embeddings) -> int:
    """Find the work whose distances to all others have the least sum."""
    return int(_pairwise_distances(embeddings).sum(1).argmin())


def find_nearest(
    embeddings: Embeddings, target: NDArray[np.floating], count: int
) -> list[int]:
    """Find the works nearest to ``target``, ``(D,)``, the nearest first."""
    distances = np.square(embeddings - target).sum(1)
    return [int(index) for index in np.argsort(distances, kind="stable")[:count]]


def find_neighbors(embeddings: Embeddings, work: int, count: int) -> list[int]:
    """Find a work's nearest neighbors: ``count`` in all, with the work itself first."""
    order = find_nearest(embeddings, embeddings[work], len(embeddings))
    return [work, *(index for index in order if index != work)][:count]


def find_cluster_medoids(embeddings: Embeddings, count: int) -> list[int]:
    """Find the medoids of ``count`` clusters, the largest cluster's first.

    There are fewer if there are not so many distinct embeddings.
    """
    labels = assign_clusters(embeddings, count)
    medoids = []
    for label in np.argsort(-np.bincount(labels), kind="stable"):
        members = np.flatnonzero(labels == label)
        medoids.append(int(members[find_medoid(embeddings[members])]))
    return medoids


def assign_clusters(embeddings: Embeddings, count: int) -> NDArray[np.int64]:
    """Assign each work to one of at most ``count`` clusters by Ward's method.

    Clusters are numbered from 0. Works of equal embeddings are always in one.

    Source:
        J. Ward, "Hierarchical grouping to optimize an objective function", 1963.
    """
    from scipy.cluster.hierarchy import cut_tree, linkage
    from scipy.spatial.distance import squareform

    distinct, inverse = np.unique(embeddings, axis=0, return_inverse=True)
    labels = np.arange(len(distinct))
    if len(distinct) > count:
        distances = squareform(_pairwise_distances(distinct), checks=False)
        labels = cut_tree(linkage(distances, method="ward"), n_clusters=count)[:, 0]
    return np.asarray(labels[inverse.reshape(-1)], dtype=np.int64)


def _pairwise_distances(embeddings: Embeddings) -> NDArray[np.float64]:
    """Compute Euclidean distances between all pairs, ``(n, n)``."""
    exact = np.asarray(embeddings, dtype=np.float64)
    size = np.square(exact).sum(1)
    squared = size[:, None] + size[None] - 2 * exact @ exact.T
    np.fill_diagonal(squared, 0)
    return np.asarray(np.sqrt(np.maximum(squared, 0)))
