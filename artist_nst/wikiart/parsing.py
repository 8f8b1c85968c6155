"""What WikiArt's answers say: from their text to records, without a network.

The site answers some requests with JSON and some with pages; either may come where
the other was asked for, cut short or with nonsense in it. Whatever the text, these
functions raise nothing but :class:`BadAnswerError` and :class:`NotFoundError`.
"""

import html
import json
import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, NamedTuple
from urllib.parse import quote, unquote, urlsplit, urlunsplit

from bs4 import BeautifulSoup, Tag
from bs4.builder import ParserRejectedMarkup

from artist_nst.corpus.years import parse_years
from artist_nst.errors import ArtistNstError
from artist_nst.wikiart.client import BadAnswerError, NotFoundError

WITHHELD = (
    "WikiArt shows a placeholder here: withheld, perhaps for copyright in your country"
)
UNTITLED = "Untitled"
ZERO_WIDTH_SPACE = "\u200b"
# A side in pixels; the longest seen is 25,528.
LONGEST_SIDE = 1_000_000

_SITE = re.compile(r"^(?:https?:)?//(?:www\.)?wikiart\.org(?=/)", re.IGNORECASE)
_SUFFIX = re.compile(r"(\.[a-z]{3,5})(?:![a-z]+\.jpg)+$", re.IGNORECASE)
_PLACEHOLDER = re.compile(
    r"^/content/(?:images|wiki/img)/|/(?:frame|artist)-\d+x\d+\.\w+$|/favicon[^/]*$"
)
_WORKS = re.compile(r"(?<![0-9])([0-9]{1,3}(?:[,.][0-9]{3})+|[0-9]+)\s*artworks?\b")
_NOT_FOUND = re.compile(r"""class=["'][^"']*\berror404-hint\b""")
_LOOPBACK = {"localhost", "127.0.0.1", "::1"}


@dataclass(frozen=True, slots=True)
class Alternate:
    """Another scan of a work: its address, and its size in pixels if known."""

    image: str
    width: int | None
    height: int | None


@dataclass(frozen=True, slots=True)
class Record:
    """A work as a list of works tells of it.

    Attributes:
        id: the site's own, or the page's slug where the list gives none.
        year: as the site writes it ("c.1900").
        width, height: of the original, in pixels.
        image: address of the original; None where only the page can tell.
        page: path of the work's page, percent-encoded ("/en/artist/work").
        restricted: why there is no picture to be had.
    """

    id: str
    title: str
    year: str | None = None
    artist: str | None = None
    width: int | None = None
    height: int | None = None
    image: str | None = None
    page: str | None = None
    alternates: tuple[Alternate, ...] = ()
    restricted: str | None = None


@dataclass(frozen=True, slots=True)
class Page:
    """One page of an artist's list.

    Attributes:
        records: in the site's order.
        count: of all works of the artist, as the site counts them.
        others: ids of other artists' works among them, which are left out.
    """

    records: tuple[Record, ...]
    count: int | None
    others: frozenset[str]


@dataclass(frozen=True, slots=True)
class Artist:
    """An artist: slug, name, and all names the site has, that one included."""

    slug: str
    name: str
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Candidate:
    """An artist in a list of artists, with the number of works where it is told."""

    slug: str
    name: str
    names: tuple[str, ...]
    works: int | None = None


@dataclass(frozen=True, slots=True)
class Row:
    """A line of the text list; without a page, the site withholds the work."""

    page: str | None
    title: str
    year: str | None


@dataclass(frozen=True, slots=True)
class TextList:
    """The one page that lists all works: the count in its title, and its rows."""

    count: int | None
    rows: tuple[Row, ...]


@dataclass(frozen=True, slots=True)
class Painting:
    """What a work's own page adds to the list of works.

    Attributes:
        style, genre, media: several are joined by ", ".
        dimensions: of the work itself ("92.1 x 73 cm").
        rights: as the page words it ("Public domain").
        restricted: why there is no picture to be had.
        others as in :class:`Record`.
    """

    year: str | None = None
    width: int | None = None
    height: int | None = None
    image: str | None = None
    style: str | None = None
    genre: str | None = None
    media: str | None = None
    dimensions: str | None = None
    rights: str | None = None
    restricted: str | None = None


def image_url(raw: object) -> str | None:
    """The https address of an original, whatever form the site gives it in.

    Suffixes of smaller pictures (``!Large.jpg``) go; the path is percent-encoded; hosts
    of old are renamed. What is not WikiArt's is left as it is. None where there is no
    address.
    """
    if not isinstance(raw, str) or not raw.strip():
        return None
    text = raw.strip()
    try:
        # A "#" is a part of the file's name here.
        parts = urlsplit(
            f"https:{text}" if text.startswith("//") else text, allow_fragments=False
        )
        host = parts.hostname or ""
    except ValueError:
        return None
    host = re.sub(r"(^|\.)wikipaintings\.org$", r"\1wikiart.org", host)
    plain = parts.netloc.casefold() == (parts.hostname or "")  # no user, no port
    if plain and (host == "wikiart.org" or host.endswith(".wikiart.org")):
        ours = "https" if parts.scheme == "http" else parts.scheme, host
    elif host in _LOOPBACK:
        ours = parts.scheme, parts.netloc
    else:
        return text
    path = _encoded(_SUFFIX.sub(r"\1", parts.path))
    return urlunsplit((*ours, path, _encoded(parts.query), ""))


def is_placeholder(url: str | None) -> bool:
    """Whether that is the picture that the site shows where it withholds one."""
    try:
        path = urlsplit(url or "").path
    except ValueError:
        return False
    return bool(_PLACEHOLDER.search(_SUFFIX.sub(r"\1", path).casefold()))


def page_slug(page: str) -> str:
    """The last part of a work's page, percent-decoded: one spelling per work."""
    return unicodedata.normalize("NFC", unquote(page.rsplit("/", 1)[-1]))


def read_list(text: str, slug: str) -> Page:
    """One page of the list of works of the artist called ``slug``.

    Raises:
        BadAnswerError: it is no such list.
        NotFoundError: it is the site's page for what is not there.
    """
    values = _object(text, "Paintings")
    paintings = values["Paintings"]
    if not isinstance(paintings, list | None):
        raise BadAnswerError('JSON came whose "Paintings" are no list')
    records, others = [], []
    for one in paintings or ():
        record = _record(one) if isinstance(one, dict) else None
        if record is None:
            continue
        owner = artist_slug(one.get("artistUrl"))
        if owner and not same_slug(owner, slug):
            others.append(record.id)
        else:
            records.append(record)
    count = _whole(values.get("AllPaintingsCount"))
    return Page(tuple(records), count, frozenset(others))


def read_artist(text: str) -> Artist:
    """The artist whose page was asked for as JSON.

    Raises:
        BadAnswerError: it tells of no artist.
        NotFoundError: the site has no such artist.
    """
    values = _object(text, "artistName")
    slug = artist_slug(values.get("url"))
    if not slug:
        raise BadAnswerError("JSON came that tells of no artist")
    keys = ("artistName", "lastNameFirst", "OriginalArtistName")
    names = _names(*(values.get(key) for key in keys))
    return Artist(slug, names[0] if names else _titled(slug), names)


def read_search(text: str) -> list[Candidate]:
    """The artists that a search found, in the site's order.

    Raises:
        BadAnswerError: it is no such answer.
        NotFoundError: it is the site's page for what is not there.
    """
    values = _object(text, "Artists")
    artists = values["Artists"]
    if isinstance(artists, list) and artists:
        found = [
            _candidate(
                one.get("artistUrl"),
                _names(one.get("title")),
                _works(one.get("totalWorksTitle")),
            )
            for one in artists
            if isinstance(one, dict)
        ]
    else:
        links = _soup(str(values.get("ArtistsHtml"))).select("a[href]")
        # What is escaped in the JSON's HTML was escaped before.
        found = [
            _candidate(
                _attr(one, "href"), _names(_attr(one, "title") or one.get_text())
            )
            for one in links
        ]
    return _unique(found)


def read_alphabet(text: str) -> list[Candidate]:
    """All artists, of the App's ``AlphabetJson``.

    Raises:
        BadAnswerError: it is no such list.
        NotFoundError: it is the site's page for what is not there.
    """
    values = _json(text)
    if not isinstance(values, list):
        raise BadAnswerError("JSON came that is no list of artists")
    return _unique(
        _candidate(
            one.get("url"), _names(one.get("artistName"), one.get("lastNameFirst"))
        )
        for one in values
        if isinstance(one, dict)
    )


def read_alphabet_page(text: str) -> list[Candidate]:
    """The artists of one letter, of the page that lists them.

    Raises:
        BadAnswerError: it is no such page.
        NotFoundError: the site has no such page.
    """
    soup = _soup(text)
    if soup.select_one(".masonry-text-view-all") is None:
        raise _wrong(text, "a list of artists")
    found = []
    for row in soup.select(".masonry-text-view-all li"):
        if link := row.find("a", href=True):
            names = _names(link.get_text())
            works = _works(row.get_text(" "))
            found.append(_candidate(_attr(link, "href"), names, works))
    return _unique(found)


def read_text_list(text: str, slug: str) -> TextList:
    """The page that lists all works of the artist called ``slug``.

    Rows of other artists, and links that lead elsewhere, are left out.

    Raises:
        BadAnswerError: it is no such page.
        NotFoundError: the site has no such page.
    """
    soup = _soup(text)
    # A page that was cut off would pass for a shorter list.
    whole = "</html>" in text[-1000:].lower()
    if soup.select_one("ul.painting-list-text") is None or not whole:
        raise _wrong(text, "a list of works")
    title = soup.title.get_text() if soup.title else ""
    rows = (_row(one, slug) for one in soup.select("ul.painting-list-text > li"))
    return TextList(_works(title), tuple(row for row in rows if row))


def read_painting(text: str) -> Painting:
    """A work, of its own page.

    Raises:
        BadAnswerError: it is no work's page.
        NotFoundError: the site has no such page.
    """
    soup = _soup(text)
    inits = [_attr(one, "ng-init") for one in soup.select("[ng-init]")]
    values = _assigned(inits, "paintingJson")
    if not (values or soup.select_one("[data-painting-id], [itemprop=creator]")):
        raise _wrong(text, "a work's page")
    sizes = _assigned(inits, "thumbnailSizesModel")
    picture = _picture(soup, values, sizes)
    labels = _labels(soup)
    rights = soup.select_one(".copyright-wrapper a.copyright")
    return Painting(
        year=_year(values.get("year")) or _year(labels.get("date")),
        width=picture.width,
        height=picture.height,
        image=picture.image,
        style=labels.get("style"),
        genre=labels.get("genre"),
        media=labels.get("media"),
        dimensions=labels.get("dimensions"),
        rights=(_line(rights.get_text()) or None) if rights else None,
        restricted=picture.restricted,
    )


def artist_slug(raw: object) -> str | None:
    """``"/en/joan-miro"``, or the whole address → ``"joan-miro"``, percent-decoded."""
    text = _SITE.sub("", raw.strip()) if isinstance(raw, str) else ""
    found = re.fullmatch(r"(?:/en/)?([^/?#:\s]+)/?", text)
    slug = unicodedata.normalize("NFC", unquote(found[1])) if found else ""
    return slug if slug not in ("", ".", "..") else None


def same_slug(one: str, other: str) -> bool:
    """Whether two slugs are one, however they are spelt."""
    return _slug_key(one) == _slug_key(other)


def _slug_key(slug: str) -> str:
    return unicodedata.normalize("NFC", unquote(slug)).casefold()


# JSON


def _json(text: str) -> Any:
    try:
        return json.loads(text.removeprefix("\ufeff"))
    except (ValueError, RecursionError):
        raise _wrong(text, "JSON") from None


def _object(text: str, key: str) -> dict[str, Any]:
    """The JSON object that ``text`` is, which has ``key``."""
    values = _json(text)
    if not isinstance(values, dict):
        raise BadAnswerError("JSON came that is no object")
    if key in values:
        return values
    error = values.get("Exception")
    if isinstance(error, dict) and (message := _text(error.get("Message"))):
        raise BadAnswerError(f"WikiArt answered {message[:80]!r}")
    raise BadAnswerError(f'JSON without "{key}" came')


def _wrong(text: str, wanted: str) -> ArtistNstError:
    """What to raise where ``text`` came in place of what was wanted."""
    if _NOT_FOUND.search(text):
        return NotFoundError("WikiArt has no such page")
    if title := re.search(r"<title[^>]*>([^<]*)", text[:20_000], re.IGNORECASE):
        came = f"the HTML page {_text(title[1])[:80]!r}"
    elif text.strip():
        came = f"text that begins {_line(text[:200])[:40]!r}"
    else:
        came = "an empty answer"
    return BadAnswerError(f"{came} came in place of {wanted}")


def _record(values: dict[str, Any]) -> Record | None:
    page = _page(values.get("paintingUrl"))
    slug = page_slug(page or "")
    id = _id(values.get("id")) or slug
    if not id:
        return None
    image = image_url(values.get("image"))
    # The size is the placeholder's, where there is one.
    held = is_placeholder(image)
    return Record(
        id=id,
        title=_text(values.get("title")) or _titled(slug) or UNTITLED,
        year=_year(values.get("year")),
        artist=_text(values.get("artistName")) or None,
        width=None if held else _side(values.get("width")),
        height=None if held else _side(values.get("height")),
        image=None if held else image,
        page=page,
        alternates=_alternates(values.get("images"), image),
        restricted=WITHHELD if held else None,
    )


def _alternates(listed: object, image: str | None) -> tuple[Alternate, ...]:
    found: dict[str, Alternate] = {}
    for one in listed if isinstance(listed, list) else ():
        if isinstance(one, dict):
            url = image_url(one.get("image"))
            if url and url != image and not is_placeholder(url):
                sides = _side(one.get("width")), _side(one.get("height"))
                found.setdefault(url, Alternate(url, *sides))
    return tuple(found.values())


def _id(value: object) -> str | None:
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    return _text(value) or None


def _year(value: object) -> str | None:
    year = str(value) if isinstance(value, int) else _text(value)
    return year if year.strip("? ") else None


def _side(value: object) -> int | None:
    """A side in pixels, or None for what can't be one."""
    if isinstance(value, int | float) and 1 <= value <= LONGEST_SIDE:
        return int(value)
    return None


def _whole(value: object) -> int | None:
    whole = isinstance(value, int) and not isinstance(value, bool) and value >= 0
    return int(str(value)) if whole else None


def _works(value: object) -> int | None:
    """The number in ``"1,170 artworks"``."""
    found = _WORKS.search(value) if isinstance(value, str) else None
    digits = re.sub(r"[^0-9]", "", found[1]) if found else ""
    return int(digits) if 0 < len(digits) < 10 else None


def _names(*values: object) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name for one in values if (name := _text(one))))


def _candidate(
    url: object, names: tuple[str, ...], works: int | None = None
) -> Candidate | None:
    slug = artist_slug(url)
    if not slug:
        return None
    return Candidate(slug, names[0] if names else _titled(slug), names, works)


def _unique(found: Iterable[Candidate | None]) -> list[Candidate]:
    return list({one.slug: one for one in found if one}.values())


# Pages


def _soup(text: str) -> BeautifulSoup:
    # Beautiful Soup warns of what it takes for XML, or for the name of a file.
    plain = re.sub(r"<\?xml[^>]*>?", "", text, flags=re.IGNORECASE)
    try:
        return BeautifulSoup(plain if "<" in plain else "", "html.parser")
    except (ParserRejectedMarkup, ValueError, RecursionError):
        raise _wrong(text, "a page") from None


def _row(row: Tag, slug: str) -> Row | None:
    """A row of the text list, unless it leads to something else than this artist's."""
    link = row.find("a", href=True)
    page = _page(_attr(link, "href")) if link else None
    if link:
        owner, work = page.rsplit("/", 2)[1:] if page else ("", "")
        if not same_slug(owner, slug) or work in ("all-works", "mode"):
            return None
    year = None
    for span in row.find_all("span"):
        if (told := _line(span.get_text())).startswith(","):
            year = told
            span.extract()
    title = _line((link or row).get_text())
    if not (link or year or row.find("span")):
        # "Title, 1968", all in one.
        head, comma, tail = title.rpartition(", ")
        if comma and parse_years(tail):
            title, year = head, tail
    title = title or _titled(page_slug(page or "")) or UNTITLED
    return Row(page, title, _year((year or "").strip(", ")))


def _assigned(inits: list[str], name: str) -> dict[str, Any]:
    """What an ``ng-init`` sets ``name`` to; nothing where that is damaged."""
    for init in inits:
        if found := re.search(rf"\b{name}\s*=\s*", init):
            try:
                value, _ = json.JSONDecoder().raw_decode(init, found.end())
            except (ValueError, RecursionError):
                continue
            if isinstance(value, dict):
                return value
    return {}


class _Offer(NamedTuple):
    """A picture that some part of the page offers."""

    image: str | None
    width: int | None = None
    height: int | None = None
    restricted: str | None = None

    @property
    def sides(self) -> tuple[int | None, int | None]:
        return self.width, self.height

    @property
    def is_work(self) -> bool:
        return self.image is not None and not is_placeholder(self.image)


def _picture(
    soup: BeautifulSoup, values: dict[str, Any], sizes: dict[str, Any]
) -> _Offer:
    """The best original on offer, or why there is none."""
    meta = soup.find("meta", property="og:image")
    offers = [
        _Offer(
            image_url(values.get("image")),
            _side(values.get("width")),
            _side(values.get("height")),
        ),
        _original(sizes),
        _Offer(image_url(_attr(meta, "content"))),
    ]
    held = {one.sides for one in offers if is_placeholder(one.image)}
    best = next((one for one in offers if one.is_work), None)
    if best is None:
        return _Offer(None, restricted=WITHHELD if held else None)
    # Where they are the placeholder's, they are not the picture's.
    return _Offer(best.image) if best.sides in held else best


def _original(sizes: dict[str, Any]) -> _Offer:
    models = sizes.get("ImageThumbnailsModel")
    first = models[0] if isinstance(models, list) and models else None
    listed = first.get("Thumbnails") if isinstance(first, dict) else None
    for one in listed if isinstance(listed, list) else ():
        if isinstance(one, dict) and one.get("Name") == "Original":
            sides = _side(one.get("Width")), _side(one.get("Height"))
            return _Offer(image_url(one.get("Url")), *sides)
    return _Offer(None)


def _labels(soup: BeautifulSoup) -> dict[str, str]:
    """``{"style": "Expressionism", "media": "oil, panel"}``; several are joined."""
    found: dict[str, str] = {}
    for label in _own_block(soup).select("li > s"):
        row = label.parent
        if row is None or _is_promotion(row):
            continue
        name = _line(label.get_text()).rstrip(" :").casefold()
        label.extract()
        links = [_line(link.get_text()) for link in row.find_all("a")]
        value = ", ".join(dict.fromkeys(filter(None, links))) or _line(row.get_text())
        if name and value:
            found.setdefault(name, value)
    return found


def _own_block(soup: BeautifulSoup) -> Tag:
    """The part of a work's page that tells of that work."""
    own = (one for one in soup.find_all("article") if not _is_promotion(one))
    return next(own, None) or soup.find("main") or soup


def _is_promotion(tag: Tag) -> bool:
    return any("promo" in str(one.get("class")) for one in (tag, *tag.parents))


def _attr(tag: Tag | None, name: str) -> str:
    value = tag.get(name) if tag else None
    return value if isinstance(value, str) else ""


# Text


def _page(raw: object) -> str | None:
    """The path of a work's page on WikiArt, or None for what is none."""
    text = _SITE.sub("", raw.strip()) if isinstance(raw, str) else ""
    found = re.fullmatch(r"(/en/[^/?#]+/[^/?#]+)/?", text)
    if not found or any(unquote(one) in (".", "..") for one in text.split("/")):
        return None
    return _encoded(found[1])


def _encoded(text: str) -> str:
    """Percent-encoded as UTF-8, but for what is already."""
    whole = re.sub(r"%(?![0-9A-Fa-f]{2})", "%25", text)
    return quote(whole, safe="/%!()=&:@,;+$*'~", errors="replace")


def _text(value: object) -> str:
    """A line of the site's text, its entities unescaped; "" for what is none."""
    if not isinstance(value, str):
        return ""
    try:
        return _line(html.unescape(value))
    except ValueError:  # a numeric entity of thousands of digits
        return _line(value)


def _line(text: str) -> str:
    """One line of it: no control or invisible characters, single spaces, NFC."""
    kept = "".join(map(_shown, text))
    return unicodedata.normalize("NFC", " ".join(kept.split()))


def _shown(letter: str) -> str:
    """``letter``, a space for what parts words, or nothing for what can't be seen."""
    if letter.isascii():
        return letter if letter.isprintable() else " "
    match unicodedata.category(letter):
        case "Cc":
            return " "
        case "Cf" | "Cs":
            return " " if letter == ZERO_WIDTH_SPACE else ""
    return "" if ord(letter) & 0xFFFE == 0xFFFE else letter  # U+FFFF and its like


def _titled(slug: str) -> str:
    words = re.sub(r"[-_]+", " ", _line(slug)).split()
    return " ".join(word[0].upper() + word[1:] for word in words)
