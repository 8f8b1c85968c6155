"""What the site lists and what is here, brought together."""

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from urllib.parse import unquote, urlsplit

from artist_nst.corpus.answers import Painting, Record
from artist_nst.corpus.works import Work

DERIVATIVE = re.compile(r"!(?:Large|HD)\.jpg$")
SCAN = re.compile(r"-alt\d+$")  # ends the id of another scan of a work
GONE = "no longer listed by WikiArt"


@dataclass(slots=True)
class Changes:
    """What a list that was read again says that the one before did not."""

    added: list[Work] = field(default_factory=list)
    removed: list[Work] = field(default_factory=list)
    changed: list[Work] = field(default_factory=list)


def merge(
    here: Iterable[Work], records: Sequence[Record], home: str, *, alternates: bool
) -> tuple[list[Work], Changes]:
    """The works of the list in its order, with what is here of them.

    A work that is listed no longer stays if its picture is here, at the end.

    Args:
        home: of the site, before the works' paths.
        alternates: other scans of a work count as works.
    """
    before = {work.id: work for work in here}
    pages: dict[str, str] = {}
    for work in before.values():
        pages.setdefault(_key(work.url), work.id)
    changes = Changes()
    merged: dict[str, Work] = {}
    for listed in _listed(records, home, alternates):
        # The HTML list knows no ids, so that a work may be here under another.
        by_page = pages.get(_key(listed.url), "") if listed.url else ""
        known = listed.id if listed.id in before else by_page
        # Nothing in a scan's page tells it from the work itself.
        old = before.get(known) if known not in merged else None
        if old is None:
            merged[listed.id] = listed
            changes.added.append(listed)
        else:
            merged[old.id] = new = _renewed(old, listed)
            if (new.title, new.year) != (
                old.title,
                old.year,
            ) or new.status != old.status:
                changes.changed.append(new)
    for work in before.values():
        if work.id in merged:
            continue
        not_asked = SCAN.search(work.id) is not None and not alternates
        if not not_asked:
            changes.removed.append(work)
        if work.file:
            merged[work.id] = work if not_asked else replace(work, reason=GONE)
    return list(merged.values()), changes


def with_page(work: Work, page: Painting) -> Work:
    """What the work's own page adds to what the list says."""
    known = work.status == "ok"
    return replace(
        work,
        year=work.year or page.year,
        width=work.width if known else work.width or page.width,
        height=work.height if known else work.height or page.height,
        image_url=work.image_url or page.image,
        rights=page.rights,
        style=page.style,
        genre=page.genre,
        media=page.media,
        dimensions=page.dimensions,
        status="pending" if work.status == "restricted" and page.image else work.status,
    )


def has_page(work: Work) -> bool:
    """Whether the work's own page has been read."""
    return any((work.rights, work.style, work.genre, work.media, work.dimensions))


def page_path(work: Work) -> str:
    """The path of the work's own page on the site."""
    return "/en/" + (work.url or "").partition("/en/")[2]


def original(image_url: str | None) -> str | None:
    """The address of the whole picture, of whichever derivative this is."""
    return DERIVATIVE.sub("", image_url) if image_url else None


def _listed(records: Sequence[Record], home: str, alternates: bool) -> Iterable[Work]:
    for record in records:
        work = Work(
            id=record.id,
            title=record.title,
            year=record.year,
            artist=record.artist,
            url=home + record.page if record.page else None,
            image_url=record.image,
            width=record.width,
            height=record.height,
            status="restricted" if record.restricted else "pending",
            reason=record.restricted,
        )
        yield work
        for number, scan in enumerate(record.alternates if alternates else (), 1):
            yield replace(
                work,
                id=f"{work.id}-alt{number}",
                image_url=scan.image,
                width=scan.width,
                height=scan.height,
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
    )
    if listed.status == "restricted":
        # Withheld since: what is here stays.
        if old.status == "ok":
            return told
        return replace(told, status="restricted", reason=listed.reason)
    if listed.image_url is None or _same_picture(old.image_url, listed.image_url):
        return replace(told, reason=None) if old.reason == GONE else told
    return replace(
        told,
        image_url=listed.image_url,
        width=listed.width,
        height=listed.height,
        status="pending",
        reason=None,
    )


def _same_picture(old: str | None, new: str) -> bool:
    """The same path, on whichever of the ten hosts."""
    return old is not None and urlsplit(original(old)).path == urlsplit(new).path


def _key(url: str | None) -> str:
    """A page's address as the list and the HTML agree on it."""
    return unicodedata.normalize("NFC", unquote(url or "")).rpartition("/en/")[2]
