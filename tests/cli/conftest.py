"""A command line run in this process, away from the checkout."""

from __future__ import annotations

import csv
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import typer
from numpy.typing import NDArray
from PIL import Image
from rich.console import Console

from artist_nst.cli import run
from artist_nst.experiments import comparison, reconstruction
from artist_nst.experiments.runner import Series, SeriesProgress
from artist_nst.nst import machine
from artist_nst.nst.weights.checkpoint import Weights, load_weights
from artist_nst.painting.output_names import PLOT, SHEET, TABLE
from tests.conftest import picture, thin_out

SMALL = ("-w", "48", "-n", "3")
TINY = ("-w", "32", "-n", "2")
EXTRA = {SHEET, TABLE, PLOT}
"""What a folder of paintings holds besides them."""

get_command = cache(typer.main.get_command)


@dataclass
class Ran:
    code: int
    out: str
    err: str

    @property
    def line(self) -> str:
        """The error message, which is exactly one line."""
        lines = [line for line in self.err.splitlines() if line.startswith("artist-")]
        assert len(lines) == 1, self.err
        assert "Traceback" not in self.err
        return lines[0]


Cli = Callable[..., Ran]


@pytest.fixture
def cli(
    tmp_path: Path,
    weights_file: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Cli:
    """``cli("paint", photo, style)``, in an empty folder, with random weights.

    To be fast, VGGs lose seven eighths of their filters when they are loaded (not
    with ``full_width``), sheets are small, and losses are not plotted (but with
    ``plots``).
    """
    folder = tmp_path / "here"
    folder.mkdir()
    monkeypatch.chdir(folder)
    monkeypatch.setenv("ARTIST_NST_WEIGHTS", str(weights_file))
    monkeypatch.setattr(
        "artist_nst.nst.weights.locate.load_weights", _load_thin_weights
    )
    for module in (comparison, reconstruction):
        small = partial(module.draw_grid, cell_height=48)
        monkeypatch.setattr(module, "draw_grid", small)
    monkeypatch.setattr("artist_nst.experiments.gallery.PANEL_HEIGHT", 80)
    monkeypatch.setattr("artist_nst.experiments.results.write_plot", _touch_plot)
    # Threads do not pay for images this small.
    monkeypatch.setattr(machine, "count_cores", lambda: 1)
    monkeypatch.setattr(machine, "_is_configured", False)
    monkeypatch.setattr("typer.main.get_command", get_command)

    def run_command(*arguments: object) -> Ran:
        code = run([str(argument) for argument in arguments])
        captured = capsys.readouterr()
        return Ran(code, captured.out, captured.err)

    return run_command


def _load_thin_weights(path: Path, network: Any, **options: Any) -> Weights:
    state = os.stat(path) if os.path.exists(path) else None
    version = (state.st_mtime_ns, state.st_size) if state else ()
    key = os.path.abspath(path), version
    return _load_thin(key, path, network, **options)


@cache
def _load_thin(_: object, path: Path, network: Any, **options: Any) -> Weights:
    weights = load_weights(path, network, **options)
    return replace(thin_out(weights), sha256=weights.sha256)


def _touch_plot(series: Series) -> None:
    (series.folder / PLOT).touch()


@pytest.fixture
def full_width(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    """VGGs with all of their filters."""
    del cli
    monkeypatch.setattr("artist_nst.nst.weights.locate.load_weights", load_weights)


@pytest.fixture
def without_weights(
    cli: Cli, without_weights: list[str], monkeypatch: pytest.MonkeyPatch
) -> list[str]:
    """Hosts that were looked up, without the weights that ``cli`` names."""
    del cli
    monkeypatch.delenv("ARTIST_NST_WEIGHTS")
    return without_weights


@pytest.fixture
def interrupt(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """``interrupt(2)``: Ctrl-C at the first iteration of a series' second painting."""

    def interrupt_at(number: int) -> None:
        waiting = [number]

        @contextmanager
        def series_bar(_: Console) -> Iterator[Callable[[SeriesProgress], None]]:
            def show(progress: SeriesProgress) -> None:
                if progress.number in waiting:
                    waiting.clear()
                    signal.raise_signal(signal.SIGINT)

            yield show

        monkeypatch.setattr("artist_nst.cli.series.series_bar", series_bar)

    return interrupt_at


def pixels(path: Path | str) -> NDArray[np.uint8]:
    return np.asarray(Image.open(path))


def save(path: Path | str, height: int, width: int, seed: int = 0) -> Path:
    """Save a picture of smooth colors."""
    Image.fromarray(picture(height, width, seed)).save(path)
    return Path(path)


def distance(first: NDArray[np.uint8], second: NDArray[np.uint8]) -> float:
    """Mean absolute difference in levels of 255."""
    return float(np.abs(first.astype(int) - second).mean())


def files() -> list[str]:
    """List what is in the current folder, with hidden files."""
    return sorted(str(path) for path in Path().rglob("*"))


def read_rows(folder: str | Path) -> list[dict[str, str]]:
    with open(Path(folder, TABLE), encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def read_paintings(folder: str | Path) -> dict[str, tuple[int, bytes]]:
    """Read the times and contents of a folder's paintings."""
    return {
        path.name: (path.stat().st_mtime_ns, path.read_bytes())
        for path in Path(folder).iterdir()
        if path.name not in EXTRA
    }
