"""Log lines and progress bars on stderr."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console

    from artist_nst.experiments.runner import SeriesProgress
    from artist_nst.painting.pipeline import Progress


def open_console(quiet: bool, verbose: bool) -> Console:
    """Send the library's log to stderr, and return the console that it goes to.

    Args:
        quiet: Print only warnings.
        verbose: Print details too.
    """
    from rich.console import Console

    console = Console(stderr=True, quiet=quiet, soft_wrap=True, highlight=False)
    logger = logging.getLogger("artist_nst")
    logger.handlers = [_ConsoleHandler(console)]
    logger.propagate = False
    level = logging.DEBUG if verbose else logging.INFO
    logger.setLevel(logging.WARNING if quiet else level)
    return console


class _ConsoleHandler(logging.Handler):
    """Log handler that prints each record on a line above the progress bar."""

    def __init__(self, console: Console) -> None:
        super().__init__()
        self.console = console

    def emit(self, record: logging.LogRecord) -> None:
        if record.levelno >= logging.WARNING and self.console.quiet:
            print(f"artist-nst: {record.getMessage()}", file=sys.stderr)
        else:
            self.console.print(record.getMessage(), markup=False)


@contextmanager
def painting_bar(console: Console, name: str) -> Iterator[Callable[[Progress], None]]:
    """Show a bar over the iterations of one painting, with losses and time left."""
    from rich.progress import BarColumn, TextColumn
    from rich.progress import Progress as Bar

    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=20),
        TextColumn("{task.completed:.0f}/{task.total:.0f}"),
        TextColumn("{task.fields[losses]}", style="cyan"),
        TextColumn("{task.fields[pace]}", style="green"),
    )
    with Bar(*columns, console=console, disable=not console.is_terminal) as bar:
        task = bar.add_task(name, total=1, losses="", pace="", start=False)

        def show(progress: Progress) -> None:
            step = progress.step
            terms = step.losses
            bar.update(
                task,
                total=step.iterations,
                completed=step.iteration,
                losses=f"content {terms.content:.4g} style {terms.style:.4g} "
                f"tv {terms.tv:.4g}",
                pace=f"{step.seconds:.2f} s/it, {format_seconds(step.remaining)} left",
            )

        yield show


@contextmanager
def series_bar(console: Console) -> Iterator[Callable[[SeriesProgress], None]]:
    """Show a bar over all paintings of a series, with the current one and time left."""
    from rich.progress import BarColumn, TextColumn
    from rich.progress import Progress as Bar

    columns = (
        TextColumn("{task.fields[count]}"),
        BarColumn(bar_width=20),
        TextColumn("{task.description}", markup=False),
        TextColumn("{task.fields[pace]}", style="green"),
    )
    with Bar(*columns, console=console, disable=not console.is_terminal) as bar:
        task = bar.add_task("", total=1, count="", pace="", start=False)

        def show(series: SeriesProgress) -> None:
            step = series.progress.step
            remaining = format_seconds(series.remaining)
            bar.update(
                task,
                total=series.count,
                completed=series.number - 1 + step.iteration / step.iterations,
                count=f"{series.number}/{series.count}",
                description=f"{', '.join(series.cell.settings.values())}: "
                f"{step.iteration}/{step.iterations}",
                pace=f"{step.seconds:.2f} s/it, {remaining} left in total",
            )

        yield show


@contextmanager
def download_bar(console: Console) -> Iterator[Callable[[int, int], None]]:
    """Show a bar over the bytes of a download, as soon as it starts."""
    from rich.progress import BarColumn, DownloadColumn, TimeRemainingColumn
    from rich.progress import Progress as Bar

    bar = Bar(
        BarColumn(),
        DownloadColumn(),
        TimeRemainingColumn(),
        console=console,
        disable=not console.is_terminal,
    )
    task = None
    try:

        def show(done: int, total: int) -> None:
            nonlocal task
            if task is None:
                bar.start()
                task = bar.add_task("", total=total)
            bar.update(task, completed=done, total=total)

        yield show
    finally:
        bar.stop()


@contextmanager
def counting_bar(
    console: Console,
) -> Iterator[Callable[[str, int, int | None, str], None]]:
    """Show a bar over things that are counted.

    The function that it yields takes what is counted, how many are done, how many
    there are (None if unknown), and a note.
    """
    from rich.progress import BarColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bar

    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=20),
        TextColumn("{task.fields[count]}"),
        TextColumn("{task.fields[note]}", style="cyan", markup=False),
        TimeRemainingColumn(),
    )
    with Bar(
        *columns, console=console, disable=not console.is_terminal, transient=True
    ) as bar:
        task = bar.add_task("", total=None, count="", note="")

        def show(title: str, done: int, total: int | None, note: str = "") -> None:
            if title != bar.tasks[0].description:
                bar.reset(task, description=title)
            count = f"{done:,}" if total is None else f"{done:,}/{total:,}"
            bar.update(task, total=total, completed=done, count=count, note=note)

        yield show


def format_bytes(bytes: int) -> str:
    """Format a size: ``1234567`` is ``"1.2 MB"``."""
    number, units = float(bytes), ["B", "kB", "MB", "GB", "TB"]
    while number >= 999.5 and len(units) > 1:
        number /= 1000
        del units[0]
    return f"{number:.0f} {units[0]}" if number >= 99.5 else f"{number:.2g} {units[0]}"


def format_seconds(seconds: float) -> str:
    """Format a duration: ``3725`` is ``"1:02:05"``."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
