"""The pick: repeatable, uniform, and of paintings where there are any."""

import random
from collections import Counter

import pytest

from artist_nst.corpus.pick import paintings, pick_random
from artist_nst.corpus.works import Work
from artist_nst.errors import ArtistNstError

WORKS = [Work(id=f"{number:02}", title="Untitled") for number in range(20)]


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
    counts = Counter(pick_random(WORKS, seed).id for seed in range(draws))
    assert set(counts) == {work.id for work in WORKS}
    mean = draws / len(WORKS)
    chi_square = sum((counts[work.id] - mean) ** 2 / mean for work in WORKS)
    # 19 degrees of freedom: exceeded once in a thousand, and 5 is as rare.
    assert 5 < chi_square < 43.8


def test_one_work() -> None:
    assert {pick_random(WORKS[:1], seed) for seed in range(9)} == {WORKS[0]}


def test_nothing_to_pick_from() -> None:
    with pytest.raises(ArtistNstError, match="no pictures") as caught:
        pick_random([], 0)
    assert "\n" not in str(caught.value)
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
