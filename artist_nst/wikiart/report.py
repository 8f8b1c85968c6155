"""Fetch options, progress and report."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from artist_nst.corpus.filters import Selection
from artist_nst.corpus.works import Work
from artist_nst.wikiart.download import Size
from artist_nst.wikiart.listing import DELISTED, Changes, is_alternate, is_at


@dataclass(frozen=True, slots=True, kw_only=True)
class FetchOptions:
    """Which works of an artist to fetch, and how.

    Attributes:
        selection: Which works.
        size: Which of WikiArt's sizes; the original if a work has no such derivative.
        alternates: Also fetch other scans of a work.
        details: Get each work's own page, for rights, style, genre and media.
        refresh: Read the list again.
        verify: Compare the files that are here with their hashes.
        jobs: The number of connections.
        max_pixels: The largest width × height that a picture may have.
        dry_run: List, count and estimate; write nothing.
        page: The path of the only work that is wanted ("/en/artist/work").
    """

    selection: Selection = field(default_factory=Selection)
    size: Size = "original"
    alternates: bool = False
    details: bool = False
    refresh: bool = False
    verify: bool = False
    jobs: int = 4
    max_pixels: int = 300_000_000
    dry_run: bool = False
    page: str | None = None

    def candidates(self, works: Iterable[Work]) -> list[Work]:
        """List the works that may be selected, as far as the list tells, in order."""
        return self.selection.filter_listed(
            work
            for work in works
            if work.reason != DELISTED
            and (self.page is None or is_at(self.page, work))
            and (self.alternates or work.status == "ok" or not is_alternate(work))
        )


@dataclass(slots=True)
class FetchReport:
    """What a fetch did; the counts are of works.

    Attributes:
        artist, slug, folder: Whose works, and where they are.
        page: The path of the only work that was asked for, if there was one.
        listed: By the site.
        selected: Of the listed; the sum of the five that follow.
        downloaded, present: Downloaded now, and before.
        restricted, failed: Not here for the reasons in the manifest.
        remaining: Not reached (Ctrl-C, or the site refused requests).
        failures: What failed and why, one line per work; also better pictures of works
            that are already here.
        is_upper_bound: In a dry run, whether fewer works than counted may fit.
        bytes: Downloaded; in a dry run, an estimate of the download.
        seconds: The time it took.
        requests: The number of requests.
        estimated_requests: Of a dry run, those that the fetch itself would make.
        changes: From the previous list, if it was read again.
        notes: What else is worth knowing.
        stop_reason: Why works remain, if the site refused requests.
        interrupted: Whether Ctrl-C ended it.
    """

    artist: str
    slug: str
    folder: Path
    page: str | None = None
    listed: int = 0
    selected: int = 0
    downloaded: int = 0
    present: int = 0
    restricted: int = 0
    failed: int = 0
    remaining: int = 0
    failures: list[str] = field(default_factory=list)
    is_upper_bound: bool = False
    bytes: int = 0
    seconds: float = 0.0
    requests: int = 0
    estimated_requests: int = 0
    changes: Changes | None = None
    notes: list[str] = field(default_factory=list)
    stop_reason: str = ""
    interrupted: bool = False

    @property
    def complete(self) -> bool:
        """Whether nothing failed and nothing remains."""
        return not (self.failures or self.remaining or self.stop_reason)


@dataclass(frozen=True, slots=True)
class FetchProgress:
    """How far a fetch is: ``done`` of ``total`` (if known) pages or works."""

    phase: Literal["list", "pages", "pictures"]
    done: int
    total: int | None
    bytes: int = 0
    failed: int = 0


OnProgress = Callable[[FetchProgress], None]
