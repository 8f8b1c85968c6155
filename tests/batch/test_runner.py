"""The runner with workers that only say what they did."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from artist_nst.batch.finished import find_finished
from artist_nst.batch.jobs import Job
from artist_nst.batch.ledger import Entry, Ledger
from artist_nst.batch.plan import PlannedJob
from artist_nst.batch.runner import BatchProgress, run, split_failed
from artist_nst.batch.tasks import Lost, Result, WorkerState
from artist_nst.errors import ArtistNstError
from tests.batch.conftest import Batch

MakeJob = Callable[..., Job]


class FakePool:
    """A pool whose jobs end as ``do`` says, one at a time."""

    def __init__(
        self, do: Callable[[PlannedJob], Result | Lost], capacity: int = 2
    ) -> None:
        self.do = do
        self.capacity = capacity
        self.handed_out: deque[PlannedJob] = deque()
        self.most = 0
        self.closed: bool | None = None

    def submit(self, planned: PlannedJob) -> None:
        self.handed_out.append(planned)
        self.most = max(self.most, len(self.handed_out))

    def wait(self, _: float) -> Iterator[Result | Lost]:
        yield self.do(self.handed_out.popleft())

    def list_states(self) -> list[WorkerState]:
        return [WorkerState("w", planned.job.out, 0.5) for planned in self.handed_out]

    def close(self, *, kill: bool = False) -> None:
        self.closed = kill


def finish(planned: PlannedJob) -> Result:
    entry = Entry(key=planned.key, out=planned.job.out, state="finished", seconds=1.0)
    return Result(entry, ("a note",))


@pytest.fixture
def jobs(batch: Batch, make_job: MakeJob) -> tuple[PlannedJob, ...]:
    batch.out.mkdir()
    names = (make_job(line=n, out=f"{n}.png", seed=n) for n in range(1, 7))
    return batch.plan(*names).jobs


def test_only_a_few_jobs_are_handed_out(
    batch: Batch, jobs: tuple[PlannedJob, ...]
) -> None:
    ledger, pool = Ledger(batch.out), FakePool(finish)
    seen: list[BatchProgress] = []
    outcome = run(jobs, pool, ledger, on_progress=seen.append)
    assert (outcome.finished, outcome.failed, outcome.interrupted) == (6, [], False)
    assert (pool.most, pool.closed) == (2, False)
    assert len(Ledger(batch.out).entries) == 6
    assert [progress.finished for progress in seen] == [1, 2, 3, 4, 5, 6]
    assert seen[0].workers[0].out == jobs[1].job.out
    remaining = [progress.remaining for progress in seen]
    assert None not in remaining
    assert remaining[-1] == pytest.approx(0)
    log = (batch.out / "batch.log").read_text()
    assert f" {jobs[0].key[:12]} a note\n" in log
    assert f" {jobs[0].key[:12]} finished {jobs[0].job.out} in 1.0 s\n" in log


def test_a_job_that_ends_its_workers_is_given_up(
    batch: Batch, jobs: tuple[PlannedJob, ...]
) -> None:
    tries = []

    def do(planned: PlannedJob) -> Result | Lost:
        tries.append(planned.job.out)
        if planned.job.out == "2.png":
            return Lost(planned, "its worker was ended by SIGKILL")
        # Before it began: it counts for nothing.
        if planned.job.out == "3.png" and tries.count("3.png") < 5:
            return Lost(planned, "it could not start", is_blamed=False)
        return finish(planned)

    ledger = Ledger(batch.out)
    outcome = run(jobs, FakePool(do), ledger)
    assert (outcome.finished, tries.count("2.png")) == (5, 3)
    (entry,) = outcome.failed
    assert entry.reason == "its worker was ended by SIGKILL, 3 times"
    found = find_finished(batch.plan(*_list_jobs(jobs)), batch.out, ledger)
    new, failed = split_failed(found, ledger)
    assert [entry.out for entry in failed] == ["2.png"]
    assert len(new) == 5  # the files are not there


def _list_jobs(jobs: tuple[PlannedJob, ...]) -> list[Job]:
    facts = [(planned.job.line, planned.job.photo, planned.job) for planned in jobs]
    return [
        Job(line=line, photo=photo, artist="anna", out=job.out, seed=job.seed)
        for line, photo, job in facts
    ]


@pytest.mark.parametrize(("presses", "finished", "kill"), [(1, 3, False), (2, 2, True)])
def test_ctrl_c(
    batch: Batch,
    jobs: tuple[PlannedJob, ...],
    presses: int,
    finished: int,
    kill: bool,
) -> None:
    done: list[str] = []

    def do(planned: PlannedJob) -> Result:
        done.append(planned.job.out)
        return finish(planned)

    pool, ledger = FakePool(do), Ledger(batch.out)
    count = run(
        jobs, pool, ledger, count_interrupts=lambda: presses if len(done) > 1 else 0
    )
    assert (count.finished, count.interrupted) == (finished, True)
    assert pool.closed is kill
    assert len(ledger.entries) == finished


def test_workers_end_with_the_runner(
    batch: Batch, jobs: tuple[PlannedJob, ...]
) -> None:
    def do(_: PlannedJob) -> Result:
        raise ArtistNstError("no worker can start")

    pool = FakePool(do)
    with pytest.raises(ArtistNstError, match="no worker can start"):
        run(jobs, pool, Ledger(batch.out))
    assert pool.closed is True


def test_nothing_to_do(batch: Batch) -> None:
    batch.out.mkdir()
    outcome = run([], FakePool(finish), Ledger(Path(batch.out)))
    assert (outcome.finished, outcome.interrupted) == (0, False)
