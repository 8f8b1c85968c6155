"""Merging the site's list with the works that are here."""

from __future__ import annotations

from dataclasses import replace

from artist_nst.corpus.works import Work
from artist_nst.wikiart.listing import (
    DELISTED,
    add_page_details,
    has_details,
    merge_works,
    page_path,
)
from artist_nst.wikiart.parsing import ListedImage, ListedWork, WorkPage
from artist_nst.wikiart.pending import needs_picture

HOME = "https://www.wikiart.org"
IMAGE = "https://uploads1.wikiart.org/images/a/one.jpg"
ONE = ListedWork(
    id="1",
    title="One",
    year="1900",
    width=800,
    height=600,
    image_url=IMAGE,
    page="/en/a/one",
)
TWO = ListedWork(id="2", title="Two", page="/en/a/caf%C3%A9")
HERE = Work(
    id="1",
    title="One",
    year="1900",
    url=f"{HOME}/en/a/one",
    image_url=IMAGE,
    width=800,
    height=600,
    listed_width=800,
    listed_height=600,
    style="Cubism",
    sha256="ab",
    rights="",
    file="images/1-one.jpg",
    file_url=IMAGE,
    bytes=9,
)


def merged(
    here: list[Work], *records: ListedWork, alternates: bool = False
) -> list[Work]:
    return merge_works(here, records, HOME, alternates=alternates)[0]


def test_a_first_list() -> None:
    works, changes = merge_works([], [ONE, TWO], HOME)
    assert works[0] == Work(
        id="1",
        title="One",
        year="1900",
        url=f"{HOME}/en/a/one",
        image_url=IMAGE,
        listed_width=800,
        listed_height=600,
        status="pending",
    )
    assert changes.added == works
    assert page_path(works[1]) == "/en/a/caf%C3%A9"


def test_the_same_list_changes_nothing() -> None:
    works, changes = merge_works([HERE], [ONE], HOME)
    assert works == [HERE]
    assert [changes.added, changes.removed, changes.changed] == [[], [], []]


def test_the_sites_order() -> None:
    assert [work.id for work in merged([HERE], TWO, ONE)] == ["2", "1"]


def test_a_new_title_keeps_the_picture() -> None:
    works, changes = merge_works([HERE], [replace(ONE, title="Uno")], HOME)
    assert works == [replace(HERE, title="Uno")]
    assert changes.changed == works


def test_another_host_is_the_same_picture() -> None:
    image = IMAGE.replace("uploads1", "uploads7")
    works, changes = merge_works([HERE], [replace(ONE, image_url=image)], HOME)
    assert works == [replace(HERE, image_url=image)]
    assert not changes.changed
    assert not needs_picture(works[0], "original")


def test_another_picture_is_to_be_had_and_the_old_one_stays() -> None:
    better = replace(
        ONE, image_url=IMAGE.replace("one", "better"), width=1600, height=1200
    )
    works, changes = merge_works([HERE], [better], HOME)
    listed = {"listed_width": 1600, "listed_height": 1200}
    assert works == [replace(HERE, image_url=better.image_url, **listed)]
    assert changes.changed == works
    assert needs_picture(works[0], "original")
    assert needs_picture(works[0], "large")


def test_a_derivative_is_the_same_picture() -> None:
    here = replace(HERE, file_url=f"{IMAGE}!Large.jpg")
    assert merged([here], ONE) == [here]
    assert needs_picture(here, "original")
    assert needs_picture(here, "hd")
    assert not needs_picture(here, "large")
    assert not needs_picture(HERE, "large")


def test_what_is_listed_no_longer() -> None:
    lost = replace(HERE, id="3", file=None, url=None, status="pending")
    works, changes = merge_works([HERE, lost], [TWO], HOME)
    assert [work.id for work in works] == ["2", "1"]
    assert works[1] == replace(HERE, reason=DELISTED)
    assert [work.id for work in changes.removed] == ["1", "3"]
    assert not merge_works(works, [TWO], HOME)[1].removed
    # And listed again.
    assert merged(works, ONE)[0] == HERE
    # A list that was read in part takes nothing away.
    works, changes = merge_works([HERE, lost], [TWO], HOME, is_complete=False)
    assert [work.id for work in works] == ["2", "1", "3"]
    assert not changes.removed


def test_the_html_list_knows_no_ids() -> None:
    row = ListedWork(id="one", title="One", page="/en/a/one")
    assert merged([HERE], row) == [HERE]
    here = replace(HERE, url=f"{HOME}/en/a/café")
    assert merged([here], TWO)[0].id == "1"
    # Two works of one page are two, where the list says so.
    assert [work.id for work in merged([HERE], row, ONE)] == ["one", "1"]


def test_withheld_now() -> None:
    record = replace(ONE, image_url=None, restricted="a placeholder")
    assert merged([], record)[0].status == "restricted"
    assert merged([], record)[0].reason == "a placeholder"
    assert merged([HERE], record) == [HERE]
    free = merged(merged([], record), ONE)
    assert free[0].status == "pending"
    assert free[0].reason is None


def test_other_scans() -> None:
    record = replace(ONE, alternates=(ListedImage(f"{IMAGE}-2", 10, 20),))
    assert len(merged([], record)) == 1
    works = merged([], record, alternates=True)
    assert [work.id for work in works] == ["1", "1-alt1"]
    assert works[1].image_url == f"{IMAGE}-2"
    assert works[1].listed_width == 10
    assert merged(works, record, alternates=True) == works
    # One that is here stays, also where scans are not asked for.
    scan = replace(works[1], status="ok", file="images/scan.jpg")
    again, changes = merge_works([works[0], scan], [record], HOME)
    assert again == [works[0], scan]
    assert not changes.removed


def test_a_works_own_page() -> None:
    page = WorkPage(
        year="1901",
        image=ListedImage(f"{IMAGE}x", 1600, 1200),
        style="Cubism",
        genre="portrait",
        media="oil",
        dimensions="1 x 2 cm",
        rights="Public domain",
    )
    listed = merged([], TWO)[0]
    work = add_page_details(listed, page)
    assert not has_details(listed)
    assert has_details(work)
    assert (work.year, work.listed_width, work.image_url) == ("1901", 1600, f"{IMAGE}x")
    assert (work.rights, work.dimensions) == ("Public domain", "1 x 2 cm")
    # What the list and the file say is not overruled.
    assert add_page_details(HERE, page).image_url == IMAGE
    assert add_page_details(HERE, page).listed_width == 800
    assert add_page_details(HERE, page).year == "1900"
    withheld = replace(listed, status="restricted")
    assert add_page_details(withheld, page).status == "pending"
    assert add_page_details(withheld, replace(page, image=None)).status == "restricted"
    # A page that says nothing has been read, too.
    assert has_details(add_page_details(listed, replace(page, rights=None)))
