"""The site's list and what is here, brought together."""

from __future__ import annotations

from dataclasses import replace

import pytest

from artist_nst.corpus.answers import Alternate, Painting, Record
from artist_nst.corpus.listing import (
    GONE,
    has_page,
    merge,
    original,
    page_path,
    with_page,
)
from artist_nst.corpus.works import Work

HOME = "https://www.wikiart.org"
IMAGE = "https://uploads1.wikiart.org/images/a/one.jpg"
ONE = Record(
    id="1",
    title="One",
    year="1900",
    width=800,
    height=600,
    image=IMAGE,
    page="/en/a/one",
)
TWO = Record(id="2", title="Two", page="/en/a/caf%C3%A9")
HERE = Work(
    id="1",
    title="One",
    year="1900",
    url=f"{HOME}/en/a/one",
    image_url=IMAGE,
    width=800,
    height=600,
    style="Cubism",
    sha256="ab",
    file="images/1-one.jpg",
    bytes=9,
)


def merged(here: list[Work], *records: Record, alternates: bool = False) -> list[Work]:
    return merge(here, records, HOME, alternates=alternates)[0]


def test_a_first_list() -> None:
    works, changes = merge([], [ONE, TWO], HOME, alternates=False)
    assert works[0] == Work(
        id="1",
        title="One",
        year="1900",
        url=f"{HOME}/en/a/one",
        image_url=IMAGE,
        width=800,
        height=600,
        status="pending",
    )
    assert changes.added == works
    assert page_path(works[1]) == "/en/a/caf%C3%A9"


def test_the_same_list_changes_nothing() -> None:
    works, changes = merge([HERE], [ONE], HOME, alternates=False)
    assert works == [HERE]
    assert [changes.added, changes.removed, changes.changed] == [[], [], []]


def test_the_sites_order() -> None:
    assert [work.id for work in merged([HERE], TWO, ONE)] == ["2", "1"]


def test_a_new_title_keeps_the_picture() -> None:
    works, changes = merge([HERE], [replace(ONE, title="Uno")], HOME, alternates=False)
    assert works == [replace(HERE, title="Uno")]
    assert changes.changed == works


@pytest.mark.parametrize(
    "image",
    [
        IMAGE.replace("uploads1", "uploads7"),
        IMAGE,
    ],
)
def test_another_host_is_the_same_picture(image: str) -> None:
    assert merged([HERE], replace(ONE, image=image)) == [HERE]


def test_another_picture_is_to_be_had() -> None:
    better = replace(ONE, image=IMAGE.replace("one", "better"), width=1600, height=1200)
    works, changes = merge([HERE], [better], HOME, alternates=False)
    assert works[0].status == "pending"
    assert works[0].image_url == better.image
    assert works[0].style == "Cubism"
    assert changes.changed == works


def test_a_derivative_is_the_same_picture() -> None:
    here = replace(HERE, image_url=f"{IMAGE}!Large.jpg")
    assert merged([here], ONE) == [here]
    assert original(here.image_url) == IMAGE
    assert original(f"{IMAGE}!HD.jpg") == IMAGE
    assert original("https://a/b!c.jpg") == "https://a/b!c.jpg"
    assert original(None) is None


def test_what_is_listed_no_longer() -> None:
    works, changes = merge(
        [HERE, replace(HERE, id="3", file=None, url=None)],
        [TWO],
        HOME,
        alternates=False,
    )
    assert [work.id for work in works] == ["2", "1"]
    assert works[1] == replace(HERE, reason=GONE)
    assert [work.id for work in changes.removed] == ["1", "3"]
    # And listed again.
    assert merged(works, ONE)[0] == HERE


def test_the_html_list_knows_no_ids() -> None:
    row = Record(id="one", title="One", page="/en/a/one")
    assert merged([HERE], row) == [HERE]
    here = replace(HERE, url=f"{HOME}/en/a/café")
    assert merged([here], TWO)[0].id == "1"


def test_withheld_now() -> None:
    record = replace(ONE, image=None, restricted="a placeholder")
    assert merged([], record)[0].status == "restricted"
    assert merged([], record)[0].reason == "a placeholder"
    assert merged([HERE], record) == [HERE]
    free = merged(merged([], record), ONE)
    assert free[0].status == "pending"
    assert free[0].reason is None


def test_other_scans() -> None:
    record = replace(ONE, alternates=(Alternate(f"{IMAGE}-2", 10, 20),))
    assert len(merged([], record)) == 1
    works = merged([], record, alternates=True)
    assert [work.id for work in works] == ["1", "1-alt1"]
    assert works[1].image_url == f"{IMAGE}-2"
    assert works[1].width == 10
    assert merged(works, record, alternates=True) == works
    # One that is here stays, also where scans are not asked for.
    scan = replace(works[1], status="ok", file="images/scan.jpg")
    again, changes = merge([works[0], scan], [record], HOME, alternates=False)
    assert again == [works[0], scan]
    assert not changes.removed


def test_a_works_own_page() -> None:
    page = Painting(
        id="1",
        title="One",
        year="1901",
        width=1600,
        height=1200,
        image=f"{IMAGE}x",
        style="Cubism",
        genre="portrait",
        media="oil",
        dimensions="1 x 2 cm",
        rights="Public domain",
    )
    listed = merged([], TWO)[0]
    work = with_page(listed, page)
    assert not has_page(listed)
    assert has_page(work)
    assert (work.year, work.width, work.image_url) == ("1901", 1600, f"{IMAGE}x")
    assert (work.rights, work.dimensions) == ("Public domain", "1 x 2 cm")
    # What the list and the file say is not overruled.
    assert with_page(HERE, page).image_url == IMAGE
    assert with_page(HERE, page).width == 800
    assert with_page(HERE, page).year == "1900"
    withheld = replace(listed, status="restricted")
    assert with_page(withheld, page).status == "pending"
    assert with_page(withheld, replace(page, image=None)).status == "restricted"
