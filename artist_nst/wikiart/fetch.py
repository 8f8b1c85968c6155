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
from pathlib import Path

from artist_nst.corpus.manifest import (
    PART,
    DiskError,
    Manifest,
    disk_trouble,
    hold,
    now,
)
from artist_nst.corpus.names import file_name
from artist_nst.corpus.verify import Verify
from artist_nst.corpus.works import Work
from artist_nst.errors import ArtistNstError
from artist_nst.wikiart import api as wikiart
from artist_nst.wikiart.client import Polite, RefusedError, StoppedError
from artist_nst.wikiart.download import Picture, PlaceholderError, download
from artist_nst.wikiart.estimate import estimate
from artist_nst.wikiart.listing import (
    GONE,
    KEPT,
    has_page,
    page_path,
    read_again,
    with_page,
)
from artist_nst.wikiart.parsing import Artist
from artist_nst.wikiart.pending import needs_page, needs_picture, path_of, whats_broken
from artist_nst.wikiart.registry import folder_of, is_listed, known, remember
from artist_nst.wikiart.report import OnProgress, Progress, Report, Wish

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
        self.announced = False
        self.closed = False
        self.fatal: BaseException | None = None
        self.broken: dict[str, str] = {}
        self.wanted: set[str] = set()
        self.downloaded: set[str] = set()
        # Id → status and reason, of what could not be had in this run.
        self.outcomes: dict[str, tuple[str, str]] = {}

    def run(self) -> None:
        """List, select, download; leave the manifest in order whatever happens."""
        self._find_broken()
        here = is_listed(
            self.manifest.head,
            works=len(self.manifest.works),
            alternates=self.wish.alternates,
        )
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
                self._settle()
                works = self.manifest.works
                self.manifest.arrange([works[id] for id in order])
                self.manifest.describe(updated=now())
                self._tally([works[id] for id in order if id in self.wanted])

    # The list -------------------------------------------------------------------------

    def _list(self) -> None:
        manifest = self.manifest
        works, changes, listing = read_again(
            manifest.works.values(),
            self.artist,
            self.site,
            lambda done, total: self.on_progress(Progress("list", done, total)),
            alternates=self.wish.alternates,
        )
        if manifest.works:
            self.report.changes = changes
        self.report.notes += listing.notes
        manifest.arrange(works)
        manifest.describe(
            list={
                "works": len(works),
                "counted_by_site": listing.count,
                "alternates": self.wish.alternates and listing.scans,
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

    def _forget_lost(self) -> None:
        """Works that are listed no longer, and whose file is gone as well."""
        works = self.manifest.works
        for id in self.broken.keys() & works.keys():
            if works[id].reason == GONE and not self._file(works[id]):
                del works[id]

    def _settle(self) -> None:
        """What is to be said of broken files that no download has replaced."""
        for id in self.broken.keys() & self.manifest.works.keys() - self.downloaded:
            work = self.manifest.works[id]
            file, outcome = self._file(work), self.outcomes.get(id)
            if file and (outcome is None or self._is_whole(file)):
                continue  # changed by somebody, but it may do
            status, reason = outcome or ("pending", self.broken[id])
            self.manifest.works[id] = replace(work, status=status, reason=reason)

    def _file(self, work: Work) -> Path | None:
        path = path_of(self.manifest.corpus, work)
        return path if path is not None and path.is_file() else None

    def _is_whole(self, file: Path) -> bool:
        try:
            return bool(self.verify(file))
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
        waiting = {
            id
            for id in candidates
            if works[id].url and not has_page(works[id]) and id not in self.outcomes
        }
        if not waiting:
            return
        total, place, fit = len(waiting), 0, 0
        self._announce(total)

        def read(work: Work) -> None:
            self._with_page(work, needed=True)
            with self.lock:
                waiting.discard(work.id)
                done = total - len(waiting)
            self.on_progress(Progress("pages", done, total))

        def enough() -> bool:
            nonlocal place, fit
            # Up to the first that was not read yet: the sample goes by the order.
            while place < len(candidates) and candidates[place] not in waiting:
                fit += len(selection.chosen([works[candidates[place]]]))
                place += 1
            return selection.limit is not None and fit >= selection.limit

        unread = [works[id] for id in candidates if id in waiting]
        self._in_threads(unread, read, enough)

    def _announce(self, pages: int) -> None:
        """Say once how many pages there may be to read."""
        if pages and not self.announced:
            log.info(
                "%s: style, genre, media and rights are on the works' own pages: "
                "up to %s more requests",
                self.artist.name,
                f"{pages:,}",
            )
        self.announced = True

    # Pictures -------------------------------------------------------------------------

    def _download(self, wanted: list[Work]) -> None:
        missing = [
            work
            for work in wanted
            if self._needs_picture(work) or needs_page(work, details=self.wish.details)
        ]
        if self.wish.details:
            self._announce(sum(needs_page(one, details=True) for one in missing))
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
                    len(self.outcomes),
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
                self.outcomes[work.id] = ("failed", f"its page: {error}")
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
        """Remember why; the manifest is told where no picture is here."""
        self.outcomes[work.id] = (status, reason)
        if work.status != "ok":
            self._put(replace(work, status=status, reason=reason))
        elif status == "restricted" and work.id not in self.broken:
            self._put(replace(work, reason=f"{KEPT}{reason}"))

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

        self.site.rest()  # the threads open connections of their own
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
        for left in self.manifest.images.glob(f".*{PART}"):
            with suppress(OSError):
                left.unlink()

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
        for work in wanted:
            was, reason = self.outcomes.get(work.id, (work.status, work.reason))
            if was == "failed":
                stays = work.status == "ok" and work.id not in self.downloaded
                kept = KEPT if stays else ""
                report.failures.append(f"{work.label}: {kept}{reason}")
        report.notes += self._notes(wanted)
        if self.site.refusal:
            report.stopped = str(self.site.refusal)

    def _notes(self, wanted: list[Work]) -> Iterator[str]:
        everything = self.manifest.works.values()
        if everything and not wanted and not self.report.interrupted:
            there = self.wish.selection.whats_there(everything)
            yield "no work fits what is asked for" + (f": {there}" if there else "")
        broken = [work for work in wanted if work.id in self.broken]
        told = "; ".join(
            f"{one.label}: {self.broken[one.id]}" for one in broken[:NAMED]
        )
        more = f" and {len(broken) - NAMED:,} more" if len(broken) > NAMED else ""
        if self.wish.verify:
            looked = sum(one.status == "ok" for one in everything)
            result = f"{len(broken):,} broken ({told}{more})" if broken else "all whole"
            yield f"{looked:,} files compared with their hashes: {result}"
        elif broken:
            yield f"{len(broken):,} were broken ({told}{more})"


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
