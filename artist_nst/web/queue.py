"""The queue of paintings: one is painted at a time, the others wait their turn."""

from __future__ import annotations

import multiprocessing
import threading
from collections.abc import Callable
from contextlib import suppress
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import TYPE_CHECKING

from artist_nst.errors import ArtistNstError, format_count
from artist_nst.web.folder import hide_folders
from artist_nst.web.jobs import Job
from artist_nst.web.painter import Update, run_painter

if TYPE_CHECKING:
    from artist_nst.painting.compute import ComputeOptions

MAX_WAITING = 20
MAX_FINISHED = 50  # that are remembered
STOP_SECONDS = 20.0  # until a painter that does not stop is ended
KEEP_SECONDS = 300.0  # the same, if it is to keep the painting: steps may take long
RESTART_SECONDS = 10.0  # until a painter that could not start is started again


class QueueFullError(ArtistNstError):
    """Too many paintings wait."""


class PaintingQueue:
    """Jobs in order, and the process that does them.

    Args:
        folder: The studio's.
        compute: Where to compute.
        on_change: Called from other threads whenever a job changes.
    """

    def __init__(
        self,
        folder: Path,
        compute: ComputeOptions,
        on_change: Callable[[], None] = lambda: None,
    ) -> None:
        self.folder = folder
        self.compute = compute
        self.on_change = on_change
        self.device = ""
        self._jobs: dict[str, Job] = {}
        self._changed = threading.Condition()
        self._is_closing = False
        self._connection: Connection | None = None
        self._process: BaseProcess | None = None
        self._thread = threading.Thread(target=self._run, name="queue", daemon=True)

    def start(self) -> None:
        """Start the painter, so that it is ready when the first job comes."""
        self._thread.start()

    def submit(self, job: Job) -> None:
        """Add a job to the end of the queue.

        Raises:
            QueueFullError: Too many wait.
        """
        with self._changed:
            waiting = sum(other.state == "waiting" for other in self._jobs.values())
            if waiting >= MAX_WAITING:
                raise QueueFullError(
                    f"{format_count(waiting, 'painting')} wait already: try again when "
                    "some are done"
                )
            self._jobs[job.id] = job
            finished = [key for key, other in self._jobs.items() if not other.is_active]
            for key in finished[:-MAX_FINISHED]:
                del self._jobs[key]
            self._changed.notify_all()
        self.on_change()

    def get(self, job_id: str) -> Job:
        """Return a job; KeyError if there is none."""
        return self._jobs[job_id]

    def list_jobs(self) -> list[Job]:
        """List the jobs, the oldest first."""
        with self._changed:
            return list(self._jobs.values())

    def count_ahead(self, job: Job) -> int:
        """Count the jobs that are done before a waiting one."""
        jobs = self.list_jobs()
        ahead = jobs[: jobs.index(job)] if job in jobs else []
        return sum(other.is_active for other in ahead)

    def stop(self, job_id: str, *, keep: bool) -> None:
        """Stop a job: keep the best painting so far, or drop it.

        A job that waits is dropped. KeyError if there is none.
        """
        with self._changed:
            job = self._jobs[job_id]
            if job.state == "waiting":
                job.state = "canceled"
            elif job.state == "running":
                job.state, job.note = "stopping", "Stopping"
                if self._connection is not None:
                    # If the painter has just ended, the job will say so.
                    with suppress(OSError):
                        self._connection.send("keep" if keep else "cancel")
                seconds = KEEP_SECONDS if keep else STOP_SECONDS
                timer = threading.Timer(seconds, self._end_if_stuck, [job])
                timer.daemon = True  # or the end of the studio would wait for it
                timer.start()
        self.on_change()

    def close(self) -> None:
        """Stop what runs, keep its best painting so far, and end the painter."""
        with self._changed:
            self._is_closing = True
            running = [job for job in self._jobs.values() if job.state == "running"]
            for job in self._jobs.values():
                if job.state == "waiting":
                    job.state = "canceled"
            self._changed.notify_all()
        for job in running:
            self.stop(job.id, keep=True)
        if self._thread.is_alive():
            self._thread.join(STOP_SECONDS)
        self._end_painter()

    def _run(self) -> None:
        while not self._is_closing:
            try:
                if self._process is None or not self._process.is_alive():
                    self._start_painter()
                job = self._wait_for_job()
                if job is not None:
                    self._do(job)
            except (EOFError, OSError):
                self._end_painter()

    def _start_painter(self) -> None:
        # Spawned: a fork of a process with threads may hang.
        context = multiprocessing.get_context("spawn")
        self._connection, theirs = context.Pipe()
        self._process = context.Process(
            target=run_painter, args=(theirs, self.folder, self.compute), daemon=True
        )
        self._process.start()
        theirs.close()
        try:
            ready: Update = self._connection.recv()
        except (EOFError, OSError):
            self._fail_waiting()
            raise
        self.device = ready.values["device"]
        self.on_change()

    def _fail_waiting(self) -> None:
        """Fail the jobs of a painter that cannot start, and pause."""
        with self._changed:
            for job in self._jobs.values():
                if job.state == "waiting":
                    job.state = "failed"
                    job.note = "the painter cannot start: the terminal says why"
        self.on_change()
        with self._changed:
            if not self._is_closing:
                self._changed.wait(RESTART_SECONDS)

    def _end_painter(self) -> None:
        process, connection = self._process, self._connection
        self._process = self._connection = None
        if connection is not None:
            connection.close()
        if process is not None:
            process.join(1)
            if process.is_alive():
                process.kill()
                process.join()

    def _wait_for_job(self) -> Job | None:
        """Wait for the next job, which runs from then on; None to look around."""
        assert self._connection is not None
        with self._changed:
            waiting = (job for job in self._jobs.values() if job.state == "waiting")
            job = next(waiting, None)
            if job is None:
                self._changed.wait(1)
                return None
            # With the lock: a stop must not reach the painter before its task. If the
            # painter is dead, the job waits for the next.
            self._connection.send(job.task)
            job.state, job.note = "running", "Starting"
        self.on_change()
        return job

    def _do(self, job: Job) -> None:
        """Do one job to its end."""
        assert self._connection is not None
        try:
            while job.is_active:
                update: Update = self._connection.recv()
                with self._changed:
                    self._apply(job, update)
                self.on_change()
        except (EOFError, OSError):
            with self._changed:
                job.state = "canceled" if job.state == "stopping" else "failed"
                job.note = (
                    "the painter ended unexpectedly, maybe for want of memory: try a "
                    "smaller size"
                )
            self.on_change()
            raise

    def _apply(self, job: Job, update: Update) -> None:
        values = update.values
        if update.kind == "note":
            job.note = hide_folders(values["note"])
        elif update.kind == "progress":
            job.iteration, job.iterations = values["iteration"], values["iterations"]
            job.remaining = values["remaining"]
            job.add_loss(values["step"], values["loss"])
            if job.state == "running":
                job.note = ""
        elif update.kind == "preview":
            job.preview = values["jpeg"]
            job.preview_number += 1
        elif update.kind == "done":
            job.result, job.remaining = values["result"], None
            job.note = "Stopped early" if values["kept"] else ""
            job.state = "done"
        elif update.kind == "failed":
            job.note, job.state = hide_folders(values["note"]), "failed"
        elif update.kind == "canceled":
            job.note, job.state = "", "canceled"

    def _end_if_stuck(self, job: Job) -> None:
        process = self._process
        if job.state == "stopping" and process is not None:
            process.kill()
