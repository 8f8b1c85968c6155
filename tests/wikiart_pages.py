"""JSON and pages of the stand-in for wikiart.org.

The markup is our own, to the selectors that clients of the real site are known to use.
"""

from __future__ import annotations

import html
import json
import re
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

from tests.wikiart_catalogue import (
    DERIVATIVES,
    Artist,
    Record,
    derivative_size,
    fold_words,
    short_hash,
    size_of,
)

# JSON ---------------------------------------------------------------------------------


def envelope(**values: Any) -> dict[str, Any]:
    """Wrap values as the site's JSON lists are wrapped."""
    return {
        "ArtistsHtml": None,
        "CanLoadMoreArtists": False,
        "Paintings": None,
        "Artists": None,
        "AllArtistsCount": 0,
        "PaintingsHtml": None,
        "PaintingsHtmlBeta": None,
        "AllPaintingsCount": 0,
        "PageSize": 60,
        "TimeLog": None,
        **values,
    }


def artist_object(artist: Artist, url: str) -> dict[str, Any]:
    """``/en/{slug}?json=2``."""
    shared = alphabet_entry(artist, url)
    return shared | {
        "OriginalArtistName": artist.original_name or artist.name,
        "activeYearsCompletion": None,
        "activeYearsStart": None,
        "biography": f"{artist.nation} painter [i]and[/i] sculptor.",
        "gender": "male",
        "periodsOfWork": "Early Years\r\nLate Years",
        "relatedArtistsIds": [],
        "series": "",
        "story": "",
        "themes": "",
    }


def alphabet_entry(artist: Artist, url: str) -> dict[str, Any]:
    """An artist in ``/en/App/Artist/AlphabetJson``."""
    return {
        "contentId": artist.content_id,
        "artistName": artist.name,
        "url": artist.slug,
        "lastNameFirst": artist.last_name_first,
        "birthDay": _date(artist.born),
        "deathDay": _date(artist.died),
        "birthDayAsString": f"October 25, {artist.born}",
        "deathDayAsString": f"April 8, {artist.died}" if artist.died else "",
        "image": _portrait(artist, url),
        "wikipediaUrl": f"http://en.wikipedia.org/wiki/{quote(artist.name)}",
        "dictonaries": [1221, 417, 316],
    }


def found_artists(artists: Sequence[Artist], url: str) -> dict[str, Any]:
    """``/en/Search/{term}?json=3``."""
    entries = [
        {
            "id": artist.id,
            "title": html.escape(artist.name).replace("&#x27;", "&#39;"),
            "year": artist.year,
            "nation": artist.nation,
            "image": _portrait(artist, url),
            "artistUrl": f"/en/{artist.slug}",
            "totalWorksTitle": artworks(len(artist.works)),
        }
        for artist in artists
    ]
    rows = [
        f'<li class="ng-scope"><div class="title"><a href="{one["artistUrl"]}" '
        f'title="{one["title"]}">{one["title"]}</a></div></li>'
        for one in entries
    ]
    return envelope(
        ArtistsHtml="".join(rows), Artists=entries, AllArtistsCount=len(entries)
    )


def artworks(count: int) -> str:
    """``1 artwork``, ``2 artworks``."""
    return f"{count} artwork" if count == 1 else f"{count} artworks"


def _portrait(artist: Artist, url: str) -> str:
    return f"{url}/uploads1/images/{artist.slug}.jpg!Portrait.jpg"


def _date(year: int | None) -> str:
    # The site's own way to say that somebody is alive.
    ms = 253402300799999 if year is None else int((year - 1970) * 31_556_952_000)
    return f"/Date({ms})/"


# Pages --------------------------------------------------------------------------------


def _text(value: object) -> str:
    """As text of a page; titles in records are escaped already."""
    return html.escape(html.unescape("" if value is None else str(value)))


def page(title: str, body: str, head: str = "") -> str:
    """A page of the site, with its header and footer."""
    return (
        '<!DOCTYPE html>\n<html lang="en" ng-app="wikiart">\n<head>\n'
        f'<meta charset="utf-8">\n<title>{_text(title)}</title>\n{head}</head>\n'
        "<body>\n"
        '<header><nav><ul class="wiki-menu"><li><a href="/en/">Home</a></li>'
        '<li><a href="/en/Alphabet/a/text-list">Artists</a></li></ul></nav></header>\n'
        f'{body}\n<footer><a href="/en/terms-of-use">Terms of use</a></footer>\n'
        "</body>\n</html>\n"
    )


NOT_FOUND = page(
    "Page not found - WikiArt.org",
    '<main><div class="error404-hint"><h1>404</h1><p>There is no such page.</p></div>'
    "</main>",
)
FAILED = page(
    "Error - WikiArt.org",
    "<main><h1>An error occurred while processing your request.</h1></main>",
)
NOT_JSON = page(
    "Pablo Picasso - All works",
    '<main class="view-all-works-main"><div class="artworks-by-dictionary" '
    'ng-init="initialPortion = {&quot;itemsCount&quot;:1166}"></div></main>',
)
CLOUDFLARE = (
    '<!DOCTYPE html>\n<html lang="en-US"><head><title>Just a moment...</title>'
    '<meta name="robots" content="noindex,nofollow"></head><body>'
    '<div class="main-wrapper"><h2>Checking if the site connection is secure</h2>'
    "<p>Ray ID: 0000000000000000</p></div></body></html>\n"
)
ROBOTS = (
    "User-agent: *\nAllow: /\n\n"
    "Sitemap: https://www.wikiart.org/sitemap/sitemap_index.xml\n"
)
AWKWARD_ROWS = """\
<li class="painting-list-text-row"><span>Withheld, with a comma</span><span>, 1968</span></li>
<li class="painting-list-text-row"><a href="http://pablo.tumblr.com/post/1">External</a><span>, 1937</span></li>
<li class="painting-list-text-row"><a href="https://evil.example/en/pablo-picasso/x">External 2</a></li>
<li class="painting-list-text-row"><a href="/en/georges-braque/houses-1908">Of another artist</a><span>, 1908</span></li>
<li class="painting-list-text-row"><a href="/en/pablo-picasso/all-works">All works</a></li>"""  # noqa: E501


def artist_page(artist: Artist) -> str:
    """``/en/{slug}``, which shows a few works only."""
    shown = "".join(
        f'<li><a class="artwork-name" href="{_text(one["paintingUrl"])}">'
        f"{_text(one.get('title'))}</a></li>"
        for one in artist.works[:20]
        if isinstance(one.get("paintingUrl"), str)
    )
    return page(
        _claim(artist),
        f'<main><div class="wiki-layout-artist-info"><article><h3>{_text(artist.name)}'
        f"</h3><h4>{_text(artist.original_name or artist.name)}</h4><ul><li>"
        '<s>Nationality:</s> <span itemprop="nationality">'
        f"{artist.nation}</span></li></ul></article>"
        f'</div><a class="btn-view-all" href="/en/{artist.slug}/all-works">View all</a>'
        f'<ul class="wiki-masonry-container">{shown}</ul></main>',
    )


def text_list(artist: Artist, unlinked: Sequence[str], awkward: bool) -> str:
    """``/en/{slug}/all-works/text-list``: the whole oeuvre, some of it unlinked."""
    rows = [_row(index, record) for index, record in enumerate(artist.works)]
    rows += [_row(0, {"title": title, "year": "1968"}) for title in unlinked]
    if awkward:
        rows.insert(min(7, len(rows)), AWKWARD_ROWS)
    home = f"/en/{artist.slug}"
    return page(
        _claim(artist, len(unlinked)),
        '<section class="wiki-layout-left-menu"><aside><ul>'
        f'<li><a href="{home}">Artist</a></li>'
        f'<li><a href="{home}/all-works">All Artworks</a></li>'
        f'<li><a href="{home}/mode/all-paintings">by date</a></li></ul></aside>'
        '<main class="view-all-works-main"><ul class="painting-list-text">\n'
        + "\n".join(rows)
        + "\n</ul></main></section>",
    )


def alphabet_page(letter: str, artists: Sequence[Artist]) -> str:
    """``/en/Alphabet/{letter}/text-list``."""
    rows = "\n".join(
        f'<li><a href="/en/{one.slug}">{_text(one.name)}</a><span>, {one.year}</span>'
        f"<span>, {artworks(len(one.works))}</span></li>"
        for one in artists
    )
    return page(
        f"Artists by name: {letter.upper()}",
        '<main><div class="masonry-text-view masonry-text-view-all">'
        f"<h2>{_text(letter.upper())}</h2><ul>\n{rows}\n</ul></div></main>",
    )


def painting_page(record: Record, details: Mapping[str, Any]) -> str:
    """``/en/{slug}/{work}``, of a record as served and its `make_details`."""
    title, artist = _text(record.get("title")), _text(record.get("artistName"))
    image = str(record.get("image") or "")
    large = f"{image}!Large.jpg" if derivative_size(record, "Large") else image
    sizes = _attribute({"ImageThumbnailsModel": [{"Thumbnails": _thumbnails(record)}]})
    rest = {key: value for key, value in record.items() if key != "id"}
    about = {"_t": "PaintingForGalleryNew", "_id": record.get("id"), **rest}
    embedded = _attribute(about)
    return page(
        f"{html.unescape(str(record.get('title')))} - {record.get('artistName')}",
        '<section class="wiki-layout-left-menu"><main ng-controller="ArtworkViewCtrl" '
        f'ng-init="thumbnailSizesModel = {sizes};" data-painting-id='
        f'"{_text(record.get("id"))}">\n'
        f'<aside><img itemprop="image" src="{_text(large)}">\n'
        '<div class="copyright-wrapper"><a class="copyright" href="#">'
        f"{_text(details.get('rights'))}</a></div></aside>\n"
        f'<article><h3>{title}</h3><h5 itemprop="creator">'
        f'<span itemprop="name"><a href="{_text(record.get("artistUrl"))}">{artist}</a>'
        f"</span></h5>\n<ul>{_labels(record, details)}</ul></article>\n"
        '<div class="wiki-layout-painting-info-bottom" ng-init="paintingJson = '
        f'{embedded}"></div>\n<article class="movie-promo"><ul><li><s>Date:</s> '
        "2020</li><li><s>Style:</s> Advertisement</li></ul></article></main></section>",
        head=f'<meta property="og:image" content="{_text(large)}">\n',
    )


def make_details(record: Mapping[str, Any]) -> dict[str, Any]:
    """Make what only the painting's page says; the same at each call."""
    draw = int(short_hash(str(record.get("id")), 8), 16)
    styles = ("Cubism", "Expressionism", "Surrealism", "Neoclassicism")
    genres = ("portrait", "landscape", "still life", "sculpture")
    media = ("oil, canvas", "oil, panel", "gouache, paper", "charcoal, paper")
    year = re.search(r"\d{4}", str(record.get("year")))
    free = year is not None and int(year[0]) < 1928
    return {
        "style": styles[draw % 4],
        "genre": genres[draw // 4 % 4],
        "media": media[draw // 16 % 4],
        "dimensions": f"{20 + draw % 90}.5 x {30 + draw // 64 % 120} cm",
        "rights": "Public domain" if free else "Copyright protected (fair use)",
    }


def _claim(artist: Artist, more: int = 0) -> str:
    count = len(artist.works) + artist.claims + more
    return f"{artist.name} - {artworks(count)} - painting"


def _row(index: int, record: Mapping[str, Any]) -> str:
    """A work in the text list; without a year it has ``?`` there, or nothing."""
    title, href = _text(record.get("title")), record.get("paintingUrl")
    shown = f"<span>{title}</span>"
    if isinstance(href, str):
        shown = f'<a href="{_text(href)}">{title}</a>'
    year = record.get("year") or ("?" if index % 2 else "")
    dated = f"<span>, {_text(year)}</span>" if year else ""
    return f'<li class="painting-list-text-row">{shown}{dated}</li>'


def _labels(record: Mapping[str, Any], details: Mapping[str, Any]) -> str:
    """The ``li > s`` of a painting's page; a detail that is None has none."""
    year = _text(record.get("year"))
    rows = [f'<li><s>Date:</s> <span itemprop="dateCreated">{year}</span></li>']
    for key in ("style", "genre", "media"):
        values = [one for one in str(details.get(key) or "").split(", ") if one]
        links = ", ".join(
            f'<a href="/en/paintings-by-{key}/{"-".join(fold_words(value))}">'
            f"{_text(value)}</a>"
            for value in values
        )
        if links:
            rows.append(
                f'<li class="dictionary-values "><s>{key.title()}:</s> '
                f"<span>{links}</span></li>"
            )
    if details.get("dimensions"):
        size = _text(details["dimensions"])
        rows.append(f'<li><s class="title">Dimensions:</s> {size}</li>')
    return "\n".join(rows)


def _thumbnails(record: Record) -> list[dict[str, Any]]:
    image, original = str(record.get("image") or ""), size_of(record)
    sizes = {name: derivative_size(record, name) for name in DERIVATIVES}
    shown = [
        (f"{image}!{name}.jpg", name, size) for name, size in sizes.items() if size
    ]
    return [
        {"SizeKB": 9, "Width": width, "Height": height, "Url": url, "Name": name}
        for url, name, (width, height) in [*shown, (image, "Original", original)]
    ]


def _attribute(value: Any) -> str:
    return html.escape(json.dumps(value, ensure_ascii=False, separators=(",", ":")))
