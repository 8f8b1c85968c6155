"""What the site lists and what is here, brought together."""

import re
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from urllib.parse import unquote, urlsplit

from artist_nst.corpus.works import Work
from artist_nst.wikiart.api import Listing, list_works
from artist_nst.wikiart.client import Polite
from artist_nst.wikiart.parsing import Artist, Painting, Record

SCAN = re.compile(r"-alt\d+$")  # ends the id of another scan of a work
GONE = "no longer listed by WikiArt"
KEPT = "what is here stays: "


@dataclass(slots=True)
class Changes:
    """What a list that was read again says that the one before did not."""

    added: list[Work] = field(default_factory=list)
    removed: list[Work] = field(default_factory=list)
    changed: list[Work] = field(default_factory=list)


def read_again(
    here: Iterable[Work],
    artist: Artist,
    site: Polite,
    on_page: Callable[[int, int | None], None],
    *,
    alternates: bool,
) -> tuple[list[Work], Changes, Listing]:
    """The site's list as it is now, merged with what is here (:func:`merge`).

    Raises:
        ArtistNstError: as :func:`artist_nst.wikiart.api.list_works`.
    """
    listing = list_works(site, artist, on_page)
    works, changes = merge(
        here,
        listing.records,
        site.home,
        alternates=alternates and listing.scans,
        complete=listing.complete,
    )
    return works, changes, listing


def merge(
    here: Iterable[Work],
    records: Sequence[Record],
    home: str,
    *,
    alternates: bool = False,
    complete: bool = True,
) -> tuple[list[Work], Changes]:
    """The works of the list in its order, with what is here of them.

    Pictures that are here stay: of a work that is listed no longer at the end, and of
    one with another picture in the list until that is here.

    Args:
        home: of the site, before the works' paths.
        alternates: other scans of a work count as works.
        complete: what the list does not have, the site does not have.
    """
    before = {work.id: work for work in here}
    listed = list(_listed(records, home, alternates))
    known = _known(before, listed)
    changes = Changes()
    merged: dict[str, Work] = {}
    for work in listed:
        old = before.get(known.get(work.id, ""))
        new = _renewed(old, work) if old else work
        merged[new.id] = new
        if old is None:
            changes.added.append(new)
        elif _told(old) != _told(new):
            changes.changed.append(new)
    for old in before.values():
        if old.id in merged:
            continue
        if not complete or (is_scan(old) and not alternates):
            merged[old.id] = old
            continue
        if old.reason != GONE:
            changes.removed.append(old)
        if old.status == "ok":
            merged[old.id] = replace(old, reason=GONE)
    return list(merged.values()), changes


def is_scan(work: Work) -> bool:
    """Whether it is another scan of a work that is listed itself."""
    return SCAN.search(work.id) is not None


def with_page(work: Work, page: Painting) -> Work:
    """What the work's own page adds to what the list says."""
    shown = work.status == "restricted" and page.image not in (None, work.image_url)
    return replace(
        work,
        year=work.year or page.year,
        listed_width=work.listed_width or page.width,
        listed_height=work.listed_height or page.height,
        image_url=work.image_url or page.image,
        rights=page.rights or "",
        style=page.style,
        genre=page.genre,
        media=page.media,
        dimensions=page.dimensions,
        status="pending" if shown else work.status,
    )


def is_kept(work: Work) -> bool:
    """Whether a better picture is withheld: until the list is read again, what is here
    is the best there is."""
    return work.status == "ok" and (work.reason or "").startswith(KEPT)


def has_page(work: Work) -> bool:
    """Whether the work's own page has been read."""
    return work.rights is not None


def page_path(work: Work) -> str:
    """The path of the work's own page on the site."""
    return "/en/" + (work.url or "").partition("/en/")[2]


def _known(before: dict[str, Work], listed: list[Work]) -> dict[str, str]:
    """Id in the list → id here. They differ where the HTML list was read, which knows
    no ids: there the work's page tells."""
    ids = {work.id for work in listed}
    pages: dict[str, str] = {}
    for work in before.values():
        if work.url and work.id not in ids and not is_scan(work):
            pages.setdefault(_key(work.url), work.id)
    known = {}
    for work in listed:
        by_page = None if is_scan(work) else pages.pop(_key(work.url), None)
        known[work.id] = work.id if work.id in before else by_page or ""
    return known


def _listed(records: Sequence[Record], home: str, alternates: bool) -> Iterable[Work]:
    for record in records:
        work = Work(
            id=record.id,
            title=record.title,
            year=record.year,
            artist=record.artist,
            url=home + record.page if record.page else None,
            image_url=record.image,
            listed_width=record.width,
            listed_height=record.height,
            status="restricted" if record.restricted else "pending",
            reason=record.restricted,
        )
        yield work
        for number, scan in enumerate(record.alternates if alternates else (), 1):
            yield replace(
                work,
                id=f"{work.id}-alt{number}",
                image_url=scan.image,
                listed_width=scan.width,
                listed_height=scan.height,
                status="pending",
                reason=None,
            )


def _renewed(old: Work, listed: Work) -> Work:
    """What is here, under what the list says now."""
    told = replace(
        old,
        title=listed.title,
        year=listed.year or old.year,
        artist=listed.artist,
        url=listed.url,
        image_url=listed.image_url or old.image_url,
        listed_width=listed.listed_width or old.listed_width,
        listed_height=listed.listed_height or old.listed_height,
        reason=None if is_kept(old) or old.reason == GONE else old.reason,
    )
    if old.status == "ok":
        return told
    if listed.status == "restricted":
        return replace(told, status="restricted", reason=listed.reason)
    if listed.image_url is None:
        return told
    return replace(
        told,
        status="failed" if old.status == "failed" else "pending",
        reason=old.reason if old.status == "failed" else None,
    )


def _told(work: Work) -> tuple[object, ...]:
    """What a change of the list is seen by."""
    path = urlsplit(work.image_url or "").path
    return work.title, work.year, path, work.reason == GONE


def _key(url: str | None) -> str:
    """A page's address as the list and the HTML agree on it."""
    return unicodedata.normalize("NFC", unquote(url or "")).rpartition("/en/")[2]
