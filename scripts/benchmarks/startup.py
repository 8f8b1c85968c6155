"""Start-up time of the program, until a painting's first iteration."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from rich.table import Table

from artist_nst.errors import ArtistNstError
from benchmarks.context import Context, make_empty_table
from benchmarks.timing import summarize

POLL_S = 0.003
TIMEOUT_S = 600.0

LABELS = {
    "python": "python alone",
    "help": "--help",
    "first_iteration": "paint, to the first iteration",
}


def measure(context: Context) -> dict[str, Any]:
    """Time Python alone, ``--help`` and the first iteration of ``paint`` in turns.

    Returns:
        Seconds by what was started; the first iteration is finished when its image
        is in the folder of ``--print-rate 1``.
    """
    runs: dict[str, Callable[[], float]] = {
        "python": lambda: _time_process(context, "-c", "pass"),
        "help": lambda: _time_process(context, "-m", "artist_nst", "--help"),
        "first_iteration": lambda: _time_first_iteration(context),
    }
    rounds = context.options.get_rounds(5)
    times: dict[str, list[float]] = {name: [] for name in runs}
    for turn in range(rounds):
        context.show(f"startup: round {turn + 1} of {rounds}")
        for name, run in runs.items():
            times[name].append(run())
    summaries = {name: summarize(seconds) for name, seconds in times.items()}
    return {"width": context.options.width, **summaries}


def _time_process(context: Context, *arguments: str) -> float:
    """Measure the seconds until an interpreter has ended."""
    start = time.perf_counter()
    process = subprocess.run(
        [sys.executable, *arguments],
        capture_output=True,
        text=True,
        check=False,
        # To import the installed package, not one in the current folder.
        cwd=context.folder,
    )
    seconds = time.perf_counter() - start
    if process.returncode:
        raise _failure(" ".join(arguments), process.stderr)
    return seconds


def _time_first_iteration(context: Context) -> float:
    """Measure the seconds from the start of ``paint`` to its first image."""
    photo, style = context.options.pairs[0]
    with TemporaryDirectory() as name:
        folder = Path(name)
        command = [sys.executable, "-m", "artist_nst", "paint", str(photo), str(style)]
        command += ["--width", str(context.options.width), "--print-rate", "1"]
        command += ["--weights", context.environment["weights"]]
        command += ["--device", context.options.device, "-o", str(folder / "out.png")]
        with (folder / "output").open("w+") as output:
            start = time.perf_counter()
            process = subprocess.Popen(
                command, stdout=output, stderr=output, cwd=folder
            )
            try:
                _wait_for_image(folder / "out.frames", process)
                return time.perf_counter() - start
            except TimeoutError:
                output.seek(0)
                raise _failure("paint", output.read()) from None
            finally:
                process.kill()
                process.wait()


def _wait_for_image(frames: Path, process: subprocess.Popen[bytes]) -> None:
    """Wait until there is an image in ``frames``.

    Raises:
        TimeoutError: The process has ended, or time is up, and there is none.
    """
    end = time.perf_counter() + TIMEOUT_S
    while time.perf_counter() < end:
        # In this order: the process may end just after writing the image.
        ended = process.poll() is not None
        if next(frames.glob("iter-*.png"), None) is not None:
            return
        if ended:
            break
        time.sleep(POLL_S)
    raise TimeoutError


def _failure(command: str, output: str) -> ArtistNstError:
    lines = output.strip().splitlines() or ["no output"]
    return ArtistNstError(f"startup: `{command}` failed: {lines[-1]}")


def make_table(results: dict[str, Any]) -> Table:
    """Show a row for each thing started."""
    table = make_empty_table(
        f"startup: a painting of {results['width']} pixels",
        ("what",),
        ("best s", "median s"),
    )
    for name, label in LABELS.items():
        summary = results[name]
        table.add_row(label, f"{summary['min']:.3f}", f"{summary['median']:.3f}")
    return table
