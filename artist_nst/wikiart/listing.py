"""Merging the site's list of works with the works that are here."""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace

from artist_nst.corpus.works import Work
from artist_nst.errors import UsageError
from artist_nst.wikiart.api import Listing, list_works
from artist_nst.wikiart.client import WikiArtClient
from artist_nst.wikiart.parsing import (
    Artist,
    ListedWork,
    WorkPage,
    get_url_path,
    normalize_path,
    percent_encode,
)

ALTERNATE_ID = re.compile(r"-alt\d+$")

# Reasons in manifests, by which later runs recognize these works.
DELISTED = "no longer listed by WikiArt"
KEPT_PREFIX = "what is here stays: "


@dataclass(slots=True)
class Changes:
    """How a list of works differs from the previous one."""

    added: list[Work] = field(default_factory=list)
    removed: list[Work] = field(default_factory=list)
    changed: list[Work] = field(default_factory=list)


def refresh_list(
    present: Iterable[Work],
    artist: Artist,
    client: WikiArtClient,
    on_page: Callable[[int, int | None], None],
    *,
    alternates: bool,
) -> tuple[list[Work], Changes, Listing]:
    """Read the site's list and merge it with the works that are here.

    See :func:`artist_nst.wikiart.api.list_works` and :func:`merge_works`.
    """
    listing = list_works(client, artist, on_page)
    works, changes = merge_works(
        present,
        listing.works,
        client.home,
        alternates=alternates and listing.has_alternates,
        is_complete=listing.is_complete,
    )
    return works, changes, listing


def merge_works(
    present: Iterable[Work],
    listed: Sequence[ListedWork],
    home: str,
    *,
    alternates: bool = False,
    is_complete: bool = True,
) -> tuple[list[Work], Changes]:
    """Merge a list, in its order, with the works that are here.

    Pictures that are here stay: a work that is no longer listed comes at the end, and a
    work with another picture in the list keeps its own until that one is here.

    Args:
        present: The works that are here.
        listed: The works in the list.
        home: The site's address, which works' paths are appended to.
        alternates: Whether other scans of a work count as works.
        is_complete: Whether the list has all works of the site.

    Returns:
        The works, and how the list differs from the previous one.
    """
    before = {work.id: work for work in present}
    after = list(_make_works(listed, home, alternates))
    ids = _match_ids(before, after)
    changes = Changes()
    merged: dict[str, Work] = {}
    for work in after:
        old = before.get(ids[work.id])
        new = _update(old, work) if old else work
        merged[new.id] = new
        if old is None:
            changes.added.append(new)
        elif _compared_values(old) != _compared_values(new):
            changes.changed.append(new)
    for old in before.values():
        if old.id in merged:
            continue
        if not is_complete or (is_alternate(old) and not alternates):
            merged[old.id] = old
            continue
        if old.reason != DELISTED:
            changes.removed.append(old)
        if old.status == "ok":
            merged[old.id] = replace(old, reason=DELISTED)
    return list(merged.values()), changes


def is_alternate(work: Work) -> bool:
    """Tell whether it is another scan of a work that is listed itself."""
    return ALTERNATE_ID.search(work.id) is not None


def add_page_details(work: Work, page: WorkPage) -> Work:
    """Add what the work's own page says to what the list says."""
    image = page.image
    url, width, height = (image.url, *image.size) if image else (None, None, None)
    is_shown = work.status == "restricted" and url not in (None, work.image_url)
    return replace(
        work,
        year=work.year or page.year,
        listed_width=work.listed_width or width,
        listed_height=work.listed_height or height,
        image_url=work.image_url or url,
        rights=page.rights or "",
        style=page.style,
        genre=page.genre,
        media=page.media,
        dimensions=page.dimensions,
        status="pending" if is_shown else work.status,
    )


def is_kept(work: Work) -> bool:
    """Tell whether a better picture was withheld.

    Until the list is read again, the one that is here is the best there is.
    """
    return work.status == "ok" and (work.reason or "").startswith(KEPT_PREFIX)


def has_details(work: Work) -> bool:
    """Tell whether the work's own page has been read."""
    return work.rights is not None


def page_path(work: Work) -> str:
    """Return the path of the work's own page on the site, percent-encoded."""
    return "/en/" + percent_encode((work.url or "").partition("/en/")[2])


def find_at(page: str, works: Iterable[Work]) -> Work:
    """Find the work whose own page has that path.

    Raises:
        UsageError: None that the site lists has.
    """
    for work in works:
        if is_at(page, work) and work.reason != DELISTED:
            return work
    raise UsageError(
        f"WikiArt lists no work at {page}; correct the address, or add --refresh to "
        "read its list again"
    )


def is_at(page: str, work: Work) -> bool:
    """Tell whether the work's own page has that path, in any encoding and case."""
    key = normalize_path(page).rpartition("/en/")[2]
    return _page_key(work).casefold() == key.casefold()


def _match_ids(before: dict[str, Work], after: list[Work]) -> dict[str, str]:
    """Map ids in the list to ids here, "" for new works.

    They differ if the text list was read, which has no ids: then pages are compared.
    """
    listed = {work.id for work in after}
    by_page: dict[str, str] = {}
    for work in before.values():
        if work.url and work.id not in listed and not is_alternate(work):
            by_page.setdefault(_page_key(work), work.id)
    ids = {}
    for work in after:
        match = None if is_alternate(work) else by_page.pop(_page_key(work), None)
        ids[work.id] = work.id if work.id in before else match or ""
    return ids


def _page_key(work: Work) -> str:
    return normalize_path(work.url or "").rpartition("/en/")[2]


def _make_works(
    listed: Sequence[ListedWork], home: str, alternates: bool
) -> Iterator[Work]:
    for entry in listed:
        work = Work(
            id=entry.id,
            title=entry.title,
            year=entry.year,
            artist=entry.artist,
            url=home + entry.page if entry.page else None,
            image_url=entry.image_url,
            listed_width=entry.width,
            listed_height=entry.height,
            status="restricted" if entry.restricted else "pending",
            reason=entry.restricted,
        )
        yield work
        for number, image in enumerate(entry.alternates if alternates else (), 1):
            yield replace(
                work,
                id=f"{work.id}-alt{number}",
                image_url=image.url,
                listed_width=image.width,
                listed_height=image.height,
                status="pending",
                reason=None,
            )


def _update(old: Work, listed: Work) -> Work:
    """Update a work that is here with what the list says now."""
    updated = replace(
        old,
        title=listed.title,
        year=listed.year or old.year,
        artist=listed.artist,
        url=listed.url,
        image_url=listed.image_url or old.image_url,
        listed_width=listed.listed_width or old.listed_width,
        listed_height=listed.listed_height or old.listed_height,
        reason=None if is_kept(old) or old.reason == DELISTED else old.reason,
    )
    if old.status == "ok":
        return updated
    if listed.status == "restricted":
        return replace(updated, status="restricted", reason=listed.reason)
    if listed.image_url is None:
        return updated
    return replace(
        updated,
        status="failed" if old.status == "failed" else "pending",
        reason=old.reason if old.status == "failed" else None,
    )


def _compared_values(work: Work) -> tuple[object, ...]:
    """Return the values by which a change of the list is recognized."""
    path = get_url_path(work.image_url or "")
    return work.title, work.year, path, work.reason == DELISTED
