"""Parsing WikiArt's responses: good, awkward, damaged and hostile ones."""

import json
import random
import time
import warnings
from collections.abc import Callable, Iterator
from dataclasses import fields, is_dataclass
from html import escape
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from artist_nst.wikiart.client import InvalidResponseError, NotFoundError
from artist_nst.wikiart.parsing import (
    MAX_ENTRIES,
    WITHHELD,
    Artist,
    ListedImage,
    ListedWork,
    WorkPage,
    is_placeholder,
    normalize_image_url,
    page_slug,
    parse_all_artists,
    parse_artist,
    parse_letter_page,
    parse_search,
    parse_text_list,
    parse_work_list,
    parse_work_page,
    parse_work_path,
)

SLUG = "pablo-picasso"
FRAME = "https://uploads.wikiart.org/Content/images/FRAME-600x480.jpg"
UPLOADS = "https://uploads1.wikiart.org/images/pablo-picasso"
NOT_FOUND = '<title>Page not found</title><div class="error404-hint"><h1>404</h1></div>'
JUST_A_MOMENT = "<!DOCTYPE html><html><title>Just a moment...</title></html>"

READERS: dict[str, Callable[[str], object]] = {
    "list": lambda text: parse_work_list(text, SLUG),
    "artist": parse_artist,
    "search": parse_search,
    "alphabet": parse_all_artists,
    "letter": parse_letter_page,
    "text list": lambda text: parse_text_list(text, SLUG),
    "painting": parse_work_page,
}


@pytest.fixture(autouse=True)
def _silently() -> Iterator[None]:
    """Beautiful Soup warns of odd markup: nobody should see that."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


def sample(shared: Path, name: str) -> str:
    return (shared / "wikiart" / "samples" / name).read_text("utf-8")


def work(**more: Any) -> dict[str, Any]:
    return {
        "id": "5772ffff0000000000000001",
        "title": "Guernica",
        "year": "1937",
        "width": 1600,
        "height": 712,
        "artistName": "Pablo Picasso",
        "image": f"{UPLOADS}/guernica-1937.jpg",
        "map": "01234*67*",
        "paintingUrl": "/en/pablo-picasso/guernica-1937",
        "artistUrl": "/en/pablo-picasso",
        "albums": None,
        "flags": 2,
        "images": None,
    } | more


def listed(*works: Any, count: Any = 1) -> str:
    return json.dumps({"Paintings": list(works), "AllPaintingsCount": count})


def record(**more: Any) -> ListedWork:
    (only,) = parse_work_list(listed(work(**more)), SLUG).works
    return only


# Addresses of pictures


def test_addresses_are_made_whole() -> None:
    for raw, address in [
        (f"{UPLOADS}/x.jpg", f"{UPLOADS}/x.jpg"),
        (f"  {UPLOADS}/x.jpg\n", f"{UPLOADS}/x.jpg"),
        (f"{UPLOADS}/x.jpg!Large.jpg", f"{UPLOADS}/x.jpg"),
        (f"{UPLOADS}/x.JPG!PinterestSmall.jpg", f"{UPLOADS}/x.JPG"),
        (f"{UPLOADS}/x.jpg!Large.jpg!HD.jpg", f"{UPLOADS}/x.jpg"),
        (f"{UPLOADS}/x.jpeg!Large.jpg?a=1", f"{UPLOADS}/x.jpeg?a=1"),
        # Not a suffix: of a directory, of the name itself, of another shape.
        (f"{UPLOADS}/a!b.jpg/x.jpg", f"{UPLOADS}/a!b.jpg/x.jpg"),
        (f"{UPLOADS}/oh!no.jpg", f"{UPLOADS}/oh!no.jpg"),
        (f"{UPLOADS}/x.jpg!3.jpg", f"{UPLOADS}/x.jpg!3.jpg"),
        ("//uploads5.wikiart.org/x.jpg", "https://uploads5.wikiart.org/x.jpg"),
        ("http://uploads5.wikiart.org/x.jpg", "https://uploads5.wikiart.org/x.jpg"),
        (
            "http://uploads5.wikipaintings.org/x.jpg",
            "https://uploads5.wikiart.org/x.jpg",
        ),
        (f"{UPLOADS}/café (1).jpg", f"{UPLOADS}/caf%C3%A9%20(1).jpg"),
        (f"{UPLOADS}/caf%C3%A9.jpg", f"{UPLOADS}/caf%C3%A9.jpg"),
        (f"{UPLOADS}/100%.jpg", f"{UPLOADS}/100%25.jpg"),
        (f"{UPLOADS}/no.#1.jpg", f"{UPLOADS}/no.%231.jpg"),
        (f"{UPLOADS}/a\\b.jpg", f"{UPLOADS}/a%5Cb.jpg"),
        (f"{UPLOADS}//x.jpg", f"{UPLOADS}//x.jpg"),
        (f"{UPLOADS}/\ud800.jpg", f"{UPLOADS}/%3F.jpg"),
        # The stand-in server of the tests.
        ("http://127.0.0.1:8000/x.jpg!HD.jpg", "http://127.0.0.1:8000/x.jpg"),
        ("http://[::1]:8000/é.jpg", "http://[::1]:8000/%C3%A9.jpg"),
    ]:
        assert normalize_image_url(raw) == address
        assert normalize_image_url(address) == address


def test_addresses_elsewhere_are_left_to_be_refused() -> None:
    for raw in [
        "http://example.org/x.jpg!Large.jpg",
        "ftp://uploads1.wikiart.org.example.org/x.jpg",
        "https://evilwikiart.org/x.jpg",
        "https://uploads1.wikiart.org@evil.example/x.jpg",
        "https://uploads1.wikiart.org\\@evil.example/x.jpg",
        "https://user@uploads1.wikiart.org/x.jpg",
        "https://uploads1.wikiart.org:8443/images/x.jpg",
        "https://uploads1.wikiart.org:port/images/x.jpg",
        "/images/x.jpg",
        "file:///etc/passwd",
    ]:
        assert normalize_image_url(raw) == raw


def test_what_is_no_address() -> None:
    for raw in ["", "  ", None, 5, [], {}, True, "http://[x/y.jpg"]:
        assert normalize_image_url(raw) is None


def test_placeholders() -> None:
    for address, held in [
        (FRAME, True),
        (f"{FRAME}!Large.jpg", True),
        ("https://uploads.wikiart.org/Content/images/ARTIST-480x600.jpg", True),
        ("https://www.wikiart.org/content/wiki/img/favicon-256x256.png", True),
        ("https://www.wikiart.org/favicon.ico", True),
        (f"{UPLOADS}/frame-600x480.jpg", True),
        (f"{UPLOADS}/frame-of-a-window-1912.jpg", False),
        (f"{UPLOADS}/content/images/x.jpg", False),
        (f"{UPLOADS}/favicon/x.jpg", False),
        ("", False),
        (None, False),
        ("http://[", False),
    ]:
        assert is_placeholder(address) is held


# Lists of works


def test_a_record() -> None:
    assert record() == ListedWork(
        id="5772ffff0000000000000001",
        title="Guernica",
        year="1937",
        artist="Pablo Picasso",
        width=1600,
        height=712,
        image_url=f"{UPLOADS}/guernica-1937.jpg",
        page="/en/pablo-picasso/guernica-1937",
    )


def test_titles() -> None:
    for title, read in [
        ("Les Demoiselles d&#39;Avignon &amp; &quot;study&quot;", None),
        ("&amp;quot;", "&quot;"),
        ("Two\r\nlines\tand\u00a0a space\u200b", "Two lines and a space"),
        ("one\u200btwo", "one two"),
        ("\u202eright\u202c to left\u200f", "right to left"),
        ("soft\u00adhyphen\ufeff", "softhyphen"),
        ("Cafe\u0301", "Café"),
        ("\x00\x1b[31mred", "[31mred"),
        ("a\u2028b\u0085c", "a b c"),
        ("\ud800x", "x"),
        ("\uffff", "Guernica 1937"),
        ("", "Guernica 1937"),
        (None, "Guernica 1937"),
        (7, "Guernica 1937"),
        ("&#" + "9" * 5000 + ";", "&#" + "9" * 998),
    ]:
        read = 'Les Demoiselles d\'Avignon & "study"' if read is None else read
        assert record(title=title).title == read


def test_a_work_without_title_or_page_is_untitled() -> None:
    assert record(title="", paintingUrl=None).title == "Untitled"


def test_years_stay_as_written() -> None:
    for year, read in [
        (" c.1900 ", "c.1900"),
        ("", None),
        ("?", None),
        (None, None),
        (1916, "1916"),
    ]:
        assert record(year=year).year == read


def test_sizes() -> None:
    for side, read in [
        (25528, 25528),
        (800.0, 800),
        (0, None),
        (-1, None),
        (None, None),
        ("800", None),
        ([800], None),
        (10**30, None),
        (float("inf"), None),
        (float("nan"), None),
    ]:
        assert record(width=side, height=side).width == read
        assert record(width=side, height=side).height == read


def test_pages() -> None:
    for told, page in [
        ("/en/a/b", "/en/a/b"),
        ("https://www.wikiart.org/en/a/b", "/en/a/b"),
        ("//www.wikiart.org/en/a/b", "/en/a/b"),
        ("/en/a/caf%C3%A9", "/en/a/caf%C3%A9"),
        ("/en/a/café au lait", "/en/a/caf%C3%A9%20au%20lait"),
        ("/en/a/two%2Fwomen", "/en/a/two%2Fwomen"),
        ("/en/a/b/", "/en/a/b"),
        ("/en/a/..", None),
        ("/en/%2e%2E/b", None),
        ("/en/a/b/c", None),
        ("/en/a", None),
        ("/ru/a/b", None),
        ("http://pablo.tumblr.com/en/a/b", None),
        ("https://www.wikiart.org.evil.example/en/a/b", None),
        ("", None),
        (None, None),
        ([], None),
    ]:
        assert record(paintingUrl=told).page == page


def test_slugs_of_pages_have_one_spelling() -> None:
    assert page_slug("/en/a/cafe%CC%81") == page_slug("/en/a/caf%C3%A9") == "café"


def test_no_text_holds_signs_that_steer_a_terminal() -> None:
    signs = "\x00\x1b\x7f\x9b\n\u2028\u202e\u2066\u200f\ufeff\u200b\ud800"
    encoded = quote(signs, errors="surrogatepass")
    for text in (f"a{signs}b", f"a{encoded}b", escape(f"a{signs}b"), "a&#27;&#x202e;b"):
        path = f"/en/{quote(text, errors='surrogatepass')}"
        values = {"artistName": text, "url": path, "artistUrl": path}
        one = work(id=None, title=None, paintingUrl=f"/en/x/{text}", image=text)
        results = [
            parse_artist(json.dumps(values)),
            *parse_search(json.dumps({"Artists": [values | {"title": text}]})),
            *parse_all_artists(json.dumps([values])),
            *parse_work_list(listed(one | values), page_slug(path)).works,
            *parse_work_list(listed(work(id=text, title=text)), SLUG).works,
            *parse_text_list(
                text_list(f'<a href="/en/{SLUG}/{escape(text)}">{escape(text)}</a>'),
                SLUG,
            ).works,
            *parse_letter_page(
                '<div class="masonry-text-view-all">'
                f'<li><a href="/en/{escape(text)}">{escape(text)}</a></li></div>'
            ),
            parse_work_page(painting(json_=work(year=text), article=label(text))),
        ]
        assert len(results) >= 5
        for value in strings(results):
            assert value.isprintable(), value


def strings(value: object) -> Iterator[str]:
    """All texts in a result."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, list | tuple):
        for one in value:
            yield from strings(one)
    elif is_dataclass(value):
        for name in (one.name for one in fields(value)):
            yield from strings(getattr(value, name))


def label(text: str) -> str:
    return f"<li><s>Style:</s> <span>{escape(text)}</span></li>"


def test_addresses_of_works() -> None:
    for address in (
        "https://www.wikiart.org/en/joan-miro/horse",
        "http://wikiart.org/en/joan-miro/horse/",
        "www.wikiart.org/en/joan-miro/horse?a=b#c",
        " //www.wikiart.org/en/joan-miro/horse",
    ):
        assert parse_work_path(address) == "/en/joan-miro/horse"
    for address in (
        "joan miro",
        "/en/joan-miro/horse/x",
        "https://www.wikiart.org/en/joan-miro",
        "https://www.wikiart.org/en/joan-miro/all-works",
        "https://www.wikiart.org/en/joan-miro/all-works/text-list",
        "https://www.wikiart.org/en/joan-miro/mode/all-paintings",
        "https://www.wikiart.org/ru/joan-miro/horse",
        "https://evil.example/en/joan-miro/horse",
        "https://www.wikiart.org/en/joan-miro/..",
    ):
        assert parse_work_path(address) is None


def test_ids() -> None:
    for told, id in [
        ("577272d5f0becab9d85dac77", "577272d5f0becab9d85dac77"),
        (224238, "224238"),
        (9223372036854770001, "9223372036854770001"),
        (None, "guernica-1937"),
        ("", "guernica-1937"),
        (True, "guernica-1937"),
        ([], "guernica-1937"),
    ]:
        assert record(id=told).id == id


def test_a_record_with_neither_id_nor_page_is_left_out() -> None:
    text = listed(work(id=None, paintingUrl=None), work(), 5, None, "x", [])
    assert [one.title for one in parse_work_list(text, SLUG).works] == ["Guernica"]


def test_a_placeholder_is_no_picture_and_its_size_none_of_the_work() -> None:
    held = record(image=FRAME, width=600, height=480)
    assert (held.image_url, held.width, held.height) == (None,) * 3
    assert held.restricted == WITHHELD


def test_other_scans() -> None:
    scans = [
        {"image": f"{UPLOADS}/detail é.jpg!Large.jpg", "width": 900, "height": 0},
        {"image": f"{UPLOADS}/detail é.jpg", "width": 1, "height": 1},
        {"image": f"{UPLOADS}/guernica-1937.jpg"},
        {"image": FRAME},
        {"image": None},
        None,
        "x",
    ]
    only = ListedImage(f"{UPLOADS}/detail%20%C3%A9.jpg", 900, None)
    assert record(images=scans).alternates == (only,)
    assert record(images="x").alternates == ()


def test_works_of_other_artists_are_left_out() -> None:
    braque = work(id="b", artistUrl="/en/georges-braque", artistName="Georges Braque")
    page = parse_work_list(listed(work(), braque, braque, count=53), SLUG)
    assert [one.id for one in page.works] == ["5772ffff0000000000000001"]
    assert (page.count, page.foreign_ids) == (53, frozenset({"b"}))


def test_works_of_the_same_artist_are_not() -> None:
    for owner in [
        "/en/Pablo-Picasso",
        "https://www.wikiart.org/en/pablo-picasso",
        "",
        None,
    ]:
        assert record(artistUrl=owner)


def test_the_end_of_a_list() -> None:
    for nothing in [None, []]:
        text = json.dumps({"Paintings": nothing, "AllPaintingsCount": 1166})
        page = parse_work_list(text, SLUG)
        assert (page.works, page.count) == ((), 1166)


def test_a_count_may_be_none() -> None:
    for count in [None, "many", -1, True, 1.5, [], float("nan")]:
        assert parse_work_list(listed(work(), count=count), SLUG).count is None


def test_a_byte_order_mark_is_no_harm() -> None:
    assert parse_work_list("\ufeff" + listed(work()), SLUG).works


def test_what_came_in_place_of_a_list_is_named() -> None:
    for text, told in [
        (JUST_A_MOMENT, "the HTML page 'Just a moment...'"),
        ("<html><title>Two\nlines &amp; more</title>", "page 'Two lines & more'"),
        ("<p>no title", "text that begins '<p>no title'"),
        ("", "an empty answer"),
        (listed(work())[:-20], """text that begins '{"Paintings"""),
        ('{"Paintings": 5}', '"Paintings" of the JSON are not a list'),
        ('{"Exception": {"Message": "Free API limit exceeded"}}', "limit exceeded"),
        ("{}", 'has no "Paintings"'),
        ("[]", "not an object"),
        ("null", "not an object"),
    ]:
        with pytest.raises(InvalidResponseError) as caught:
            parse_work_list(text, SLUG)
        assert told in str(caught.value)
        assert "\n" not in str(caught.value)


# Artists


def test_an_artist_has_names() -> None:
    values = {
        "artistName": "Georgia O&#39;Keeffe",
        "lastNameFirst": "O&#39;Keeffe Georgia ",
        "OriginalArtistName": "Georgia O&#39;Keeffe",
        "url": "georgia-o-keeffe",
    }
    artist = parse_artist(json.dumps(values))
    assert (artist.slug, artist.name) == ("georgia-o-keeffe", "Georgia O'Keeffe")
    assert artist.names == ("Georgia O'Keeffe", "O'Keeffe Georgia")


def test_an_artist_without_a_name_is_called_by_the_slug() -> None:
    artist = parse_artist('{"artistName": "\\uffff", "url": "katsushika-hokusai"}')
    assert artist.names == ("Katsushika Hokusai",)


def test_an_artist_without_a_slug_is_none() -> None:
    for url in ["null", '""', '".."', "5", '"/ru/pablo-pikasso"']:
        with pytest.raises(InvalidResponseError, match="describes no artist"):
            parse_artist(f'{{"artistName": "X", "url": {url}}}')


def test_the_page_for_what_is_not_there() -> None:
    for reader in READERS:
        with pytest.raises(NotFoundError, match="no such page"):
            READERS[reader](NOT_FOUND)


def test_search() -> None:
    artists = [
        {"title": "Pablo Picasso", "artistUrl": "/en/pablo-picasso"}
        | {"totalWorksTitle": "1,170 artworks"},
        {"title": "O&#39;K", "artistUrl": "/en/o-k", "totalWorksTitle": "1 artwork"},
        {"title": None, "artistUrl": "/en/j-rg-x", "totalWorksTitle": "some"},
        {"title": "No address"},
        None,
    ]
    assert parse_search(json.dumps({"Artists": artists})) == [
        Artist("pablo-picasso", ("Pablo Picasso",), 1170),
        Artist("o-k", ("O'K",), 1),
        Artist("j-rg-x", ("J Rg X",), None),
    ]


def test_search_falls_back_on_markup() -> None:
    markup = (
        '<li><a href="/en/georgia-o-keeffe" title="Georgia O&amp;#39;Keeffe"></a></li>'
        '<li><a href="/en/joan-miro">Joan Miró</a><a href="/en/joan-miro/x">…</a></li>'
        '<li><a href="http://example.org/x">X</a></li>'
    )
    found = parse_search(json.dumps({"Artists": None, "ArtistsHtml": markup}))
    names = [(one.slug, one.name) for one in found]
    assert names == [
        ("georgia-o-keeffe", "Georgia O'Keeffe"),
        ("joan-miro", "Joan Miró"),
    ]


def test_a_search_may_find_nobody() -> None:
    for markup in [None, "", "plain", 5, []]:
        assert parse_search(json.dumps({"Artists": None, "ArtistsHtml": markup})) == []


@pytest.mark.shared
def test_search_of_the_samples(shared: Path) -> None:
    found = parse_search(sample(shared, "xhr_search_picasso_json3_artists.json"))
    assert [(one.slug, one.works) for one in found] == [
        ("pablo-picasso", 1170),
        ("paloma-picasso", 1),
    ]
    values = json.loads(sample(shared, "xhr_alphabet_json3_page1.json"))
    told = parse_search(json.dumps(values))
    shown = parse_search(json.dumps(values | {"Artists": None}))
    assert [one.names for one in shown] == [one.names for one in told]
    assert len(shown) == 8


@pytest.mark.shared
def test_artists_of_the_samples(shared: Path) -> None:
    picasso = parse_artist(sample(shared, "xhr_artist_picasso.json"))
    assert (picasso.slug, picasso.name) == ("pablo-picasso", "Pablo Picasso")
    assert picasso.names == ("Pablo Picasso", "Picasso Pablo", "Pablo Ruiz Picasso")
    cole = parse_artist(sample(shared, "xhr_artist_thomas_cole.json"))
    assert cole.names == ("Thomas Cole", "Cole Thomas")


@pytest.mark.shared
def test_the_alphabet_of_the_samples(shared: Path) -> None:
    listed = parse_all_artists(sample(shared, "app_artist_alphabet.json"))
    artists = {one.slug: one for one in listed}
    assert artists["georgia-o-keeffe"].names == ("Georgia O'Keeffe", "O'Keeffe Georgia")
    assert artists["ivan-aivazovsky"].names[1] == "Aivazovsky Ivan"
    assert artists["jacques-h-rold"].name == "Jacques Hérold"
    assert artists["katsushika-hokusai"].name == "Katsushika Hokusai"
    assert artists["katsushika-hokusai"].names == ("Katsushika Hokusai",)
    letter = parse_letter_page(sample(shared, "html_alphabet_p_text_list.html"))
    works = {one.slug: one.works for one in letter}
    assert (works["pablo-picasso"], works["paloma-picasso"]) == (1170, 1)
    assert (works["yves-klein"], works["3d"]) == (0, 12)


def test_a_letter_of_the_alphabet() -> None:
    text = (
        '<a href="/en/">Home</a><div class="masonry-text-view-all"><ul>'
        '<li><a href="/en/georgia-o-keeffe">Georgia O&#39;Keeffe</a>'
        "<span>, 1887 - 1986</span><span>, 1,174 artworks</span></li>"
        "<li>no link</li></ul></div>"
    )
    assert parse_letter_page(text) == [
        Artist("georgia-o-keeffe", ("Georgia O'Keeffe",), 1174)
    ]


def test_what_is_no_alphabet() -> None:
    for text in ["{}", '"x"', JUST_A_MOMENT, ""]:
        for read in (parse_all_artists, parse_letter_page):
            with pytest.raises(InvalidResponseError):
                read(text)


# The text list


def listed_row(page: str | None, title: str, year: str | None) -> ListedWork:
    return ListedWork(page_slug(page or ""), title, year, page=page)


def text_list(
    *rows: str, title: str = "Pablo Picasso - 1,170 artworks - painting"
) -> str:
    items = "".join(f'<li class="painting-list-text-row">{row}</li>' for row in rows)
    return (
        f"<html><title>{title}</title><nav><a href='/en/pablo-picasso/x'>x</a></nav>"
        f'<ul class="painting-list-text">{items}</ul>'
        '<ul><li><a href="/en/pablo-picasso/y">y</a></li></ul></html>'
    )


def test_rows_of_the_text_list() -> None:
    for row, read in [
        (
            '<a href="/en/pablo-picasso/guernica-1937">Guernica</a><span>, 1937</span>',
            listed_row("/en/pablo-picasso/guernica-1937", "Guernica", "1937"),
        ),
        (
            '<a href="//www.wikiart.org/en/pablo-picasso/x">X</a><span>, ?</span>',
            listed_row("/en/pablo-picasso/x", "X", None),
        ),
        (
            '<a href="/en/pablo-picasso/caf%C3%A9">Caf&eacute;, &amp;lt;a</a>',
            listed_row("/en/pablo-picasso/caf%C3%A9", "Café, &lt;a", None),
        ),
        (
            '<a href="/en/pablo-picasso/mule-1"> </a><span>, c.1908</span>',
            listed_row("/en/pablo-picasso/mule-1", "Mule 1", "c.1908"),
        ),
        (
            "<span>Withheld, with a comma</span><span>, 1968</span>",
            listed_row(None, "Withheld, with a comma", "1968"),
        ),
        ("Withheld, 1968", listed_row(None, "Withheld", "1968")),
        ("Withheld, alas", listed_row(None, "Withheld, alas", None)),
        ("Withheld<span>, 1968</span>", listed_row(None, "Withheld", "1968")),
        ("<a>Withheld</a><span>, 1968</span>", listed_row(None, "Withheld", "1968")),
        ("", listed_row(None, "Untitled", None)),
    ]:
        assert parse_text_list(text_list(row), SLUG).works == (read,)


def test_rows_that_lead_elsewhere_are_dropped() -> None:
    for href in [
        "http://pablo.tumblr.com/post/123",
        "/en/georges-braque/houses-at-estaque-1908",
        "/en/pablo-picasso/all-works",
        "/en/pablo-picasso/all-works/text-list",
        "/en/pablo-picasso",
        "/ru/pablo-picasso/x",
        "#",
        "",
    ]:
        text = text_list(f'<a href="{href}">X</a><span>, 1937</span>')
        assert parse_text_list(text, SLUG).works == ()


def test_the_title_of_the_text_list_counts() -> None:
    for title, count in [
        ("Andrea Mantegna - 145 artworks - painting", 145),
        ("X, 1881 - 1973, 1 artwork", 1),
        ("Agent 007 170 artworks", 170),
        ("All works", None),
        ("", None),
        (f"{'9' * 50} artworks", None),
    ]:
        assert parse_text_list(text_list(title=title), SLUG).count == count


@pytest.mark.shared
def test_the_text_list_of_the_samples(shared: Path) -> None:
    text = sample(shared, "html_all_works_text_list_picasso.html")
    found = parse_text_list(text, SLUG)
    assert (found.count, len(found.works)) == (1170, 1168)
    assert found.works[0] == listed_row(
        "/en/pablo-picasso/bust-of-young-man", "Bust of Young Man", None
    )
    assert [row.title for row in found.works if not row.page] == [
        "Restricted Work, with a comma"
    ]
    catalogue = json.loads(sample(shared, "catalogue_picasso_1166.json"))
    listed = {one["paintingUrl"] for one in catalogue}
    pages = {row.page for row in found.works}
    assert pages - listed == {None, "/en/pablo-picasso/two%2Fwomen-1908"}
    assert listed <= pages


# A work's own page


def painting(
    *,
    json_: Any = "",
    sizes: Any = "",
    head: str = "",
    article: str = "<h3>Picador</h3>",
    rest: str = "",
) -> str:
    inits = [
        f'<div ng-init="{escape(f"{name} = {text}", quote=True)};"></div>'
        for name, value in (("paintingJson", json_), ("thumbnailSizesModel", sizes))
        if (text := value if isinstance(value, str) else json.dumps(value))
    ]
    return (
        f"<html><head>{head}</head><body><h1>WikiArt</h1>"
        f'<main data-painting-id="57727265edc2cb3880c521ab">{"".join(inits)}'
        f"<article>{article}</article>{rest}</main></body></html>"
    )


def sizes(*thumbnails: Any) -> dict[str, Any]:
    return {"ImageThumbnailsModel": [{"Thumbnails": list(thumbnails)}]}


def thumbnail(name: str, url: str, width: int = 810, height: int = 1280) -> Any:
    return {"Name": name, "Url": url, "Width": width, "Height": height, "SizeKB": 1}


def og(url: str) -> str:
    return f'<meta property="og:image" content="{url}">'


@pytest.mark.shared
def test_pages_of_the_samples(shared: Path) -> None:
    whole = parse_work_page(sample(shared, "html_painting_detail.html"))
    assert whole == WorkPage(
        year="1900",
        image=ListedImage(
            "https://uploads6.wikiart.org/images/pablo-picasso/picador-1900.jpg",
            810,
            1280,
        ),
        style="Expressionism",
        genre="genre painting",
        media="oil, panel",
        dimensions="13.5 x 21 cm",
        rights="Public domain",
    )
    damaged = parse_work_page(sample(shared, "html_painting_malformed_nginit.html"))
    assert damaged.rights is None
    assert (damaged.image, damaged.media) == (whole.image, whole.media)


@pytest.mark.shared
def test_withheld_works_of_the_samples(shared: Path) -> None:
    held = parse_work_page(sample(shared, "html_painting_restricted_frame.html"))
    assert (held.year, held.image) == ("1968", None)
    assert held.restricted == WITHHELD
    assert held.rights == "Copyright protected (fair use)"
    name = "html_painting_restricted_frame_but_json_real.html"
    shown = parse_work_page(sample(shared, name))
    assert shown.image is not None
    assert shown.image.url.endswith("/w1siziisijm4njq3mcjd.jpg")
    assert shown.restricted is None
    assert shown.image.size == (None, None)  # 600×480 is the placeholder's size


def test_the_picture_is_the_first_on_offer_that_is_no_placeholder() -> None:
    in_json = {"_id": "x", "image": f"{UPLOADS}/json.jpg", "width": 1, "height": 2}
    in_sizes = sizes(
        thumbnail("Original", f"{UPLOADS}/sizes.jpg", 3, 4),
        thumbnail("Large", f"{UPLOADS}/sizes.jpg!Large.jpg"),
    )
    in_head = og(f"{UPLOADS}/head.jpg!Large.jpg")
    held = {"image": FRAME, "width": 600, "height": 480}

    def read(**parts: Any) -> ListedImage | None:
        page = parse_work_page(painting(**parts))
        assert (page.image is None) == (page.restricted == WITHHELD)
        return page.image

    from_json = ListedImage(f"{UPLOADS}/json.jpg", 1, 2)
    from_sizes = ListedImage(f"{UPLOADS}/sizes.jpg", 3, 4)
    from_head = ListedImage(f"{UPLOADS}/head.jpg")
    assert read(json_=in_json, sizes=in_sizes, head=in_head) == from_json
    assert read(json_=held, sizes=in_sizes, head=in_head) == from_sizes
    assert read(sizes=in_sizes, head=in_head) == from_sizes
    assert read(json_=held, sizes=sizes(5, None), head=in_head) == from_head
    assert read(head=in_head) == from_head
    assert read(json_=held, head=og(FRAME)) is None


def test_a_page_may_show_no_picture_at_all() -> None:
    assert parse_work_page(painting()) == WorkPage()


def test_the_year_that_the_json_says_comes_first() -> None:
    article = "<ul><li><s>Date:</s> <span>1900</span></li></ul>"
    for told, year in (("c.1900", "c.1900"), ("?", "1900"), (None, "1900")):
        found = parse_work_page(painting(json_={"year": told}, article=article))
        assert found.year == year


def test_labels() -> None:
    article = (
        "<h3>X</h3><ul><li class='dictionary-values '><s>Style:</s> <a>Cubism</a>, "
        "<a>Art Brut</a>,<a> Cubism </a></li><li><s>Date:</s> ?</li>"
        "<li><s> Media : </s>oil &amp; canvas</li><li><s>Genre:</s> </li>"
        "<li><s class='title'>Dimensions:</s>\n 92.1 x 73 cm</li></ul>"
    )
    promotion = (
        '<article class="movie-promo"><ul><li><s>Genre:</s> Advertisement</li></ul>'
        "</article>"
    )
    found = parse_work_page(painting(article=article, rest=promotion))
    assert (found.style, found.media) == ("Cubism, Art Brut", "oil & canvas")
    assert (found.genre, found.year) == (None, None)
    assert found.dimensions == "92.1 x 73 cm"


def test_labels_without_an_article_of_their_own() -> None:
    text = (
        '<main><div itemprop="creator">A</div><h1>X</h1>'
        '<article class="promo"><h3>Ad</h3><ul><li><s>Style:</s> Ad</li></ul></article>'
        "<ul><li><s>Style:</s> Cubism</li></ul></main>"
    )
    assert parse_work_page(text).style == "Cubism"


def test_a_page_whose_json_is_damaged() -> None:
    for damaged in ['{"_id": "x", "title', "[1]", "null", "{" * 5000]:
        text = painting(
            json_=damaged, sizes=damaged, head=og(f"{UPLOADS}/x.jpg!Large.jpg")
        )
        assert parse_work_page(text).image == ListedImage(f"{UPLOADS}/x.jpg")


def test_what_is_no_works_page() -> None:
    for text in [
        JUST_A_MOMENT,
        "",
        "{}",
        "<html><title>Home</title>" + og(f"{UPLOADS}/x.jpg"),
    ]:
        with pytest.raises(InvalidResponseError, match="in place of a work's page"):
            parse_work_page(text)


# The samples' awkward records: what is made of each, by the reason it is there for

AWKWARD: dict[str, dict[str, Any]] = {
    "HTML entities in title (real pattern)": {
        "title": 'Les Demoiselles d\'Avignon & "study"'
    },
    "year empty string": {"year": None},
    "year null (not observed; be lenient)": {"year": None},
    "year with question mark (observed form)": {"year": "?1503"},
    "year circa": {"year": "c.1900"},
    "year range (observed 2018)": {"year": "1920-1930"},
    "year is a century (observed 2018)": {"year": "XIX-XX cent."},
    "year B.C./odd text (hypothetical)": {"year": "1945 - 1946, signed 1971"},
    "slash in title -> path separator when used as filename": {
        "title": "Still Life / Nature morte 1/2"
    },
    "title only dots / reserved names": {"title": ".."},
    "Windows-reserved title": {"title": "CON"},
    "title empty": {"title": "Awkward 12"},
    "title null": {"title": "Awkward 13"},
    "title with newline, tab, NBSP and zero-width space": {
        "title": "Two lines and space"
    },
    "Cyrillic title": {"title": "Девочка на шаре"},
    "CJK and emoji title": {"title": "泣く女 🎨"},
    "RTL title": {"title": "غيرنيكا"},
    "decomposed accents (NFD): same title as next after NFC": {
        "title": "Café à Royan",
        "page": "/en/pablo-picasso/caf%C3%A9-in-royan-1940",
    },
    "composed accents (NFC)": {
        "title": "Café à Royan",
        "image_url": "https://uploads8.wikiart.org/images/pablo-picasso/"
        "caf%C3%A9-in-royan-1940(1).jpg",
    },
    "duplicate title, slug -1 (observed)": {"title": "Self-Portrait"},
    "duplicate title, slug -1": {"page": "/en/pablo-picasso/self-portrait-1901-1"},
    "slugs differing only by case -> collide on case-insensitive disks"
    " (hypothetical)": {"page": "/en/pablo-picasso/Self-Portrait-1901"},
    "same id as row 20 again (duplicate record)": {"id": "5772ffff0000000000000014"},
    "two works share one image URL": {"id": "5772ffff0000000000000018"},
    "image null": {"image_url": None, "restricted": None},
    "image empty string": {"image_url": None, "restricted": None},
    "copyright placeholder": {"image_url": None, "width": None, "restricted": WITHHELD},
    "numbered directory": {
        "image_url": "https://uploads6.wikiart.org/00475/images/pablo-picasso/"
        "w1siziisijm4njq3mcjd.jpg"
    },
    "temp GUID image": {
        "image_url": "https://uploads8.wikiart.org/temp/"
        "19f6a140-59d2-4959-8d11-fd4ca582b7f2.jpg"
    },
    "png": {
        "image_url": "https://uploads3.wikiart.org/images/pablo-picasso/minotaur-sketch.png"
    },
    "upper-case extension (observed)": {
        "image_url": "https://uploads8.wikiart.org/00158/images/pablo-picasso/"
        "35-52-1954.JPG"
    },
    ".jpeg (observed)": {
        "image_url": "https://uploads7.wikiart.org/00124/images/pablo-picasso/"
        "summer-1965.jpeg"
    },
    "image already carries !Large.jpg": {
        "image_url": "https://uploads4.wikiart.org/images/pablo-picasso/guernica-1937.jpg"
    },
    "raw ì and space in path: must percent-encode": {
        "image_url": "https://uploads0.wikiart.org/images/pablo-picasso/"
        "pablo-picasso-and-sebast%C3%ACa%20junyer-vidal-1901.jpg"
    },
    "directory differs from artist slug (observed for alma-tadema)": {
        "image_url": "https://uploads1.wikiart.org/images/picasso-pablo/old-guitarist.jpg"
    },
    "double slash (observed for avatars)": {
        "image_url": "https://uploads3.wikiart.org/00273/images//avatar5.jpg"
    },
    "http:// scheme + old host": {
        "image_url": "https://uploads5.wikiart.org/images/pablo-picasso/a-blue-house.jpg"
    },
    "protocol-relative": {
        "image_url": "https://uploads5.wikiart.org/images/pablo-picasso/a-blue-house-2.jpg"
    },
    "file name is a mangled URL (observed)": {
        "image_url": "https://uploads6.wikiart.org/images/pablo-picasso/"
        "http-en-wikipedia-org-wiki-file-picasso-jpg-1937.jpg"
    },
    "alternate scans in images[]": {
        "alternates": (
            ListedImage(
                "https://uploads2.wikiart.org/images/pablo-picasso/guernica-1937-2.jpg",
                1600,
                712,
            ),
            ListedImage(
                "https://uploads5.wikiart.org/images/pablo-picasso/"
                "guernica-1937-detail.jpg",
                900,
                1200,
            ),
        )
    },
    "width/height 0": {"width": None, "height": None},
    "huge original (250 MP exists)": {"width": 25528, "height": 9800},
    "external paintingUrl (seen as link in text lists)": {"page": None},
    "paintingUrl null": {"page": None},
    "paintingUrl in another language": {"page": None},
    "title > 255 bytes": {"id": "5772ffff000000000000002f"},
    "slug > 200 chars (longest observed: 87)": {"id": "5772ffff0000000000000030"},
    "slug with %2F after encoding": {"page": "/en/pablo-picasso/two%2Fwomen-1908"},
    "slug double-encoded": {"page": "/en/pablo-picasso/caf%25C3%25A9-1903"},
    "artistName is U+FFFF (9.7% of App records in 2026)": {"artist": None},
    "id is an int": {"id": "224238"},
    "missing keys: see row has no map/albums/flags": {"alternates": ()},
}
BY_ANOTHER = "work by another artist inside the list"


@pytest.mark.shared
def test_the_awkward_records_of_the_samples(shared: Path) -> None:
    values = json.loads(sample(shared, "xhr_awkward_records.json"))
    reasons = [one["_why"] for one in values["Paintings"]]
    assert sorted(reasons) == sorted([*AWKWARD, BY_ANOTHER])
    page = parse_work_list(json.dumps(values), SLUG)
    assert (page.count, page.foreign_ids) == (
        53,
        frozenset({"5772ffff000000000000002e"}),
    )
    reasons.remove(BY_ANOTHER)
    for why, one in zip(reasons, page.works, strict=True):
        for name, value in AWKWARD[why].items():
            assert getattr(one, name) == value, why


@pytest.mark.shared
def test_lists_of_the_samples(shared: Path) -> None:
    sizes = {}
    for name in ("page1", "page2", "page20_last_partial", "page2_overlaps_page1"):
        page = parse_work_list(
            sample(shared, f"xhr_all_paintings_picasso_{name}.json"), SLUG
        )
        assert page.count == 1166
        assert page.foreign_ids == frozenset()
        assert all(one.image_url and one.page and one.width for one in page.works)
        sizes[name] = len(page.works)
    assert sizes["page1"] == sizes["page2"] == sizes["page2_overlaps_page1"] == 60
    assert sizes["page20_last_partial"] == 26
    for end in ("null", "empty"):
        text = sample(shared, f"xhr_past_end_paintings_{end}.json")
        assert parse_work_list(text, SLUG).works == ()
    assert (
        parse_work_list(sample(shared, "xhr_zero_works_artist.json"), SLUG).count == 0
    )


# Hostile answers

HOSTILE = [
    "<",
    "\0",
    "<?xml version='1.0'?><a/>",
    "x<?xml version='1.0'?><a>",
    "[" * 200_000,
    '{"Paintings":' + "[" * 100_000,
    '{"artistName": ' + "9" * 5000 + "}",
    "<div>" * 20_000,
    '<ul class="painting-list-text">' + "<li>" * 500,
    "&#" + "9" * 5000 + ";<p>",
    "<p title='&#" + "9" * 5000 + ";'>",
    "<![foo",
    "<!--",
    "<!DOCTYPE [",
    "\ud800<a>",
    '<main data-painting-id="1" ng-init="paintingJson = ' + "{&quot;a&quot;:" * 20_000,
    '{"Paintings": [{"id": 1e999, "image": "http://[", "width": NaN}, [], {}]}',
    '{"Artists": [{"artistUrl": []}, {"artistUrl": {}}, 1]}',
    '[{"url": 5}, {"url": ["x"]}, [], null]',
    '{"Paintings": [{"id": "\\ud800", "paintingUrl": "/en/a/\\ud800"}]}',
]


def refusal(read: Callable[[str], object], text: str) -> str:
    try:
        read(text)
    except (InvalidResponseError, NotFoundError) as error:
        return str(error)
    return ""


@pytest.mark.parametrize("reader", READERS)
def test_nothing_else_escapes_than_what_is_announced(reader: str) -> None:
    for text in HOSTILE:
        message = refusal(READERS[reader], text)
        assert "\n" not in message
        assert len(message) < 200


# What quadratic algorithms take minutes for, by what is repeated

REPEATED = [
    *(
        "<b>",
        "<br></p>",
        "<li><s>",
        "<li>",
        "<p>a",
        "<span>, 1</span>",
        "&a",
        "&#",
        "&#x",
    ),
    *(
        "<!--",
        "<!-- >",
        "<!x",
        "<?x >",
        "<?xml",
        "<![cdata[",
        "<![if >",
        "<",
        "</",
        "<a ",
    ),
    *("<a x='", "<a b='><a ' ", "<script></", "<title", "class='", "<x class='promo'>"),
    *(
        "a",
        "1",
        "111,",
        "111,111 artwork",
        ", 1",
        "-",
        ".jpg!a",
        "!a.jpg",
        "/",
        "%",
        "?",
    ),
    *(
        "\u0301\u0316",
        "\ufdfa",
        "\x1b",
        " ",
        "paintingJson = ",
        "{",
        "[",
        '"',
        "\\",
        "x ",
    ),
    "<li><s>a</s>" * 20 + "</li>" * 20,
    "<div class=masonry-text-view-all><li>" * 20 + "</li></div>" * 20,
]
WRAPPED = {
    "letter": ('<div class="masonry-text-view-all"><li><a href="/en/{}">{}</a></div>',),
    "text list": (
        '<ul class="painting-list-text"><li>{}</li></ul></html>',
        '<title>{}</title><ul class="painting-list-text"><li><a href="{}"></ul></html>',
    ),
    "painting": (
        "{}",
        "<main data-painting-id=1><article><li><s>{}</s></li></article></main>",
        "<main ng-init='{}'><meta property='og:image' content='{}'></main>",
    ),
    "list": ('{"Paintings": [{}], "AllPaintingsCount": 1}',),
    "artist": ('{"artistName": "{}", "url": "{}"}',),
    "search": (
        '{"Artists": [{"artistUrl": "{}", "title": "{}", "totalWorksTitle": "{}"}]}',
        '{"Artists": null, "ArtistsHtml": "{}"}',
    ),
    "alphabet": ('[{"url": "{}", "artistName": "{}"}]',),
}


def make_hostile_texts(reader: str, repeated: str, length: int) -> Iterator[str]:
    text = repeated * (length // len(repeated) + 1)
    for wrapped in WRAPPED[reader]:
        if reader == "list":
            keys = ("title", "year", "id", "image", "paintingUrl", "artistUrl")
            for start in ("", "https://uploads1.wikiart.org/", "/en/x/"):
                one = work(images=[{"image": start + text}])
                yield listed(one | dict.fromkeys(keys, start + text))
        elif reader in ("letter", "text list", "painting"):
            yield wrapped.replace("{}", text)
        else:
            yield wrapped.replace("{}", json.dumps(text)[1:-1])


def check_time(reader: str, repeated: str, length: int) -> None:
    for text in make_hostile_texts(reader, repeated, length):
        start = time.monotonic()
        refusal(READERS[reader], text)
        assert time.monotonic() - start < 5, text[:100]


@pytest.mark.parametrize("reader", READERS)
def test_hostile_texts_take_no_long_time(reader: str) -> None:
    for repeated in REPEATED:
        check_time(reader, repeated, 40_000)


@pytest.mark.parametrize(
    ("reader", "repeated"),
    [
        ("text list", "a"),
        ("text list", "111,"),
        ("painting", "<li><s>"),
        ("painting", "<a b='><a ' "),
        ("painting", "<!-- >"),
        ("letter", "<br></p>"),
        ("list", "a"),
        ("list", ".jpg!a"),
        ("list", "!a.jpg"),
    ],
)
def test_long_hostile_texts_take_no_long_time(reader: str, repeated: str) -> None:
    check_time(reader, repeated, 200_000)


def test_long_lists_are_refused() -> None:
    many = [{}] * (MAX_ENTRIES + 1)
    for values in ({"Paintings": many}, {"Artists": many}, many):
        text = json.dumps(values)
        messages = [refusal(reader, text) for reader in READERS.values()]
        assert any("50,001 entries" in message for message in messages)


def strange(value: Any, source: random.Random) -> Any:
    """``value`` with parts of it gone or of other types."""
    if source.random() < 0.1:
        odd = [
            None,
            True,
            -1,
            1e400,
            [],
            {},
            "",
            "x",
            ["a"],
            {"a": 1},
            "//",
            "http://[",
        ]
        return source.choice(odd)
    if isinstance(value, dict):
        kept = {key: one for key, one in value.items() if source.random() > 0.05}
        return {key: strange(one, source) for key, one in kept.items()}
    if isinstance(value, list):
        return [strange(one, source) for one in value]
    return value


def test_wrong_types_are_no_harm() -> None:
    source = random.Random(0)
    scan = {"image": f"{UPLOADS}/y.jpg", "width": 1, "height": 2}
    model = sizes(thumbnail("Original", f"{UPLOADS}/x.jpg"), thumbnail("HD", "x"))
    artist = {"artistUrl": "/en/x", "title": "X", "totalWorksTitle": "1 artwork"}
    whole = {
        "Paintings": [work(images=[scan]), work(id="b")],
        "AllPaintingsCount": 5,
        "Artists": [artist],
        "artistName": "X",
        "url": "x",
    }
    for _ in range(300):
        values = strange(whole, source)
        page = painting(
            json_=strange(work(images=[scan]), source), sizes=strange(model, source)
        )
        for text in (json.dumps(values), json.dumps([values]), page):
            for read in READERS.values():
                assert "\n" not in refusal(read, text)
