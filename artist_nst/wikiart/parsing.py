"""Parsers for WikiArt's responses: from their text to records, without a request.

The site answers some requests with JSON and some with pages; either may come in place
of the other, cut short or damaged. Whatever the text, these functions raise nothing but
:class:`InvalidResponseError` and :class:`NotFoundError` (the site's "not found" page).
"""

import html
import json
import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, unquote, urlsplit, urlunsplit

from bs4 import BeautifulSoup, Tag

from artist_nst._validation import is_json, parse_json
from artist_nst.corpus.names import make_title
from artist_nst.corpus.years import parse_years
from artist_nst.errors import ArtistNstError
from artist_nst.wikiart.client import (
    MAX_URL_LENGTH,
    InvalidResponseError,
    NotFoundError,
    UnexpectedResponseError,
)
from artist_nst.wikiart.markup import MarkupError, parse_html

WITHHELD = (
    "WikiArt shows a placeholder here: withheld, perhaps for copyright in your country"
)
UNTITLED = "Untitled"
ZERO_WIDTH_SPACE = "\u200b"
MAX_SIDE = 1_000_000  # pixels; the longest seen is 25,528
MAX_TEXT_LENGTH = 1000  # of titles, names, …; the rest is cut off
MAX_ENTRIES = 50_000  # of a list; the site has some thousand artists

_SITE = re.compile(r"^(?:https?:)?//(?:www\.)?wikiart\.org(?=/)", re.IGNORECASE)
_ADDRESS = re.compile(
    r"^(?:(?:https?:)?//)?(?:[a-z]+\.)?wikiart\.org(?=/)", re.IGNORECASE
)
_NO_WORKS = ("all-works", "mode")  # what may follow an artist in a path, but works
_EXTENSION = re.compile(r"\.[a-z]{3,5}\Z", re.IGNORECASE)
_DERIVATIVE = re.compile(r"[a-z]+\.jpg", re.IGNORECASE)
_PLACEHOLDER = re.compile(
    r"^/content/(?:images|wiki/img)/|/(?:frame|artist)-\d+x\d+\.\w+$|/favicon[^/]*$"
)
_ARTWORKS = re.compile(
    r"(?<![0-9])([0-9]{1,3}(?:[,.][0-9]{3}){1,3}|[0-9]{1,9})\s{0,9}artworks?\b"
)
_TITLE = re.compile(r"<title[^<>]*>([^<]*)", re.IGNORECASE)
_NOT_FOUND = re.compile(r"""class=["'][^"']*\berror404-hint\b""")
_LOOPBACK = {"localhost", "127.0.0.1", "::1"}


@dataclass(frozen=True, slots=True)
class ListedImage:
    """A picture's address, and its size in pixels if known."""

    url: str
    width: int | None = None
    height: int | None = None

    @property
    def size(self) -> tuple[int | None, int | None]:
        """Width and height."""
        return self.width, self.height


@dataclass(frozen=True, slots=True)
class ListedWork:
    """A work in a list of works.

    Attributes:
        id: The site's own, or the page's slug if the list has none.
        year: As the site writes it ("c.1900").
        width, height: Of the original, in pixels.
        image_url: Address of the original; None if only the page may tell.
        page: Path of the work's page, percent-encoded ("/en/artist/work").
        alternates: Other scans of the work.
        restricted: Why there is no picture.
    """

    id: str
    title: str
    year: str | None = None
    artist: str | None = None
    width: int | None = None
    height: int | None = None
    image_url: str | None = None
    page: str | None = None
    alternates: tuple[ListedImage, ...] = ()
    restricted: str | None = None


@dataclass(frozen=True, slots=True)
class ListPage:
    """One page of an artist's list of works, or the text list with all works.

    Attributes:
        works: In the site's order.
        count: Of all works of the artist, according to the site.
        foreign_ids: Ids of other artists' works in the list, which are left out.
    """

    works: tuple[ListedWork, ...]
    count: int | None
    foreign_ids: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Artist:
    """An artist on the site.

    Attributes:
        slug: The last part of the page's address ("pablo-picasso").
        names: All spellings that the site has, at least one; the usual one first.
        works: The number of works, if known.
    """

    slug: str
    names: tuple[str, ...]
    works: int | None = None

    @property
    def name(self) -> str:
        """The usual name."""
        return self.names[0]


@dataclass(frozen=True, slots=True)
class WorkPage:
    """What a work's own page adds to the list of works.

    Attributes:
        image: The original, if the page shows it.
        style, genre, media: Several values are joined by ", ".
        dimensions: Of the work itself ("92.1 x 73 cm").
        rights: As the page words it ("Public domain").
        restricted: Why there is no picture.
    """

    year: str | None = None
    image: ListedImage | None = None
    style: str | None = None
    genre: str | None = None
    media: str | None = None
    dimensions: str | None = None
    rights: str | None = None
    restricted: str | None = None


# Addresses ----------------------------------------------------------------------------


def normalize_image_url(raw: object) -> str | None:
    """Normalize the address of a picture to the https address of the original.

    Suffixes of derivatives (``!Large.jpg``) are removed, the path is percent-encoded,
    and old hosts are renamed. An address that is not WikiArt's is left as it is.

    Returns:
        The address, or None if there is none, or too long a one.
    """
    text = _clean_address(raw)
    try:
        # A "#" is part of the file name here.
        parts = urlsplit(
            f"https:{text}" if text.startswith("//") else text, allow_fragments=False
        )
        host = parts.hostname or ""
    except ValueError:
        return None
    host = re.sub(r"(^|\.)wikipaintings\.org$", r"\1wikiart.org", host)
    has_plain_host = parts.netloc.casefold() == parts.hostname  # no user, no port
    if has_plain_host and (host == "wikiart.org" or host.endswith(".wikiart.org")):
        origin = "https" if parts.scheme == "http" else parts.scheme, host
    elif host in _LOOPBACK:
        origin = parts.scheme, parts.netloc
    else:
        return _clean_line(text) or None
    path = percent_encode(_strip_derivatives(parts.path))
    return urlunsplit((*origin, path, percent_encode(parts.query), ""))


def is_placeholder(url: str | None) -> bool:
    """Tell whether a URL is of the picture that the site shows for withheld works."""
    path = get_url_path(url or "")
    return bool(_PLACEHOLDER.search(_strip_derivatives(path).casefold()))


def get_url_path(url: str) -> str:
    """Return the path of a URL, or what is no URL as it is."""
    try:
        return urlsplit(url).path
    except ValueError:
        return url


def parse_work_path(address: str) -> str | None:
    """Return the path of a work's page of which this is the address, or None.

    ``"www.wikiart.org/en/joan-miro/horse?a=b"`` → ``"/en/joan-miro/horse"``.
    """
    path = _ADDRESS.sub("", re.split("[?#]", address, maxsplit=1)[0].strip())
    page = _parse_page_path(path) if path.startswith("/") else None
    return page if page and page_slug(page) not in _NO_WORKS else None


def normalize_path(path: str) -> str:
    """Percent-decode and clean a path, so that encodings compare equal."""
    return _clean_line(unquote(path))


def page_slug(page: str) -> str:
    """Return the last part of a page's path, percent-decoded and cleaned."""
    return normalize_path(page.rsplit("/", 1)[-1])


def parse_artist_slug(raw: object) -> str | None:
    """``"/en/joan-miro"``, or the whole address → ``"joan-miro"``, percent-decoded."""
    text = _SITE.sub("", _clean_address(raw))
    match = re.fullmatch(r"(?:/en/)?([^/?#:\s]+)/?", text)
    slug = page_slug(match[1]) if match else ""
    return slug if slug not in ("", ".", "..") and "/" not in slug else None


def slugs_match(first: str, second: str) -> bool:
    """Tell whether two slugs are the same in any encoding and case."""
    return page_slug(first).casefold() == page_slug(second).casefold()


def _parse_page_path(raw: object) -> str | None:
    """Return the path of a work's page on WikiArt, or None if it is not one."""
    text = _SITE.sub("", _clean_address(raw))
    match = re.fullmatch(r"(/en/[^/?#]+/[^/?#]+)/?", text)
    if not match or any(unquote(part) in (".", "..") for part in text.split("/")):
        return None
    return percent_encode(match[1])


def _clean_address(raw: object) -> str:
    """Strip an address; "" if it is not a text, or too long."""
    is_address = isinstance(raw, str) and len(raw) <= MAX_URL_LENGTH
    return raw.strip() if isinstance(raw, str) and is_address else ""


def _strip_derivatives(path: str) -> str:
    """``"x.jpg!Large.jpg!HD.jpg"`` → ``"x.jpg"``; what is before has an extension."""
    parts = path.split("!")
    kept = len(parts)
    while kept > 1 and _DERIVATIVE.fullmatch(parts[kept - 1]):
        kept -= 1
    if not _EXTENSION.search(parts[kept - 1]):
        kept += 1
    return "!".join(parts[:kept])


def percent_encode(text: str) -> str:
    """Percent-encode as UTF-8, leaving valid escapes as they are."""
    escaped = re.sub(r"%(?![0-9A-Fa-f]{2})", "%25", text)
    return quote(escaped, safe="/%!()=&:@,;+$*'~", errors="replace")


# JSON ---------------------------------------------------------------------------------


def parse_work_list(text: str, slug: str) -> ListPage:
    """Parse one page of the list of works of the artist with that slug."""
    values = _load_object(text, "Paintings")
    listed = values["Paintings"]
    if not isinstance(listed, list | None):
        raise UnexpectedResponseError('the "Paintings" of the JSON are not a list')
    works, foreign_ids = [], []
    for entry in _objects(listed):
        work = _parse_listed_work(entry)
        owner = parse_artist_slug(entry.get("artistUrl"))
        if work and owner and not slugs_match(owner, slug):
            foreign_ids.append(work.id)
        elif work:
            works.append(work)
    count = values.get("AllPaintingsCount")
    is_count = isinstance(count, int) and not isinstance(count, bool) and count >= 0
    return ListPage(tuple(works), count if is_count else None, frozenset(foreign_ids))


def parse_artist(text: str) -> Artist:
    """Parse an artist's page, which was asked for as JSON."""
    values = _load_object(text, "artistName")
    keys = ("artistName", "lastNameFirst", "OriginalArtistName")
    artist = _make_artist(values.get("url"), *map(values.get, keys))
    if not artist:
        raise UnexpectedResponseError("the JSON describes no artist")
    return artist


def parse_search(text: str) -> list[Artist]:
    """Parse the artists that a search found, in the site's order."""
    values = _load_object(text, "Artists")
    if isinstance(artists := values["Artists"], list) and artists:
        return _unique(
            _make_artist(
                entry.get("artistUrl"),
                entry.get("title"),
                works=entry.get("totalWorksTitle"),
            )
            for entry in _objects(artists)
        )
    # HTML inside the JSON is escaped once more.
    return _unique(
        _make_artist(_attribute(link, "href"), _attribute(link, "title") or link.text)
        for link in _parse_html(str(values.get("ArtistsHtml"))).select("a[href]")
    )


def parse_all_artists(text: str) -> list[Artist]:
    """Parse the list of all artists, the App's ``AlphabetJson``."""
    values = _load_json(text)
    if not isinstance(values, list):
        raise UnexpectedResponseError("the JSON is not a list of artists")
    return _unique(
        _make_artist(
            entry.get("url"), entry.get("artistName"), entry.get("lastNameFirst")
        )
        for entry in _objects(values)
    )


def _load_json(text: str) -> Any:
    try:
        return parse_json(text.removeprefix("\ufeff"))
    except ValueError:
        raise _unexpected(text, "JSON") from None


def _load_object(text: str, key: str) -> dict[str, Any]:
    """Load a JSON object that must have ``key``."""
    values = _load_json(text)
    if not isinstance(values, dict):
        raise UnexpectedResponseError("the JSON is not an object")
    if key in values:
        return values
    error = values.get("Exception")
    if isinstance(error, dict) and (message := _clean_text(error.get("Message"))):
        raise UnexpectedResponseError(f"WikiArt answered {message[:80]!r}")
    raise UnexpectedResponseError(f'the JSON has no "{key}"')


def _unexpected(text: str, expected: str) -> ArtistNstError:
    """Return the error to raise for a text that is not what was expected."""
    if _NOT_FOUND.search(text):
        return NotFoundError("WikiArt has no such page")
    title = _TITLE.search(text[:20_000])
    if title:
        received = f"the HTML page {_clean_text(title[1])[:80]!r}"
    elif text.strip():
        received = f"text that begins {_clean_line(text)[:40]!r}"
    else:
        received = "an empty answer"
    # Who refuses requests shows pages, too, but not the site's.
    is_other_page = title and "wikiart" in title[1].casefold() and _is_whole_page(text)
    kind = InvalidResponseError
    if expected != "JSON" and (is_other_page or is_json(text)):
        kind = UnexpectedResponseError
    return kind(f"{received} came in place of {expected}")


def _objects(values: object) -> Iterator[dict[str, Any]]:
    """Yield the objects in a JSON list; nothing if it is not a list.

    Raises:
        UnexpectedResponseError: There are too many.
    """
    entries = values if isinstance(values, list) else []
    if len(entries) > MAX_ENTRIES:
        raise UnexpectedResponseError(f"a list with {len(entries):,} entries")
    for value in entries:
        if isinstance(value, dict):
            yield value


def _parse_listed_work(values: dict[str, Any]) -> ListedWork | None:
    page = _parse_page_path(values.get("paintingUrl"))
    slug = page_slug(page or "")
    id = _parse_id(values.get("id")) or slug
    if not id:
        return None
    url = normalize_image_url(values.get("image"))
    is_withheld = is_placeholder(url)  # then the size is the placeholder's, too
    return ListedWork(
        id=id,
        title=_clean_text(values.get("title")) or _title_from(slug),
        year=_parse_year(values.get("year")),
        artist=_clean_text(values.get("artistName")) or None,
        width=None if is_withheld else _parse_side(values.get("width")),
        height=None if is_withheld else _parse_side(values.get("height")),
        image_url=None if is_withheld else url,
        page=page,
        alternates=_parse_alternates(values.get("images"), url),
        restricted=WITHHELD if is_withheld else None,
    )


def _parse_alternates(values: object, url: str | None) -> tuple[ListedImage, ...]:
    images: dict[str, ListedImage] = {}
    for entry in _objects(values):
        image = _parse_image(entry)
        if image and image.url != url and not is_placeholder(image.url):
            images.setdefault(image.url, image)
    return tuple(images.values())


def _parse_image(
    values: dict[str, Any], keys: tuple[str, str, str] = ("image", "width", "height")
) -> ListedImage | None:
    url, width, height = map(values.get, keys)
    normalized = normalize_image_url(url)
    if not normalized:
        return None
    return ListedImage(normalized, _parse_side(width), _parse_side(height))


def _parse_id(value: object) -> str | None:
    if isinstance(value, int) and not isinstance(value, bool):
        return _clean_line(str(value))
    return _clean_text(value) or None


def _parse_year(value: object) -> str | None:
    year = _clean_text(str(value) if isinstance(value, int) else value)
    return year if year.strip("? ") else None


def _parse_side(value: object) -> int | None:
    if isinstance(value, int | float) and 1 <= value <= MAX_SIDE:
        return int(value)
    return None


def _parse_work_count(value: object) -> int | None:
    """``"1,170 artworks"`` → 1170."""
    text = value[:MAX_TEXT_LENGTH] if isinstance(value, str) else ""
    match = _ARTWORKS.search(text)
    digits = re.sub(r"[^0-9]", "", match[1]) if match else ""
    return int(digits) if 0 < len(digits) < 10 else None


def _make_artist(url: object, *names: object, works: object = None) -> Artist | None:
    """Make an artist of what the site says; None if there is no slug."""
    slug = parse_artist_slug(url)
    if not slug:
        return None
    spellings = tuple(dict.fromkeys(filter(None, map(_clean_text, names))))
    return Artist(slug, spellings or (_title_from(slug),), _parse_work_count(works))


def _unique(artists: Iterable[Artist | None]) -> list[Artist]:
    return list({artist.slug: artist for artist in artists if artist}.values())


# Pages --------------------------------------------------------------------------------


def parse_letter_page(text: str) -> list[Artist]:
    """Parse the page that lists the artists of one letter."""
    soup = _parse_html(text)
    lists = list(_find_outermost(soup, _has_class("masonry-text-view-all")))
    if not lists:
        raise _unexpected(text, "a list of artists")
    return _unique(
        _make_artist(_attribute(link, "href"), link.text, works=row.get_text(" "))
        for tag in lists
        for row in _find_outermost(tag, lambda tag: tag.name == "li")
        if (link := row.find("a", href=True))
    )


def parse_text_list(text: str, slug: str) -> ListPage:
    """Parse the page that lists all works of the artist with that slug.

    It has no ids: a work's id is the slug of its page, or "" if the site withholds the
    work and its page. Links that lead elsewhere are left out.
    """
    soup = _parse_html(text)
    lists = list(_find_outermost(soup, _has_class("painting-list-text")))
    # A page that was cut off would pass for a shorter list.
    if not lists or not _is_whole_page(text):
        raise _unexpected(text, "a list of works")
    title = soup.title.get_text() if soup.title else ""
    rows = (
        _parse_row(row, slug)
        for tag in lists
        for row in tag.find_all("li", recursive=False)
    )
    return ListPage(tuple(filter(None, rows)), _parse_work_count(title))


def parse_work_page(text: str) -> WorkPage:
    """Parse a work's own page."""
    soup = _parse_html(text)
    scripts = [_attribute(tag, "ng-init") for tag in soup.select("[ng-init]")]
    values = _parse_assignment(scripts, "paintingJson")
    if not (values or soup.select_one("[data-painting-id], [itemprop=creator]")):
        raise _unexpected(text, "a work's page")
    sizes = _parse_assignment(scripts, "thumbnailSizesModel")
    image, restricted = _choose_image(soup, values, sizes)
    labels = _parse_labels(soup)
    rights = soup.select_one(".copyright-wrapper a.copyright")
    return WorkPage(
        year=_parse_year(values.get("year")) or _parse_year(labels.get("date")),
        image=image,
        style=labels.get("style"),
        genre=labels.get("genre"),
        media=labels.get("media"),
        dimensions=labels.get("dimensions"),
        rights=(_clean_line(rights.text) or None) if rights else None,
        restricted=restricted,
    )


def _parse_html(text: str) -> BeautifulSoup:
    try:
        return parse_html(text)
    except MarkupError:
        raise _unexpected(text, "a page") from None


def _is_whole_page(text: str) -> bool:
    return "</html>" in text[-1000:].lower()


def _has_class(name: str) -> Callable[[Tag], bool]:
    return lambda tag: name in tag.get_attribute_list("class")


def _find_outermost(root: Tag, is_wanted: Callable[[Tag], bool]) -> Iterator[Tag]:
    """Find tags in order, none within another, so that no text is read twice."""
    rest = [root]
    while rest:
        tag = rest.pop()
        if tag is not root and is_wanted(tag):
            yield tag
        else:
            rest += (node for node in reversed(tag.contents) if isinstance(node, Tag))


def _parse_row(row: Tag, slug: str) -> ListedWork | None:
    """Parse a row of the text list; None if it leads elsewhere than to the artist's."""
    link = row.find("a", href=True)
    page = _parse_page_path(_attribute(link, "href")) if link else None
    if link:
        owner, work = page.rsplit("/", 2)[1:] if page else ("", "")
        if not slugs_match(owner, slug) or work in _NO_WORKS:
            return None
    year = None
    for span in row.find_all("span"):
        if next(span.stripped_strings, "").startswith(","):
            year = _clean_line(span.text)
            span.extract()
    title = _clean_line((link or row).text)
    if not (link or year or row.find("span")):
        # "Title, 1968", without markup
        start, _, end = title.rpartition(", ")
        if start and parse_years(end):
            title, year = start, end
    id = page_slug(page or "")
    year = _parse_year((year or "").strip(", "))
    return ListedWork(id, title or _title_from(id), year, page=page)


def _parse_assignment(scripts: list[str], name: str) -> dict[str, Any]:
    """Parse the object that an ``ng-init`` assigns to ``name``; {} if damaged."""
    for script in scripts:
        if match := re.search(rf"\b{name}\s*=\s*", script):
            try:
                value, _ = json.JSONDecoder().raw_decode(script, match.end())
            except (ValueError, RecursionError):
                continue
            if isinstance(value, dict):
                return value
    return {}


def _choose_image(
    soup: BeautifulSoup, values: dict[str, Any], sizes: dict[str, Any]
) -> tuple[ListedImage | None, str | None]:
    """Choose the first original that is no placeholder, or say why there is none."""
    meta = _attribute(soup.find("meta", property="og:image"), "content")
    candidates = (
        _parse_image(values),
        _find_original(sizes),
        _parse_image({"image": meta}),
    )
    images = [image for image in candidates if image]
    placeholder_sizes = {image.size for image in images if is_placeholder(image.url)}
    best = next((image for image in images if not is_placeholder(image.url)), None)
    if best is None:
        return None, WITHHELD if placeholder_sizes else None
    # A placeholder's size is not the picture's.
    return ListedImage(best.url) if best.size in placeholder_sizes else best, None


def _find_original(sizes: dict[str, Any]) -> ListedImage | None:
    for model in list(_objects(sizes.get("ImageThumbnailsModel")))[:1]:
        for entry in _objects(model.get("Thumbnails")):
            if entry.get("Name") == "Original":
                return _parse_image(entry, ("Url", "Width", "Height"))
    return None


def _parse_labels(soup: BeautifulSoup) -> dict[str, str]:
    """``{"style": "Expressionism", "media": "oil, panel"}``; several are joined."""
    articles = (tag for tag in soup.find_all("article") if not _is_promotion(tag))
    block = next(articles, None) or soup.find("main") or soup
    labels: dict[str, str] = {}
    for label in block.select("li > s"):
        row = label.parent
        if row is None or _is_promotion(row):
            continue
        name = _clean_line(label.text).rstrip(" :").casefold()
        label.extract()
        links = filter(None, (_clean_line(link.text) for link in row.find_all("a")))
        value = ", ".join(dict.fromkeys(links)) or _clean_line(row.text)
        if name and value:
            labels.setdefault(name, value)
    return labels


def _is_promotion(tag: Tag) -> bool:
    return any("promo" in str(node.get("class")) for node in (tag, *tag.parents))


def _attribute(tag: Tag | None, name: str) -> str:
    value = tag.get(name) if tag else None
    return value if isinstance(value, str) else ""


# Text ---------------------------------------------------------------------------------


def _clean_text(value: object) -> str:
    """Clean a line of the site's text and unescape its entities; "" if not a text."""
    if not isinstance(value, str):
        return ""
    value = value[: 8 * MAX_TEXT_LENGTH]  # an entity may have some letters
    try:
        return _clean_line(html.unescape(value))
    except ValueError:  # a numeric entity of thousands of digits
        return _clean_line(value)


def _clean_line(text: str) -> str:
    """Remove invisible characters, collapse white space, normalize to NFC; shorten."""
    visible = "".join(map(_clean_character, text[:MAX_TEXT_LENGTH]))
    return unicodedata.normalize("NFC", " ".join(visible.split()))


def _clean_character(char: str) -> str:
    """Return ``char``, a space for a control character, or "" if it is invisible."""
    category = unicodedata.category(char)
    if category == "Cc" or char == ZERO_WIDTH_SPACE:
        return " "
    is_noncharacter = ord(char) & 0xFFFE == 0xFFFE  # U+FFFF and the like
    return "" if category in ("Cf", "Cs") or is_noncharacter else char


def _title_from(slug: str) -> str:
    return make_title(_clean_line(slug)) or UNTITLED
