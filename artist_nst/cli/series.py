"""Run and report a series: several paintings in one folder."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import (
    AbstractContextManager,
    contextmanager,
    nullcontext,
    suppress,
)
from pathlib import Path
from typing import TYPE_CHECKING

from artist_nst._files import PICTURE_SUFFIXES
from artist_nst.cli.console import download_bar, series_bar
from artist_nst.cli.output import print_error, print_result
from artist_nst.cli.signals import RESUME, Interrupted
from artist_nst.errors import ArtistNstError, UsageError, format_count

PIPE = "-"
"""What ``-o`` names for standard output."""

if TYPE_CHECKING:
    from rich.console import Console

    from artist_nst.experiments.runner import Series, SeriesProgress
    from artist_nst.painting.compute import ComputeOptions
    from artist_nst.painting.networks import Networks

    Run = Callable[[Networks, Callable[[SeriesProgress], None]], Series]


def run_series(
    run: Run, folder: Path, compute: ComputeOptions, console: Console
) -> None:
    """Run a series with progress bars, and report it.

    Args:
        run: Paints into ``folder``, given the networks and ``on_progress``.
        folder: Created if it does not exist.
        compute: Device, precision and weights.
        console: For the bars.

    Raises:
        Interrupted: After Ctrl-C; finished paintings are kept.
        ArtistNstError: Some could not be painted, or all for the same reason.
    """
    from artist_nst.painting.networks import Networks

    with (
        series_folder(folder),
        download_bar(console) as on_download,
        series_bar(console) as on_progress,
    ):
        series = run(Networks(compute, on_download), on_progress)
    report_series(series)


def report_series(series: Series) -> None:
    """Print the sheet's path on stdout, and failures on stderr.

    Raises:
        Interrupted: After Ctrl-C.
        ArtistNstError: Some could not be painted; if all failed for the same reason,
            that reason.
    """
    total, count = len(series.cells), len(series.done)
    reasons = {str(error): error for error in series.failed.values()}
    if len(series.failed) == total and len(reasons) == 1:
        raise reasons.popitem()[1]
    for name, error in series.failed.items():
        print_error(f"{name}: {error}")
    if series.done and series.sheet.exists():
        print_result(series.sheet)
    outcome = f"{count} of {format_count(total, 'painting')} in {series.folder}"
    if not series.done:
        outcome = f"none of {format_count(total, 'painting')} finished"
    if series.interrupted:
        raise Interrupted(outcome, RESUME)
    if series.failed:
        raise ArtistNstError(f"{outcome}; {len(series.failed)} could not be painted")


def make_folder(folder: Path) -> None:
    """Create the output folder of several paintings, if it does not exist.

    Raises:
        UsageError: It cannot be created, is a file, or is named like one.
    """
    if folder.suffix.lower() in PICTURE_SUFFIXES and not os.path.isdir(folder):
        raise UsageError(f"-o {folder}: several paintings need a folder, not a file")
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(
            f"-o {folder}: the folder cannot be created ({error.strerror}); choose "
            "another"
        ) from error


def output_folder(
    out: str | None, *, several: bool = False
) -> AbstractContextManager[None]:
    """Create what ``-o`` names, if that is a folder.

    It is for several paintings, if it exists or ends in a slash, or if its name has no
    suffix.

    Raises:
        UsageError: Several paintings are for a pipe, or the folder cannot be created.
    """
    if out == PIPE and several:
        raise UsageError("-o -: one painting fits a pipe: name a folder, or one photo")
    is_folder = several or _names_folder(out or "")
    if not out or out == PIPE or not is_folder:
        return nullcontext()
    return series_folder(Path(out))


def _names_folder(out: str) -> bool:
    ends_in_slash = out.endswith(("/", os.sep))
    return ends_in_slash or os.path.isdir(out) or not Path(out).suffix


@contextmanager
def series_folder(folder: Path) -> Iterator[None]:
    """Create an output folder, and remove it at the end if it is new and empty."""
    is_new = not os.path.isdir(folder)
    make_folder(folder)
    try:
        yield
    finally:
        if is_new:
            with suppress(OSError):
                folder.rmdir()
