"""A corpus downloaded from WikiArt: politely, resumably, every picture verified."""

import logging
import os
import signal
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from itertools import takewhile
from pathlib import Path

from artist_nst.corpus import wikiart
from artist_nst.corpus.answers import Artist
from artist_nst.corpus.download import Picture, PlaceholderError, download
from artist_nst.corpus.estimate import estimate
from artist_nst.corpus.fetched import folder_of, is_listed, known, now, remember
from artist_nst.corpus.listing import (
    GONE,
    has_page,
    merge,
    page_path,
    with_page,
)
from artist_nst.corpus.manifest import PART, DiskError, Manifest, disk_trouble, hold
from artist_nst.corpus.names import file_name
from artist_nst.corpus.needs import needs_page, needs_picture, path_of, whats_broken
from artist_nst.corpus.polite import Polite, RefusedError, StoppedError
from artist_nst.corpus.report import OnProgress, Progress, Report, Wish
from artist_nst.corpus.verify import Verify
from artist_nst.corpus.works import Work
from artist_nst.errors import ArtistNstError

log = logging.getLogger(__name__)

NAMED = 3  # works in a note, before they are only counted
GRACE_S = 3.0  # that a thread has to notice Ctrl-C


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
    artist, folder = known(name, corpora) or _found(name, site, corpora)
    report = Report(artist.name, artist.slug, folder)
    source = f"{site.home}/en/{artist.slug}"
    try:
        if wish.dry_run:
            estimate(report, artist, site, wish, on_progress)
        else:
            with hold(
                folder, slug=artist.slug, artist=artist.name, source=source
            ) as manifest:
                remember(manifest, name)
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
        self.stop = threading.Event()
        self.threads: list[threading.Thread] = []
        self.closed = False
        self.fatal: BaseException | None = None
        self.broken: dict[str, str] = {}
        self.wanted: set[str] = set()
        self.downloaded: set[str] = set()
        self.failures: dict[str, str] = {}

    def run(self) -> None:
        """List, select, download; leave the manifest in order whatever happens."""
        self._find_broken()
        here = is_listed(self.manifest.head, alternates=self.wish.alternates)
        if self.wish.refresh or not here:
            self._list()
        self._forget_lost()
        order = list(self.manifest.works)
        try:
            self._bring()
        except KeyboardInterrupt:
            self.report.interrupted = True
            limit = self.wish.selection.limit
            self.wanted = self.wanted or set(self._candidates()[:limit])
        finally:
            with _undisturbed():
                self._close()
                self._settle_broken()
                works = self.manifest.works
                self.manifest.arrange([works[id] for id in order])
                self.manifest.describe(updated=now())
                self._tally([works[id] for id in order if id in self.wanted])

    # The list -------------------------------------------------------------------------

    def _list(self) -> None:
        manifest, wish = self.manifest, self.wish
        listing = wikiart.list_works(
            self.site,
            self.artist,
            lambda done, total: self.on_progress(Progress("list", done, total)),
        )
        self.site.rest()  # the threads open connections of their own
        works, changes = merge(
            manifest.works.values(),
            listing.records,
            self.site.home,
            alternates=wish.alternates,
            complete=listing.complete,
        )
        if manifest.works:
            self.report.changes = changes
        self.report.notes += listing.notes
        manifest.arrange(works)
        manifest.describe(
            list={
                "works": len(works),
                "counted_by_site": listing.count,
                "alternates": wish.alternates,
                "complete": listing.complete,
                "read": now(),
            }
        )

    def _find_broken(self) -> None:
        """Works whose file is not what it was; they are to be had again."""
        corpus = self.manifest.corpus
        for work in corpus.works:
            if work.status == "ok":
                reason = whats_broken(corpus, work, thoroughly=self.wish.verify)
                if reason:
                    self.broken[work.id] = reason
        if self.broken:
            named = [
                f"{one.label}: {self.broken[one.id]}"
                for one in corpus.works
                if one.id in self.broken
            ]
            more = f" and {len(named) - NAMED:,} more" if len(named) > NAMED else ""
            told = "; ".join(named[:NAMED])
            self.report.notes.append(f"to be downloaded again: {told}{more}")

    def _forget_lost(self) -> None:
        """Works that are listed no longer, and whose file is gone as well."""
        works = self.manifest.works
        lost = [id for id in self.broken if works[id].reason == GONE]
        for id in lost:
            if not self._is_whole(works[id]):
                del works[id]

    def _settle_broken(self) -> None:
        """What is to be said of broken files that no download has replaced."""
        for id in self.broken.keys() & self.manifest.works.keys() - self.downloaded:
            work = self.manifest.works[id]
            if self._is_whole(work):
                continue  # changed by somebody, but a picture
            failed = self.failures.get(id)
            new = replace(
                work,
                status="failed" if failed else "pending",
                reason=failed or self.broken[id],
            )
            self.manifest.works[id] = new

    def _is_whole(self, work: Work) -> bool:
        path = path_of(self.manifest.corpus, work)
        try:
            return path is not None and bool(self.verify(path))
        except ArtistNstError:
            return False

    # Which works ----------------------------------------------------------------------

    def _bring(self) -> None:
        """Find out what is wanted, and download it."""
        while True:
            chosen, unread = self._selected()
            more = [id for id in chosen if id not in self.wanted]
            self.wanted.update(chosen, unread)
            if not more:
                return
            self._download([self.manifest.works[id] for id in more])
            if self.wish.selection.limit is None or self.site.refusal:
                return
            # Works of the sample that turned out to be withheld give way to others.

    def _candidates(self) -> list[str]:
        return [one.id for one in self.wish.candidates(self.manifest.works.values())]

    def _selected(self) -> tuple[list[str], list[str]]:
        """Ids of the works that are wanted, and of those of which it is not known
        because their pages can't be read."""
        selection, candidates = self.wish.selection, self._candidates()
        if selection.needs_pages:
            self._read_pages(candidates)
        works = [self.manifest.works[id] for id in candidates]
        chosen = [work.id for work in selection.chosen(works)]
        unread = [work.id for work in works if work.url and not has_page(work)]
        if not selection.needs_pages:
            unread = []
        elif selection.limit is not None:
            unread = unread[: selection.limit - len(chosen)]
        return chosen, unread

    def _read_pages(self, candidates: list[str]) -> None:
        """Read pages in order, until as many works as are wanted are known to fit."""
        works, selection = self.manifest.works, self.wish.selection
        waiting = {id for id in candidates if works[id].url and not has_page(works[id])}
        unread = [works[id] for id in candidates if id in waiting - set(self.failures)]
        if not unread:
            return
        log.info(
            "%s: style, genre, media and rights are on the works' own pages: "
            "up to %s more requests",
            self.artist.name,
            f"{len(unread):,}",
        )
        total = len(unread)

        def read(work: Work) -> None:
            self._with_page(work, needed=True)
            with self.lock:
                waiting.discard(work.id)
                done = total - len(waiting)
            self.on_progress(Progress("pages", done, total))

        def enough() -> bool:
            if selection.limit is None:
                return False
            # Up to the first that was not read yet: the sample goes by the order.
            seen = takewhile(lambda id: id not in waiting, candidates)
            return len(selection.chosen(works[id] for id in seen)) >= selection.limit

        self._in_threads(unread, read, enough)

    # Pictures -------------------------------------------------------------------------

    def _download(self, wanted: list[Work]) -> None:
        missing = [
            work
            for work in wanted
            if self._needs_picture(work) or needs_page(work, details=self.wish.details)
        ]
        # What failed before comes last: it may well fail again.
        missing.sort(key=lambda work: work.status == "failed")
        ended = 0

        def one(work: Work) -> None:
            nonlocal ended
            self._brought(work)
            with self.lock:
                ended += 1
            self.on_progress(
                Progress(
                    "pictures",
                    ended,
                    len(missing),
                    self.report.bytes,
                    len(self.failures),
                )
            )

        self.on_progress(Progress("pictures", 0, len(missing)))
        self._in_threads(missing, one)

    def _needs_picture(self, work: Work) -> bool:
        return work.id in self.broken or needs_picture(work, self.wish.size)

    def _brought(self, work: Work) -> None:
        """Read a work's page and download its picture, as far as they are needed."""
        part = self.manifest.images / f".{file_name(work.id, '', PART)}"
        try:
            if needs_page(work, details=self.wish.details):
                work = self._with_page(work)
            if self._needs_picture(work) and work.image_url:
                size = self.wish.size
                self._keep(work, download(self.site, work, size, part, self.verify))
        except (RefusedError, StoppedError, DiskError, OSError):
            raise
        except PlaceholderError as error:
            self._fail(work, str(error), status="restricted")
        except ArtistNstError as error:
            self._fail(work, str(error))
        except Exception as error:
            # One work that we stumble over is no reason to lose the others.
            log.warning("%s: %s: %s", work.label, type(error).__name__, error)
            self._fail(work, f"a defect of artist-nst: {type(error).__name__}: {error}")
        finally:
            part.unlink(missing_ok=True)

    def _with_page(self, work: Work, *, needed: bool = False) -> Work:
        """``work`` with what its own page says.

        Args:
            needed: without its page it can't be known whether the work is wanted.
        """
        try:
            page = wikiart.painting(self.site, page_path(work))
        except (RefusedError, StoppedError):
            raise
        except ArtistNstError as error:
            if needed or not (work.image_url or work.status == "restricted"):
                self._fail(work, f"its page: {error}")
            else:
                self.failures[work.id] = f"its page: {error}"
            return work
        work = with_page(work, page)
        if not work.image_url and work.status != "restricted":
            if page.restricted:
                return self._put(
                    replace(work, status="restricted", reason=page.restricted)
                )
            self._fail(work, "its page shows no picture")
            return work
        return self._put(work)

    def _fail(self, work: Work, reason: str, status: str = "failed") -> None:
        """What is here stays, and the failure is told; else the manifest has it."""
        if work.status == "ok" and work.id not in self.broken:
            self.failures[work.id] = f"what is here stays ({reason})"
            return
        if status == "failed":
            self.failures[work.id] = reason
        if work.status != "ok":  # see _settle_broken
            self._put(replace(work, status=status, reason=reason))

    def _keep(self, work: Work, picture: Picture) -> None:
        """The picture under its name, and the manifest's word for it."""
        name = file_name(work.id, work.title, picture.suffix)
        new = replace(
            work,
            width=picture.width,
            height=picture.height,
            sha256=picture.sha256,
            bytes=picture.bytes,
            file=f"images/{name}",
            file_url=picture.address,
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
        old = path_of(self.manifest.corpus, work) if work.file != new.file else None
        if old is not None:
            old.unlink(missing_ok=True)

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
            self.site.heed(self.stop)
            try:
                while True:
                    with self.lock:
                        if not queue or enough():
                            return
                        work = queue.popleft()
                    do(work)
            except (StoppedError, RefusedError):
                pass
            except BaseException as error:
                self.fatal = self.fatal or error
                self.stop.set()
            finally:
                self.site.rest()

        # Daemons: after Ctrl-C nobody waits for a server that says nothing.
        jobs = range(min(self.wish.jobs, len(queue)))
        self.threads = [threading.Thread(target=run, daemon=True) for _ in jobs]
        for thread in self.threads:
            thread.start()
        while not self.stop.is_set() and any(one.is_alive() for one in self.threads):
            self.stop.wait(0.05)
        if isinstance(self.fatal, OSError):
            raise disk_trouble(self.manifest.folder, self.fatal)
        if self.fatal is not None:
            raise self.fatal

    def _close(self) -> None:
        """From here on no thread writes."""
        self.stop.set()
        end = time.monotonic() + GRACE_S
        for thread in self.threads:
            thread.join(max(0.0, end - time.monotonic()))
        with self.lock:
            self.closed = True
        with suppress(OSError):
            self._sweep()

    def _sweep(self) -> None:
        """Temporary files, and those that a crash left without a word of them."""
        works = self.manifest.works.values()
        ours = {file_name(work.id, "", "") for work in works}
        files = {work.file for work in works}
        for path in self.manifest.images.iterdir():
            is_part = path.name.startswith(".") and path.name.endswith(PART)
            is_ours = path.stem.partition("_")[0] in ours
            if is_part or (is_ours and f"images/{path.name}" not in files):
                path.unlink(missing_ok=True)

    def _tally(self, wanted: list[Work]) -> None:
        report, status = self.report, Counter(work.status for work in wanted)
        everything = self.manifest.works.values()
        report.listed = sum(work.reason != GONE for work in everything)
        report.wanted = len(wanted)
        report.downloaded = len(self.downloaded)
        report.already = status["ok"] - report.downloaded
        report.restricted = status["restricted"]
        report.failed = status["failed"]
        report.left = status["pending"]
        report.failures = [
            f"{work.label}: {self.failures.get(work.id) or work.reason}"
            for work in wanted
            if work.status == "failed" or work.id in self.failures
        ]
        if self.site.refusal:
            report.stopped = str(self.site.refusal)


@contextmanager
def _undisturbed() -> Iterator[None]:
    """Ctrl-C is not heard meanwhile, where it could be."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _found(name: str, site: Polite, corpora: Path) -> tuple[Artist, Path]:
    found = wikiart.find_artist(site, name)
    if found.note:
        log.info("%s", found.note)
    return found.artist, folder_of(found.artist, corpora)
