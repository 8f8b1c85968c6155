"""Which works are wanted."""

from __future__ import annotations

import pytest

from artist_nst.corpus.filters import Selection, keep_paintings
from artist_nst.corpus.works import Work
from artist_nst.errors import UsageError


def works(count: int) -> list[Work]:
    return [
        Work(id=f"work-{n}", title=f"No. {n}", year=str(1900 + n)) for n in range(count)
    ]


def test_everything_in_the_lists_order() -> None:
    assert Selection().filter_listed(works(5)) == works(5)
    assert not Selection().needs_pages


def test_a_sample_is_fair() -> None:
    """Over many seeds each work comes about as often, wherever it stands."""
    drawn = [
        Selection(limit=5, seed=seed).filter_listed(works(20))[:5]
        for seed in range(400)
    ]
    counts = [sum(work in sample for sample in drawn) for work in works(20)]
    assert all(70 <= count <= 130 for count in counts), counts


def test_a_sample_can_be_drawn_again_and_grows() -> None:
    once = Selection(limit=5, seed=7).filter_listed(works(20))
    assert Selection(limit=9, seed=7).filter_listed(works(20))[:5] == once[:5]
    # Works that come later move none of the others.
    more = Selection(limit=5, seed=7).filter_listed(works(30))
    assert [work for work in more if work in once] == once
    assert Selection(limit=5, seed=8).filter_listed(works(20)) != once


def test_the_first_of_the_list() -> None:
    assert Selection(limit=3, first=True).filter_listed(works(9)) == works(9)


@pytest.mark.parametrize(
    ("year", "since", "until", "fits"),
    [
        ("1925", 1920, 1930, True),
        ("1925", 1926, None, False),
        ("1925", None, 1924, False),
        ("1925", 1925, 1925, True),
        ("c.1900", 1900, None, True),
        ("1920-1930", 1930, 1940, True),
        ("1920-1930", 1931, 1940, False),
        ("XIX-XX cent.", 1850, 1860, True),
        ("XIX cent.", 1901, None, False),
        ("", 1900, None, False),
        (None, None, 1900, False),
        ("?", None, None, True),
    ],
)
def test_years(
    year: str | None, since: int | None, until: int | None, fits: bool
) -> None:
    work = Work(id="a", title="A", year=year)
    assert Selection(since=since, until=until).filter_listed([work]) == [work] * fits


def test_years_the_wrong_way_round() -> None:
    with pytest.raises(UsageError, match="--since 1930 is after --until 1920"):
        Selection(since=1930, until=1920)


@pytest.mark.parametrize(
    ("width", "height", "fits"),
    [(800, 600, True), (600, 800, True), (800, 599, False), (None, None, True)],
)
def test_sizes(width: int | None, height: int | None, fits: bool) -> None:
    work = Work(id="a", title="A", listed_width=width, listed_height=height)
    assert Selection(min_size=600).filter_listed([work]) == [work] * fits


@pytest.mark.parametrize(
    ("selection", "fits"),
    [
        (Selection(style=("cubism",)), True),
        (Selection(style=("CUBISM",)), True),
        (Selection(style=("Synthetic Cubism",)), True),
        (Selection(style=("ism",)), False),
        (Selection(style=("fauvism", "surrealism")), True),
        (Selection(style=("",)), False),
        (Selection(style=("cubism",), genre=("portrait",)), True),
        (Selection(style=("cubism",), genre=("landscape",)), False),
        (Selection(media=("oil",)), True),
        (Selection(media=("canvas",)), True),
        (Selection(media=("bronze",)), False),
        (Selection(public_domain=True), True),
    ],
)
def test_what_pages_say(selection: Selection, fits: bool) -> None:
    work = Work(
        id="a",
        title="A",
        style="Synthetic Cubism, Surrealism",
        genre="portrait",
        media="oil, canvas",
        rights="Public domain",
    )
    assert selection.needs_pages
    assert selection.matches(work) is fits
    assert not selection.matches(Work(id="b", title="B"))


def test_protected_is_not_public_domain() -> None:
    work = Work(id="a", title="A", rights="Copyright protected (fair use)")
    assert not Selection(public_domain=True).matches(work)


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
    other = Work("other", "other", genre=genre, media=media)
    oil, unknown = Work("oil", "Oil", genre="landscape", media="oil"), Work("x", "X")
    assert keep_paintings([other, oil, other, unknown]) == [oil, unknown]
    assert keep_paintings([other, other]) == [other, other]


def test_a_title_or_style_says_nothing_about_the_medium() -> None:
    works = [
        Work(id="1", title="Sketch for a sculpture", genre="landscape"),
        Work(id="2", title="Photographer", style="Photorealism", media="oil"),
    ]
    assert keep_paintings(works) == works
