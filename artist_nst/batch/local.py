"""Workers on this machine: one for each GPU, or as many as pay off on the cores."""

from __future__ import annotations

import logging
import multiprocessing
import os
import signal
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import TYPE_CHECKING

from artist_nst.batch.layout import (
    LAYOUT_FILE,
    Calibration,
    Layout,
    list_layouts,
    make_layout_key,
)
from artist_nst.batch.local_worker import run_worker
from artist_nst.batch.plan import PlannedJob
from artist_nst.batch.tasks import Lost, Result, Task, WorkerState, Workplace
from artist_nst.errors import ArtistNstError

if TYPE_CHECKING:
    from artist_nst.painting.compute import ComputeOptions

MAX_START_FAILURES = 10  # one after another
CLOSE_SECONDS = 5.0  # until a worker that should end is killed

log = logging.getLogger(__name__)


@dataclass(slots=True)
class _Worker:
    """A process, and what it does."""

    number: int
    process: BaseProcess
    connection: Connection
    task: Task | None = None
    layout: Layout | None = None
    is_ready: bool = False
    has_painted: bool = False
    share: float = 0.0


class LocalPool:
    """Processes that paint.

    Args:
        workplace: What the workers share.
        calibration: Says how many there are, with how many threads.
        gpus: Names of GPUs as ``CUDA_VISIBLE_DEVICES`` has them, one for each worker.
        memory: Bytes that all workers may take; None if a GPU's memory is the limit.
    """

    def __init__(
        self,
        workplace: Workplace,
        calibration: Calibration,
        gpus: Sequence[str] = (),
        memory: int | None = None,
    ) -> None:
        self.workplace = workplace
        self.calibration = calibration
        self.gpus = gpus
        self.memory = memory
        self._workers: dict[int, _Worker] = {}
        self._start_failures = 0
        # Spawned: a fork of a process with threads may hang.
        self._context = multiprocessing.get_context("spawn")

    @property
    def capacity(self) -> int:
        """How many jobs may be handed out at a time: one for each worker."""
        return self.calibration.layout.workers

    @property
    def pids(self) -> list[int]:
        """The processes of the workers."""
        processes = [worker.process for worker in self._workers.values()]
        return [process.pid for process in processes if process.pid]

    def submit(self, planned: PlannedJob) -> None:
        """Hand out a job; starts a worker if none is idle."""
        layout = self.calibration.layout
        memory = self.memory and self.memory // layout.workers
        task = Task(planned, layout.threads, memory)
        self._end_surplus(layout)
        while True:
            worker = self._find_idle() or self._start()
            try:
                worker.connection.send(task)
            except OSError:  # it ended while it was idle
                self._end(worker)
            else:
                worker.task, worker.layout, worker.share = task, layout, 0.0
                return

    def wait(self, seconds: float) -> Iterator[Result | Lost]:
        """Wait until a job is done or lost, but not longer than ``seconds``.

        Raises:
            ArtistNstError: No worker can start.
        """
        by_connection = {worker.connection: worker for worker in self._workers.values()}
        for connection in wait([*by_connection], seconds):
            worker = by_connection[connection]  # type: ignore[index]
            try:
                message = worker.connection.recv()
            except (EOFError, OSError):
                message = _describe_end(worker.process)
            if message is None:
                worker.is_ready, self._start_failures = True, 0
            elif isinstance(message, float):
                worker.share = message
            elif isinstance(message, Result):
                yield self._finish(worker, message)
            else:
                yield from self._lose(worker, message)

    def list_states(self) -> list[WorkerState]:
        """List what the workers do, by number."""
        return [
            WorkerState(
                f"GPU {number}" if self.gpus else f"worker {number + 1}",
                worker.task.planned.job.out,
                worker.share,
            )
            for number, worker in sorted(self._workers.items())
            if worker.task is not None
        ]

    def close(self, *, kill: bool = False) -> None:
        """End the workers, which drop what they do."""
        for worker in self._workers.values():
            worker.connection.close()
            if kill or worker.task is not None:
                worker.process.kill()
        for worker in self._workers.values():
            worker.process.join(CLOSE_SECONDS)
            if worker.process.is_alive():
                worker.process.kill()
                worker.process.join()
        self._workers.clear()

    def _find_idle(self) -> _Worker | None:
        idle = (worker for worker in self._workers.values() if worker.task is None)
        return next(idle, None)

    def _end_surplus(self, layout: Layout) -> None:
        """End idle workers that a layout has no use for: they hold memory."""
        while len(self._workers) > layout.workers and (idle := self._find_idle()):
            self._end(idle)

    def _start(self) -> _Worker:
        number = next(
            n for n in range(len(self._workers) + 1) if n not in self._workers
        )
        ours, theirs = self._context.Pipe()
        gpu = self.gpus[number] if self.gpus else None
        threads = max(layout.threads for layout in self.calibration.layouts)
        process = self._context.Process(
            target=run_worker,
            args=(theirs, self.workplace, gpu, threads),
            daemon=True,
        )
        with blocked_interrupts():
            process.start()
        theirs.close()
        worker = self._workers[number] = _Worker(number, process, ours)
        return worker

    def _finish(self, worker: _Worker, result: Result) -> Result:
        task, seconds = worker.task, result.entry.seconds
        assert task is not None
        if result.entry.state == "finished" and seconds is not None:
            is_current = worker.layout == self.calibration.layout
            # The first one loads the network, too.
            if worker.has_painted and is_current:
                self.calibration.add(task.planned, seconds)
            worker.has_painted = True
        worker.task = None
        return result

    def _lose(self, worker: _Worker, reason: str) -> Iterator[Lost]:
        self._end(worker)
        if not worker.is_ready:
            self._start_failures += 1
            if self._start_failures >= MAX_START_FAILURES:
                raise ArtistNstError(f"no worker can start: {reason}")
        if worker.task is not None:
            yield Lost(worker.task.planned, reason, worker.is_ready)

    def _end(self, worker: _Worker) -> None:
        del self._workers[worker.number]
        worker.connection.close()
        worker.process.kill()
        worker.process.join()


def open_local_pool(jobs: Sequence[PlannedJob], workplace: Workplace) -> LocalPool:
    """Open the workers that suit this machine and the jobs."""
    layouts, gpus, memory = choose_layouts(jobs, workplace.compute)
    calibration = make_calibration(layouts, jobs, workplace.folder)
    return LocalPool(workplace, calibration, gpus, memory)


def choose_layouts(
    jobs: Sequence[PlannedJob], compute: ComputeOptions
) -> tuple[tuple[Layout, ...], list[str], int | None]:
    """Choose the layouts of workers that suit this machine and the jobs.

    Returns:
        The layouts; the GPUs, one for each worker, if they compute; and the bytes that
        all workers may take, None if a GPU's memory is the limit.
    """
    from artist_nst.nst.devices import choose_device
    from artist_nst.nst.level import FREE_MEMORY_SHARE
    from artist_nst.nst.machine import count_cores, free_memory

    device = choose_device(compute.device)
    cores = count_cores()
    if device.type == "cpu":
        free = int(FREE_MEMORY_SHARE * free_memory(device))
        limit = compute.max_memory or free
        return list_layouts(jobs, cores, limit), [], limit
    gpus = _list_gpus() if device.type == "cuda" else []
    workers = max(1, min(len(gpus), len(jobs)))
    return (Layout(workers, max(1, cores // workers)),), gpus, None


def make_calibration(
    layouts: tuple[Layout, ...], jobs: Sequence[PlannedJob], folder: Path
) -> Calibration:
    """Make the calibration of layouts; an output folder may know the best."""
    from artist_nst.nst.machine import count_cores

    key = make_layout_key(jobs, count_cores())
    return Calibration(layouts, folder / LAYOUT_FILE, key)


@contextmanager
def blocked_interrupts() -> Iterator[None]:
    """Keep Ctrl-C from processes that are started meanwhile, for good.

    It would end them with a traceback before they can ignore it.
    """
    if not hasattr(signal, "pthread_sigmask"):  # Windows
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _list_gpus() -> list[str]:
    """List the names of the GPUs that this process may use."""
    import torch

    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    if visible:
        return visible.split(",")[: torch.cuda.device_count()]
    return [str(number) for number in range(torch.cuda.device_count())]


def _describe_end(process: BaseProcess) -> str:
    process.join(1)
    code = process.exitcode
    if code is None or code >= 0:
        return f"its worker ended unexpectedly (exit code {code})"
    name = signal.Signals(-code).name
    reason = ", maybe for want of memory" if name == "SIGKILL" else ""
    return f"its worker was ended by {name}{reason}"
