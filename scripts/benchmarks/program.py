"""The whole program: several processes at once, large sizes, many small paintings."""

from __future__ import annotations

import math
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

from rich.table import Table

from artist_nst.errors import ArtistNstError
from benchmarks.context import Context, make_empty_table

AT_ONCE = 1, 2, 4
WIDTHS = 256, 512, 1024, 2048, 4096
ITERATIONS = 30  # of each of several paintings at once
SCALE_ITERATIONS = 8  # of a large one, two at each level
PHOTOS = 50


class Run(NamedTuple):
    """Seconds from start to end, and the peak of resident bytes."""

    seconds: float
    peak: int


def measure(context: Context) -> dict[str, Any]:
    """Run `artist-nst paint`.

    Returns:
        ``at_once``: Seconds of so many processes at once, by their number; ``sizes``:
        width, seconds and peak bytes; ``photos``: their number, seconds of one photo
        and of all, and peak bytes of both.
    """
    quick, rounds = context.options.quick, context.options.get_rounds(3)
    width = 64 if quick else 256
    at_once: dict[int, float] = {}
    for turn in range(rounds):
        for count in AT_ONCE:
            context.show(f"program: {count} at once, round {turn + 1} of {rounds}")
            options = ("-w", width, "-n", 4 if quick else ITERATIONS)
            runs = _run_at_once(context, count, *options)
            slowest = max(run.seconds for run in runs)
            at_once[count] = min(slowest, at_once.get(count, math.inf))
    sizes = []
    for width in context.options.get_widths(*WIDTHS):
        context.show(f"program: {width} pixels wide")
        try:
            (run,) = _run_at_once(context, 1, "-w", width, "-n", SCALE_ITERATIONS)
        except ArtistNstError:
            context.show(f"program: {width} pixels wide: not enough memory")
            break
        sizes.append({"width": width, "seconds": run.seconds, "peak": run.peak})
    context.show("program: many photos")
    return {
        "at_once": at_once,
        "sizes": sizes,
        "photos": _measure_photos(context, 3 if quick else PHOTOS),
    }


def _run_at_once(context: Context, count: int, *options: object) -> list[Run]:
    photo, style = context.options.pairs[0]
    with TemporaryDirectory() as folder:
        processes = [
            _start(context, folder, photo, style, "-o", f"{number}.png", *options)
            for number in range(count)
        ]
        return [_wait(process) for process in processes]


def _measure_photos(context: Context, count: int) -> dict[str, Any]:
    """Paint one photo, and then copies of it, with one iteration of a draft."""
    photo, style = context.options.pairs[0]
    runs = []
    with TemporaryDirectory() as name:
        for number in (1, count):
            folder = Path(name, str(number))
            folder.mkdir()
            for copy in range(number):
                shutil.copy(photo, folder / f"{copy}{photo.suffix}")
            more = ("--style", style, "--draft", "-w", 64, "-n", 1, "-o", "painted")
            runs.append(_wait(_start(context, folder, folder, *more)))
    one, many = runs
    return {
        "count": count,
        "seconds": many.seconds,
        "each": (many.seconds - one.seconds) / (count - 1),
        "peak": many.peak,
        "peak_of_one": one.peak,
    }


class _Process(NamedTuple):
    process: subprocess.Popen[bytes]
    start: float


def _start(context: Context, folder: str | Path, *arguments: object) -> _Process:
    command = [sys.executable, "-m", "artist_nst", "paint", *map(str, arguments)]
    command += ["--weights", context.environment["weights"], "-q"]
    command += ["--device", context.options.device]
    start = time.perf_counter()
    process = subprocess.Popen(
        command, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    return _Process(process, start)


def _wait(started: _Process) -> Run:
    # Of Unix only: it alone tells the peak of one process.
    _, status, usage = os.wait4(started.process.pid, 0)
    seconds = time.perf_counter() - started.start
    if status:
        raise ArtistNstError(f"program: a painting failed with status {status}")
    unit = 1 if sys.platform == "darwin" else 1024
    return Run(seconds, usage.ru_maxrss * unit)


def make_table(results: dict[str, Any]) -> Table:
    """Show what was run, with ratios, exponents of the pixels, and overheads."""
    table = make_empty_table(
        "program: `artist-nst paint`", ("what",), ("seconds", "peak GB", "")
    )
    alone = results["at_once"][1]
    for count, seconds in results["at_once"].items():
        table.add_row(
            f"{count} at once", f"{seconds:.1f}", "", f"{seconds / alone:.2f} × one"
        )
    before: dict[str, Any] | None = None
    for size in results["sizes"]:
        note = ""
        if before:
            pixels = 2 * math.log(size["width"] / before["width"])
            time_exponent, memory_exponent = (
                math.log(size[key] / before[key]) / pixels
                for key in ("seconds", "peak")
            )
            note = f"pixels^{time_exponent:.2f}, memory pixels^{memory_exponent:.2f}"
        peak = f"{size['peak'] / 1e9:.2f}"
        table.add_row(f"{size['width']} wide", f"{size['seconds']:.1f}", peak, note)
        before = size
    photos = results["photos"]
    growth = (photos["peak"] - photos["peak_of_one"]) / 1e6
    table.add_row(
        f"{photos['count']} photos",
        f"{photos['seconds']:.1f}",
        f"{photos['peak'] / 1e9:.2f}",
        f"{photos['each']:.2f} s each after the first, {growth:+.0f} MB",
    )
    return table
