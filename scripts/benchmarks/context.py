"""The options of a run, and what benchmarks share: processes, a folder, tables."""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Self

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from artist_nst.errors import ArtistNstError
from benchmarks.problem import Problem
from benchmarks.worker import Worker

PRECISIONS = ("float32", "bfloat16")
# scikit-image's photographs, and numbers of works by the artist ``procedural``.
PAIRS = (("astronaut", 1), ("coffee", 5), ("chelsea", 7))
SETTLE_S = 0.3  # in which the threads of the other process go to sleep
MIN_TIMED_S = 0.2


class SkippedBenchmarkError(ArtistNstError):
    """A benchmark cannot be run here; the others can."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """The command line's options.

    Attributes:
        pairs: A photo and a style image each.
        weights: VGG-19's file; None looks for one.
        device: auto, cpu, cuda or mps.
        width: Of paintings, in pixels.
        widths: Of what is measured by width; None for each benchmark's default.
        precisions: To measure.
        rounds: How often contenders take turns; None for each benchmark's default.
        cap_s: Time limit of the plain loop.
        save: Folder for the paintings of the benchmark ``precision``.
        quick: Whether only to test the benchmarks.
    """

    pairs: tuple[tuple[Path, Path], ...]
    weights: Path | None = None
    device: str = "auto"
    width: int = 512
    widths: tuple[int, ...] | None = None
    precisions: tuple[str, ...] = PRECISIONS
    rounds: int | None = None
    cap_s: float = 1800.0
    save: Path | None = None
    quick: bool = False

    def get_rounds(self, default: int) -> int:
        """Return the number of rounds."""
        return self.rounds or (1 if self.quick else default)

    def get_widths(self, *default: int) -> tuple[int, ...]:
        """Return the widths to measure."""
        return self.widths or ((self.width,) if self.quick else default)

    def make_problem(self, pair: int = 0, **changes: Any) -> Problem:
        """Return what is painted: a pair at ``width``, with changes."""
        photo, style = self.pairs[pair]
        values = {
            "photo": str(photo),
            "style": str(style),
            "width": self.width,
            "weights": str(self.weights) if self.weights else None,
            "device": self.device,
            "iterations": 4 if self.quick else 0,
        }
        return Problem(**{**values, **changes})


class Context:
    """The options, the worker processes and a temporary folder; a context manager."""

    def __init__(self, options: Options, console: Console) -> None:
        self.options = options
        self.console = console
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: Any) -> None:
        self._stack.__exit__(*error)

    @cached_property
    def folder(self) -> Path:
        """Temporary folder, for files that processes exchange."""
        return Path(self._stack.enter_context(TemporaryDirectory()))

    @cached_property
    def plain(self) -> Worker:
        """The plain loop's process."""
        return self._stack.enter_context(Worker("plain"))

    @cached_property
    def ours(self) -> Worker:
        """artist_nst's process."""
        return self._stack.enter_context(Worker("ours"))

    def start_workers(self) -> None:
        """Start both processes, so that they load torch at the same time."""
        _ = self.plain, self.ours

    @cached_property
    def environment(self) -> dict[str, Any]:
        """The device, threads and weights of artist_nst's process."""
        problem = self.options.make_problem()
        environment: dict[str, Any] = self.ours("ours.get_environment", problem=problem)
        return environment

    @cached_property
    def thread_counts(self) -> dict[str, int]:
        """Threads by process."""
        plain = self.plain("plain.count_threads")
        return {"plain": plain, "artist-nst": self.environment["threads"]}

    def time_evaluations(self, kind: str, **arguments: Any) -> list[float]:
        """Time evaluations of loss and gradient in the process ``plain`` or ``ours``.

        Returns:
            Seconds of each.
        """
        quick = self.options.quick
        time.sleep(0 if quick else SETTLE_S)
        min_s = 0.0 if quick else MIN_TIMED_S
        worker: Worker = getattr(self, kind)
        return list(worker(f"{kind}.time_evaluations", min_s=min_s, **arguments))

    def show(self, text: str) -> None:
        """Show on a terminal what is being measured."""
        if self.console.is_terminal:
            self.console.print(text, style="dim", markup=False)


def default_pairs() -> tuple[tuple[Path, Path], ...]:
    """Return scikit-image's photographs and works of the packaged artist."""
    from importlib.resources import files

    from artist_nst.corpus.works import get_packaged_corpora
    from artist_nst.painting.style_sources import StyleRequest

    folder = Path(str(files("skimage.data")))
    names = [f"procedural-{number:02}" for _, number in PAIRS]
    works = StyleRequest(
        artist="procedural", works=names, corpora=get_packaged_corpora()
    ).choose(seed=0)
    return tuple(
        (folder / f"{photo}.png", work.path)
        for (photo, _), work in zip(PAIRS, works, strict=True)
    )


def make_empty_table(title: str, words: Sequence[str], numbers: Sequence[str]) -> Table:
    """Make a table with left-aligned columns of words, then columns of numbers."""
    table = Table(title=title, box=SIMPLE_HEAD, pad_edge=False)
    for name in words:
        table.add_column(name)
    for name in numbers:
        table.add_column(name, justify="right")
    return table
