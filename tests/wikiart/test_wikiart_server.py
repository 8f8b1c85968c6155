"""The stand-in for wikiart.org: what it serves, and its faults."""

from __future__ import annotations

import html
import http.client
import io
import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from itertools import chain, pairwise
from pathlib import Path
from typing import Any

import pytest
import requests
from bs4 import BeautifulSoup
from PIL import Image

from tests.wikiart_catalogue import RECORD_KEYS, draw_picture, make_work
from tests.wikiart_server import (
    TRANSIENT_FAULTS,
    WikiArtServer,
    load_catalogue,
    local_path,
    make_catalogue,
    make_hostile_works,
)

pytestmark = pytest.mark.tools

AGENT = {"User-Agent": "artist-nst/0"}
SCRIPT = AGENT | {"X-Requested-With": "XMLHttpRequest"}
LIST = "/en/{}/mode/all-paintings?json=2&layout=new&page={}&resultType=masonry"


@pytest.fixture
def site() -> Iterator[WikiArtServer]:
    with WikiArtServer(make_catalogue(40)) as site:
        yield site


@pytest.fixture
def session() -> Iterator[requests.Session]:
    with requests.Session() as session:
        session.trust_env = False
        session.headers.update(SCRIPT)
        yield session


def get(site: WikiArtServer, path: str, **options: Any) -> requests.Response:
    """One request on a connection of its own, as a script of the site's makes it."""
    with requests.Session() as session:
        session.trust_env = False
        address = path if "://" in path else site.url + path
        return session.get(address, **{"headers": SCRIPT, "timeout": 5, **options})


def soup(site: WikiArtServer, path: str) -> BeautifulSoup:
    return BeautifulSoup(get(site, path).text, "html.parser")


def page_of(site: WikiArtServer, number: int, slug: str = "pablo-picasso") -> Any:
    return get(site, LIST.format(slug, number)).json()


def ids_of(site: WikiArtServer) -> list[list[str]]:
    """Of the records in each page, up to the last."""
    pages = []
    for number in range(1, 99):
        records = page_of(site, number)["Paintings"]
        if not records:
            return pages
        pages.append([one["id"] for one in records])
    raise AssertionError("the list never ends")


def joined(pages: list[list[Any]]) -> list[Any]:
    return list(chain.from_iterable(pages))


def opened(data: bytes) -> Image.Image:
    image = Image.open(io.BytesIO(data))
    image.load()
    return image


def image_url(site: WikiArtServer, index: int = 0) -> str:
    return site.url + site.path(site.works[index])


# Lists --------------------------------------------------------------------------------


def test_pages_of_a_list_hold_the_catalogue_in_order() -> None:
    works = make_catalogue(130)
    with WikiArtServer(works) as site:
        assert [len(page) for page in ids_of(site)] == [60, 60, 10]
        assert joined(ids_of(site)) == [one["id"] for one in works]
        first = page_of(site, 1)
        assert first["AllPaintingsCount"] == 130
        for record in first["Paintings"]:
            assert tuple(record) == RECORD_KEYS
            assert record["image"].startswith(f"{site.url}/uploads")


def test_made_catalogue_is_varied_and_always_the_same() -> None:
    works = make_catalogue(40)
    assert works == make_catalogue(40)
    assert works[:20] == make_catalogue(20)
    sides = {one[key] for one in works for key in ("width", "height")}
    assert min(sides) >= 200
    assert max(sides) <= 700
    assert {"c.1900", "1920-1930", "", "XIX-XX cent."} <= {one["year"] for one in works}
    for key in ("id", "image", "paintingUrl"):
        assert len({one[key] for one in works}) == 40
    assert len({one["title"] for one in works}) < 40
    assert {Path(one["image"]).suffix for one in works} >= {".jpg", ".png", ".JPG"}


def test_past_the_last_page(site: WikiArtServer) -> None:
    for end, value in [("empty", []), ("null", None)]:
        site.end = end
        answer = page_of(site, 2)
        assert answer["Paintings"] == value
        assert answer["AllPaintingsCount"] == 40


def test_past_the_last_page_may_be_an_error(site: WikiArtServer) -> None:
    site.end = "500"
    assert get(site, LIST.format("pablo-picasso", 2)).status_code == 500
    assert page_of(site, 1, "yves-klein")["Paintings"] == []


def test_overlapping_pages_lose_nothing() -> None:
    for works in [60, 117, 118, 130]:
        with WikiArtServer(make_catalogue(works)) as site:
            site.overlap = 3
            pages = ids_of(site)
            for before, after in pairwise(pages):
                assert after[:3] == before[-3:]
                assert len(after) > 3
            assert len(set(joined(pages))) == works


def test_lost_works_are_counted_and_in_the_text_list(site: WikiArtServer) -> None:
    site.lose = 4
    assert len(ids_of(site)[0]) == 36
    assert page_of(site, 1)["AllPaintingsCount"] == 40
    rows = soup(site, "/en/pablo-picasso/all-works/text-list").select(
        "ul.painting-list-text > li"
    )
    assert len(rows) == 40


def test_scripts_get_json_and_others_a_page(site: WikiArtServer) -> None:
    paths = (LIST.format("pablo-picasso", 1), "/en/pablo-picasso?json=2")
    for path in (*paths, "/en/App/Artist/AlphabetJson?v=new"):
        answer = get(site, path, headers=AGENT)
        assert answer.status_code == 200
        assert answer.headers["Content-Type"].startswith("text/html")
        site.needs_headers = False
        assert get(site, path, headers=AGENT).json()
        site.needs_headers = True


@pytest.mark.parametrize("agent", ["", "python-requests/2.31"])
def test_who_hides_what_it_is_gets_403(site: WikiArtServer, agent: str) -> None:
    for path in ("/en/pablo-picasso?json=2", site.path(site.works[0])):
        answer = get(site, path, headers=SCRIPT | {"User-Agent": agent})
        assert answer.status_code == 403
        assert "Just a moment" in answer.text
    site.needs_agent = False
    headers = SCRIPT | {"User-Agent": agent}
    assert get(site, "/en/pablo-picasso?json=2", headers=headers).json()


# Artists ------------------------------------------------------------------------------


def test_artist(site: WikiArtServer) -> None:
    artist = get(site, "/en/william-turner?json=2").json()
    assert artist["artistName"] == "J.M.W. Turner"
    assert artist["url"] == "william-turner"
    assert re.fullmatch(r"/Date\(-\d+\)/", artist["birthDay"])
    assert soup(site, "/en/william-turner").h3.text == "J.M.W. Turner"


def test_unknown_artist(site: WikiArtServer) -> None:
    paths = ("/en/nobody?json=2", LIST.format("nobody", 1), "/en/nobody/a-work")
    for path in (*paths, "/en/nobody/all-works/text-list", "/nothing"):
        answer = get(site, path)
        assert answer.status_code == 404
        assert BeautifulSoup(answer.text, "html.parser").select(".error404-hint")


def test_search(site: WikiArtServer) -> None:
    for term, slugs in [
        ("Picasso", ["pablo-picasso", "paloma-picasso"]),
        ("pablo%20picasso", ["pablo-picasso"]),
        ("MIRO", ["joan-miro"]),
        ("H%C3%A9rold", ["jacques-h-rold"]),
        ("o'keeffe", ["georgia-o-keeffe"]),
        ("bassano", ["jacopo-bassano", "leandro-bassano"]),
        ("nobody", []),
    ]:
        found = get(site, f"/en/Search/{term}?json=3").json()
        assert [one["artistUrl"] for one in found["Artists"]] == [
            f"/en/{slug}" for slug in slugs
        ]
        assert found["AllArtistsCount"] == len(slugs)


def test_search_counts_and_escapes(site: WikiArtServer) -> None:
    found = get(site, "/en/Search/picasso?json=3").json()["Artists"]
    assert [one["totalWorksTitle"] for one in found] == ["40 artworks", "1 artwork"]
    (found,) = get(site, "/en/Search/keeffe?json=3").json()["Artists"]
    assert found["title"] == "Georgia O&#39;Keeffe"


def test_all_artists(site: WikiArtServer) -> None:
    assert get(site, "/en/App/Artist/AlphabetJson").status_code == 500
    path = "/en/App/Artist/AlphabetJson?v=new&inPublicDomain="
    entries = get(site, path + "false").json()
    assert [one["url"] for one in entries] == list(site.artists)
    free = {one["url"] for one in get(site, path + "true").json()}
    assert "jan-van-eyck" in free
    assert not {"pablo-picasso", "paloma-picasso"} & free


def test_artists_of_a_letter(site: WikiArtServer) -> None:
    rows = soup(site, "/en/Alphabet/p/text-list").select("div.masonry-text-view-all li")
    assert [row.text for row in rows] == [
        "Pablo Picasso, 1881 - 1973, 40 artworks",
        "Paloma Picasso, born 1949, 1 artwork",
    ]


# Pages --------------------------------------------------------------------------------


def test_text_list_has_a_row_for_each_work(site: WikiArtServer) -> None:
    page = soup(site, "/en/pablo-picasso/all-works/text-list")
    assert page.title.text == "Pablo Picasso - 40 artworks - painting"
    rows = page.select("ul.painting-list-text > li.painting-list-text-row")
    assert [row.a["href"] for row in rows] == [one["paintingUrl"] for one in site.works]
    assert [row.a.text for row in rows] == [
        html.unescape(one["title"]) for one in site.works
    ]
    for row, record in zip(rows, site.works, strict=True):
        year = row.span.text if row.span else ""
        assert year in ((f", {record['year']}",) if record["year"] else ("", ", ?"))


def test_text_list_may_have_rows_of_other_kinds(site: WikiArtServer) -> None:
    site.unlinked, site.awkward_rows = ["Withheld", "Withheld & <b>"], True
    page = soup(site, "/en/pablo-picasso/all-works/text-list")
    assert page.title.text.startswith("Pablo Picasso - 42 artworks")
    rows = page.select("ul.painting-list-text > li")
    assert len(rows) == 40 + 2 + 5
    assert [row.text for row in rows if not row.a][1:] == [
        "Withheld, 1968",
        "Withheld & <b>, 1968",
    ]
    hrefs = {row.a["href"] for row in rows if row.a}
    assert "/en/georges-braque/houses-1908" in hrefs
    assert any(one.startswith("http://") for one in hrefs)


def test_withheld_artist_claims_works_and_lists_none(site: WikiArtServer) -> None:
    page = soup(site, "/en/yves-klein/all-works/text-list")
    assert page.title.text == "Yves Klein - 64 artworks - painting"
    assert not page.select("li.painting-list-text-row")


def embedded(page: BeautifulSoup, name: str) -> Any:
    (node,) = page.select(f'[ng-init^="{name} = "]')
    return json.loads(str(node["ng-init"]).removeprefix(f"{name} = ").rstrip(";"))


def test_painting_page(site: WikiArtServer) -> None:
    for index in (0, 3, 9, 14):
        record = site.works[index]
        page = soup(site, record["paintingUrl"])
        assert page.h3.text == html.unescape(record["title"])
        assert page.select_one('h5[itemprop="creator"]').text == "Pablo Picasso"
        about = embedded(page, "paintingJson")
        assert about["_id"] == record["id"]
        assert about["image"] == page_of(site, 1)["Paintings"][index]["image"]
        (scans,) = embedded(page, "thumbnailSizesModel")["ImageThumbnailsModel"]
        for scan in scans["Thumbnails"]:
            image = opened(get(site, scan["Url"]).content)
            assert image.size == (scan["Width"], scan["Height"])
        assert scan["Name"] == "Original"
        assert image.size == (record["width"], record["height"])
        shown = page.select_one('meta[property="og:image"]')["content"]
        assert get(site, shown).status_code == 200


def labels(page: BeautifulSoup) -> dict[str, str]:
    return {
        mark.text: mark.parent.text.removeprefix(mark.text).strip()
        for mark in page.select("article:not(.movie-promo) li > s")
    }


def test_details_of_a_work(site: WikiArtServer) -> None:
    record = site.works[0]
    slug = record["paintingUrl"].rsplit("/", 1)[1]
    site.details[slug] = {"genre": "portrait", "media": "oil, canvas", "style": None}
    page = soup(site, record["paintingUrl"])
    shown = labels(page)
    assert shown["Date:"] == record["year"]
    assert shown["Genre:"] == "portrait"
    assert shown["Media:"] == "oil, canvas"
    assert "Style:" not in shown
    assert re.fullmatch(r"\d+\.5 x \d+ cm", shown["Dimensions:"])
    assert page.select(".movie-promo li > s")


# Pictures -----------------------------------------------------------------------------


def test_pictures_are_as_large_as_listed_and_all_different(
    site: WikiArtServer, session: requests.Session
) -> None:
    seen = set()
    for record in page_of(site, 1)["Paintings"]:
        data = session.get(record["image"]).content
        image = opened(data)
        assert image.size == (record["width"], record["height"])
        assert image.format == ("PNG" if record["image"].endswith("png") else "JPEG")
        seen.add(data)
    assert len(seen) == 40
    assert set(site.count_images()) == {site.path(one) for one in site.works}
    assert get(site, image_url(site)).content in seen


def test_derivatives_are_of_larger_pictures_only() -> None:
    for size, name, expected in [
        ((1600, 1000), "Large", (750, 469)),
        ((1000, 1600), "Large", (375, 600)),
        ((740, 590), "Large", None),
        ((750, 600), "Large", None),  # has the digit, and is no larger than the box
        ((1920, 1201), "HD", (1918, 1200)),
        ((1600, 1000), "HD", None),
        ((1600, 1000), "HalfHD", (1280, 800)),
        ((1600, 1000), "Blog", (500, 312)),
        ((1600, 1000), "PinterestSmall", (210, 131)),
        ((1600, 1000), "Square", None),
    ]:
        with WikiArtServer([make_work("large", width=size[0], height=size[1])]) as site:
            answer = get(site, f"{image_url(site)}!{name}.jpg")
            if expected is None:
                assert answer.status_code == 404
            else:
                assert opened(answer.content).size == expected
            site.works[0]["map"] = "*********"
            assert get(site, f"{image_url(site)}!{name}.jpg").status_code == 404


def test_placeholder_is_under_any_upload_host(site: WikiArtServer) -> None:
    bodies = {
        get(site, f"/{host}/Content/images/FRAME-600x480.jpg").content
        for host in ("uploads", "uploads1", "uploads9")
    }
    assert [opened(body).size for body in bodies] == [(600, 480)]


def test_pictures_may_be_replaced(site: WikiArtServer) -> None:
    site.pictures[site.works[0]["image"]] = b"\x89PNG or so"
    site.pictures["/uploads7/new.jpg"] = draw_picture("new", 30, 20)
    answer = get(site, image_url(site))
    assert answer.content == b"\x89PNG or so"
    assert answer.headers["Content-Type"] == "image/png"
    answer = get(site, "/uploads7/new.jpg")
    assert opened(answer.content).size == (30, 20)
    assert answer.headers["Content-Type"] == "image/jpeg"


def test_other_scans_of_a_work(site: WikiArtServer) -> None:
    scan = {"image": "https://uploads2.wikiart.org/x/scan.jpg"}
    site.works[0]["images"] = [scan | {"width": 90, "height": 70}]
    (shown,) = page_of(site, 1)["Paintings"][0]["images"]
    assert shown["image"] == f"{site.url}/uploads2/x/scan.jpg"
    assert opened(get(site, shown["image"]).content).size == (90, 70)


def test_local_path() -> None:
    for address, path in [
        ("https://uploads1.wikiart.org/images/a.jpg", "/uploads1/images/a.jpg"),
        ("//uploads1.wikiart.org/images//a.jpg", "/uploads1/images/a.jpg"),
        ("https://www.wikiart.org/en/x?json=2", "/en/x"),
        ("http://127.0.0.1:1234/uploads1/caf%C3%A9.jpg", "/uploads1/café.jpg"),
        ("/uploads1/a/../b%2F%2e%2e%2Fc.jpg#x", "/uploads1/c.jpg"),
        ("/uploads1/100%25.jpg", "/uploads1/100%.jpg"),
        ("https://x.example/a", "/https:/x.example/a"),
    ]:
        assert local_path(address) == path


def test_paths_are_found_however_they_are_written(site: WikiArtServer) -> None:
    path = "/uploads1/images/pablo-picasso/café (1).jpg"
    site.works[0]["image"] = "https://uploads1.wikiart.org" + path[len("/uploads1") :]
    for form in (path, path.replace("é", "%c3%a9"), path.replace("/im", "//im")):
        assert get(site, form).status_code == 200
    assert site.count_images() == {path: 3}
    slug = "/en/pablo-picasso/two%2Fwomen-1908"
    site.works[0]["paintingUrl"] = slug
    assert soup(site, slug).h3.text == "Harlequin"


# Hostile records ----------------------------------------------------------------------


def test_nasty_works_are_served_as_they_are() -> None:
    works = make_hostile_works()
    assert all(one["_why"] for one in works)
    assert len({one["_why"] for one in works}) == len(works) > 100
    with WikiArtServer(make_hostile_works()) as site:
        records = [
            one for page in (1, 2, 3) for one in page_of(site, page)["Paintings"]
        ]
        assert len(records) == len(works)
        for record, given in zip(records, works, strict=True):
            changed = {k for k in given if record.get(k) != given[k]} - {"_why"}
            assert changed <= {"image"}, given["_why"]
            assert "_why" not in record
        assert soup(site, "/en/pablo-picasso/all-works/text-list").select("li > a")


def test_nasty_works_have_pictures_where_they_are_ours() -> None:
    works = make_hostile_works()
    with WikiArtServer(works) as site:
        pages = [page_of(site, number)["Paintings"] for number in (1, 2, 3)]
        foreign = []
        with requests.Session() as session:
            session.trust_env = False
            for record in joined(pages):
                address = record.get("image")
                if str(address).startswith(f"{site.url}/"):
                    answer = session.get(address, headers=AGENT)
                    assert opened(answer.content).size[0] > 0, address
                else:
                    foreign.append(address)
        assert "https://uploads1.wikiart.org@evil.example/x.jpg" in foreign
        assert "http://uploads1.wikiart.org/images/x.jpg" in foreign
        assert len(foreign) == 17
        assert len(site.count_images()) == len(works) - 17


# Faults -------------------------------------------------------------------------------


def site_address(site: WikiArtServer) -> tuple[str, int]:
    host, port = site.url.removeprefix("http://").split(":")
    return host, int(port)


def raw(site: WikiArtServer, path: str) -> tuple[int, http.client.HTTPMessage, bytes]:
    """Status, headers and body, with no help from a clever client."""
    connection = http.client.HTTPConnection(*site_address(site), timeout=5)
    try:
        connection.request("GET", path, headers=SCRIPT)
        answer = connection.getresponse()
        return answer.status, answer.headers, answer.read()
    finally:
        connection.close()


@pytest.fixture
def picture(site: WikiArtServer) -> bytes:
    """What is at the address of the first work, unspoiled."""
    return raw(site, site.path(site.works[0]))[2]


def spoiled(
    site: WikiArtServer, fault: str
) -> tuple[int, http.client.HTTPMessage, bytes]:
    """The first work's picture, with a fault."""
    site.add_fault(site.works[0]["image"], fault, times=1)
    return raw(site, site.path(site.works[0]))


def test_page_in_place_of_an_answer(site: WikiArtServer) -> None:
    for fault, expected, words in [
        ("html", 200, b"itemsCount"),
        ("403", 403, b"Just a moment"),
        ("404", 404, b"error404-hint"),
        ("429", 429, b"error"),
        ("429-date", 429, b"error"),
        ("500", 500, b"error"),
        ("503", 503, b"error"),
    ]:
        status, headers, body = spoiled(site, fault)
        assert status == expected
        assert headers["Content-Type"].startswith("text/html")
        assert words in body
        assert raw(site, site.path(site.works[0]))[0] == 200


def test_retry_after(site: WikiArtServer) -> None:
    site.retry_after = 7
    assert spoiled(site, "429")[1]["Retry-After"] == "7"
    date = spoiled(site, "429-date")[1]["Retry-After"]
    assert re.fullmatch(r"\w{3}, \d\d \w{3} \d{4} [\d:]{8} GMT", date)
    site.add_fault("/robots.txt", "429", retry_after=2.5)
    assert raw(site, "/robots.txt")[1]["Retry-After"] == "2.5"


def test_reset(site: WikiArtServer) -> None:
    with pytest.raises(ConnectionResetError):
        spoiled(site, "reset")
    assert [(one.status, one.fault) for one in site.requests] == [(0, "reset")]


def test_reset_in_the_body(site: WikiArtServer, picture: bytes) -> None:
    site.add_fault(site.works[0]["image"], "reset-body")
    connection = http.client.HTTPConnection(*site_address(site), timeout=5)
    connection.request("GET", site.path(site.works[0]), headers=SCRIPT)
    answer = connection.getresponse()
    assert answer.length == len(picture)
    half = len(picture) // 2
    assert answer.read(half) == picture[:half]
    with pytest.raises(ConnectionResetError):
        answer.read()
    connection.close()


def test_short(site: WikiArtServer, picture: bytes) -> None:
    with pytest.raises(http.client.IncompleteRead) as raised:
        spoiled(site, "short")
    assert raised.value.partial == picture


def test_long(site: WikiArtServer, picture: bytes) -> None:
    body = spoiled(site, "long")[2]
    assert len(picture) // 2 < len(body) < len(picture)
    assert picture.startswith(body)


def test_truncated(site: WikiArtServer, picture: bytes) -> None:
    _, headers, body = spoiled(site, "truncated")
    assert int(headers["Content-Length"]) == len(body) < len(picture)
    assert picture.startswith(body)
    with pytest.raises(OSError, match="truncated"):
        opened(body)


def test_padded(site: WikiArtServer, picture: bytes) -> None:
    body = spoiled(site, "padded")[2]
    assert len(body) == len(picture)
    assert picture.startswith(body.rstrip(b"\0"))
    assert body.endswith(bytes(1000))


def test_placeholder_in_place_of_a_picture(site: WikiArtServer) -> None:
    status, _, body = spoiled(site, "placeholder")
    assert status == 200
    assert opened(body).size == (600, 480)


def test_redirects(site: WikiArtServer, picture: bytes) -> None:
    path = site.path(site.works[0])
    site.elsewhere = "https://evil.example/x.jpg"
    status, headers, _ = spoiled(site, "redirect-out")
    assert (status, headers["Location"]) == (302, "https://evil.example/x.jpg")
    site.add_fault(path, "placeholder-redirect", 1)
    answer = get(site, path)
    assert answer.url.endswith("/Content/images/FRAME-600x480.jpg")
    assert opened(answer.content).size == (600, 480)
    site.add_fault(path, "redirect-home", 1)
    answer = get(site, path)
    assert answer.url == f"{site.url}/moved{path}"
    assert answer.content == picture
    site.add_fault("/en", "redirect-home", 1)
    assert page_of(site, 1)["AllPaintingsCount"] == 40


def test_bomb(site: WikiArtServer) -> None:
    _, headers, body = spoiled(site, "bomb")
    assert headers["Content-Type"] == "image/png"
    assert len(body) < 1 << 20
    with pytest.raises(Image.DecompressionBombError, match="400000000 pixels"):
        Image.open(io.BytesIO(body))


def test_empty_and_text(site: WikiArtServer) -> None:
    status, headers, body = spoiled(site, "empty")
    assert (status, headers["Content-Length"], body) == (200, "0", b"")
    _, headers, body = spoiled(site, "text")
    assert headers["Content-Type"] == "image/jpeg"
    assert body.isascii()


def test_drip(site: WikiArtServer, picture: bytes) -> None:
    site.drip_s = 0.01
    site.add_fault(site.works[0]["image"], "drip")
    connection = http.client.HTTPConnection(*site_address(site), timeout=5)
    connection.request("GET", site.path(site.works[0]), headers=SCRIPT)
    answer = connection.getresponse()
    begun = time.monotonic()
    assert answer.read(10) == picture[:10]
    assert time.monotonic() - begun > 0.08
    answer.close()
    connection.close()


def test_stall(site: WikiArtServer) -> None:
    site.stall_s = 0.2
    begun = time.monotonic()
    with pytest.raises(http.client.IncompleteRead):
        spoiled(site, "stall")
    assert 0.2 <= time.monotonic() - begun < 2


def test_no_transient_fault_passes_for_json(site: WikiArtServer) -> None:
    path = LIST.format("pablo-picasso", 1)
    for fault in set(TRANSIENT_FAULTS) - {"redirect-home"}:
        site.requests.clear()
        site.add_fault("/en/", fault, times=1)
        with pytest.raises((requests.RequestException, ValueError)):
            get(site, path, allow_redirects=False).json()
        assert len(get(site, path).json()["Paintings"]) == 40
        assert [request.fault for request in site.requests] == [fault, None]


def test_where_faults_strike(site: WikiArtServer) -> None:
    def on_page_2(request: Any) -> bool:
        return request.query.get("page") == "2"

    site.add_fault(on_page_2, "503")
    site.add_fault(re.compile(r"joan-miro/mode.*page=1"), "500")
    rule = site.add_fault("/en/yves-klein", "404", times=1)
    statuses = {
        (slug, number): get(site, LIST.format(slug, number)).status_code
        for slug in ("pablo-picasso", "joan-miro", "yves-klein")
        for number in (1, 2)
    }
    assert [place for place, status in statuses.items() if status == 503] == [
        (slug, 2) for slug in ("pablo-picasso", "joan-miro", "yves-klein")
    ]
    assert statuses["joan-miro", 1] == 500
    assert statuses["yves-klein", 1] == 404
    assert rule.used == 1
    assert page_of(site, 1, "yves-klein")["AllPaintingsCount"] == 0
    site.clear_faults()
    assert page_of(site, 2)["Paintings"] == []


def test_faults_of_a_picture_may_spare_its_derivatives() -> None:
    with WikiArtServer([make_work("large", width=900, height=900)]) as site:
        large = f"{image_url(site)}!Large.jpg"
        rule = site.add_fault(site.works[0]["image"], "404", exact=True)
        assert get(site, image_url(site)).status_code == 404
        assert get(site, large).status_code == 200
        site.add_fault(site.works[0]["image"], "404")
        assert get(site, large).status_code == 404
        assert rule.used == 1


def test_unknown_faults_are_refused(site: WikiArtServer) -> None:
    with pytest.raises(ValueError, match="'rest'"):
        site.add_fault("/", "rest")
    with pytest.raises(ValueError, match="rest"):
        site.add_random_faults(0.5, kinds=("reset", "rest"))


def patiently(fetch: Callable[[], requests.Response]) -> tuple[int, bytes]:
    """Tries that it took, and a body that is a whole picture."""
    for tries in range(1, 9):
        try:
            answer = fetch()
            if answer.status_code == 200 and opened(answer.content).size != (600, 480):
                whole = answer.content.endswith((b"\xff\xd9", b"IEND\xaeB`\x82"))
                if whole:
                    return tries, answer.content
        except (requests.RequestException, OSError):
            pass
    raise AssertionError("no picture")


def test_patience_gets_everything_from_a_misbehaving_site(site: WikiArtServer) -> None:
    site.add_random_faults(0.6, seed=1)
    took = []
    for index in range(len(site.works)):
        tries, _ = patiently(lambda index=index: get(site, image_url(site, index)))
        took.append(tries)
    assert max(took) in (3, 4)
    assert len({one.fault for one in site.requests}) > 8
    assert site.count_images() >= Counter(site.path(one) for one in site.works)


def test_misbehavior_is_the_same_for_each_seed(site: WikiArtServer) -> None:
    def faults(seed: int) -> list[str | None]:
        site.add_random_faults(0.5, seed, kinds=("500", "503", "html"), in_a_row=2)
        del site.requests[:]
        for number in range(30):
            get(site, f"/robots.txt?{number % 10}")
        return [one.fault for one in site.requests]

    first = faults(1)
    assert first == faults(1)
    assert first != faults(2)
    assert 5 < sum(one is not None for one in first) < 25


# Bookkeeping --------------------------------------------------------------------------


def test_books(site: WikiArtServer, session: requests.Session) -> None:
    session.get(f"{site.url}/en/pablo-picasso?json=2&x=%C3%A9")
    picture = session.get(image_url(site)).content
    get(site, "/nothing")
    first, second, third = site.requests
    assert first.path == "/en/pablo-picasso"
    assert first.query == {"json": "2", "x": "é"}
    assert first.headers["x-requested-with"] == "XMLHttpRequest"
    assert (second.status, second.fault, third.status) == (200, None, 404)
    assert second.bytes_sent == len(picture)
    assert second.complete
    assert (first.connection, second.connection, third.connection) == (1, 1, 2)
    assert first.time < second.time < third.time
    assert site.measure_rate() == pytest.approx(2 / (third.time - first.time))
    assert site.peak_connections == 2
    assert site.peak_active == 1


def test_only_whole_pictures_count_as_served(site: WikiArtServer) -> None:
    path = site.path(site.works[0])
    for fault in ("truncated", "placeholder", "404", "short", "empty"):
        site.add_fault(path, fault, times=1)
        with suppress(http.client.IncompleteRead):
            raw(site, path)
    assert site.count_images() == {}
    for _ in range(2):
        raw(site, path)
    assert site.count_images() == {path: 2}


def test_requests_at_once_are_counted(site: WikiArtServer) -> None:
    site.delay_s = 0.3
    threads = [
        threading.Thread(target=get, args=(site, "/robots.txt")) for _ in range(5)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert site.peak_active == site.peak_connections == 5


def test_connections_hung_up_are_not_counted(site: WikiArtServer) -> None:
    for _ in range(30):
        get(site, "/robots.txt")
    assert site.peak_connections == site.peak_active == 1
    assert site.requests[-1].connection == 30


@pytest.mark.parametrize("fault", ["drip", "stall"])
def test_closing_hangs_up_on_all(fault: str) -> None:
    ended = threading.Event()

    def wait(site: WikiArtServer) -> None:
        with pytest.raises((requests.RequestException, OSError)):
            get(site, "/robots.txt")
        ended.set()

    with WikiArtServer(make_catalogue(2)) as site, requests.Session() as idle:
        idle.trust_env = False
        idle.get(f"{site.url}/robots.txt", headers=AGENT)
        site.add_fault("/robots.txt", fault)
        thread = threading.Thread(target=wait, args=(site,))
        thread.start()
        while len(site.requests) < 2:
            time.sleep(0.01)
        begun = time.monotonic()
        site.stop()
        assert time.monotonic() - begun < 1
    assert ended.wait(1)
    thread.join()
    with pytest.raises(requests.ConnectionError):
        get(site, "/robots.txt")


def test_by_hand(tmp_path: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.wikiart_server", "--works", "3"],
        cwd=Path(__file__).parents[2],
        env=os.environ | {"PYTHONDONTWRITEBYTECODE": "1", "TMPDIR": str(tmp_path)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with process:
        assert process.stdout is not None
        url = process.stdout.readline().strip().split("=")[1]
        path = LIST.format("pablo-picasso", 1)
        with requests.Session() as session:
            session.trust_env = False
            answer = session.get(url + path, headers=SCRIPT, timeout=5).json()
        process.send_signal(signal.SIGINT)
        rest, complaint = process.communicate(timeout=5)
    assert len(answer["Paintings"]) == 3
    assert rest == "1 requests, 0 pictures\n"
    assert (process.returncode, complaint) == (0, "")


# Against samples of the real site -----------------------------------------------------


@pytest.fixture
def samples(shared: Path) -> Path:
    return shared / "wikiart" / "samples"


def sample(samples: Path, name: str) -> Any:
    return json.loads((samples / name).read_text("utf-8"))


@pytest.mark.shared
def test_json_has_the_keys_of_the_samples(site: WikiArtServer, samples: Path) -> None:
    listed, like = (
        page_of(site, 1),
        sample(samples, "xhr_all_paintings_picasso_page1.json"),
    )
    assert list(listed) == list(like)
    assert list(listed["Paintings"][0]) == list(like["Paintings"][0])
    site.end = "null"
    assert page_of(site, 2) | {"AllPaintingsCount": 1166} == sample(
        samples, "xhr_past_end_paintings_null.json"
    )
    assert page_of(site, 1, "yves-klein") == sample(
        samples, "xhr_zero_works_artist.json"
    )
    for name, path in (
        ("xhr_artist_picasso.json", "/en/pablo-picasso?json=2"),
        ("xhr_search_picasso_json3_artists.json", "/en/Search/picasso?json=3"),
        ("app_artist_alphabet.json", "/en/App/Artist/AlphabetJson?v=new"),
    ):
        ours, theirs = get(site, path).json(), sample(samples, name)
        if isinstance(ours, list):
            ours, theirs = ours[0], theirs[0]
        assert set(ours) == set(theirs)
        if ours.get("Artists"):
            assert list(ours["Artists"][0]) == list(theirs["Artists"][0])


@pytest.mark.shared
def test_pages_have_the_marks_of_the_samples(
    site: WikiArtServer, samples: Path
) -> None:
    for path, name, selectors in [
        (
            "/en/pablo-picasso/all-works/text-list",
            "html_all_works_text_list_picasso.html",
            "ul.painting-list-text > li.painting-list-text-row > a[href]; title",
        ),
        (
            "/en/Alphabet/p/text-list",
            "html_alphabet_p_text_list.html",
            "div.masonry-text-view-all li a; div.masonry-text-view-all li span",
        ),
        (
            "/en/pablo-picasso/harlequin-1961",
            "html_painting_detail.html",
            "main[ng-controller=ArtworkViewCtrl][ng-init]; [ng-init^=paintingJson]; "
            'meta[property="og:image"]; h3; h5[itemprop=creator] span[itemprop=name];'
            "li > s; li.dictionary-values s; span[itemprop=dateCreated]; li s.title;"
            ".copyright-wrapper a.copyright; article.movie-promo li s",
        ),
        ("/en/nobody", "html_404_unknown_artist.html", ".error404-hint h1"),
    ]:
        like = BeautifulSoup((samples / name).read_text("utf-8"), "html.parser")
        page = soup(site, path)
        for selector in selectors.split(";"):
            assert like.select(selector.strip()), f"{name} has no {selector}"
            assert page.select(selector.strip()), f"{path} has no {selector}"


@pytest.mark.shared
def test_embedded_json_has_the_keys_of_the_sample(
    site: WikiArtServer, samples: Path
) -> None:
    text = (samples / "html_painting_detail.html").read_text("utf-8")
    like = BeautifulSoup(text, "html.parser")
    page = soup(site, "/en/pablo-picasso/harlequin-1961")
    assert set(embedded(page, "paintingJson")) == set(embedded(like, "paintingJson"))
    ours, theirs = (
        embedded(one, "thumbnailSizesModel")["ImageThumbnailsModel"][0]["Thumbnails"]
        for one in (page, like)
    )
    assert set(ours[0]) == set(theirs[0])
    assert {one["Name"] for one in ours} <= {one["Name"] for one in theirs}


@pytest.mark.shared
def test_shared_catalogue(shared: Path, samples: Path) -> None:
    works = load_catalogue(shared)
    real = sample(samples, "catalogue_picasso_1166.json")
    assert len(works) == 1166
    assert [one["id"] for one in works] == [one["id"] for one in real]
    with WikiArtServer(works) as site:
        assert [len(page) for page in ids_of(site)] == [60] * 19 + [26]
        listed = page_of(site, 20)["Paintings"]
        assert all(tuple(one) == RECORD_KEYS for one in listed)
        for record, given in zip(listed[::5], real[1140::5], strict=True):
            width, height = opened(get(site, record["image"]).content).size
            assert width == max(given["width"] // 8, 16)
            assert height == max(given["height"] // 8, 16)


@pytest.mark.shared
def test_maps_follow_the_rule_of_the_samples(shared: Path, samples: Path) -> None:
    real = sample(samples, "catalogue_picasso_1166.json")
    made = load_catalogue(shared, shrink=1)
    differing = [
        (one["map"], two["map"])
        for one, two in zip(real, made, strict=True)
        if one["map"] != two["map"]
    ]
    assert not differing, Counter(differing)


@pytest.mark.shared
def test_awkward_samples_are_served(samples: Path) -> None:
    works = sample(samples, "xhr_awkward_records.json")["Paintings"]
    with WikiArtServer(works) as site:
        for record in page_of(site, 1)["Paintings"]:
            address = str(record["image"])
            if address.startswith("//"):
                address = "http:" + address
            if address.startswith(site.url):
                assert get(site, address).status_code == 200, address
