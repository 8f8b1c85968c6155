"""What the program says while it works: lines and bars on stderr."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console

    from artist_nst.experiments.runner import SeriesProgress
    from artist_nst.painting.pipeline import Progress


def set_up(quiet: bool, verbose: bool) -> Console:
    """Send the library's notes to stderr, and return the console they go to."""
    from rich.console import Console

    console = Console(stderr=True, quiet=quiet, soft_wrap=True, highlight=False)
    logger = logging.getLogger("artist_nst")
    logger.handlers = [_Lines(console)]
    logger.propagate = False
    level = logging.DEBUG if verbose else logging.INFO
    logger.setLevel(logging.WARNING if quiet else level)
    return console


class _Lines(logging.Handler):
    """A line a note, above any bar that is being drawn."""

    def __init__(self, console: Console) -> None:
        super().__init__()
        self.console = console

    def emit(self, record: logging.LogRecord) -> None:
        if record.levelno >= logging.WARNING and self.console.quiet:
            import sys

            print(f"artist-nst: {record.getMessage()}", file=sys.stderr)
        else:
            self.console.print(record.getMessage(), markup=False)


@contextmanager
def painting_bar(console: Console, name: str) -> Iterator[Callable[[Progress], None]]:
    """A bar over the iterations of one painting, with losses and the time left."""
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
                pace=f"{step.seconds:.2f} s/it, {clock(step.remaining)} left",
            )

        yield show


@contextmanager
def series_bar(console: Console) -> Iterator[Callable[[SeriesProgress], None]]:
    """A bar over all cells of a series, with the one at hand and the time left."""
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

        def show(told: SeriesProgress) -> None:
            step = told.progress.step
            done = told.number - 1 + step.iteration / step.iterations
            bar.update(
                task,
                total=told.cells,
                completed=done,
                count=f"{told.number}/{told.cells}",
                description=f"{', '.join(told.cell.settings.values())}: "
                f"{step.iteration}/{step.iterations}",
                pace=f"{step.seconds:.2f} s/it, {clock(told.remaining)} left in all",
            )

        yield show


@contextmanager
def download_bar(console: Console) -> Iterator[Callable[[int, int], None]]:
    """A bar that appears when the first bytes of a download arrive."""
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
    """A bar told what is counted, how many are done, of how many (None: not known
    yet), and a note."""
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

        def show(what: str, done: int, total: int | None, note: str = "") -> None:
            if what != bar.tasks[0].description:
                bar.reset(task, description=what)
            count = f"{done:,}" if total is None else f"{done:,}/{total:,}"
            bar.update(task, total=total, completed=done, count=count, note=note)

        yield show


def size(bytes: int) -> str:
    """``1234567`` → ``"1.2 MB"``."""
    number, units = float(bytes), ["B", "kB", "MB", "GB", "TB"]
    while number >= 999.5 and len(units) > 1:
        number /= 1000
        del units[0]
    return f"{number:.0f} {units[0]}" if number >= 99.5 else f"{number:.2g} {units[0]}"


def clock(seconds: float) -> str:
    """``3725`` → ``"1:02:05"``."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
