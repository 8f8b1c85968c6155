"""How long the program takes until there is something to see."""

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
from benchmarks import columns
from benchmarks.setting import Bench
from benchmarks.timing import summary

POLL_S = 0.003
LONGEST_S = 600.0

WHAT = {
    "python": "python alone",
    "help": "--help",
    "first_iteration": "paint, to the first iteration",
}


def measure(bench: Bench) -> dict[str, Any]:
    """The interpreter alone, ``--help``, and ``paint``'s first iteration, by turns.

    Returns:
        Seconds by what was started; the first iteration counts as done when its
        picture, which ``--print-rate 1`` asks for, is in its folder.
    """
    started: dict[str, Callable[[], float]] = {
        "python": lambda: _ended(bench, "-c", "pass"),
        "help": lambda: _ended(bench, "-m", "artist_nst", "--help"),
        "first_iteration": lambda: _first_iteration(bench),
    }
    rounds = bench.setting.rounds_or(5)
    times: dict[str, list[float]] = {name: [] for name in started}
    for turn in range(rounds):
        bench.say(f"startup: round {turn + 1} of {rounds}")
        for name, start in started.items():
            times[name].append(start())
    told = {name: summary(seconds) for name, seconds in times.items()}
    return {"width": bench.setting.width, **told}


def _ended(bench: Bench, *arguments: str) -> float:
    """Seconds of an interpreter's whole life."""
    start = time.perf_counter()
    done = subprocess.run(
        [sys.executable, *arguments],
        capture_output=True,
        text=True,
        check=False,
        # What is installed, not what happens to be in the current folder.
        cwd=bench.folder,
    )
    seconds = time.perf_counter() - start
    if done.returncode:
        raise _failure(" ".join(arguments), done.stderr)
    return seconds


def _first_iteration(bench: Bench) -> float:
    """Seconds from the start of ``paint`` to its first iteration's picture."""
    photo, style = bench.setting.pairs[0]
    with TemporaryDirectory() as name:
        folder = Path(name)
        command = [sys.executable, "-m", "artist_nst", "paint", str(photo), str(style)]
        command += ["--width", str(bench.setting.width), "--print-rate", "1"]
        command += ["--weights", bench.about["weights"], "-o", str(folder / "out.png")]
        command += ["--device", bench.setting.device]
        with (folder / "said").open("w+") as said:
            start = time.perf_counter()
            process = subprocess.Popen(command, stdout=said, stderr=said, cwd=folder)
            try:
                return _until(folder / "out.frames", process, start)
            except TimeoutError:
                said.seek(0)
                raise _failure("paint", said.read()) from None
            finally:
                process.kill()
                process.wait()


def _until(frames: Path, process: subprocess.Popen[bytes], start: float) -> float:
    """Seconds from ``start`` until a picture is in ``frames``.

    Raises:
        TimeoutError: the process has ended, or time is up, and there is none.
    """
    while time.perf_counter() - start < LONGEST_S:
        # In this order: it may end just after it has written the picture.
        ended = process.poll() is not None
        if next(frames.glob("iter-*.png"), None) is not None:
            return time.perf_counter() - start
        if ended:
            break
        time.sleep(POLL_S)
    raise TimeoutError


def _failure(what: str, said: str) -> ArtistNstError:
    lines = said.strip().splitlines() or ["it said nothing"]
    return ArtistNstError(f"startup: `{what}` failed: {lines[-1]}")


def table(found: dict[str, Any]) -> Table:
    """A line for each thing started."""
    made = columns.table(
        f"startup: a painting of {found['width']} pixels",
        ("what",),
        ("best s", "median s"),
    )
    for name, words in WHAT.items():
        told = found[name]
        made.add_row(words, f"{told['min']:.3f}", f"{told['median']:.3f}")
    return made
