"""A corpus downloaded from WikiArt: politely, resumably, every picture verified."""

import hashlib
import json
import logging
import os
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from itertools import takewhile
from pathlib import Path
from typing import Any, Literal

from artist_nst.corpus import wikiart
from artist_nst.corpus.answers import Artist
from artist_nst.corpus.download import (
    Picture,
    PlaceholderError,
    Size,
    download,
    pixels_of,
    smaller,
)
from artist_nst.corpus.listing import Changes, has_page, merge, page_path, with_page
from artist_nst.corpus.manifest import PART, Manifest, disk_trouble, hold
from artist_nst.corpus.names import file_name, folder_name
from artist_nst.corpus.polite import Polite, RefusedError, StoppedError
from artist_nst.corpus.selection import Selection
from artist_nst.corpus.verify import Verify
from artist_nst.corpus.wikiart import Listing
from artist_nst.corpus.works import Work, artists, fold, load_corpus
from artist_nst.errors import ArtistNstError, UsageError

log = logging.getLogger(__name__)

BYTES_PER_PIXEL = 0.2  # of JPEG paintings on the web, roughly; for estimates
GRACE_S = 3.0  # that a thread has to notice Ctrl-C


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What is to be fetched of an artist, and how.

    Attributes:
        selection: which works.
        size: which of WikiArt's sizes; where a work has no such derivative, the
            original.
        alternates: other scans of a work as well.
        details: read every work's own page, for rights, style, genre, media.
        refresh: read the list again.
        verify: compare the files that are here with their hashes.
        jobs: connections at once.
        dry_run: list, count and estimate; write nothing.
    """

    selection: Selection = field(default_factory=Selection)
    size: Size = "original"
    alternates: bool = False
    details: bool = False
    refresh: bool = False
    verify: bool = False
    jobs: int = 4
    dry_run: bool = False


@dataclass(slots=True)
class Report:
    """What a fetch did; the counts are of works.

    Attributes:
        listed: by the site.
        wanted: of these, by the selection.
        downloaded, already: of these, now and before.
        restricted, failed: of these, for the reasons in the manifest.
        left: of these, not reached (Ctrl-C, or the site refused us).
        bytes: downloaded; in a dry run, the estimate of what would be.
        requests: made of the site.
        changes: between the list and the one before, where it was read again.
        notes: what else is worth knowing.
        stopped: why works are left, if so.
        interrupted: by Ctrl-C.
    """

    artist: str
    slug: str
    folder: Path
    listed: int = 0
    wanted: int = 0
    downloaded: int = 0
    already: int = 0
    restricted: int = 0
    failed: int = 0
    left: int = 0
    bytes: int = 0
    seconds: float = 0.0
    requests: int = 0
    changes: Changes | None = None
    notes: list[str] = field(default_factory=list)
    stopped: str = ""
    interrupted: bool = False

    @property
    def complete(self) -> bool:
        """Nothing failed and nothing is left."""
        return not (self.failed or self.left or self.stopped)


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a fetch is: ``done`` of ``total`` (None: not known) pages or works."""

    phase: Literal["list", "pages", "pictures"]
    done: int
    total: int | None
    bytes: int = 0
    failed: int = 0


OnProgress = Callable[[Progress], None]


def fetch(
    name: str,
    corpora: Path,
    site: Polite,
    verify: Verify,
    wish: Wish,
    on_progress: OnProgress = lambda _: None,
) -> Report:
    """Bring the corpus of the artist called ``name`` up to what is wished.

    What is here and whole is not downloaded again. Ctrl-C ends it early, with what was
    downloaded by then and ``interrupted`` in the report.

    Raises:
        UsageError: no artist, or several, are called so; the folder is something else.
        ArtistNstError: the site or the disk failed before anything could be had;
            another process is fetching the same artist; no works are listed.
    """
    begun, requests = time.monotonic(), site.requests
    artist = _known(name, corpora) or _found(name, site)
    folder = corpora / folder_name(artist.slug)
    _check_ours(folder)
    report = Report(artist.name, artist.slug, folder)
    source = f"{site.home}/en/{artist.slug}"
    try:
        if wish.dry_run:
            _dry_run(folder, artist, site, wish, report, on_progress)
        else:
            with hold(
                folder, slug=artist.slug, artist=artist.name, source=source
            ) as manifest:
                _remember(manifest, name)
                _Fetch(manifest, artist, site, verify, wish, report, on_progress).run()
    finally:
        site.rest()
    report.seconds = time.monotonic() - begun
    report.requests = site.requests - requests
    return report


class _Fetch:
    """One run over one artist."""

    def __init__(
        self,
        manifest: Manifest,
        artist: Artist,
        site: Polite,
        verify: Verify,
        wish: Wish,
        report: Report,
        on_progress: OnProgress,
    ) -> None:
        self.manifest = manifest
        self.artist = artist
        self.site = site
        self.verify = verify
        self.wish = wish
        self.report = report
        self.on_progress = on_progress
        self.lock = threading.Lock()
        self.threads: list[threading.Thread] = []
        self.closed = False
        self.fatal: BaseException | None = None
        self.downloaded: set[str] = set()

    def run(self) -> None:
        """List, select, download; leave the manifest in order whatever happens."""
        listing = self.manifest.head.get("list") or {}
        stale = self.wish.alternates and not listing.get("alternates")
        if self.wish.refresh or stale or not listing.get("complete"):
            self._list()
        works = self.manifest.works
        order = list(works)
        self.report.listed = len(order)
        wanted: list[Work] = []
        try:
            self._find_broken()
            wanted = self._selected()
            self._download(wanted)
        except KeyboardInterrupt:
            self.report.interrupted = True
        finally:
            self._close()
            self.manifest.arrange([works[id] for id in order])
            self.manifest.describe(updated=_now())
            self._tally([works[work.id] for work in wanted])

    # The list -------------------------------------------------------------------------

    def _list(self) -> None:
        manifest, wish = self.manifest, self.wish
        listing = _listing(self.site, self.artist, self.on_progress)
        works, changes = merge(
            manifest.works.values(),
            listing.records,
            self.site.home,
            alternates=wish.alternates,
        )
        if manifest.works:
            self.report.changes = changes
        self.report.notes += listing.notes
        manifest.arrange(works)
        short = listing.count is not None and len(listing.records) < listing.count
        manifest.describe(
            list={
                "works": len(works),
                "counted_by_site": listing.count,
                "alternates": wish.alternates,
                "complete": not short,
                "read": _now(),
            }
        )

    def _find_broken(self) -> None:
        """Works whose file is not what it was are to be had again."""
        corpus = self.manifest.corpus
        for work in corpus.works:
            if work.status != "ok":
                continue
            reason = _broken(corpus.path(work), work, thoroughly=self.wish.verify)
            if reason:
                self.report.notes.append(f"{work.label}: {reason}; to be had again")
                again = replace(work, status="pending", reason=reason)
                self.manifest.works[work.id] = again

    # Which works ----------------------------------------------------------------------

    def _selected(self) -> list[Work]:
        """The works wanted, in the order they are to be had."""
        selection = self.wish.selection
        candidates = selection.candidates(self.manifest.works.values())
        if selection.needs_pages:
            unread = [work for work in candidates if work.url and not has_page(work)]
            if unread:
                self._read_pages(candidates, unread)
        return _first(selection, [self.manifest.works[work.id] for work in candidates])

    def _read_pages(self, candidates: list[Work], unread: list[Work]) -> None:
        """Read pages in order, until as many works as are wanted are known to fit."""
        log.info(
            "%s: style, genre, media and rights are on the works' own pages: "
            "up to %s more requests",
            self.artist.name,
            f"{len(unread):,}",
        )
        done: set[str] = set()
        waiting = {work.id for work in unread}

        def read(work: Work) -> None:
            self._with_page(work)
            with self.lock:
                done.add(work.id)
            self.on_progress(Progress("pages", len(done), len(unread)))

        def enough() -> bool:
            limit = self.wish.selection.limit
            # Up to the first that was not read yet: the sample goes by the order.
            known = takewhile(lambda one: one.id not in waiting - done, candidates)
            seen = [self.manifest.works[work.id] for work in known]
            return limit is not None and len(_first(self.wish.selection, seen)) >= limit

        self._in_threads(unread, read, enough)

    # Pictures -------------------------------------------------------------------------

    def _download(self, wanted: list[Work]) -> None:
        missing = [work for work in wanted if self._lacks(work)]
        # What failed before comes last: it may well fail again.
        missing.sort(key=lambda work: work.status == "failed")
        ended = failed = 0

        def one(work: Work) -> None:
            nonlocal ended, failed
            work = self._brought(work)
            with self.lock:
                ended += 1
                failed += work.status == "failed"
            self.on_progress(
                Progress("pictures", ended, len(missing), self.report.bytes, failed)
            )

        self.on_progress(Progress("pictures", 0, len(missing)))
        self._in_threads(missing, one)

    def _lacks(self, work: Work) -> bool:
        if self._lacks_page(work):
            return True
        if work.status == "ok":
            return smaller(work, self.wish.size)
        return work.status != "restricted"

    def _lacks_page(self, work: Work) -> bool:
        asked = self.wish.details or not work.image_url
        return asked and work.url is not None and not has_page(work)

    def _brought(self, work: Work) -> Work:
        """``work`` with its page read, its picture in place, or the reason why not."""
        if self._lacks_page(work):
            work = self._with_page(work)
        if not self._lacks(work) or not work.image_url:
            return work
        part = self.manifest.images / f".{file_name(work.id, '', PART)}"
        try:
            return self._kept(
                work, download(self.site, work, self.wish.size, part, self.verify)
            )
        except (RefusedError, StoppedError):
            raise
        except ArtistNstError as error:
            if work.status == "ok":
                log.info("%s: what is here stays (%s)", work.label, error)
                return work
            withheld = isinstance(error, PlaceholderError)
            status = "restricted" if withheld else "failed"
            return self._put(replace(work, status=status, reason=str(error)))
        finally:
            part.unlink(missing_ok=True)

    def _with_page(self, work: Work) -> Work:
        """``work`` with what its own page says; failed if it has no other picture."""
        try:
            page = wikiart.painting(self.site, page_path(work))
        except (RefusedError, StoppedError):
            raise
        except ArtistNstError as error:
            if work.image_url:
                log.info("%s: its page can't be read (%s)", work.label, error)
                return work
            return self._put(replace(work, status="failed", reason=f"page: {error}"))
        work = with_page(work, page)
        if not work.image_url:
            reason = page.restricted or "its page shows no picture"
            status = "restricted" if page.restricted else "failed"
            work = replace(work, status=status, reason=reason)
        return self._put(work)

    def _kept(self, work: Work, picture: Picture) -> Work:
        """The picture under its name, and the manifest's word for it."""
        name = file_name(work.id, work.title, picture.suffix)
        new = replace(
            work,
            image_url=picture.address,
            width=picture.width,
            height=picture.height,
            sha256=picture.sha256,
            bytes=picture.bytes,
            file=f"images/{name}",
            status="ok",
            reason=picture.remark,
        )
        with self.lock:
            if self.closed:
                raise StoppedError("stopped")
            os.replace(picture.path, self.manifest.images / name)
            self.manifest.put(new)
            self.downloaded.add(new.id)
            self.report.bytes += picture.bytes
        if work.file and work.file != new.file:
            self.manifest.corpus.path(work).unlink(missing_ok=True)
        return new

    def _put(self, work: Work) -> Work:
        with self.lock:
            if self.closed:
                raise StoppedError("stopped")
            self.manifest.put(work)
        return work

    # Threads --------------------------------------------------------------------------

    def _in_threads(
        self,
        works: Iterable[Work],
        do: Callable[[Work], None],
        enough: Callable[[], bool] = lambda: False,
    ) -> None:
        """``do`` each in turn, ``jobs`` at once, until there is ``enough``."""
        queue = deque(works)

        def run() -> None:
            try:
                while self.fatal is None:
                    with self.lock:
                        if not queue or enough():
                            return
                        work = queue.popleft()
                    do(work)
            except (StoppedError, RefusedError):
                pass
            except OSError as error:
                self.fatal = disk_trouble(self.manifest.folder, error)
            except BaseException as error:
                self.fatal = error
            finally:
                self.site.rest()

        # Daemons: after Ctrl-C nobody waits for a server that says nothing.
        jobs = range(min(self.wish.jobs, len(queue)))
        self.threads = [threading.Thread(target=run, daemon=True) for _ in jobs]
        for thread in self.threads:
            thread.start()
        for thread in self.threads:
            while thread.is_alive():
                thread.join(0.1)
        if self.fatal is not None:
            raise self.fatal

    def _close(self) -> None:
        """From here on no thread writes."""
        if any(thread.is_alive() for thread in self.threads):
            self.site.stop()
            end = time.monotonic() + GRACE_S
            for thread in self.threads:
                thread.join(max(0.0, end - time.monotonic()))
        with self.lock:
            self.closed = True
        for left in self.manifest.images.glob(f".*{PART}"):
            left.unlink(missing_ok=True)

    def _tally(self, wanted: list[Work]) -> None:
        report, status = self.report, [work.status for work in wanted]
        report.wanted = len(wanted)
        report.downloaded = len(self.downloaded)
        report.already = status.count("ok") - report.downloaded
        report.restricted = status.count("restricted")
        report.failed = status.count("failed")
        report.left = status.count("pending")
        if self.site.refusal:
            report.stopped = str(self.site.refusal)


def _found(name: str, site: Polite) -> Artist:
    found = wikiart.find_artist(site, name)
    if found.note:
        log.info("%s", found.note)
    return found.artist


def _known(name: str, corpora: Path) -> Artist | None:
    """The artist, without asking the site, where the list is here already."""
    wanted = fold(name)
    for folder in artists(corpora).values():
        head = _head(folder)
        names = {fold(str(head.get("artist"))), head.get("slug")}
        names.update(head.get("asked") or [])
        complete = (head.get("list") or {}).get("complete")
        if complete and _is_fetched(head) and wanted and wanted in names:
            slug, artist = str(head["slug"]), str(head["artist"])
            return Artist(slug, artist, (artist,))
    return None


def _head(folder: Path) -> dict[str, Any]:
    """``corpus.json``, as far as it can be read: `hold` says what is wrong with it."""
    with suppress(OSError, ValueError, RecursionError):
        head = json.loads((folder / "corpus.json").read_text("utf-8-sig"))
        return head if isinstance(head, dict) else {}
    return {}


def _is_fetched(head: dict[str, Any]) -> bool:
    return str(head.get("source")).startswith("http")


def _check_ours(folder: Path) -> None:
    """Never mix what is fetched with a folder of the user's own."""
    if (folder / "corpus.json").exists():
        head = _head(folder)
        own = bool(head) and not _is_fetched(head)
    else:
        own = folder.is_dir() and bool(load_corpus(folder).works)
    if own:
        raise UsageError(
            f"{folder} is a corpus of your own: name another folder with --corpora"
        )


def _remember(manifest: Manifest, name: str) -> None:
    """That the artist is asked for by this name: the next run need not look it up."""
    asked = manifest.head.get("asked") or []
    if "created" not in manifest.head:
        manifest.describe(created=_now())
    if fold(name) and fold(name) not in asked:
        manifest.describe(asked=[*asked, fold(name)])


def _listing(site: Polite, artist: Artist, on_progress: OnProgress) -> Listing:
    try:
        return wikiart.list_works(
            site, artist, lambda done, total: on_progress(Progress("list", done, total))
        )
    finally:
        site.rest()  # the threads open connections of their own


def _first(selection: Selection, works: Iterable[Work]) -> list[Work]:
    """Those that fit, as many as are wanted; what is withheld is not a sample's."""
    fit = [work for work in works if selection.fits(work)]
    if selection.limit is None:
        return fit
    return [work for work in fit if work.status != "restricted"][: selection.limit]


def _broken(path: Path, work: Work, *, thoroughly: bool) -> str:
    """What is wrong with a work's file; "" if nothing."""
    try:
        if path.stat().st_size != work.bytes:
            return "its file has another length"
        if thoroughly:
            with path.open("rb") as file:
                if hashlib.file_digest(file, "sha256").hexdigest() != work.sha256:
                    return "its file has changed"
    except FileNotFoundError:
        return "its file is gone"
    except OSError as error:
        return f"its file can't be read ({error.strerror})"
    return ""


def _dry_run(
    folder: Path,
    artist: Artist,
    site: Polite,
    wish: Wish,
    report: Report,
    on_progress: OnProgress,
) -> None:
    """Count and estimate; nothing is written, and no page or picture is asked for."""
    here = load_corpus(folder).works if (folder / "corpus.json").exists() else ()
    works = list(here)
    if wish.refresh or not (_head(folder).get("list") or {}).get("complete"):
        listing = _listing(site, artist, on_progress)
        report.notes += listing.notes
        works, changes = merge(
            here, listing.records, site.home, alternates=wish.alternates
        )
        report.changes = changes if here else None
    report.listed = len(works)
    selection = wish.selection
    wanted = selection.candidates(works)
    unread = [work for work in wanted if work.url and not has_page(work)]
    if selection.needs_pages and unread:
        report.notes.append(
            f"which of these {len(wanted):,} fit is on their own pages: up to "
            f"{len(unread):,} more requests, about {_minutes(len(unread), site.rate)}"
        )
        wanted = [work for work in wanted if work in unread or selection.fits(work)]
        wanted = wanted[: selection.limit]
    else:
        wanted = _first(selection, wanted)
    report.wanted = len(wanted)
    status = [work.status for work in wanted]
    report.already = status.count("ok")
    report.restricted = status.count("restricted")
    missing = [work for work in wanted if work.status in ("pending", "failed")]
    report.left = len(missing)
    report.bytes = _estimate(missing, works, wish.size)


def _estimate(missing: list[Work], works: list[Work], size: Size) -> int:
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
    return f"{max(1, round(requests / rate / 60))} min at {rate:g} a second"


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
