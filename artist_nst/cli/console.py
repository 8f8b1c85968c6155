"""Log lines and progress bars on stderr."""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from artist_nst.cli.output import make_visible, print_error

if TYPE_CHECKING:
    from rich.console import Console

    from artist_nst.experiments.runner import SeriesProgress
    from artist_nst.painting.pipeline import Progress


REPORT_SECONDS = 60  # between two lines where there is no terminal for a bar
BAR_WIDTH = 20
NARROW = 72  # characters of a terminal that has no room for more than the first text
MIN_NAME = 8  # letters of a name that a narrow terminal keeps


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


def print_note(console: Console, text: str) -> None:
    """Print a line on stderr, above a bar if there is one; nothing with ``--quiet``."""
    console.print(make_visible(text), markup=False)


class _ConsoleHandler(logging.Handler):
    """Log handler that prints each record on a line above the progress bar."""

    def __init__(self, console: Console) -> None:
        super().__init__()
        self.console = console

    def emit(self, record: logging.LogRecord) -> None:
        if record.levelno >= logging.WARNING and self.console.quiet:
            print_error(record.getMessage())
        else:
            print_note(self.console, record.getMessage())


@contextmanager
def painting_bar(console: Console, name: str) -> Iterator[Callable[[Progress], None]]:
    """Show a bar over the iterations of one painting, with losses and time left."""
    with _open_bar(console) as show_bar:

        def show(progress: Progress) -> None:
            step = progress.step
            terms = step.losses
            left = f"{format_seconds(step.remaining)} left"
            show_bar(
                name,
                step.iteration,
                step.iterations,
                left,
                f"{step.seconds:.2f} s/it",
                f"content {terms.content:.4g} style {terms.style:.4g} "
                f"tv {terms.tv:.4g}",
            )

        yield show


@contextmanager
def series_bar(console: Console) -> Iterator[Callable[[SeriesProgress], None]]:
    """Show a bar over all paintings of a series, with the current one and time left."""
    with _open_bar(console) as show_bar:

        def show(series: SeriesProgress) -> None:
            step = series.progress.step
            show_bar(
                f"{series.cell.label}: {step.iteration}/{step.iterations}",
                series.number - 1 + step.iteration / step.iterations,
                series.count,
                f"{format_seconds(series.remaining)} left in total",
                f"{step.seconds:.2f} s/it",
            )

        yield show


ShowBar = Callable[..., None]
"""Takes a description, how much is done and in total, and texts, the last of which a
narrow terminal leaves out first."""


@contextmanager
def _open_bar(console: Console) -> Iterator[ShowBar]:
    """Show a bar, as much beside it as fits, and a line a minute if there is none."""
    from rich.progress import BarColumn, TextColumn
    from rich.progress import Progress as Bar

    is_narrow = console.width < NARROW
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=BAR_WIDTH // 2 if is_narrow else BAR_WIDTH),
        TextColumn("{task.fields[count]}"),
        TextColumn("{task.fields[texts]}", style="green", markup=False),
    )
    report = report_each_minute(console)
    with Bar(*columns, console=console, disable=not console.is_terminal) as bar:
        task = bar.add_task("", total=1, count="", texts="", start=False)

        def show(description: str, done: float, total: float, *texts: str) -> None:
            count = f"{math.ceil(done)}/{total}"
            report(f"{description}: {count}, {texts[0]}")
            room = console.width - len(count) - len(texts[0]) - 3
            room -= BAR_WIDTH // 2 if is_narrow else BAR_WIDTH
            # The name gives way first, down to a few letters, then the last texts.
            description = shorten(description, max(room, MIN_NAME))
            room -= len(description)
            shown = texts[:1]
            for text in texts[1:]:
                room -= len(text) + 2
                if room < 0:
                    break
                shown = (*shown, text)
            bar.update(
                task,
                description=description,
                total=total,
                completed=done,
                count=count,
                texts=", ".join(shown),
            )

        yield show


def shorten(text: str, room: int) -> str:
    """Cut a text that has more characters than there is room for."""
    return text if len(text) <= room else f"{text[: room - 1]}…"


def report_each_minute(console: Console) -> Callable[[str], None]:
    """Return a function that prints a line now and then if there is no terminal."""
    last = time.monotonic()

    def report(line: str) -> None:
        nonlocal last
        now = time.monotonic()
        if not console.is_terminal and now - last >= REPORT_SECONDS:
            last = now
            print_note(console, line)

    return report


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
    report = report_each_minute(console)
    task = None
    try:

        def show(done: int, total: int) -> None:
            nonlocal task
            if task is None:
                bar.start()
                task = bar.add_task("", total=total)
            bar.update(task, completed=done, total=total)
            report(f"downloaded {format_bytes(done)} of {format_bytes(total)}")

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
        BarColumn(bar_width=BAR_WIDTH),
        TextColumn("{task.fields[count]}"),
        TextColumn("{task.fields[note]}", style="cyan", markup=False),
        TimeRemainingColumn(),
    )
    report = report_each_minute(console)
    with Bar(
        *columns, console=console, disable=not console.is_terminal, transient=True
    ) as bar:
        task = bar.add_task("", total=None, count="", note="")

        def show(title: str, done: int, total: int | None, note: str = "") -> None:
            if title != bar.tasks[0].description:
                bar.reset(task, description=title)
            count = f"{done:,}" if total is None else f"{done:,}/{total:,}"
            bar.update(task, total=total, completed=done, count=count, note=note)
            report(f"{title}: {count} {note}".rstrip())

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
