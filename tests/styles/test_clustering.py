"""The pick: repeatable, uniform, of paintings where there are any; and by manner."""

import random
from collections import Counter
from itertools import combinations

import numpy as np
import pytest
from numpy.typing import NDArray

from artist_nst.corpus.works import Work
from artist_nst.errors import ArtistNstError
from artist_nst.styles.clustering import (
    alike,
    clusters,
    diverse,
    nearest,
    paintings,
    pick_random,
    typical,
)

WORKS = [Work(id=f"{number:02}", title="Untitled") for number in range(20)]

Manners = NDArray[np.float32]


def manners(*rows: tuple[float, ...]) -> Manners:
    return np.array(rows, dtype=np.float32)


def noise(works: int, numbers: int = 6, seed: int = 0) -> Manners:
    return np.random.default_rng(seed).normal(size=(works, numbers)).astype(np.float32)


def heaps(*sizes: int, numbers: int = 8, seed: int = 0) -> tuple[Manners, list[int]]:
    """Manners in heaps far apart, shuffled, and the heap that each is of."""
    source = np.random.default_rng(seed)
    of = source.permutation(
        [heap for heap, size in enumerate(sizes) for _ in range(size)]
    )
    middles = source.normal(size=(len(sizes), numbers)) * 100
    near = source.normal(size=(len(of), numbers))
    return (middles[of] + near).astype(np.float32), of.tolist()


def apart(one: Manners, other: Manners) -> float:
    return float(np.linalg.norm(one.astype(np.float64) - other.astype(np.float64)))


def work(id: str, genre: str | None = None, media: str | None = None) -> Work:
    return Work(id=id, title=id, genre=genre, media=media)


@pytest.mark.parametrize("seed", [0, 1, 7, 2**31 - 1, 2**63, -5])
def test_same_seed_same_work_in_any_order(seed: int) -> None:
    picked = pick_random(WORKS, seed)
    for shuffle in range(5):
        other = random.Random(shuffle).sample(WORKS, len(WORKS))
        assert other != WORKS
        assert pick_random(other, seed) == picked
    assert pick_random(WORKS[::-1], seed) == picked


def test_does_not_touch_the_shared_generator() -> None:
    random.seed(5)
    expected = random.random()
    random.seed(5)
    pick_random(WORKS, 3)
    assert random.random() == expected


def test_seeds_pick_roughly_uniformly() -> None:
    draws = 4000
    counts = Counter(pick_random(WORKS, seed)[0].id for seed in range(draws))
    assert set(counts) == {work.id for work in WORKS}
    mean = draws / len(WORKS)
    chi_square = sum((counts[work.id] - mean) ** 2 / mean for work in WORKS)
    # 19 degrees of freedom: exceeded once in a thousand, and 5 is as rare.
    assert 5 < chi_square < 43.8


@pytest.mark.parametrize("seed", [0, 1, 7, 2**31 - 1, 2**63, -5])
def test_the_first_draw_is_what_a_seed_always_drew(seed: int) -> None:
    """As records and habits have it: by one number below the count, of ids in order."""
    for works in (WORKS, WORKS[:7], WORKS[:1]):
        wanted = works[random.Random(seed).randrange(len(works))]
        assert pick_random(works, seed) == [wanted]
        assert pick_random(works, seed, 5)[0] == wanted


def test_the_draws_of_seeds_are_known() -> None:
    drawn = [pick_random(WORKS, seed)[0].id for seed in range(8)]
    assert drawn == ["12", "04", "01", "07", "07", "19", "18", "10"]


@pytest.mark.parametrize("seed", range(6))
def test_a_larger_count_only_adds(seed: int) -> None:
    whole = pick_random(WORKS, seed, len(WORKS))
    for count in range(1, len(WORKS) + 1):
        picked = pick_random(WORKS[::-1], seed, count)
        assert picked == whole[:count]
    # None twice, and in the end all of them.
    assert sorted(work.id for work in whole) == [work.id for work in WORKS]
    assert pick_random(WORKS, seed, 99) == whole


def test_several_are_drawn_uniformly() -> None:
    """Each work is as likely to be the third as any other."""
    draws = 4000
    counts = Counter(pick_random(WORKS, seed, 3)[2].id for seed in range(draws))
    mean = draws / len(WORKS)
    chi_square = sum((counts[work.id] - mean) ** 2 / mean for work in WORKS)
    assert 5 < chi_square < 43.8


def test_one_work() -> None:
    assert all(pick_random(WORKS[:1], seed) == WORKS[:1] for seed in range(9))


def test_nothing_to_pick_from() -> None:
    with pytest.raises(ArtistNstError, match="no pictures") as caught:
        pick_random([], 0)
    assert "\n" not in str(caught.value)
    with pytest.raises(ArtistNstError, match="no pictures"):
        pick_random([], 0, 4)
    assert paintings([]) == []


@pytest.mark.parametrize(
    ("genre", "media"),
    [
        ("sculpture", None),
        ("Sculpture", "bronze"),
        (None, "Sculpture, marble"),
        ("photo", None),
        ("portrait", "Photography"),
        ("sketch and study", "pencil"),
        (None, "Sketch"),
    ],
)
def test_what_is_no_painting(genre: str | None, media: str | None) -> None:
    other = work("other", genre, media)
    oil, unknown = work("oil", "landscape", "oil, canvas"), work("unknown")
    assert paintings([other, oil, other, unknown]) == [oil, unknown]
    assert paintings([other, other]) == [other, other]


def test_a_title_or_style_says_nothing_about_the_medium() -> None:
    works = [
        Work(id="1", title="Sketch for a sculpture", genre="landscape"),
        Work(id="2", title="Photographer", style="Photorealism", media="oil"),
    ]
    assert paintings(works) == works


# By manner


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("works", [1, 2, 3, 9, 30])
def test_the_typical_work_is_the_medoid(works: int, seed: int) -> None:
    found = noise(works, seed=seed)
    sums = [sum(apart(one, other) for other in found) for one in found]
    assert sums[typical(found)] == pytest.approx(min(sums))


def test_the_typical_work_is_no_mean() -> None:
    """One far away pulls at a mean, and at squares, but not at a medoid."""
    assert typical(manners((0.0,), (1.0,), (2.0,), (3.0,), (1000.0,))) == 2


def test_the_typical_work_of_manners_far_from_zero() -> None:
    """Their differences drown in no rounding."""
    found = noise(12) * 1e-3
    assert typical(found + np.float32(8)) == typical(np.float32(8) + found - 8)


def test_the_nearest_come_in_order() -> None:
    found, wanted = noise(40), noise(1, seed=9)[0]
    order = nearest(found, wanted, 40)
    assert sorted(order) == list(range(40))
    distances = [apart(found[one], wanted) for one in order]
    assert distances == sorted(distances)
    for count in (1, 2, 17):
        assert nearest(found, wanted, count) == order[:count]
    assert nearest(found, wanted, 99) == order
    assert all(type(one) is int for one in order)


def test_the_nearest_to_a_work_is_itself() -> None:
    found = noise(20)
    for place in range(20):
        assert nearest(found, found[place], 1) == [place]


@pytest.mark.parametrize("work", [0, 3, 19])
def test_alike_begins_with_the_work(work: int) -> None:
    found = noise(20)
    order = alike(found, work, 20)
    assert order[0] == work
    assert sorted(order) == list(range(20))
    distances = [apart(found[one], found[work]) for one in order]
    assert distances == sorted(distances)
    for count in (1, 2, 8):
        assert alike(found, work, count) == order[:count]
    assert alike(found, work, 50) == order


def test_alike_begins_with_the_work_where_others_are_equal_to_it() -> None:
    found = manners((1, 1), (5, 5), (1, 1), (1, 1), (9, 9))
    for work in (0, 2, 3):
        picked = alike(found, work, 3)
        assert picked[0] == work
        assert sorted(picked) == [0, 2, 3]


@pytest.mark.parametrize("seed", range(5))
def test_diverse_takes_one_of_each_heap_the_largest_first(seed: int) -> None:
    sizes = (4, 9, 2, 6)
    found, of = heaps(*sizes, seed=seed)
    picked = diverse(found, 4)
    assert [of[one] for one in picked] == [1, 3, 0, 2]
    # Each is the medoid of its heap.
    for one in picked:
        heap = [place for place, own in enumerate(of) if own == of[one]]
        sums = [sum(apart(found[a], found[b]) for b in heap) for a in heap]
        assert heap[int(np.argmin(sums))] == one
    assert all(type(one) is int for one in picked)


@pytest.mark.parametrize("count", range(1, 25))
def test_diverse_takes_as_many_as_are_asked_for_none_twice(count: int) -> None:
    picked = diverse(noise(24), count)
    assert len(picked) == len(set(picked)) == count


def test_clusters_do_not_depend_on_the_order_of_the_works() -> None:
    found = noise(30)
    for seed in range(4):
        order = np.random.default_rng(seed).permutation(30)
        for count in (1, 2, 5, 12):
            once, again = clusters(found, count), clusters(found[order], count)
            assert as_sets(once[order]) == as_sets(again)
            # And the same cluster is the first; of two works, either is the medoid.
            first, *_ = diverse(found, count)
            other, *_ = diverse(found[order], count)
            assert once[first] == once[order[other]]


def test_one_diverse_work_is_the_typical_one() -> None:
    for seed in range(5):
        found = noise(15, seed=seed)
        assert diverse(found, 1) == [typical(found)]


def test_diverse_takes_equal_works_once() -> None:
    found = manners((1, 2), (3, 4), (1, 2), (3, 4), (5, 6), (1, 2))
    for count in (3, 4, 99):
        picked = diverse(found, count)
        assert {tuple(found[one]) for one in picked} == {(1, 2), (3, 4), (5, 6)}
        # Of three equal works, of two, and the one.
        assert [tuple(found[one]) for one in picked] == [(1, 2), (3, 4), (5, 6)]
    assert len(diverse(found, 2)) == 2


def test_more_than_there_are() -> None:
    found = noise(5)
    assert sorted(diverse(found, 5)) == sorted(diverse(found, 99)) == list(range(5))


@pytest.mark.parametrize("count", [1, 2, 8])
def test_one_work_alone(count: int) -> None:
    found = noise(1)
    assert typical(found) == 0
    assert nearest(found, noise(1, seed=1)[0], count) == [0]
    assert diverse(found, count) == [0]
    assert alike(found, 0, count) == [0]
    assert clusters(found, count).tolist() == [0]


@pytest.mark.parametrize("value", [0.0, 0.1, 1e20])
def test_all_works_identical(value: float) -> None:
    found = np.full((7, 5120), value, dtype=np.float32)
    assert 0 <= typical(found) < 7
    assert len(diverse(found, 4)) == 1
    assert clusters(found, 4).tolist() == [0] * 7
    assert nearest(found, found[3], 3) == [0, 1, 2]
    assert alike(found, 3, 3) == [3, 0, 1]


# Clusters


def agglomerated(points: Manners, count: int) -> set[frozenset[int]]:
    """Ward's method by its definition: unite the two whose union adds least to the sum
    of squares within clusters."""

    def within(cluster: frozenset[int]) -> float:
        own = points[sorted(cluster)].astype(np.float64)
        return float(np.square(own - own.mean(0)).sum())

    found = {frozenset([place]) for place in range(len(points))}
    while len(found) > count:
        one, other = min(
            combinations(sorted(found, key=min), 2),
            key=lambda pair: (
                within(pair[0] | pair[1]) - within(pair[0]) - within(pair[1])
            ),
        )
        found = found - {one, other} | {one | other}
    return found


def as_sets(labels: NDArray[np.int64]) -> set[frozenset[int]]:
    return {
        frozenset(np.flatnonzero(labels == label).tolist()) for label in set(labels)
    }


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("count", [1, 2, 3, 6, 13, 14])
def test_clusters_are_wards(count: int, seed: int) -> None:
    found = noise(14, numbers=3, seed=seed)
    labels = clusters(found, count)
    assert as_sets(labels) == agglomerated(found, count)
    assert set(labels.tolist()) == set(range(count))


def test_equal_works_are_in_one_cluster() -> None:
    distinct = noise(9)
    found = np.concatenate((distinct, distinct[[2, 2, 5]], distinct[::-1]))
    same = [*range(9), 2, 2, 5, *range(8, -1, -1)]
    for count in (1, 3, 8, 9, 15):
        labels = clusters(found, count)
        assert len(labels) == len(found)
        assert len(set(labels.tolist())) == min(count, 9)
        for place, first in enumerate(same):
            assert labels[place] == labels[first]


def test_a_whole_life_of_works() -> None:
    """1,000 of them, in which each heap is found again."""
    sizes = (400, 250, 150, 100, 60, 30, 7, 2, 1)
    found, of = heaps(*sizes, numbers=64)
    picked = diverse(found, 9)
    assert [of[one] for one in picked] == list(range(9))
    sums = [np.linalg.norm(found - one, axis=1).sum() for one in found]
    assert sums[typical(found)] == pytest.approx(min(sums), rel=1e-6)
    assert len(alike(found, 7, 1000)) == 1000
