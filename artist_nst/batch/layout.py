"""How many workers paint, with how many threads: measured on the first jobs."""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from artist_nst._files import write_text
from artist_nst.batch.estimate import BASE_BYTES, BYTES_PER_PIXEL, measure_cost
from artist_nst.batch.plan import PlannedJob
from artist_nst.errors import ArtistNstError

LAYOUT_FILE = ".batch-workers.json"
# A process with torch, and what the least level is taken to need.
WORKER_BYTES = BASE_BYTES + 300_000_000
SINGLE_SAMPLES = 2  # paintings that one worker with all cores is measured by

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Layout:
    """Workers, and the threads of each."""

    workers: int
    threads: int

    def __str__(self) -> str:
        """Name it as in ``2 workers with 1 thread each``."""
        workers = f"{self.workers} worker" + "s" * (self.workers > 1)
        threads = f"{self.threads} thread" + "s" * (self.threads > 1)
        return f"{workers} with {threads}" + " each" * (self.workers > 1)


def list_layouts(
    jobs: Sequence[PlannedJob], cores: int, memory: int
) -> tuple[Layout, ...]:
    """List the layouts of workers on CPUs that are worth a try.

    Args:
        jobs: That are to be painted.
        cores: Of this machine.
        memory: Bytes that all workers may take.
    """
    pixels = max(planned.job.width * planned.job.height for planned in jobs)
    fitting = memory // (WORKER_BYTES + BYTES_PER_PIXEL * pixels)
    workers = max(1, min(cores, len(jobs), fitting))
    many = Layout(workers, cores // workers)
    # Each worker's first painting is not measured; and some are to profit.
    needed = 1 + SINGLE_SAMPLES + 3 * workers
    if workers == 1 or len(jobs) < needed:
        return (many,)
    return Layout(1, cores), many


@dataclass(slots=True)
class Calibration:
    """Measures layouts on real jobs, one after another, and stays with the best.

    Attributes:
        layouts: Those to be measured; a single one is not.
        file: Where the best is remembered for the next run.
        key: What it holds for.
    """

    layouts: tuple[Layout, ...]
    file: Path
    key: str
    best: Layout | None = None
    rates: list[float] = field(default_factory=list)
    _samples: list[tuple[float, float]] = field(default_factory=list)

    def __post_init__(self) -> None:
        if len(self.layouts) == 1:
            self.best = self.layouts[0]
            return
        known = _load(self.file).get(self.key)
        if known in [[layout.workers, layout.threads] for layout in self.layouts]:
            self.best = Layout(*known)

    @property
    def layout(self) -> Layout:
        """The layout by which the next job is painted."""
        return self.best or self.layouts[len(self.rates)]

    def add(self, planned: PlannedJob, seconds: float) -> None:
        """Take a painting's time, by a worker that had painted before."""
        if self.best is not None:
            return
        self._samples.append((measure_cost(planned.job), seconds))
        layout = self.layout
        if len(self._samples) < max(SINGLE_SAMPLES, layout.workers):
            return
        cost, spent = map(sum, zip(*self._samples, strict=True))
        self.rates.append(layout.workers * cost / max(spent, 1e-9))
        self._samples.clear()
        if len(self.rates) == len(self.layouts):
            self._choose()

    def _choose(self) -> None:
        rate = max(self.rates)
        self.best = self.layouts[self.rates.index(rate)]
        log.info("%s: %.1f × the rate of the slower", self.best, rate / min(self.rates))
        known = {**_load(self.file), self.key: [self.best.workers, self.best.threads]}
        try:
            write_text(self.file, json.dumps(known))
        except ArtistNstError as error:
            log.debug("the workers will be measured again: %s", error)


def make_layout_key(jobs: Sequence[PlannedJob], cores: int) -> str:
    """Name what a layout holds for: the largest painting, its network, the cores."""
    largest = max(jobs, key=lambda planned: planned.job.width * planned.job.height).job
    return f"{largest.width}x{largest.height} {largest.recipe.network} {cores}"


def _load(path: Path) -> dict[str, list[int]]:
    try:
        values = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):
        return {}
    return values if isinstance(values, dict) else {}
