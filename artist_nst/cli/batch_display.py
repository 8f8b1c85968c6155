"""The display of a batch: a bar over all jobs, and a line for each worker."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from artist_nst.cli.console import (
    BAR_WIDTH,
    MIN_NAME,
    NARROW,
    format_seconds,
    report_each_minute,
    shorten,
)

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress as Bar
    from rich.progress import TaskID

    from artist_nst.batch.runner import BatchProgress
    from artist_nst.batch.tasks import WorkerState

MAX_WORKERS = 16  # that have a line


@contextmanager
def batch_display(console: Console) -> Iterator[Callable[[BatchProgress], None]]:
    """Show how far a batch is, and what each worker does."""
    from rich.progress import BarColumn, TextColumn
    from rich.progress import Progress as Bar

    is_narrow = console.width < NARROW
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=BAR_WIDTH // 2 if is_narrow else BAR_WIDTH),
        TextColumn("{task.fields[text]}", style="green", markup=False),
    )
    report = report_each_minute(console)
    with Bar(*columns, console=console, disable=not console.is_terminal) as bar:
        task = bar.add_task("paintings", total=None, text="starting")
        lines = _WorkerLines(bar, console.width)

        def show(progress: BatchProgress) -> None:
            done = progress.finished + progress.failed
            text = _describe(progress)
            bar.update(task, total=progress.total, completed=done, text=text)
            lines.show(progress.workers)
            report(text)

        yield show
        lines.show([])


class _WorkerLines:
    """A line with a bar for each worker."""

    def __init__(self, bar: Bar, width: int) -> None:
        self.bar = bar
        self.width = width
        self.tasks: dict[str, TaskID] = {}

    def show(self, workers: Sequence[WorkerState]) -> None:
        """Show what the workers do, and remove the lines of those that do nothing."""
        states = {worker.name: worker for worker in workers[:MAX_WORKERS]}
        room = self.width - BAR_WIDTH - 6 - max(map(len, states), default=0)
        for name in self.tasks.keys() - states.keys():
            self.bar.remove_task(self.tasks.pop(name))
        for name, state in states.items():
            if name not in self.tasks:
                self.tasks[name] = self.bar.add_task(f"  {name}", total=1, text="")
            out = shorten(state.out, max(MIN_NAME, room))
            self.bar.update(self.tasks[name], completed=state.share, text=out)


def _describe(progress: BatchProgress) -> str:
    """Describe a batch: ``12/200 done, 1 failed, 2 running, 31/min, 6:10 left``."""
    done = progress.finished + progress.failed
    texts = [f"{done:,}/{progress.total:,} done"]
    if progress.failed:
        texts.append(f"{progress.failed:,} failed")
    texts.append(f"{progress.running:,} running")
    if progress.rate is not None:
        texts.append(_format_rate(progress.rate))
    if progress.remaining is not None:
        texts.append(f"{format_seconds(progress.remaining)} left")
    return ", ".join(texts)


def _format_rate(rate: float) -> str:
    """Format paintings a second in the unit in which they are one or more."""
    for seconds, unit in ((1, "s"), (60, "min"), (3600, "h")):
        if rate * seconds >= 1 or unit == "h":
            break
    return f"{rate * seconds:.3g}/{unit}"
