"""Which works stand for the artist.

A *manner* is a vector of numbers for each work, ``(n, D)``, handed in from where works
are looked at; works of like manner have a small Euclidean distance.
"""

import random
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from artist_nst.corpus.works import Work
from artist_nst.errors import ArtistNstError

Manners = NDArray[np.floating]

# What WikiArt calls them in genre or media; a bronze says little about paint.
NOT_PAINTINGS = ("sculpture", "photo", "sketch")


def paintings(works: Sequence[Work]) -> list[Work]:
    """``works`` without sculptures, photographs and sketches.

    All of them where nothing else is left: a sculptor's corpus is not an error.
    """
    kept = [
        work
        for work in works
        if not any(
            word in f"{work.genre} {work.media}".lower() for word in NOT_PAINTINGS
        )
    ]
    return kept or list(works)


def pick_random(works: Sequence[Work], seed: int, count: int = 1) -> list[Work]:
    """Works drawn uniformly, none twice (Mu and Franc's stand-in for the artist).

    The same works and seed give the same draw, in whatever order they come; a larger
    count only adds to it.

    Args:
        count: all works, where there are fewer.

    Raises:
        ArtistNstError: there are none.
    """
    if not works:
        raise ArtistNstError("the corpus has no pictures on disk to pick from")
    left = sorted(works, key=lambda work: work.id)
    drawn = random.Random(seed)
    picked: list[Work] = []
    while left and len(picked) < count:
        picked.append(left.pop(drawn.randrange(len(left))))
    return picked


def typical(manners: Manners) -> int:
    """The medoid: the work whose distances to all others have the least sum."""
    return int(_distances(manners).sum(1).argmin())


def nearest(manners: Manners, wanted: NDArray[np.floating], count: int) -> list[int]:
    """The works nearest to ``wanted`` ``(D,)``, the nearest first."""
    apart = np.square(manners - wanted).sum(1)
    return [int(one) for one in np.argsort(apart, kind="stable")[:count]]


def diverse(manners: Manners, count: int) -> list[int]:
    """Works that span the artist: the medoids of ``count`` clusters, the largest
    cluster's first. Fewer, where there are no more works of different manner."""
    labels = clusters(manners, count)
    found = []
    for label in sorted(set(labels), key=lambda one: (-np.sum(labels == one), one)):
        members = np.flatnonzero(labels == label)
        found.append(int(members[typical(manners[members])]))
    return found


def alike(manners: Manners, work: int, count: int) -> list[int]:
    """A work, and those most like it: ``count`` in all, the likest first."""
    others = nearest(manners, manners[work], len(manners))
    return [work, *(one for one in others if one != work)][:count]


def clusters(manners: Manners, count: int) -> NDArray[np.int64]:
    """Each work's cluster, numbered from 0: at most ``count``, by Ward's method.

    Works of equal manner are always in one.

    Source:
        J. Ward, "Hierarchical grouping to optimize an objective function", 1963.
    """
    from scipy.cluster.hierarchy import cut_tree, linkage
    from scipy.spatial.distance import squareform

    distinct, place = np.unique(manners, axis=0, return_inverse=True)
    if len(distinct) <= count:
        return np.asarray(place.reshape(-1), dtype=np.int64)
    tree = linkage(squareform(_distances(distinct), checks=False), method="ward")
    labels = cut_tree(tree, n_clusters=count)[:, 0]
    return np.asarray(labels[place.reshape(-1)], dtype=np.int64)


def _distances(manners: Manners) -> NDArray[np.float64]:
    """Euclidean distances between all pairs, ``(n, n)``."""
    exact = np.asarray(manners, dtype=np.float64)
    size = np.square(exact).sum(1)
    squared = size[:, None] + size[None] - 2 * exact @ exact.T
    np.fill_diagonal(squared, 0)
    return np.asarray(np.sqrt(np.maximum(squared, 0)))
