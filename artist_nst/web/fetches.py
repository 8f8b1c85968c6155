"""Fetching artists in the background, one at a time, as politely as the command."""

from __future__ import annotations

import logging
import queue
import secrets
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

from artist_nst import collection
from artist_nst.collection import FetchOptions, FetchProgress, FetchReport, Selection
from artist_nst.errors import ArtistNstError
from artist_nst.web.folder import hide_folders
from artist_nst.wikiart.client import StoppedError, WikiArtClient

log = logging.getLogger(__name__)

MAX_WAITING = 10

FetchState = Literal["waiting", "running", "done", "failed", "canceled"]


@dataclass(slots=True)
class FetchJob:
    """An artist to fetch, or only to estimate.

    Attributes:
        name: As the user typed it.
        limit: Of works; None for all.
        dry_run: Whether only to count and estimate.
        id: Made here.
        state: How far it is.
        phase: What is read.
        done, total: Pages or works; the total is None while unknown.
        bytes: Received so far.
        note: The outcome in a line.
        artist, slug: That were found.
    """

    name: str
    limit: int | None
    dry_run: bool
    id: str = field(default_factory=lambda: secrets.token_hex(8))
    state: FetchState = "waiting"
    phase: str = ""
    done: int = 0
    total: int | None = None
    bytes: int = 0
    note: str = ""
    artist: str = ""
    slug: str = ""
    stop: threading.Event = field(default_factory=threading.Event)


class Fetcher:
    """A thread that fetches one artist after another.

    Args:
        corpora: The folder of corpora.
        on_change: Called from that thread whenever a job changes.
    """

    def __init__(
        self, corpora: Path, on_change: Callable[[], None] = lambda: None
    ) -> None:
        self.corpora = corpora
        self.on_change = on_change
        self.jobs: dict[str, FetchJob] = {}
        self._waiting: queue.SimpleQueue[FetchJob | None] = queue.SimpleQueue()
        self._client = WikiArtClient()
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self._run, name="fetcher", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def submit(self, job: FetchJob) -> None:
        """Add a job; ArtistNstError if too many wait."""
        with self._lock:
            waiting = sum(other.state == "waiting" for other in self.jobs.values())
            if waiting >= MAX_WAITING:
                raise ArtistNstError(
                    "too many artists wait to be fetched: try again later"
                )
            self.jobs[job.id] = job
            for key in list(self.jobs)[:-50]:
                if self.jobs[key].state not in ("waiting", "running"):
                    del self.jobs[key]
        self._waiting.put(job)
        self.on_change()

    def cancel(self, job_id: str) -> None:
        """Stop a job; what is downloaded stays. KeyError if there is none."""
        job = self.jobs[job_id]
        job.stop.set()
        if job.state == "waiting":
            job.state = "canceled"
        self.on_change()

    def close(self) -> None:
        """Stop what runs, and the thread."""
        for job in list(self.jobs.values()):
            job.stop.set()
        self._waiting.put(None)
        if self._thread.is_alive():
            self._thread.join(5)

    def _run(self) -> None:
        while (job := self._waiting.get()) is not None:
            if job.state == "waiting":
                self._fetch(job)
                self.on_change()

    def _fetch(self, job: FetchJob) -> None:
        job.state = "running"
        self.on_change()
        last = 0.0

        def show(progress: FetchProgress) -> None:
            nonlocal last
            job.phase = progress.phase
            job.done, job.total = progress.done, progress.total
            job.bytes = progress.bytes
            if time.monotonic() - last > 0.3:
                last = time.monotonic()
                self.on_change()
            if job.stop.is_set():
                raise KeyboardInterrupt

        options = FetchOptions(
            selection=Selection(limit=job.limit), dry_run=job.dry_run
        )
        self._client.set_stop_event(job.stop)
        try:
            report = collection.fetch(
                job.name,
                corpora=self.corpora,
                options=replace(options),
                client=self._client,
                on_progress=show,
            )
        except (KeyboardInterrupt, StoppedError):
            job.state, job.note = "canceled", "Stopped: what is here stays"
        except ArtistNstError as error:
            job.state, job.note = "failed", hide_folders(str(error))
        except Exception as error:  # the next artist is fetched all the same
            log.exception("fetching failed")
            job.state, job.note = "failed", f"it failed ({type(error).__name__})"
        else:
            job.artist, job.slug = report.artist, report.slug
            job.note = _describe(report, job.dry_run, self._client.rate)
            job.state = "canceled" if report.interrupted else "done"


def _describe(report: FetchReport, dry_run: bool, rate: float) -> str:
    """Describe what was fetched, or what would be, in a line."""
    megabytes = report.bytes / 1e6
    if dry_run:
        minutes = report.estimated_requests / rate / 60
        return (
            f"{report.artist}: {report.listed:,} works listed, {report.present:,} here"
            f"; {report.remaining:,} to download, about {megabytes:,.0f} MB and "
            f"{max(1, round(minutes)):,} min"
        )
    parts = [f"{report.artist}: {report.downloaded:,} works downloaded"]
    if report.present:
        parts.append(f"{report.present:,} were here")
    if report.restricted:
        parts.append(f"{report.restricted:,} are not shown by WikiArt")
    if report.failed:
        parts.append(f"{report.failed:,} failed")
    return ", ".join(parts) + (f"; {report.stop_reason}" if report.stop_reason else "")
