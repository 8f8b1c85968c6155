"""Report, estimate and run batches of jobs that were checked."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from artist_nst._files import format_path
from artist_nst.cli.batch_display import batch_display
from artist_nst.cli.console import (
    download_bar,
    format_bytes,
    format_seconds,
    print_note,
)
from artist_nst.cli.output import print_error, print_result
from artist_nst.cli.series import series_folder
from artist_nst.cli.signals import RESUME, Interrupted, counted_interrupts, load_torch
from artist_nst.cli.tables import print_table
from artist_nst.errors import ArtistNstError, UsageError, format_count

if TYPE_CHECKING:
    from rich.console import Console

    from artist_nst.batch.checking import CheckedJob
    from artist_nst.batch.finished import FinishedJobs
    from artist_nst.batch.jobs import Problem
    from artist_nst.batch.ledger import Entry, Ledger
    from artist_nst.batch.plan import Plan, PlannedJob
    from artist_nst.batch.runner import BatchProgress, Outcome
    from artist_nst.batch.tasks import Pool, Workplace
    from artist_nst.painting.compute import ComputeOptions
    from artist_nst.painting.networks import Networks

MAX_PRINTED = 10  # failures


@dataclass(frozen=True, slots=True)
class JobSource:
    """Where jobs come from.

    Attributes:
        file: The job file; empty for jobs made by options.
        skip_bad: Whether jobs that cannot be painted are left out.
    """

    file: str
    skip_bad: bool

    def report(self, problems: Sequence[Problem], good: int) -> None:
        """Print problems as a table, equal ones in one row.

        Args:
            problems: By job.
            good: How many jobs can be painted.

        Raises:
            UsageError: There are problems, unless they are skipped and jobs are left.
        """
        from artist_nst.batch.urls import name_urls

        if not problems:
            return
        lines: dict[tuple[str, str], list[int]] = {}
        for problem in sorted(problems, key=lambda problem: problem.line):
            lines.setdefault((problem.field, problem.reason), []).append(problem.line)
        head = "line" if self.file else "job"
        rows = [
            {head: _format_lines(numbers), "field": field, "problem": name_urls(reason)}
            for (field, reason), numbers in lines.items()
        ]
        heads = (head, "field", "problem")
        print_table(heads, rows, whole=(head, "field"), folded=("problem",))
        bad = len({problem.line for problem in problems})
        where = f"{format_path(self.file)}: " if self.file else ""
        what = f"{where}{bad:,} of {format_count(bad + good, 'job')} cannot be painted"
        if not self.skip_bad:
            raise UsageError(f"{what}: correct them, or leave them out with --skip-bad")
        if not good:
            raise UsageError(f"{what}: correct them")


def _format_lines(lines: Sequence[int]) -> str:
    more = len({*lines}) - 1
    return f"{lines[0]} and {more:,} more" if more else str(lines[0])


def estimate_batch(
    jobs: Sequence[CheckedJob],
    folder: Path,
    source: JobSource,
    compute: ComputeOptions,
    console: Console,
) -> None:
    """Print what painting the jobs would take, without painting or downloading.

    The time is that of this machine: by the paintings that are finished, or by a few
    iterations of the first job.

    Raises:
        UsageError: Other files are where the paintings would be.
    """
    from artist_nst.batch.estimate import estimate_jobs
    from artist_nst.batch.output_store import pull
    from artist_nst.batch.plan import make_plan
    from artist_nst.batch.trial import estimate_pace
    from artist_nst.batch.urls import to_url

    found = None
    if to_url(folder):
        pull(folder)
    if folder.is_dir():
        plan, found = _look_for_finished(jobs, folder, compute)
    else:
        plan = make_plan(jobs, lambda recipe: (recipe.network, ""))
    _print_repeats(plan, console)
    if found is not None:
        source.report(found.conflicts, len(jobs) - len(found.conflicts))
    planned_jobs = plan.jobs if found is None else found.remaining
    times = [
        (planned.job, entry.seconds)
        for planned, entry in (found.finished if found else ())
        if entry.seconds
    ]
    remaining = [planned.job for planned in planned_jobs]
    estimate = estimate_jobs(remaining)
    with console.status("painting a few iterations, to estimate the time"):
        try:
            trial = estimate_pace(planned_jobs, times, folder, compute)
        except ArtistNstError as error:
            duration = f"not known: {error}"
        else:
            estimate = estimate_jobs(remaining, trial.pace, trial.start)
            seconds = format_seconds(estimate.seconds or 0)
            duration = f"{seconds} on this machine, by {trial.layout}"
    finished = len(found.finished) if found else 0
    done = f"; {finished:,} more are finished" if finished else ""
    count = format_count(estimate.picks, "painting")
    picked = f"; those of {count} are still to be picked" if estimate.picks else ""
    facts = {
        "paintings": f"{estimate.paintings:,}{done}",
        "photos": f"{estimate.photos:,}",
        "works": f"{estimate.works:,}{picked}",
        "pixels": f"{estimate.megapixel_iterations:,.0f} megapixel iterations",
        "time": duration,
        "disk": format_bytes(estimate.output_bytes),
        "memory": f"{format_bytes(estimate.memory_bytes)} for the largest painting, "
        "less in strips (--max-memory)",
    }
    rows = [{"what": name, "estimate": text} for name, text in facts.items()]
    print_table(("what", "estimate"), rows)


def _look_for_finished(
    jobs: Sequence[CheckedJob], folder: Path, compute: ComputeOptions
) -> tuple[Plan, FinishedJobs | None]:
    """Plan the jobs, and find the finished ones if the weights are on this machine."""
    from artist_nst.batch.finished import find_finished
    from artist_nst.batch.ledger import Ledger
    from artist_nst.batch.plan import make_plan

    load_torch()
    from artist_nst.batch.network import identify_network
    from artist_nst.painting.networks import Networks

    networks = Networks(replace(compute, offline=True))
    try:
        identify = partial(identify_network, networks, may_download=False)
        plan = make_plan(jobs, identify)
    except ArtistNstError:
        return make_plan(jobs, lambda recipe: (recipe.network, "")), None
    return plan, find_finished(plan, folder, Ledger(folder))


@dataclass(frozen=True, slots=True, kw_only=True)
class PaintRequest:
    """How a batch is painted.

    Attributes:
        limit: Of paintings, if there is one.
        retry_failed: Whether jobs that failed before are tried again.
        corpora: The folder of corpora that was named, for the records.
        keep_paths: Whether records have paths, not only files' names.
        ray: The address of a Ray cluster, ``auto`` or ``local``; None for workers of
            our own on this machine.
        gpus_per_worker: Of a Ray cluster.
    """

    limit: int | None
    retry_failed: bool
    corpora: Path | None
    keep_paths: bool
    ray: str | None
    gpus_per_worker: float | None


def paint_batch(
    jobs: Sequence[CheckedJob],
    folder: Path,
    source: JobSource,
    compute: ComputeOptions,
    console: Console,
    request: PaintRequest,
) -> None:
    """Paint the jobs that are not finished, and report.

    Args:
        jobs: All jobs.
        folder: Of the outputs; created if it does not exist. One behind a URL is kept
            at its place in the mirror, too.
        source: Where the jobs come from.
        compute: Device, precision and weights.
        console: For notes and bars.
        request: How they are painted.

    Raises:
        UsageError: There are more paintings, or other files in their places.
        Interrupted: After Ctrl-C; finished paintings are kept.
        ArtistNstError: The folder is in use, there are no usable weights, or some
            could not be painted.
    """
    load_torch()
    from artist_nst.batch.finished import find_finished
    from artist_nst.batch.ledger import Ledger
    from artist_nst.batch.network import identify_network
    from artist_nst.batch.output_store import synchronized
    from artist_nst.batch.plan import make_plan
    from artist_nst.batch.tasks import Workplace
    from artist_nst.painting.folder_lock import exclusive_lock
    from artist_nst.painting.networks import Networks

    with (
        series_folder(folder),
        exclusive_lock(folder),
        download_bar(console) as on_download,
        synchronized(folder) as keep,
    ):
        networks = Networks(compute, on_download)
        plan = make_plan(jobs, partial(identify_network, networks))
        _print_repeats(plan, console)
        ledger = Ledger(folder)
        found = find_finished(plan, folder, ledger)
        source.report(found.conflicts, len(jobs) - len(found.conflicts))
        limit = request.limit
        if limit is not None and len(found.remaining) > limit:
            raise UsageError(
                f"these are {len(found.remaining):,} paintings: see what they take "
                "with --dry-run, and add --yes"
            )
        if found.recovered:
            ledger.add(*found.recovered)
        if found.finished:
            total = format_count(len(plan.jobs), "painting")
            print_note(console, f"{len(found.finished):,} of {total} finished before")
        workplace = Workplace(
            folder.resolve(), compute, request.corpora, request.keep_paths
        )
        _run_jobs(plan, found, ledger, workplace, networks, console, request, keep)


def _run_jobs(
    plan: Plan,
    found: FinishedJobs,
    ledger: Ledger,
    workplace: Workplace,
    networks: Networks,
    console: Console,
    request: PaintRequest,
    keep: Callable[[], None],
) -> None:
    """Paint the remaining jobs, write the report, and say what became of them.

    ``keep`` is called now and then, to copy the ledger to its store.
    """
    from artist_nst.batch.report import write_reports
    from artist_nst.batch.runner import Outcome, run, split_failed
    from artist_nst.batch.urls import to_url

    jobs, failed = split_failed(found, ledger)
    if request.retry_failed:
        jobs, failed = list(found.remaining), []
    elif failed:
        count = format_count(len(failed), "job")
        print_note(console, f"{count} failed before: try again with --retry-failed")
    outcome = Outcome()
    if jobs:
        with (
            counted_interrupts(partial(_announce_stop, console)) as interrupts,
            batch_display(console) as show,
        ):

            def on_progress(progress: BatchProgress) -> None:
                show(progress)
                keep()

            outcome = run(
                jobs,
                _open_pool(jobs, workplace, networks, request),
                ledger,
                count_interrupts=lambda: len(interrupts),
                on_progress=on_progress,
            )
    try:
        report = write_reports(plan, ledger)
    except KeyboardInterrupt:
        raise Interrupted("the report is not written", RESUME) from None
    print_result(to_url(report) or report)
    _report_outcome(outcome, failed, len(plan.jobs), report)


def _open_pool(
    jobs: Sequence[PlannedJob],
    workplace: Workplace,
    networks: Networks,
    request: PaintRequest,
) -> Pool:
    if request.ray is None:
        from artist_nst.batch.local import open_local_pool

        return open_local_pool(jobs, workplace)
    from artist_nst.batch.ray_cluster import open_ray_pool

    return open_ray_pool(
        request.ray, jobs, workplace, networks, request.gpus_per_worker
    )


def _announce_stop(console: Console, count: int) -> None:
    if count == 1:
        text = "stopping when the paintings in flight are finished; Ctrl-C drops them"
        print_note(console, text)


def _report_outcome(
    outcome: Outcome, failed_before: Sequence[Entry], total: int, report: Path
) -> None:
    """Print the failures.

    Raises:
        Interrupted: After Ctrl-C.
        ArtistNstError: Some could not be painted.
    """
    from artist_nst.batch.urls import name_path

    failed = [*failed_before, *outcome.failed]
    for entry in outcome.failed[:MAX_PRINTED]:
        print_error(f"{entry.out}: {entry.reason}")
    more = len(outcome.failed) - MAX_PRINTED
    if more > 0:
        print_error(f"{more:,} more failures: see {name_path(report)}")
    if outcome.interrupted:
        count = format_count(outcome.finished, "painting")
        raise Interrupted(f"{count} finished in {name_path(report.parent)}", RESUME)
    if failed:
        raise ArtistNstError(
            f"{len(failed):,} of {format_count(total, 'job')} could not be painted: "
            "correct what is wrong, and try again with --retry-failed"
        )


def _print_repeats(plan: Plan, console: Console) -> None:
    if plan.repeats:
        line, first = plan.repeats[0]
        count = format_count(len(plan.repeats), "job")
        print_note(
            console,
            f"{count} would be painted like another one, under another name, such as "
            f"line {line} like line {first}",
        )
