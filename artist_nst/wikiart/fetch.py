"""Resumable download of an artist's works from WikiArt; every picture is verified."""

import logging
import os
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

from artist_nst._types import PathLike
from artist_nst.corpus.manifest import (
    PART_SUFFIX,
    DiskError,
    Manifest,
    make_disk_error,
    make_timestamp,
    open_manifest,
)
from artist_nst.corpus.names import make_file_name
from artist_nst.corpus.works import Status, Work, choose_corpora_folder
from artist_nst.errors import ArtistNstError
from artist_nst.image.verify import verify_picture
from artist_nst.wikiart.api import find_artist, get_work_page
from artist_nst.wikiart.client import RefusedError, StoppedError, WikiArtClient
from artist_nst.wikiart.download import (
    DownloadedPicture,
    PlaceholderError,
    download_picture,
)
from artist_nst.wikiart.estimate import estimate
from artist_nst.wikiart.listing import (
    DELISTED,
    KEPT_PREFIX,
    add_page_details,
    find_at,
    has_details,
    page_path,
    refresh_list,
)
from artist_nst.wikiart.parsing import Artist, page_slug, parse_work_path
from artist_nst.wikiart.pending import (
    find_file_problem,
    find_path,
    needs_page,
    needs_picture,
)
from artist_nst.wikiart.registry import (
    choose_folder,
    find_fetched_artist,
    is_fully_listed,
    remember_name,
)
from artist_nst.wikiart.report import (
    FetchOptions,
    FetchProgress,
    FetchReport,
    OnProgress,
)
from artist_nst.wikiart.workers import WorkerPool, ignore_interrupts

log = logging.getLogger(__name__)

MAX_NAMED = 3  # works in a note; further ones are counted


def fetch(
    artist: str,
    corpora: PathLike | None = None,
    *,
    options: FetchOptions | None = None,
    client: WikiArtClient | None = None,
    on_progress: OnProgress = lambda _: None,
) -> FetchReport:
    """Download an artist's works from WikiArt, or those that are missing or broken.

    Args:
        artist: A name, a slug as in WikiArt's addresses, or an address of an artist or
            of one work, which then is the only one.
        corpora: The folder of corpora (see
            :func:`artist_nst.corpus.works.choose_corpora_folder`).
        options: Which works, and how; all of them by default.
        client: The client, which may be shared by several fetches.
        on_progress: Called after each page of the list and each work, from several
            threads.

    Returns:
        What was done. Ctrl-C ends it early, with ``interrupted`` set.

    Raises:
        UsageError: No artist, or several, have that name; no work has that address;
            the folder is something else.
        ArtistNstError: The site or the disk failed before anything was downloaded, no
            works are listed, or another process fetches the same artist.
    """
    options, client = options or FetchOptions(), client or WikiArtClient()
    start, requests = time.monotonic(), client.requests
    parent = choose_corpora_folder(corpora)
    name = artist
    if page := parse_work_path(artist):
        options, name = replace(options, page=page), page_slug(page.rpartition("/")[0])
    match, folder = find_fetched_artist(name, parent) or _look_up(
        artist, client, parent
    )
    report = FetchReport(match.name, match.slug, folder, options.page)
    try:
        if options.dry_run:
            estimate(report, match, client, options, on_progress)
        else:
            source = f"{client.home}/en/{match.slug}"
            with open_manifest(
                folder, slug=match.slug, artist=match.name, source=source
            ) as manifest:
                remember_name(manifest, name)
                pool = WorkerPool(client, options.jobs)
                _FetchRun(
                    manifest, match, client, options, report, on_progress, pool
                ).run()
    finally:
        client.close()
    report.seconds = time.monotonic() - start
    report.requests = client.requests - requests
    return report


def _look_up(name: str, client: WikiArtClient, corpora: Path) -> tuple[Artist, Path]:
    artist, note = find_artist(client, name)
    if note:
        log.info("%s", note)
    return artist, choose_folder(artist, corpora)


@dataclass
class _FetchRun:
    """One run over one artist.

    Attributes:
        broken: Id of a work → what is wrong with its file.
        selected: Ids of the selected works.
        downloaded: Ids of works that were downloaded in this run.
        outcomes: Id → status and reason, of what failed in this run.
    """

    manifest: Manifest
    artist: Artist
    client: WikiArtClient
    options: FetchOptions
    report: FetchReport
    on_progress: OnProgress
    pool: WorkerPool
    broken: dict[str, str] = field(default_factory=dict)
    selected: set[str] = field(default_factory=set)
    downloaded: set[str] = field(default_factory=set)
    outcomes: dict[str, tuple[Status, str]] = field(default_factory=dict)
    was_announced: bool = False

    def run(self) -> None:
        """List, select, download; leave the manifest in order whatever happens."""
        self._find_broken()
        is_listed = is_fully_listed(
            self.manifest.header,
            works=len(self.manifest.works),
            alternates=self.options.alternates,
        )
        if self.options.refresh or not is_listed:
            self._refresh_list()
        self._drop_lost()
        if self.options.page:
            work = find_at(self.options.page, self.manifest.works.values())
            log.info("fetching one work: %s", work.label)
        order = list(self.manifest.works)
        try:
            self._download_selection()
        except KeyboardInterrupt:
            self.report.interrupted = True
            limit = self.options.selection.limit
            self.selected = self.selected or set(self._list_candidates()[:limit])
        except OSError as error:
            raise make_disk_error(self.manifest.folder, error) from error
        finally:
            with ignore_interrupts():
                self._stop_workers()
                self._settle_broken()
                works = self.manifest.works
                self.manifest.rewrite([works[id] for id in order])
                self.manifest.update_header(updated=make_timestamp())
                self._fill_report([works[id] for id in order if id in self.selected])

    def _stop_workers(self) -> None:
        self.pool.close()
        for part in self.manifest.image_folder.glob(f".*{PART_SUFFIX}"):
            with suppress(OSError):
                part.unlink()

    # The list -------------------------------------------------------------------------

    def _refresh_list(self) -> None:
        manifest = self.manifest
        works, changes, listing = refresh_list(
            manifest.works.values(),
            self.artist,
            self.client,
            lambda done, total: self.on_progress(FetchProgress("list", done, total)),
            alternates=self.options.alternates,
        )
        if manifest.works:
            self.report.changes = changes
        self.report.notes += listing.notes
        manifest.rewrite(works)
        manifest.update_header(
            list={
                "works": len(works),
                "counted_by_site": listing.count,
                "alternates": self.options.alternates and listing.has_alternates,
                "complete": listing.is_complete,
                "read": make_timestamp(),
            }
        )

    def _find_broken(self) -> None:
        """Find works whose file has changed or is gone; they are downloaded again."""
        corpus, verify = self.manifest.corpus, self.options.verify
        for work in corpus.works:
            if work.status == "ok" and (
                problem := find_file_problem(corpus, work, verify=verify)
            ):
                self.broken[work.id] = problem

    def _drop_lost(self) -> None:
        """Drop works that are no longer listed and whose file is gone as well."""
        works = self.manifest.works
        for id in self.broken.keys() & works.keys():
            if works[id].reason == DELISTED and not self._find_file(works[id]):
                del works[id]

    def _settle_broken(self) -> None:
        """Correct the status of broken works that no download has replaced."""
        for id in self.broken.keys() & self.manifest.works.keys() - self.downloaded:
            work = self.manifest.works[id]
            file, outcome = self._find_file(work), self.outcomes.get(id)
            if file and (outcome is None or self._is_picture(file)):
                continue  # changed by somebody, but usable
            status, reason = outcome or ("pending", self.broken[id])
            self.manifest.works[id] = replace(work, status=status, reason=reason)

    def _find_file(self, work: Work) -> Path | None:
        path = find_path(self.manifest.corpus, work)
        return path if path is not None and path.is_file() else None

    def _is_picture(self, file: Path) -> bool:
        try:
            verify_picture(file, max_pixels=self.options.max_pixels)
        except ArtistNstError:
            return False
        return True

    # Selection ------------------------------------------------------------------------

    def _download_selection(self) -> None:
        while True:
            chosen, unread = self._select()
            added = [id for id in chosen if id not in self.selected]
            self.selected.update(chosen, unread)
            if not added:
                return
            self._download([self.manifest.works[id] for id in added])
            if self.options.selection.limit is None or self.client.refusal:
                return
            # Works of the sample that turned out to be withheld are replaced by others.

    def _list_candidates(self) -> list[str]:
        works = self.manifest.works.values()
        return [work.id for work in self.options.candidates(works)]

    def _select(self) -> tuple[list[str], list[str]]:
        """Select works.

        Returns:
            Ids of those that fit, and of those that may fit, but whose pages can't be
            read.
        """
        selection, candidates = self.options.selection, self._list_candidates()
        if selection.needs_pages:
            self._read_pages(candidates)
        works = [self.manifest.works[id] for id in candidates]
        chosen = [work.id for work in selection.choose(works)]
        if not selection.needs_pages:
            return chosen, []
        unread = [work.id for work in works if work.url and not has_details(work)]
        if selection.limit is not None:
            unread = unread[: selection.limit - len(chosen)]
        return chosen, unread

    def _read_pages(self, candidates: list[str]) -> None:
        """Read pages in order, until enough works are known to fit."""
        works, selection = self.manifest.works, self.options.selection
        unread = {
            id
            for id in candidates
            if works[id].url and not has_details(works[id]) and id not in self.outcomes
        }
        if not unread:
            return
        total, position, fitting = len(unread), 0, 0
        self._announce(total)

        def read(work: Work) -> None:
            self._read_page(work, is_needed=True)
            with self.pool.lock:
                unread.discard(work.id)
                done = total - len(unread)
            self.on_progress(FetchProgress("pages", done, total))

        def is_enough() -> bool:
            nonlocal position, fitting
            # Up to the first unread one, since the sample goes by the order.
            while position < len(candidates) and candidates[position] not in unread:
                fitting += len(selection.choose([works[candidates[position]]]))
                position += 1
            return selection.limit is not None and fitting >= selection.limit

        queue = [works[id] for id in candidates if id in unread]
        self.pool.run(queue, read, is_enough)

    def _announce(self, pages: int) -> None:
        """Log once how many pages may have to be read."""
        if pages and not self.was_announced:
            log.info(
                "%s: style, genre, media and rights are on the works' own pages: "
                "up to %s more requests",
                self.artist.name,
                f"{pages:,}",
            )
        self.was_announced = True

    # Pictures -------------------------------------------------------------------------

    def _download(self, works: list[Work]) -> None:
        details = self.options.details
        missing = [
            work
            for work in works
            if self._needs_picture(work) or needs_page(work, details=details)
        ]
        if details:
            self._announce(sum(needs_page(work, details=True) for work in missing))
        # What failed before comes last, since it may well fail again.
        missing.sort(key=lambda work: work.status == "failed")
        done = 0

        def process(work: Work) -> None:
            nonlocal done
            self._process(work)
            with self.pool.lock:
                done += 1
            received, failed = self.report.bytes, len(self.outcomes)
            self.on_progress(
                FetchProgress("pictures", done, len(missing), received, failed)
            )

        self.on_progress(FetchProgress("pictures", 0, len(missing)))
        self.pool.run(missing, process)

    def _needs_picture(self, work: Work) -> bool:
        return work.id in self.broken or needs_picture(work, self.options.size)

    def _process(self, work: Work) -> None:
        """Read a work's page and download its picture, as far as they are needed."""
        options = self.options
        part = (
            self.manifest.image_folder / f".{make_file_name(work.id, '', PART_SUFFIX)}"
        )
        try:
            if needs_page(work, details=options.details):
                work = self._read_page(work)
            if self._needs_picture(work) and work.image_url:
                picture = download_picture(
                    self.client, work, options.size, part, options.max_pixels
                )
                self._store(work, picture)
        except (RefusedError, StoppedError, DiskError, OSError):
            raise
        except PlaceholderError as error:
            self._fail(work, str(error), status="restricted")
        except ArtistNstError as error:
            self._fail(work, str(error))
        except Exception as error:
            # A bug that concerns one work is no reason to lose the others.
            message = f"{type(error).__name__}: {error}"
            log.warning("%s: %s", work.label, message)
            self._fail(work, f"a bug in artist-nst: {message}")
        finally:
            part.unlink(missing_ok=True)

    def _read_page(self, work: Work, *, is_needed: bool = False) -> Work:
        """Read the work's own page and return the updated work.

        The page is needed if it decides whether the work is selected.
        """
        try:
            page = get_work_page(self.client, page_path(work))
        except (RefusedError, StoppedError):
            raise
        except ArtistNstError as error:
            reason = f"its page: {error}"
            if is_needed or not (work.image_url or work.status == "restricted"):
                self._fail(work, reason)
            else:
                self.outcomes[work.id] = "failed", reason
            return work
        work = add_page_details(work, page)
        if not work.image_url and work.status != "restricted":
            if not page.restricted:
                self._fail(work, "its page shows no picture")
                return work
            work = replace(work, status="restricted", reason=page.restricted)
        self._put(work)
        return work

    def _fail(self, work: Work, reason: str, status: Status = "failed") -> None:
        """Record a failure; in the manifest, too, if there is no picture."""
        self.outcomes[work.id] = status, reason
        if work.status != "ok":
            self._put(replace(work, status=status, reason=reason))
        elif status == "restricted" and work.id not in self.broken:
            self._put(replace(work, reason=f"{KEPT_PREFIX}{reason}"))

    def _store(self, work: Work, picture: DownloadedPicture) -> None:
        """Give the picture its name and enter it in the manifest."""
        file, image = picture.file, picture.image
        name = make_file_name(work.id, work.title, image.suffix)
        new = replace(
            work,
            width=image.width,
            height=image.height,
            sha256=file.sha256,
            bytes=file.bytes,
            file=f"images/{name}",
            file_url=picture.url,
            status="ok",
            reason=picture.remark,
        )
        with self.pool.writing():
            os.replace(file.path, self.manifest.image_folder / name)
            self.manifest.append(new)
            self.downloaded.add(new.id)
            self.report.bytes += file.bytes
        if work.file != new.file and (old := find_path(self.manifest.corpus, work)):
            old.unlink(missing_ok=True)

    def _put(self, work: Work) -> None:
        with self.pool.writing():
            self.manifest.append(work)

    # The report -----------------------------------------------------------------------

    def _fill_report(self, selected: list[Work]) -> None:
        report, statuses = self.report, Counter(work.status for work in selected)
        works = self.manifest.works.values()
        report.listed = sum(work.reason != DELISTED for work in works)
        report.selected = len(selected)
        report.downloaded = len(self.downloaded)
        report.present = statuses["ok"] - report.downloaded
        report.restricted = statuses["restricted"]
        report.failed = statuses["failed"]
        report.remaining = statuses["pending"]
        for work in selected:
            status, reason = self.outcomes.get(work.id, (work.status, work.reason))
            if status == "failed":
                is_kept = work.status == "ok" and work.id not in self.downloaded
                prefix = KEPT_PREFIX if is_kept else ""
                report.failures.append(f"{work.label}: {prefix}{reason}")
        report.notes += self._make_notes(selected)
        if self.client.refusal:
            report.stop_reason = str(self.client.refusal)

    def _make_notes(self, selected: list[Work]) -> Iterator[str]:
        works = self.manifest.works.values()
        if works and not selected and not self.report.interrupted:
            values = self.options.selection.describe_values(works)
            yield "no work fits the selection" + (f": {values}" if values else "")
        broken = [work for work in selected if work.id in self.broken]
        named = "; ".join(
            f"{work.label}: {self.broken[work.id]}" for work in broken[:MAX_NAMED]
        )
        if len(broken) > MAX_NAMED:
            named += f" and {len(broken) - MAX_NAMED:,} more"
        if self.options.verify:
            count = sum(work.status == "ok" for work in works)
            result = f"{len(broken):,} broken ({named})" if broken else "all whole"
            yield f"{count:,} files compared with their hashes: {result}"
        elif broken:
            yield f"{len(broken):,} were broken ({named})"
