"""What a fetch would do: counted and estimated, with nothing written."""

from pathlib import Path

from artist_nst.corpus.filters import Selection
from artist_nst.corpus.works import Corpus, Work, head_of, load_corpus
from artist_nst.wikiart.client import Polite
from artist_nst.wikiart.download import Size, pixels_of
from artist_nst.wikiart.listing import GONE, has_page, read_again
from artist_nst.wikiart.parsing import Artist
from artist_nst.wikiart.pending import needs_page, needs_picture, whats_broken
from artist_nst.wikiart.registry import is_listed
from artist_nst.wikiart.report import OnProgress, Progress, Report, Wish

BYTES_PER_PIXEL = 0.2  # of JPEG paintings on the web, roughly


def estimate(
    report: Report, artist: Artist, site: Polite, wish: Wish, on_progress: OnProgress
) -> None:
    """Count into ``report``; of the site no more than the list is asked for.

    Raises:
        ArtistNstError: as for a fetch.
    """
    works, selection = _works(report, artist, site, wish, on_progress), wish.selection
    report.listed = sum(work.reason != GONE for work in works)
    wanted, unread = _wanted(wish.candidates(works), selection)
    if unread:
        report.at_most = True
        report.notes.append(
            f"which of these {len(wanted):,} fit is on their own pages: up to "
            f"{unread:,} more requests, about {_minutes(unread, site.rate)}"
        )
    missing = [work for work in wanted if _is_missing(report.folder, work, wish)]
    report.wanted = len(wanted)
    report.restricted = sum(work.status == "restricted" for work in wanted)
    report.left = len(missing)
    report.already = report.wanted - report.restricted - report.left
    report.bytes = _bytes(missing, works, wish.size)
    pages = [work for work in wanted if needs_page(work, details=wish.details)]
    if pages and not unread:
        report.notes.append(
            f"{len(pages):,} works' own pages are to be read: as many more requests, "
            f"about {_minutes(len(pages), site.rate)}"
        )


def _wanted(candidates: list[Work], selection: Selection) -> tuple[list[Work], int]:
    """Works that may be wanted, and of how many the page would have to be read."""
    if not selection.needs_pages:
        return selection.chosen(candidates), 0
    unread = {work.id for work in candidates if work.url and not has_page(work)}
    wanted: list[Work] = []
    pages = 0
    for work in candidates:
        # As many as are wanted are known to fit: no more pages need be read.
        if selection.limit is not None and len(wanted) - pages >= selection.limit:
            break
        if work.id in unread or selection.chosen([work]):
            wanted.append(work)
            pages += work.id in unread
    return wanted[: selection.limit], pages


def _is_missing(folder: Path, work: Work, wish: Wish) -> bool:
    corpus = Corpus(folder, folder.name, folder.name, (work,))
    return needs_picture(work, wish.size) or (
        work.status == "ok" and bool(whats_broken(corpus, work, thoroughly=wish.verify))
    )


def _works(
    report: Report, artist: Artist, site: Polite, wish: Wish, on_progress: OnProgress
) -> list[Work]:
    """What is listed, as it is here or as the site says."""
    head = head_of(report.folder)
    here = load_corpus(report.folder).works if head else ()
    here_whole = is_listed(head, works=len(here), alternates=wish.alternates)
    if here_whole and not wish.refresh:
        return list(here)
    works, changes, listing = read_again(
        here,
        artist,
        site,
        lambda done, total: on_progress(Progress("list", done, total)),
        alternates=wish.alternates,
    )
    report.notes += listing.notes
    report.changes = changes if here else None
    return works


def _bytes(missing: list[Work], works: list[Work], size: Size) -> int:
    """Bytes of pictures that are not here, by their pixels."""
    known = [w for w in works if w.status == "ok" and w.bytes and w.width and w.height]
    each = BYTES_PER_PIXEL
    if len(known) >= 20:
        pixels = sum((w.width or 0) * (w.height or 0) for w in known)
        each = sum(w.bytes or 0 for w in known) / pixels
    sizes = [pixels_of(work, size) for work in missing]
    told = [one for one in sizes if one]
    typical = sum(told) / len(told) if told else 1e6
    return round(each * sum(one or typical for one in sizes))


def _minutes(requests: int, rate: float) -> str:
    seconds = requests / rate
    told = f"{seconds / 60:.0f} min" if seconds > 90 else f"{seconds:.0f} s"
    return f"{told} at {rate:g} a second"
