"""Finding artists and listing works, against a table of responses."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import unquote

import pytest

from artist_nst.errors import ArtistNstError, UsageError
from artist_nst.wikiart.api import (
    UNLINKED,
    ArtistMatch,
    Listing,
    find_artist,
    get_work_page,
    list_works,
)
from artist_nst.wikiart.client import (
    InvalidResponseError,
    NotFoundError,
    RefusedError,
    UnavailableError,
)
from artist_nst.wikiart.parsing import Artist, ListedWork

T = TypeVar("T")

ALPHABET = "/en/App/Artist/AlphabetJson?v=new&inPublicDomain=false"
UNAVAILABLE = UnavailableError("the site is in trouble (503)")
PICASSO = Artist("pablo-picasso", ("Pablo Picasso", "Picasso Pablo"))
TEXT_LIST = "/en/pablo-picasso/all-works/text-list"


class FakeClient:
    """A client with these responses; any other page is not found."""

    def __init__(self, answers: Mapping[str, str | Exception]) -> None:
        self.answers = answers
        self.asked: list[str] = []
        self.referers: dict[str, str] = {}
        self.as_json: dict[str, bool] = {}

    def get(
        self,
        path: str,
        parse: Callable[[str], T],
        *,
        json: bool = True,
        referer: str = "/en/",
    ) -> T:
        assert path.isascii()
        assert " " not in path
        self.asked.append(path)
        self.referers[path] = referer
        self.as_json[path] = json
        answer = self.answers.get(path, NotFoundError("WikiArt has no such page"))
        if isinstance(answer, Exception):
            raise answer
        try:
            return parse(answer)
        except InvalidResponseError as error:
            raise UnavailableError(str(error)) from error


def artist(slug: str, name: str, *more: str) -> dict[str, str | Exception]:
    """The answer that tells of an artist."""
    values = {"artistName": name, "url": slug}
    values |= dict(zip(("lastNameFirst", "OriginalArtistName"), more, strict=False))
    return {f"/en/{slug}?json=2": json.dumps(values)}


def search(
    term: str, *found: tuple[str, str, int | None]
) -> dict[str, str | Exception]:
    artists = [
        {"artistUrl": f"/en/{slug}", "title": name}
        | ({} if works is None else {"totalWorksTitle": f"{works:,} artworks"})
        for slug, name, works in found
    ]
    answer = json.dumps({"Artists": artists, "ArtistsHtml": None})
    return {f"/en/Search/{term}?json=3": answer}


def alphabet(*all_: tuple[str, str]) -> dict[str, str | Exception]:
    listed = [{"url": slug, "artistName": name} for slug, name in all_]
    return {ALPHABET: json.dumps(listed)}


def letter(letter: str, *all_: tuple[str, str, int]) -> dict[str, str | Exception]:
    rows = "".join(
        f'<li><a href="/en/{slug}">{name}</a><span>, {works} artworks</span></li>'
        for slug, name, works in all_
    )
    text = f'<div class="masonry-text-view-all"><ul>{rows}</ul></div>'
    return {f"/en/Alphabet/{letter}/text-list": text}


def page_path(number: int, slug: str = "pablo-picasso") -> str:
    query = f"json=2&layout=new&page={number}&resultType=masonry"
    return f"/en/{slug}/mode/all-paintings?{query}"


def work(number: int, **more: Any) -> dict[str, Any]:
    return {
        "id": f"{number:024x}",
        "title": f"Work {number}",
        "year": "1901",
        "image": f"https://uploads1.wikiart.org/images/pablo-picasso/{number}.jpg",
        "paintingUrl": f"/en/pablo-picasso/work-{number}",
        "artistUrl": "/en/pablo-picasso",
    } | more


def page(works: list[dict[str, Any]] | None, count: int | None = None) -> str:
    return json.dumps({"Paintings": works, "AllPaintingsCount": count})


def pages(count: int, told: int | None = -1) -> dict[str, str | Exception]:
    """The list of ``count`` works, 60 a page, which ends in an empty page."""
    works = [work(number) for number in range(count)]
    told = count if told == -1 else told
    starts = range(0, count + 60, 60)
    return {
        page_path(number): page(works[start : start + 60], told)
        for number, start in enumerate(starts, 1)
    }


def text_list(*rows: str, count: int | None = None) -> dict[str, str | Exception]:
    items = "".join(f"<li>{row}</li>" for row in rows)
    title = "" if count is None else f"<title>Pablo Picasso - {count} artworks</title>"
    return {TEXT_LIST: f'{title}<ul class="painting-list-text">{items}</ul></html>'}


def row(number: int) -> str:
    href = f"/en/pablo-picasso/work-{number}"
    return f'<a href="{href}">Work {number}</a><span>, 1901</span>'


def withheld(title: str, year: str = "") -> str:
    return f"<span>{title}</span>" + (f"<span>, {year}</span>" if year else "")


def message(caught: pytest.ExceptionInfo[BaseException]) -> str:
    text = str(caught.value)
    assert text
    assert "\n" not in text
    return text


# Who is meant


def test_names_slugs_and_addresses_take_one_request() -> None:
    for name in (
        "Pablo Picasso",
        "pablo picasso",
        "PABLO  PICASSO ",
        "pablo-picasso",
        "https://www.wikiart.org/en/pablo-picasso",
        "http://wikiart.org/en/pablo-picasso/",
        "www.wikiart.org/en/pablo-picasso/all-works/text-list",
        "https://www.wikiart.org/en/pablo-picasso/guernica-1937?a=b#c",
        "https://www.wikiart.org/en/pablo-picasso#x",
    ):
        site = FakeClient(artist("pablo-picasso", "Pablo Picasso", "Picasso Pablo"))
        assert find_artist(site, name) == ArtistMatch(PICASSO), name
        assert site.asked == ["/en/pablo-picasso?json=2"], name


def test_spellings_of_names() -> None:
    for name, slug, full in (
        ("georgia o'keeffe", "georgia-o-keeffe", "Georgia O&#39;Keeffe"),
        ("Georgia O’Keeffe", "georgia-o-keeffe", "Georgia O&#39;Keeffe"),
        ("Joan Miró", "joan-miro", "Joan Miró"),
        ("JOAN MIRO", "joan-miro", "Joan Miró"),
        ("Joan Miro\u0301", "joan-miro", "Joan Miró"),
        ("m.c. escher", "m-c-escher", "M.C. Escher"),
        ("Rembrandt", "rembrandt", "Rembrandt"),
        ("3D", "3d", "3D"),
        ("jacques-h-rold", "jacques-h-rold", "Jacques Hérold"),
    ):
        site = FakeClient(artist(slug, full))
        found = find_artist(site, name)
        assert (found.artist.slug, found.note) == (slug, None), name
        assert len(site.asked) == 1, name


def test_an_artist_may_have_another_name_than_the_slug() -> None:
    site = FakeClient(artist("william-turner", "J.M.W. Turner", "Turner J.M.W."))
    found = find_artist(site, "william turner")
    assert found.artist.slug == "william-turner"
    assert found.note == "william turner: J.M.W. Turner (william-turner)"
    assert len(site.asked) == 1


def test_the_sites_own_slug_counts() -> None:
    moved = artist("martiros-sarian", "Martiros Sarian")["/en/martiros-sarian?json=2"]
    site = FakeClient({"/en/martiros-saryan?json=2": moved})
    assert find_artist(site, "martiros-saryan").artist.slug == "martiros-sarian"


def test_part_of_a_name_finds_who_has_by_far_most_works() -> None:
    site = FakeClient(
        search(
            "picasso",
            ("paloma-picasso", "Paloma Picasso", 1),
            ("pablo-picasso", "Pablo Picasso", 1166),
        )
    )
    found = find_artist(site, "picasso")
    assert found.artist.slug == "pablo-picasso"
    assert found.note == (
        "picasso: taking Pablo Picasso (1,166 works) before Paloma Picasso (1)"
    )
    assert site.asked == ["/en/picasso?json=2", "/en/Search/picasso?json=3"]


def test_part_of_a_name_finds_the_only_one() -> None:
    found = find_artist(
        FakeClient(
            search(
                "o%27keeffe",
                ("georgia-o-keeffe", "Georgia O'Keeffe", 174),
                ("michael-keeffe", "Michael Keeffe", 9),
            )
        ),
        "o'keeffe",
    )
    assert found.artist.slug == "georgia-o-keeffe"
    assert found.note == "o'keeffe: Georgia O'Keeffe (georgia-o-keeffe)"


def test_a_full_name_comes_before_parts_of_names() -> None:
    hals = search(
        "Hals%2C%20Frans",
        ("frans-hals-the-younger", "Frans Hals the Younger", 500),
        ("frans-hals", "Frans Hals", 2),
    )
    found = find_artist(FakeClient(hals), "Hals, Frans")
    assert (found.artist.slug, found.note) == ("frans-hals", None)


def test_several_are_listed_where_nothing_tells_them_apart() -> None:
    answers = search(
        "brueghel",
        ("jan-brueghel", "Jan Brueghel", 40),
        ("pieter-brueghel", "Pieter Brueghel", 190),
    )
    with pytest.raises(UsageError) as caught:
        find_artist(FakeClient(answers), "brueghel")
    assert message(caught) == (
        "'brueghel' may be Pieter Brueghel (pieter-brueghel, 190 works), "
        "Jan Brueghel (jan-brueghel, 40 works); name one of them"
    )


def test_works_are_counted_where_the_search_does_not_tell() -> None:
    answers = search(
        "picasso",
        ("pablo-picasso", "Pablo Picasso", None),
        ("paloma-picasso", "Paloma Picasso", None),
        ("maya-picasso", "Maya Picasso", 0),
    )
    answers |= pages(1, 1166)
    answers[page_path(1, "paloma-picasso")] = page([], 1)
    found = find_artist(FakeClient(answers), "picasso")
    assert found.note == (
        "picasso: taking Pablo Picasso (1,166 works) before Paloma Picasso (1) "
        "and 1 more"
    )


def test_no_one_is_taken_while_a_count_is_unknown() -> None:
    answers = search(
        "picasso",
        ("pablo-picasso", "Pablo Picasso", 1166),
        ("paloma-picasso", "Paloma Picasso", None),
    )
    with pytest.raises(UsageError, match=r"Paloma Picasso \(paloma-picasso\); name"):
        find_artist(FakeClient(answers), "picasso")


def test_many_are_not_counted() -> None:
    johns = [(f"john-{letter}", f"John {letter}", None) for letter in "abcdefghijkl"]
    site = FakeClient(search("john", *johns))
    with pytest.raises(UsageError, match=r"John j \(john-j\) and 2 more; name one"):
        find_artist(site, "john")
    assert len(site.asked) == 2


def test_who_has_the_slug_must_be_confirmed() -> None:
    answers = artist("picasso", "Some Body")
    answers |= search("picasso", ("pablo-picasso", "Pablo Picasso", 1166))
    answers[page_path(1, "picasso")] = page([], 3)
    found = find_artist(FakeClient(answers), "picasso")
    assert (
        found.note == "picasso: taking Pablo Picasso (1,166 works) before Some Body (3)"
    )


@pytest.mark.parametrize(
    "searched",
    [
        {},
        search("h%C3%A9rold"),
        search("h%C3%A9rold", ("harold-x", "Harold X", 5)),
        {"/en/Search/h%C3%A9rold?json=3": UNAVAILABLE},
        {"/en/Search/h%C3%A9rold?json=3": "<html><title>Just a moment...</title>"},
    ],
)
def test_the_alphabet_is_asked_where_the_search_fails(searched: Any) -> None:
    answers = searched | alphabet(
        ("jacques-h-rold", "Jacques Hérold"), ("joan-miro", "Joan Miró")
    )
    found = find_artist(FakeClient(answers), "hérold")
    assert found.artist.slug == "jacques-h-rold"
    assert found.note == "hérold: Jacques Hérold (jacques-h-rold)"


def test_letters_are_asked_where_the_alphabet_fails_too() -> None:
    answers: dict[str, str | Exception] = {ALPHABET: UNAVAILABLE}
    answers |= letter("d", ("albrecht-durer", "Albrecht D&uuml;rer", 500))
    site = FakeClient(answers)
    assert find_artist(site, "Dürer, Albrecht").artist.slug == "albrecht-durer"
    assert site.asked[-2:] == ["/en/Alphabet/a/text-list", "/en/Alphabet/d/text-list"]


def test_letters_of_surnames_come_first() -> None:
    answers: dict[str, str | Exception] = {ALPHABET: UNAVAILABLE}
    answers |= letter("p", ("pablo-picasso", "Pablo Picasso", 1166))
    answers |= letter("r", ("ruiz-x", "Ruiz X", 3))
    site = FakeClient(answers)
    with pytest.raises(UsageError, match=r"nearest: Pablo Picasso \(pablo-picasso\)"):
        find_artist(site, "Pablo Ruiz Picasso")
    assert site.asked[-2:] == ["/en/Alphabet/p/text-list", "/en/Alphabet/r/text-list"]
    assert site.as_json[site.asked[-1]] is False


def test_initials_run_together() -> None:
    answers = alphabet(("william-turner", "J.M.W. Turner"), ("x-turner", "X. Turner"))
    assert (
        find_artist(FakeClient(answers), "JMW Turner").artist.slug == "william-turner"
    )


def test_part_of_a_name_with_a_hyphen_is_no_slug() -> None:
    name = "Henri de Toulouse-Lautrec"
    site = FakeClient(
        search("toulouse%20lautrec", ("henri-de-toulouse-lautrec", name, 422))
    )
    found = find_artist(site, "toulouse-lautrec")
    assert found.note == f"toulouse-lautrec: {name} (henri-de-toulouse-lautrec)"


def test_the_nearest_are_named() -> None:
    answers = alphabet(
        ("pablo-picasso", "Pablo Picasso"),
        ("joan-miro", "Joan Miró"),
        ("katsushika-hokusai", "\uffff"),
    )
    for name, nearest in (
        ("pablo picaso", "Pablo Picasso (pablo-picasso)"),
        ("picaso", "Pablo Picasso (pablo-picasso)"),
        ("Mirro", "Joan Miró (joan-miro)"),
        ("hokusia", "Katsushika Hokusai (katsushika-hokusai)"),
    ):
        with pytest.raises(UsageError) as caught:
            find_artist(FakeClient(answers), name)
        start = f"WikiArt has no artist {name!r}; nearest: "
        assert message(caught).startswith(start + nearest)


def test_nobody_is_near() -> None:
    answers = alphabet(("pablo-picasso", "Pablo Picasso"))
    with pytest.raises(UsageError) as caught:
        find_artist(FakeClient(answers), "xyzzy")
    assert message(caught) == (
        "WikiArt has no artist 'xyzzy'; "
        "give the full name, or the address of the artist's page"
    )


def test_names_in_other_letters_are_left_to_the_search() -> None:
    term = "%D0%9F%D0%B8%D0%BA%D0%B0%D1%81%D1%81%D0%BE"
    one = search(term, ("pablo-picasso", "Pablo Picasso", 1166))
    found = find_artist(FakeClient(one), "Пикассо")
    assert found.note == "Пикассо: Pablo Picasso (pablo-picasso)"
    two = search(term, ("pablo-picasso", "Pablo Picasso", 9), ("x", "X", 1))
    for answers in (two, two | alphabet(("x", "X"))):
        with pytest.raises(UsageError) as caught:
            find_artist(FakeClient(answers), "Пикассо")
        assert message(caught) == (
            "'Пикассо' may be Pablo Picasso (pablo-picasso, 9 works), X (x, 1 work); "
            "name one of them"
        )
    with pytest.raises(UsageError, match="in Latin letters"):
        find_artist(FakeClient(search(term)), "Пикассо")
    own = alphabet(("pablo-picasso", "Пабло Пикассо"), ("x", "X"))
    assert find_artist(FakeClient(own), "пикассо").artist.slug == "pablo-picasso"


def test_what_the_search_finds_is_named_where_nothing_is_near() -> None:
    answers = search("master", ("x-y", "X Y", 9), ("z-z", "Z Z", 1))
    with pytest.raises(UsageError, match=r"finds X Y \(x-y, 9 works\), Z Z \(z-z, 1"):
        find_artist(FakeClient(answers), "master")


def test_names_with_signs_that_steer_a_terminal() -> None:
    """They are shown in messages, which hold none of those signs."""
    evil = ("a%1b%5B31m", "a%E2%80%AEx", "%C2%9b2J-a", "a%0Ab", "a%7F")
    for names in (evil, [unquote(name) for name in evil]):
        found = [(slug, f"A {slug}", 5) for slug in names]
        for answers in (search("a", *found), alphabet(*(one[:2] for one in found))):
            with pytest.raises(UsageError) as caught:
                find_artist(FakeClient(answers), "a")
            assert message(caught).isprintable()


def test_names_and_addresses_that_are_refused() -> None:
    site = FakeClient({})
    for name in ("", " ", "?", "..", "-", "'", "x" * 300, "\udcff"):
        with pytest.raises(UsageError, match="not an artist's name"):
            find_artist(site, name)
    for name in (
        "https://example.org/en/pablo-picasso",
        "https://www.wikiart.org.evil.example/en/pablo-picasso",
        "https://www.wikiart.org/ru/pablo-pikasso",
        "https://www.wikiart.org/",
        "https://www.wikiart.org/en/",
        "wikiart.org/en/..",
    ):
        with pytest.raises(UsageError, match="not an a"):
            find_artist(site, name)
    assert site.asked == []


def test_odd_names_are_asked_for_safely() -> None:
    for name in ("a/../b", "a?json=1#x", "a%2e", "x\udcffy", "ab\0c", "../x", "a&b=c"):
        site = FakeClient({})
        with pytest.raises(UsageError, match="has no artist"):
            find_artist(site, name)
        assert all("/../" not in path for path in site.asked)


def test_a_site_in_trouble_is_not_one_that_knows_nobody() -> None:
    class Down(FakeClient):
        def get(self, path: str, *_: Any, **__: Any) -> Any:
            self.asked.append(path)
            raise UnavailableError(f"trouble at {len(self.asked)}")

    with pytest.raises(UnavailableError, match=r"trouble at 1$"):
        find_artist(Down({}), "Pablo Picasso")
    answers: dict[str, str | Exception] = {ALPHABET: UNAVAILABLE}
    answers |= search("xyz")
    with pytest.raises(UsageError, match=r"list of all artists can't be read \(the s"):
        find_artist(FakeClient(answers), "xyz")


def test_a_slug_whose_server_fails_is_searched_for() -> None:
    answers = search("picasso", ("pablo-picasso", "Pablo Picasso", 1166))
    answers["/en/picasso?json=2"] = UNAVAILABLE
    assert find_artist(FakeClient(answers), "picasso").artist.slug == "pablo-picasso"


def test_a_refusal_ends_the_search() -> None:
    site = FakeClient({"/en/picasso?json=2": RefusedError("refused")})
    with pytest.raises(RefusedError):
        find_artist(site, "picasso")
    assert len(site.asked) == 1


# Which works there are


def ids(listing: Listing) -> list[int]:
    """The numbers of the works that came of the list in pages, in its order."""
    return [int(work.id, 16) for work in listing.works if work.image_url]


def test_all_pages_are_read_once() -> None:
    told: list[tuple[int, int | None]] = []
    site = FakeClient(pages(126))
    listing = list_works(site, PICASSO, lambda *seen: told.append(seen))
    assert ids(listing) == list(range(126))
    assert (listing.count, listing.notes) == (126, ())
    assert site.asked == [page_path(1), page_path(2), page_path(3)]
    assert set(site.referers.values()) == {"/en/pablo-picasso/all-works"}
    assert told == [(60, 126), (120, 126), (126, 126)]


@pytest.mark.parametrize("count", [1, 60, 120])
def test_a_full_list_asks_for_no_page_beyond(count: int) -> None:
    site = FakeClient(pages(count))
    assert len(list_works(site, PICASSO).works) == count
    assert len(site.asked) == -(-count // 60)


def test_slugs_are_encoded() -> None:
    path = page_path(1, "%C3%BC")
    site = FakeClient({path: page([work(1, artistUrl="/en/%C3%BC")], 1)})
    assert len(list_works(site, Artist("ü", ("Ü",))).works) == 1
    assert site.referers[path] == "/en/%C3%BC/all-works"


@pytest.mark.parametrize("end", [page([]), page(None), page([work(1), work(0)])])
def test_a_list_without_a_count_ends_where_nothing_new_comes(end: str) -> None:
    site = FakeClient({page_path(1): page([work(0), work(1)]), page_path(2): end})
    listing = list_works(site, PICASSO)
    assert (ids(listing), listing.count, listing.notes) == ([0, 1], None, ())
    assert len(site.asked) == 2


def test_a_count_of_zero_beside_works_counts_nothing() -> None:
    site = FakeClient(pages(70, told=0))
    listing = list_works(site, PICASSO)
    assert (len(listing.works), listing.count) == (70, None)


def test_works_that_come_twice_are_one() -> None:
    first, second = list(range(60)), list(range(57, 117))
    site = FakeClient(
        {
            page_path(1): page([work(number) for number in first], 117),
            page_path(2): page([work(number) for number in second], 117),
        }
    )
    assert ids(list_works(site, PICASSO)) == list(range(117))


def test_works_of_others_are_counted_and_left_out() -> None:
    works = [work(0), work(1, artistUrl="/en/georges-braque"), work(2)]
    site = FakeClient({page_path(1): page(works, 3)})
    listing = list_works(site, PICASSO)
    assert (ids(listing), listing.notes) == ([0, 2], ())
    assert len(site.asked) == 1


def test_what_the_pages_lack_comes_of_the_text_list() -> None:
    answers = pages(3, told=6)
    answers |= text_list(
        *map(row, (0, 1, 2, 3)), '<a href="/en/pablo-picasso/caf%C3%A9">Café</a>'
    )
    site = FakeClient(answers)
    listing = list_works(site, PICASSO)
    assert listing.works[3:] == (
        ListedWork(
            "work-3", "Work 3", "1901", PICASSO.name, page="/en/pablo-picasso/work-3"
        ),
        ListedWork(
            "café", "Café", None, PICASSO.name, page="/en/pablo-picasso/caf%C3%A9"
        ),
    )
    assert listing.notes == (
        "2 works only in the site's plain list: one more request each",
        "the site counts 6 works and lists 5",
    )
    assert site.asked.count(TEXT_LIST) == 1
    assert site.as_json[TEXT_LIST] is False


def test_pages_match_however_they_are_encoded() -> None:
    own = work(1, paintingUrl="/en/pablo-picasso/cafe\u0301%201")
    answers: dict[str, str | Exception] = {page_path(1): page([own], 2)}
    answers |= text_list('<a href="/en/pablo-picasso/caf%c3%a9%201">Café</a>')
    assert len(list_works(FakeClient(answers), PICASSO).works) == 1


def test_rows_without_a_link_are_works_that_are_withheld() -> None:
    answers = pages(1, told=9)
    answers |= text_list(
        row(0),
        withheld("Mousquetaire à la pipe", "1968"),
        withheld("Untitled", "1968"),
        withheld("Untitled", "1968"),
        withheld("Untitled"),
        withheld("Untitled"),
        withheld("Мушкетёр", "c.1968"),
    )
    listing = list_works(FakeClient(answers), PICASSO)
    assert [one.id for one in listing.works[1:]] == [
        "unlinked-mousquetaire-a-la-pipe-1968",
        "unlinked-untitled-1968",
        "unlinked-untitled-1968-2",
        "unlinked-untitled-1",
        "unlinked-untitled-2",
        "unlinked-c-1968",
    ]
    assert {one.restricted for one in listing.works[1:]} == {UNLINKED}
    assert {one.page for one in listing.works[1:]} == {None}
    assert listing.notes == ("the site counts 9 works and lists 7",)


def test_a_withheld_work_is_not_listed_twice() -> None:
    frame = "https://uploads.wikiart.org/Content/images/FRAME-600x480.jpg"
    held = work(1, title="Musketeer", year="1968", image=frame)
    answers: dict[str, str | Exception] = {page_path(1): page([work(0), held], 4)}
    answers |= text_list(
        row(0), withheld("Musketeer", "1968"), withheld("Musketeer", "1968")
    )
    listing = list_works(FakeClient(answers), PICASSO)
    assert [one.id for one in listing.works[2:]] == ["unlinked-musketeer-1968"]


def test_a_list_that_falls_short_says_so() -> None:
    listing = list_works(FakeClient(pages(3, told=1166)), PICASSO)
    assert listing.notes == (
        "the text list of works can't be read (WikiArt has no such page)",
        "the site counts 1,166 works and lists 3",
    )


@pytest.mark.parametrize("end", [UNAVAILABLE, NotFoundError("no"), None])
def test_servers_may_fail_past_the_end(end: Exception | None) -> None:
    answers = pages(59, told=60)
    answers.pop(page_path(2), None)
    if end:
        answers[page_path(2)] = end
    answers |= text_list(*map(row, range(60)))
    listing = list_works(FakeClient(answers), PICASSO)
    assert len(listing.works) == 60
    assert listing.notes == (
        "1 work only in the site's plain list: one more request each",
    )


def test_an_end_without_a_count_may_be_a_page_that_is_not_there() -> None:
    answers: dict[str, str | Exception] = {page_path(1): page([work(0)])}
    listing = list_works(FakeClient(answers), PICASSO)
    assert (ids(listing), listing.notes) == ([0], ())


@pytest.mark.parametrize("failure", [UNAVAILABLE, "<html><title>Moment</title>"])
def test_a_page_in_the_middle_comes_of_the_text_list(failure: str | Exception) -> None:
    answers = pages(200)
    answers[page_path(2)] = failure
    answers |= text_list(*map(row, range(200)))
    site = FakeClient(answers)
    listing = list_works(site, PICASSO)
    assert ids(listing) == [*range(60), *range(120, 200)]
    assert [one.id for one in listing.works[140:]] == [
        f"work-{number}" for number in range(60, 120)
    ]
    failed, taken = listing.notes
    assert failed.startswith("page 2 of the list of works can't be read (")
    assert taken.startswith("60 works only in the site's plain list")
    assert site.asked.count(page_path(2)) == 1


def test_two_failures_in_a_row_end_the_list_in_pages() -> None:
    answers = pages(600)
    answers[page_path(3)] = answers[page_path(4)] = UNAVAILABLE
    answers |= text_list(*map(row, range(600)))
    site = FakeClient(answers)
    listing = list_works(site, PICASSO)
    assert (len(ids(listing)), len(listing.works)) == (120, 600)
    assert page_path(5) not in site.asked


def test_without_the_first_page_the_text_list_is_all() -> None:
    answers: dict[str, str | Exception] = {page_path(1): UNAVAILABLE}
    answers |= text_list(*map(row, range(3)), withheld("X"), count=5)
    site = FakeClient(answers)
    listing = list_works(site, PICASSO)
    assert [one.id for one in listing.works] == [
        "work-0",
        "work-1",
        "work-2",
        "unlinked-x-1",
    ]
    assert listing.count == 5
    assert listing.notes == (
        "page 1 of the list of works can't be read (the site is in trouble (503))",
        "3 works only in the site's plain list: one more request each",
        "the site counts 5 works and lists 4",
    )
    assert site.asked == [page_path(1), TEXT_LIST]


def test_a_site_whose_lists_both_fail_is_unavailable() -> None:
    answers = {page_path(1): UnavailableError("first"), TEXT_LIST: UNAVAILABLE}
    with pytest.raises(UnavailableError, match="first"):
        list_works(FakeClient(answers), PICASSO)
    answers = {page_path(1): page([], 5), TEXT_LIST: UNAVAILABLE}  # type: ignore[dict-item]
    with pytest.raises(UnavailableError, match="503"):
        list_works(FakeClient(answers), PICASSO)


@pytest.mark.parametrize("where", [page_path(1), page_path(2), TEXT_LIST])
def test_a_refusal_ends_the_list(where: str) -> None:
    answers = pages(70, told=80)
    answers[where] = RefusedError("refused")
    site = FakeClient(answers)
    with pytest.raises(RefusedError):
        list_works(site, PICASSO)
    assert site.asked[-1] == where


@pytest.mark.parametrize(
    "answers",
    [
        {page_path(1): page([], 0)},
        {page_path(1): page(None)},
        {page_path(1): page([], 5), **text_list(count=5)},
        {page_path(1): UNAVAILABLE, **text_list(count=5)},
    ],
)
def test_an_artist_may_have_no_works(answers: dict[str, str | Exception]) -> None:
    with pytest.raises(ArtistNstError) as caught:
        list_works(FakeClient(answers), PICASSO)
    assert message(caught) == (
        "WikiArt lists no works of Pablo Picasso (pablo-picasso); works in copyright "
        "may be withheld; `artist-nst adopt FOLDER --artist 'Pablo Picasso'` takes "
        "pictures of your own"
    )


def test_a_list_without_an_end_has_one() -> None:
    class Endless(FakeClient):
        def get(self, path: str, parse: Callable[[str], Any], **_: Any) -> Any:
            self.asked.append(path)
            return parse(page([work(len(self.asked))]))

    site = Endless({})
    assert len(list_works(site, PICASSO).works) == len(site.asked) == 1000


# The samples


def sample(shared: Path, name: str) -> str:
    return (shared / "wikiart" / "samples" / name).read_text("utf-8")


@pytest.mark.shared
def test_the_catalogue_of_the_samples(shared: Path) -> None:
    works = json.loads(sample(shared, "catalogue_picasso_1166.json"))
    answers: dict[str, str | Exception] = {
        page_path(number): page(works[start : start + 60], 1166)
        for number, start in enumerate(range(0, 1166, 60), 1)
    }
    answers[TEXT_LIST] = sample(shared, "html_all_works_text_list_picasso.html")
    site = FakeClient(answers)
    whole = list_works(site, PICASSO)
    assert [one.id for one in whole.works] == [one["id"] for one in works]
    assert (len(site.asked), whole.notes) == (20, ())
    # Without its seventh page, the text list has those 60, and what only it has.
    del answers[page_path(7)]
    patched = list_works(FakeClient(answers), PICASSO)
    pages_ = {one.page for one in patched.works}
    assert {one.page for one in whole.works} < pages_
    assert len(patched.works) == 1166 + 2
    assert [one.title for one in patched.works if one.restricted] == [
        "Restricted Work, with a comma"
    ]


@pytest.mark.shared
def test_the_last_page_may_fall_short(shared: Path) -> None:
    names = ("page1", "page2_overlaps_page1", "page20_last_partial")
    answers: dict[str, str | Exception] = {
        page_path(number): sample(shared, f"xhr_all_paintings_picasso_{name}.json")
        for number, name in enumerate(names, 1)
    }
    answers[page_path(4)] = sample(shared, "xhr_past_end_paintings_null.json")
    listing = list_works(FakeClient(answers), PICASSO)
    assert len(listing.works) == 60 + 57 + 26
    assert listing.notes[-1] == "the site counts 1,166 works and lists 143"


@pytest.mark.shared
def test_artists_of_the_samples(shared: Path) -> None:
    search_path = "/en/Search/picasso?json=3"
    searched = sample(shared, "xhr_search_picasso_json3_artists.json")
    nowhere = sample(shared, "html_404_unknown_artist.html")
    answers: dict[str, str | Exception] = {
        "/en/pablo-picasso?json=2": sample(shared, "xhr_artist_picasso.json"),
        "/en/picasso?json=2": nowhere,
        search_path: searched,
        ALPHABET: sample(shared, "app_artist_alphabet.json"),
    }
    assert find_artist(FakeClient(answers), "pablo picasso").note is None
    note = "picasso: taking Pablo Picasso (1,170 works) before Paloma Picasso (1)"
    assert find_artist(FakeClient(answers), "picasso").note == note
    for name, slug in (
        ("aivazovsky", "ivan-aivazovsky"),
        ("hokusai", "katsushika-hokusai"),
        ("van gogh", "vincent-van-gogh"),
        ("jmw turner", "william-turner"),
        ("António de Carvalho", "ant-nio-de-carvalho-da-silva-porto"),
        ("O'Keeffe", "georgia-o-keeffe"),
        ("Hérold", "jacques-h-rold"),
    ):
        assert find_artist(FakeClient(answers), name).artist.slug == slug
    with pytest.raises(UsageError, match=r"\(leonid-sejka-0\).*name one of them"):
        find_artist(FakeClient(answers), "Leonid Šejka")
    letters: dict[str, str | Exception] = {
        ALPHABET: UNAVAILABLE,
        "/en/Alphabet/p/text-list": sample(shared, "html_alphabet_p_text_list.html"),
    }
    assert find_artist(FakeClient(letters), "picasso").note == note


@pytest.mark.shared
def test_a_painting_of_the_samples(shared: Path) -> None:
    path = "/en/pablo-picasso/picador-1900"
    site = FakeClient({path: sample(shared, "html_painting_detail.html")})
    assert get_work_page(site, path).rights == "Public domain"
    assert site.as_json[path] is False
    assert site.referers[path] == "/en/pablo-picasso"
    with pytest.raises(NotFoundError):
        get_work_page(site, "/en/pablo-picasso/nothing")
