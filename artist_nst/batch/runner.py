"""Paint the jobs of a plan: hand them out, note what becomes of them, and go on."""

from __future__ import annotations

import time
from collections import Counter, deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from artist_nst.batch.estimate import measure_cost
from artist_nst.batch.finished import FinishedJobs
from artist_nst.batch.job_log import JobLog
from artist_nst.batch.ledger import Entry, Ledger
from artist_nst.batch.plan import PlannedJob
from artist_nst.batch.tasks import Lost, Pool, Result, WorkerState
from artist_nst.batch.thumbnails import keep_thumbnail
from artist_nst.errors import format_count

MAX_RETRIES = 2  # of a job whose worker ended
WAIT_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class BatchProgress:
    """The state of a batch, as ``on_progress`` gets it.

    Attributes:
        total: Jobs of this run.
        finished: Of them.
        failed: Of them.
        running: Of them.
        rate: Finished jobs a second; None before the first.
        remaining: Seconds left, as estimated; None before the first.
        workers: What they do.
    """

    total: int
    finished: int
    failed: int
    running: int
    rate: float | None
    remaining: float | None
    workers: Sequence[WorkerState]


@dataclass(slots=True)
class Outcome:
    """What became of the jobs of a run.

    Attributes:
        finished: How many were painted.
        failed: The entries of those that could not be painted.
        interrupted: Whether Ctrl-C stopped it.
    """

    finished: int = 0
    failed: list[Entry] = field(default_factory=list)
    interrupted: bool = False


def split_failed(
    found: FinishedJobs, ledger: Ledger
) -> tuple[list[PlannedJob], list[Entry]]:
    """Split the remaining jobs into new ones and those that failed before."""
    new: list[PlannedJob] = []
    failed: list[Entry] = []
    for planned in found.remaining:
        entry = ledger.find(planned.key, planned.job.out)
        if entry is not None and entry.state == "failed":
            failed.append(entry)
        else:
            new.append(planned)
    return new, failed


def run(
    jobs: Sequence[PlannedJob],
    pool: Pool,
    ledger: Ledger,
    *,
    count_interrupts: Callable[[], int] = lambda: 0,
    on_progress: Callable[[BatchProgress], None] = lambda _: None,
) -> Outcome:
    """Paint the jobs by the workers of a pool, which is closed at the end.

    A job that cannot be painted is noted, and the others go on. One whose worker ended
    is tried again, twice at most.

    Args:
        jobs: Those to be painted, in order.
        pool: Paints them.
        ledger: In which what becomes of them is noted.
        count_interrupts: Returns how often Ctrl-C was typed. After the first, what is
            in flight is finished; after the second, it is dropped.
        on_progress: Called whenever something changed, and now and then.

    Raises:
        ArtistNstError: The ledger cannot be written, or no worker can start.
    """
    return _Run(jobs, pool, ledger, count_interrupts, on_progress).run()


class _Run:
    def __init__(
        self,
        jobs: Sequence[PlannedJob],
        pool: Pool,
        ledger: Ledger,
        count_interrupts: Callable[[], int],
        on_progress: Callable[[BatchProgress], None],
    ) -> None:
        self.pool = pool
        self.ledger = ledger
        self.count_interrupts = count_interrupts
        self.on_progress = on_progress
        self.log = JobLog(ledger.path.parent)
        self.total = len(jobs)
        self.waiting = deque(jobs)
        # By key and output: the same painting may be asked for under two names.
        self.running: dict[tuple[str, str], PlannedJob] = {}
        self.losses: Counter[tuple[str, str]] = Counter()
        self.outcome = Outcome()
        self.started = time.monotonic()
        self.cost_left = sum(measure_cost(planned.job) for planned in jobs)
        self.cost_done = 0.0

    def run(self) -> Outcome:
        """Paint until nothing waits or runs, or Ctrl-C stops it."""
        is_dropped = True
        try:
            self.log.note(f"{format_count(self.total, 'job')} to be painted")
            self._loop()
            is_dropped = bool(self.running)
        finally:
            self.pool.close(kill=is_dropped)
        outcome = self.outcome
        for planned in self.running.values():
            self.log.write(planned.key, f"dropped {planned.job.out}")
        left = len(self.waiting) + len(self.running)
        outcome.interrupted = left > 0
        self.log.note(
            f"{outcome.finished:,} finished, {len(outcome.failed):,} failed, "
            f"{left:,} left"
        )
        return outcome

    def _loop(self) -> None:
        while True:
            interrupts = self.count_interrupts()
            if interrupts > 1:
                return
            if not interrupts:
                self._hand_out()
            if not self.running:
                return
            self._note(self.pool.wait(WAIT_SECONDS))
            self._report()

    def _hand_out(self) -> None:
        while self.waiting and len(self.running) < self.pool.capacity:
            planned = self.waiting.popleft()
            self.running[_identify(planned)] = planned
            self.pool.submit(planned)

    def _note(self, events: Iterable[Result | Lost]) -> None:
        entries: list[Entry] = []
        for event in events:
            if isinstance(event, Lost):
                entries += self._note_loss(event)
                continue
            entry = event.entry
            planned = self.running.pop((entry.key, entry.out))
            self.log.write(entry.key, *event.notes)
            if event.thumbnail:
                folder = self.ledger.path.parent
                keep_thumbnail(folder, entry.key, event.thumbnail)
            entries.append(entry)
            cost = measure_cost(planned.job)
            self.cost_left -= cost
            if entry.state == "finished":
                self.cost_done += cost
        if not entries:
            return
        self.ledger.add(*entries)
        for entry in entries:
            self._log_entry(entry)
            if entry.state == "finished":
                self.outcome.finished += 1
            else:
                self.outcome.failed.append(entry)

    def _note_loss(self, lost: Lost) -> list[Entry]:
        """Put a job back; returns its entry if it was tried often enough."""
        planned = lost.planned
        identity = _identify(planned)
        del self.running[identity]
        self.losses[identity] += lost.is_blamed
        if self.losses[identity] <= MAX_RETRIES:
            self.log.write(planned.key, f"to be tried again: {lost.reason}")
            # After the others: if it ends its workers, they lose no time by it.
            self.waiting.append(planned)
            return []
        self.cost_left -= measure_cost(planned.job)
        return [
            Entry(
                key=planned.key,
                out=planned.job.out,
                state="failed",
                reason=f"{lost.reason}, {self.losses[identity]} times",
                time=datetime.now(UTC).isoformat(timespec="seconds"),
            )
        ]

    def _log_entry(self, entry: Entry) -> None:
        text = f"{entry.state} {entry.out}"
        if entry.state == "failed":
            text += f": {entry.reason}"
        elif entry.seconds is not None:
            text += f" in {entry.seconds:.1f} s"
        self.log.write(entry.key, text)

    def _report(self) -> None:
        seconds = time.monotonic() - self.started
        outcome = self.outcome
        pace = seconds / self.cost_done if self.cost_done else None
        self.on_progress(
            BatchProgress(
                total=self.total,
                finished=outcome.finished,
                failed=len(outcome.failed),
                running=len(self.running),
                rate=outcome.finished / seconds if outcome.finished else None,
                remaining=None if pace is None else pace * self.cost_left,
                workers=self.pool.list_states(),
            )
        )


def _identify(planned: PlannedJob) -> tuple[str, str]:
    return planned.key, planned.job.out
