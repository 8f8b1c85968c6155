"""What is wished of a fetch, how far it is, and what came of it."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from artist_nst.corpus.filters import Selection
from artist_nst.corpus.works import Work
from artist_nst.wikiart.download import Size
from artist_nst.wikiart.listing import GONE, Changes, is_scan


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

    def candidates(self, works: Iterable[Work]) -> list[Work]:
        """Works that may be wanted, as far as the list tells, in the order they are to
        be had."""
        listed = (work for work in works if work.reason != GONE)
        if not self.alternates:
            listed = (one for one in listed if one.status == "ok" or not is_scan(one))
        return self.selection.candidates(listed)


@dataclass(slots=True)
class Report:
    """What a fetch did; the counts are of works.

    Attributes:
        listed: by the site.
        wanted: of these, by the selection: the sum of the five that follow.
        downloaded, already: of these, now and before.
        restricted, failed: of these, for the reasons in the manifest.
        left: of these, not reached (Ctrl-C, or the site refused us).
        failures: what failed and why, a line a work; also better pictures of works
            that are already here.
        at_most: of a dry run: which works fit is not known yet.
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
    failures: list[str] = field(default_factory=list)
    at_most: bool = False
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
        return not (self.failures or self.left or self.stopped)


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a fetch is: ``done`` of ``total`` (None: not known) pages or works."""

    phase: Literal["list", "pages", "pictures"]
    done: int
    total: int | None
    bytes: int = 0
    failed: int = 0


OnProgress = Callable[[Progress], None]
