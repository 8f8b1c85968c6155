"""Medoids, nearest neighbors and clusters, each by its definition."""

from itertools import combinations

import numpy as np
import pytest
from numpy.typing import NDArray

from artist_nst.styles.clustering import (
    assign_clusters,
    find_cluster_medoids,
    find_medoid,
    find_nearest,
    find_neighbors,
)

Embeddings = NDArray[np.float32]


def array(*rows: tuple[float, ...]) -> Embeddings:
    return np.array(rows, dtype=np.float32)


def noise(works: int, numbers: int = 6, seed: int = 0) -> Embeddings:
    return np.random.default_rng(seed).normal(size=(works, numbers)).astype(np.float32)


def blobs(
    *sizes: int, numbers: int = 8, seed: int = 0
) -> tuple[Embeddings, NDArray[np.intp]]:
    """Points in blobs far apart, shuffled, and the blob that each is of."""
    source = np.random.default_rng(seed)
    labels = source.permutation(np.repeat(np.arange(len(sizes)), sizes))
    centers = source.normal(size=(len(sizes), numbers)) * 100
    points = centers[labels] + source.normal(size=(len(labels), numbers))
    return points.astype(np.float32), labels


def distances(points: Embeddings) -> NDArray[np.float64]:
    exact = points.astype(np.float64)
    return np.linalg.norm(exact[:, None] - exact, axis=2)


def test_the_medoid_has_the_least_sum_of_distances() -> None:
    for works in (1, 2, 3, 9, 30):
        for seed in range(4):
            points = noise(works, seed=seed)
            sums = distances(points).sum(1)
            assert sums[find_medoid(points)] == pytest.approx(min(sums))
    # One far away pulls at a mean, and at squares, but not at a medoid.
    assert find_medoid(array((0,), (1,), (2,), (3,), (1000,))) == 2


def test_small_differences_far_from_zero_are_not_lost() -> None:
    points = noise(12) * 1e-3
    assert find_medoid(points + np.float32(8)) == find_medoid(
        np.float32(8) + points - 8
    )


def test_the_nearest_come_in_order() -> None:
    points, target = noise(40), noise(1, seed=9)[0]
    order = find_nearest(points, target, 40)
    assert sorted(order) == list(range(40))
    lengths = np.linalg.norm(points[order] - target, axis=1)
    assert (np.diff(lengths) >= 0).all()
    for count in (1, 2, 17):
        assert find_nearest(points, target, count) == order[:count]
    assert find_nearest(points, target, 99) == order
    assert all(type(index) is int for index in order)


def test_neighbors_begin_with_the_work() -> None:
    points = noise(20)
    for work in (0, 3, 19):
        order = find_neighbors(points, work, 20)
        assert order[0] == work
        assert sorted(order) == list(range(20))
        assert (np.diff(distances(points)[work, order]) >= 0).all()
        for count in (1, 2, 8):
            assert find_neighbors(points, work, count) == order[:count]
        assert find_neighbors(points, work, 50) == order
    equal = array((1, 1), (5, 5), (1, 1), (1, 1), (9, 9))
    for work in (0, 2, 3):
        picked = find_neighbors(equal, work, 3)
        assert picked[0] == work
        assert sorted(picked) == [0, 2, 3]


def test_cluster_medoids_are_one_of_each_blob_the_largest_first() -> None:
    for seed in range(5):
        points, labels = blobs(4, 9, 2, 6, seed=seed)
        picked = find_cluster_medoids(points, 4)
        assert labels[picked].tolist() == [1, 3, 0, 2]
        for index in picked:
            blob = np.flatnonzero(labels == labels[index])
            sums = distances(points[blob]).sum(1)
            assert blob[sums.argmin()] == index
        assert all(type(index) is int for index in picked)


def test_as_many_cluster_medoids_as_asked_for_none_twice() -> None:
    points = noise(24)
    for count in (*range(1, 25), 99):
        picked = find_cluster_medoids(points, count)
        assert len(picked) == len(set(picked)) == min(count, 24)
    assert find_cluster_medoids(points, 1) == [find_medoid(points)]


def test_clusters_do_not_depend_on_the_order_of_the_works() -> None:
    points = noise(30)
    for seed in range(4):
        order = np.random.default_rng(seed).permutation(30)
        for count in (1, 2, 5, 12):
            once = assign_clusters(points, count)
            again = assign_clusters(points[order], count)
            assert as_sets(once[order]) == as_sets(again)
            # And the same cluster is the first; of two works, either is the medoid.
            first, *_ = find_cluster_medoids(points, count)
            other, *_ = find_cluster_medoids(points[order], count)
            assert once[first] == once[order[other]]


def test_cluster_medoids_hold_equal_works_once() -> None:
    points = array((1, 2), (3, 4), (1, 2), (3, 4), (5, 6), (1, 2))
    for count in (3, 4, 99):
        picked = find_cluster_medoids(points, count)
        # Of three equal works, of two, and the one.
        assert [tuple(points[index]) for index in picked] == [(1, 2), (3, 4), (5, 6)]
    assert len(find_cluster_medoids(points, 2)) == 2


def test_one_work_alone() -> None:
    points = noise(1)
    assert find_medoid(points) == 0
    for count in (1, 2, 8):
        assert find_nearest(points, noise(1, seed=1)[0], count) == [0]
        assert find_cluster_medoids(points, count) == [0]
        assert find_neighbors(points, 0, count) == [0]
        assert assign_clusters(points, count).tolist() == [0]


def test_all_works_identical() -> None:
    for value in (0.0, 0.1, 1e20):
        points = np.full((7, 5120), value, dtype=np.float32)
        assert 0 <= find_medoid(points) < 7
        assert len(find_cluster_medoids(points, 4)) == 1
        assert assign_clusters(points, 4).tolist() == [0] * 7
        assert find_nearest(points, points[3], 3) == [0, 1, 2]
        assert find_neighbors(points, 3, 3) == [3, 0, 1]


# Clusters


def agglomerate(points: Embeddings, count: int) -> set[frozenset[int]]:
    """Ward's method by its definition: unite the two whose union adds least to the sum
    of squares within clusters."""

    def within(cluster: frozenset[int]) -> float:
        members = points[sorted(cluster)].astype(np.float64)
        return float(np.square(members - members.mean(0)).sum())

    clusters = {frozenset([index]) for index in range(len(points))}
    while len(clusters) > count:
        first, second = min(
            combinations(sorted(clusters, key=min), 2),
            key=lambda pair: (
                within(pair[0] | pair[1]) - within(pair[0]) - within(pair[1])
            ),
        )
        clusters = clusters - {first, second} | {first | second}
    return clusters


def as_sets(labels: NDArray[np.int64]) -> set[frozenset[int]]:
    return {
        frozenset(np.flatnonzero(labels == label).tolist()) for label in set(labels)
    }


def test_clusters_are_wards() -> None:
    for seed in range(3):
        points = noise(14, numbers=3, seed=seed)
        for count in (1, 2, 3, 6, 13, 14):
            labels = assign_clusters(points, count)
            assert as_sets(labels) == agglomerate(points, count)
            assert set(labels.tolist()) == set(range(count))


def test_equal_works_are_in_one_cluster() -> None:
    distinct = noise(9)
    same = [*range(9), 2, 2, 5, *range(8, -1, -1)]
    points = distinct[same]
    for count in (1, 3, 8, 9, 15):
        labels = assign_clusters(points, count)
        assert len(set(labels.tolist())) == min(count, 9)
        assert np.array_equal(labels, labels[:9][same])


def test_a_thousand_works() -> None:
    """Each blob is found again."""
    points, labels = blobs(400, 250, 150, 100, 60, 30, 7, 2, 1, numbers=64)
    picked = find_cluster_medoids(points, 9)
    assert labels[picked].tolist() == list(range(9))
    assert len(find_neighbors(points, 7, 1000)) == 1000
