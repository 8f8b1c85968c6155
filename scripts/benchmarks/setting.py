"""What a run of the benchmarks was asked for, and what it works with."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory
from types import TracebackType
from typing import Any, Self

from artist_nst.errors import ArtistNstError
from benchmarks.problem import Problem
from benchmarks.worker import Kind, Worker

PRECISIONS = ("float32", "bfloat16")
# Of scikit-image's photographs, and the works of the artist ``procedural``.
PAIRS = (("astronaut", 1), ("coffee", 5), ("chelsea", 7))


class LeftOutError(ArtistNstError):
    """A benchmark can't be run here; the others can."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """The options.

    Attributes:
        pairs: a photo and a style each.
        weights: the file; None looks for one.
        device: auto, cpu, cuda or mps.
        width: of what is painted, in pixels; widths: of what is measured by width, None
            for each benchmark's own.
        precisions: to measure.
        rounds: how often what is compared takes turns; None for each benchmark's own.
        cap_s: after which the plain loop is given up.
        save: the folder for paintings to look at.
        quick: as little as shows that it works; its figures mean nothing.
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

    def rounds_or(self, own: int) -> int:
        """How often to take turns, where the benchmark has a number of its own."""
        return self.rounds or (1 if self.quick else own)

    def widths_or(self, *own: int) -> tuple[int, ...]:
        """Which widths to measure, where the benchmark has its own."""
        return self.widths or ((self.width,) if self.quick else own)

    def problem(self, pair: int = 0, **changes: Any) -> Problem:
        """What is painted: the pair of that number at ``width``, but for changes."""
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


class Bench:
    """Where benchmarks are run: a folder, and the workers; a context manager.

    Attributes:
        setting: what was asked for.
        console: for what is said meanwhile.
    """

    def __init__(self, setting: Setting, console: Any) -> None:
        self.setting = setting
        self.console = console
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stack.__exit__(kind, error, trace)

    @cached_property
    def folder(self) -> Path:
        """For files that go from process to process; removed in the end."""
        return Path(self._stack.enter_context(TemporaryDirectory()))

    @cached_property
    def plain(self) -> Worker:
        """The plain loop's process."""
        return self._stack.enter_context(Worker("plain"))

    @cached_property
    def ours(self) -> Worker:
        """artist_nst's process."""
        return self._stack.enter_context(Worker("ours"))

    def start(self) -> None:
        """Have both processes get ready at the same time."""
        _ = self.plain, self.ours

    @cached_property
    def about(self) -> dict[str, Any]:
        """The device, its threads, the weights, as artist_nst's process found them."""
        found: dict[str, Any] = self.ours("ours.about", problem=asdict(self.problem()))
        return found

    @cached_property
    def threads(self) -> dict[str, int]:
        """That each process computes with; both are ready when that is known."""
        plain = self.plain("plain.about", problem=asdict(self.problem()))
        return {"plain": plain["threads"], "artist-nst": self.about["threads"]}

    def problem(self, pair: int = 0, **changes: Any) -> Problem:
        """See :meth:`Setting.problem`."""
        return self.setting.problem(pair, **changes)

    @contextmanager
    def fresh(self, kind: Kind, **environment: str) -> Iterator[Worker]:
        """A worker of one's own."""
        with Worker(kind, environment) as worker:
            yield worker

    def say(self, text: str) -> None:
        """What is being measured, on a terminal's stderr."""
        if self.console.is_terminal:
            self.console.print(text, style="dim", markup=False)


def default_pairs() -> tuple[tuple[Path, Path], ...]:
    """scikit-image's photographs and works of the packaged artist."""
    from importlib.resources import files

    from artist_nst.corpus.works import packaged_corpora
    from artist_nst.painting.style_sources import choose_sources

    folder = Path(str(files("skimage.data")))
    names = [f"procedural-{number:02}" for _, number in PAIRS]
    works = choose_sources((), "procedural", names, packaged_corpora(), 0)
    return tuple(
        (folder / f"{photo}.png", work.path)
        for (photo, _), work in zip(PAIRS, works, strict=True)
    )
