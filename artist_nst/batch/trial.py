"""Estimate a batch's time before any painting, by a few iterations of its first job.

Processes start as a batch's workers do, and paint that job with few iterations on each
level, in both layouts of workers that a batch would try.
"""

from __future__ import annotations

import multiprocessing
import time
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path
from statistics import mean
from typing import TYPE_CHECKING, Any

from artist_nst._files import format_error
from artist_nst.batch.checking import CheckedJob
from artist_nst.batch.estimate import measure_cost, measure_pace
from artist_nst.batch.layout import Layout
from artist_nst.batch.local import (
    blocked_interrupts,
    choose_layouts,
    make_calibration,
)
from artist_nst.batch.local_worker import set_up_process
from artist_nst.batch.plan import PlannedJob
from artist_nst.batch.tasks import Task, Workplace
from artist_nst.errors import ArtistNstError

if TYPE_CHECKING:
    from artist_nst.batch.worker import Painter
    from artist_nst.painting.compute import ComputeOptions
    from artist_nst.painting.pipeline import Progress

ITERATIONS = 4  # on each level; the first one is not measured
TRIAL_SECONDS = 8.0  # after which no further iteration begins
ANSWER_SECONDS = 120.0  # that a process may take for an answer


@dataclass(frozen=True, slots=True)
class Trial:
    """What a few iterations tell of all jobs.

    Attributes:
        layout: The faster one.
        start: Seconds until the workers can paint.
        pace: Seconds of all workers together for a megapixel and iteration.
    """

    layout: Layout
    start: float
    pace: float


def estimate_pace(
    jobs: Sequence[PlannedJob],
    finished: Iterable[tuple[CheckedJob, float]],
    folder: Path,
    compute: ComputeOptions,
) -> Trial:
    """Estimate the pace of this machine's workers.

    Args:
        jobs: To be painted.
        finished: Jobs that are, and their seconds; a trial is made if there are none.
        folder: Of the outputs, which may know the best layout.
        compute: Where to compute; nothing is downloaded.

    Raises:
        ArtistNstError: It cannot be known; says why.
    """
    if not jobs:
        raise ArtistNstError("nothing is to be painted")
    pace = measure_pace(finished)
    if pace is None:
        return run_trial(jobs, compute)
    layouts, _, _ = choose_layouts(jobs, compute)
    layout = make_calibration(layouts, jobs, folder).best or layouts[-1]
    return Trial(layout, 0.0, pace / layout.workers)


def run_trial(jobs: Sequence[PlannedJob], compute: ComputeOptions) -> Trial:
    """Paint a few iterations of the first job on this machine, as its workers would.

    Args:
        jobs: To be painted.
        compute: Where to compute; nothing is downloaded.

    Raises:
        ArtistNstError: There are no weights here, or it cannot be painted.
    """
    processes: list[BaseProcess] = []
    pipes: list[Connection] = []
    context = multiprocessing.get_context("spawn")
    largest = max(jobs, key=lambda planned: planned.job.width * planned.job.height)

    def start() -> None:
        ours, theirs = context.Pipe()
        arguments = theirs, jobs[0], [largest] * len(jobs), compute
        process = context.Process(target=_run_process, args=arguments, daemon=True)
        with blocked_interrupts():
            process.start()
        theirs.close()
        processes.append(process)
        pipes.append(ours)

    try:
        began = time.perf_counter()
        start()
        layouts, all_memory = _receive(pipes[0])
        seconds = time.perf_counter() - began
        for _ in range(1, max(layout.workers for layout in layouts)):
            start()
            _receive(pipes[-1])
        paces = []
        for layout in layouts:
            memory = all_memory and all_memory // layout.workers
            used = pipes[: layout.workers]
            for pipe in used:
                pipe.send(Task(jobs[0], layout.threads, memory))
            paces.append(mean(map(_receive, used)) / layout.workers)
    finally:
        for process in processes:
            process.kill()
            process.join()
        for pipe in pipes:
            pipe.close()
    pace = min(paces)
    return Trial(layouts[paces.index(pace)], seconds, pace)


def _receive(pipe: Connection) -> Any:
    """Receive an answer of a process; raises ArtistNstError if it is a text."""
    try:
        if not pipe.poll(ANSWER_SECONDS):
            raise ArtistNstError("a few iterations take too long")
        answer = pipe.recv()
    except (EOFError, OSError) as error:
        raise ArtistNstError("a worker ended unexpectedly") from error
    if isinstance(answer, str):
        raise ArtistNstError(answer)
    return answer


def _run_process(
    pipe: Connection,
    first: PlannedJob,
    jobs: Sequence[PlannedJob],
    compute: ComputeOptions,
) -> None:
    """Answer the layouts of this machine's workers and their bytes, then each pace.

    What goes wrong is answered by a text.
    """
    set_up_process()
    from artist_nst.batch.network import identify_network
    from artist_nst.batch.worker import Painter

    recipe = first.job.recipe
    try:
        compute = replace(compute, offline=True)
        painter = Painter(Workplace(Path(), compute))
        identify_network(painter.networks, recipe, may_download=False)
        painter.networks.load(recipe)
        layouts, _, memory = choose_layouts(jobs, compute)
        pipe.send((layouts, memory))
        while True:
            pipe.send(_measure_pace(painter, pipe.recv()))
    except (EOFError, OSError):
        return
    except ArtistNstError as error:
        pipe.send(format_error(error))


def _measure_pace(painter: Painter, task: Task) -> float:
    """Measure a worker's seconds for a megapixel and iteration."""
    job = task.planned.job
    levels = tuple(
        (scale, min(count, ITERATIONS)) for scale, count in job.recipe.levels
    )
    few = replace(job, recipe=replace(job.recipe, levels=levels))
    steps: dict[float, list[float]] = defaultdict(list)
    began = time.perf_counter()

    def note(progress: Progress) -> None:
        height, width = progress.step.image.shape[2:]
        steps[height * width / 1e6].append(progress.step.seconds)
        if time.perf_counter() - began > TRIAL_SECONDS:
            raise KeyboardInterrupt  # which ends a painting without an error

    few_task = replace(task, planned=replace(task.planned, job=few))
    # Ended before the first level is.
    with suppress(KeyboardInterrupt):
        painter.make_painting(few_task, note)
    if not steps:
        raise ArtistNstError("a few iterations take too long")
    # What is done once for each painting.
    once = time.perf_counter() - began - sum(map(sum, steps.values()))
    return (once + _extrapolate(job, steps)) / measure_cost(job)


def _extrapolate(job: CheckedJob, steps: Mapping[float, Sequence[float]]) -> float:
    """Return the seconds of all of a job's iterations.

    Args:
        job: The job.
        steps: The seconds of some iterations, by their level's megapixels.
    """
    # The first iteration of a level prepares others.
    seconds = {size: mean(times[1:] or times) for size, times in steps.items()}
    total = 0.0
    for scale, count in job.recipe.levels:
        pixels = job.width * job.height * scale**2 / 1e6
        nearest = min(seconds, key=lambda size: abs(size - pixels))
        # A level that was not reached is larger than those that were.
        total += count * seconds[nearest] * max(1.0, pixels / nearest)
    return total
