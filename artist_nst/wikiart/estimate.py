"""Dry run: what a fetch would do, counted and estimated with nothing written."""

from artist_nst.corpus.filters import Selection
from artist_nst.corpus.works import Corpus, Work, load_corpus, read_header
from artist_nst.wikiart.client import WikiArtClient
from artist_nst.wikiart.download import Size, estimate_pixels
from artist_nst.wikiart.listing import DELISTED, find_at, has_details, refresh_list
from artist_nst.wikiart.parsing import Artist
from artist_nst.wikiart.pending import find_file_problem, needs_page, needs_picture
from artist_nst.wikiart.registry import is_fully_listed
from artist_nst.wikiart.report import (
    FetchOptions,
    FetchProgress,
    FetchReport,
    OnProgress,
)

BYTES_PER_PIXEL = 0.2  # of JPEG paintings on the web, roughly
TYPICAL_PIXELS = 1e6  # if no size is known
MIN_MEASURED = 20  # works whose bytes per pixel are taken in place of the above


def estimate(
    report: FetchReport,
    artist: Artist,
    client: WikiArtClient,
    options: FetchOptions,
    on_progress: OnProgress,
) -> None:
    """Count works and estimate bytes into ``report``; requests only the list.

    Raises:
        ArtistNstError: As for a fetch.
    """
    works = _load_or_list_works(report, artist, client, options, on_progress)
    if options.page:
        find_at(options.page, works)
    report.listed = sum(work.reason != DELISTED for work in works)
    selected, pages = _select(options.candidates(works), options.selection)
    if pages:
        report.is_upper_bound = True
        report.notes.append(
            f"which of these {len(selected):,} fit is on their own pages, up to "
            f"{pages:,} of which must be read"
        )
    missing = [work for work in selected if _is_missing(report, work, options)]
    report.selected = len(selected)
    report.restricted = sum(work.status == "restricted" for work in selected)
    report.remaining = len(missing)
    report.present = report.selected - report.restricted - report.remaining
    report.bytes = _estimate_bytes(missing, works, options.size)
    details = sum(needs_page(work, details=options.details) for work in selected)
    if details and not pages:
        report.notes.append(f"{details:,} works' own pages must be read, too")
    report.estimated_requests = len(missing) + (pages or details)


def _select(candidates: list[Work], selection: Selection) -> tuple[list[Work], int]:
    """Select works that may fit, and count the pages that would have to be read."""
    if not selection.needs_pages:
        return selection.choose(candidates), 0
    selected: list[Work] = []
    pages = 0
    for work in candidates:
        # Once enough works are known to fit, no more pages are read.
        if selection.limit is not None and len(selected) - pages >= selection.limit:
            break
        needs_page = bool(work.url) and not has_details(work)
        if needs_page or selection.choose([work]):
            selected.append(work)
            pages += needs_page
    return selected[: selection.limit], pages


def _is_missing(report: FetchReport, work: Work, options: FetchOptions) -> bool:
    corpus = Corpus(report.folder, report.slug, report.artist, (work,))
    return needs_picture(work, options.size) or (
        work.status == "ok"
        and bool(find_file_problem(corpus, work, verify=options.verify))
    )


def _load_or_list_works(
    report: FetchReport,
    artist: Artist,
    client: WikiArtClient,
    options: FetchOptions,
    on_progress: OnProgress,
) -> list[Work]:
    header = read_header(report.folder)
    present = load_corpus(report.folder).works if header else ()
    is_whole = is_fully_listed(
        header, works=len(present), alternates=options.alternates
    )
    if is_whole and not options.refresh:
        return list(present)
    works, changes, listing = refresh_list(
        present,
        artist,
        client,
        lambda done, total: on_progress(FetchProgress("list", done, total)),
        alternates=options.alternates,
    )
    report.notes += listing.notes
    report.changes = changes if present else None
    return works


def _estimate_bytes(missing: list[Work], works: list[Work], size: Size) -> int:
    """Estimate the bytes of missing pictures from their pixels."""
    measured = [
        (work.bytes, work.width * work.height)
        for work in works
        if work.status == "ok" and work.bytes and work.width and work.height
    ]
    bytes_per_pixel = BYTES_PER_PIXEL
    if len(measured) >= MIN_MEASURED:
        all_bytes, all_pixels = map(sum, zip(*measured, strict=True))
        bytes_per_pixel = all_bytes / all_pixels
    pixels = [estimate_pixels(work, size) for work in missing]
    estimated = [count for count in pixels if count]
    typical = sum(estimated) / len(estimated) if estimated else TYPICAL_PIXELS
    return round(bytes_per_pixel * sum(count or typical for count in pixels))
