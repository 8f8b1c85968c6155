"""Fixtures and helpers that the tests of many paintings share."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from artist_nst import Recipe, recipe
from artist_nst.experiments import results
from artist_nst.experiments.runner import SeriesProgress
from artist_nst.figures.plot import Chart
from artist_nst.image.files import read_record, write_picture
from artist_nst.nst.vgg import VGG
from artist_nst.nst.weights.checkpoint import Weights
from artist_nst.painting import networks as networks_module
from artist_nst.painting.networks import Networks

SMALL = recipe(width=32).with_iterations(3)


@pytest.fixture
def networks(thin_weights: Weights, monkeypatch: pytest.MonkeyPatch) -> Networks:
    """Networks with few filters, in place of VGG-19."""

    def load(recipe: Recipe, *_: object) -> VGG:
        return VGG(thin_weights, pool=recipe.pool, padding=recipe.padding)

    monkeypatch.setattr(networks_module, "load_network", load)
    return Networks()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """An empty folder for a series."""
    folder = tmp_path / "series"
    folder.mkdir()
    return folder


@pytest.fixture
def charts(monkeypatch: pytest.MonkeyPatch) -> list[Chart]:
    """The charts that are plotted, without plotting them."""
    plotted: list[Chart] = []

    def plot(charts: list[Chart], **_: object) -> NDArray[np.float64]:
        plotted.extend(charts)
        return np.zeros((2, 2, 3))

    monkeypatch.setattr(results, "plot_curves", plot)
    return plotted


class Drawing:
    """Function that draws a sheet: it notes its arguments and draws one pixel."""

    def __init__(self) -> None:
        self.panels: Any = ()
        self.options: dict[str, Any] = {}
        self.is_interrupted = False

    def __call__(self, panels: Any, **options: Any) -> NDArray[np.float64]:
        if self.is_interrupted:
            raise KeyboardInterrupt
        self.panels, self.options = panels, options
        return np.zeros((1, 1, 3))

    @property
    def captions(self) -> list[list[str]]:
        """First lines of the captions; empty for a missing picture."""
        return [
            [panel.caption.partition("\n")[0] if panel else "" for panel in row]
            for row in self.panels
        ]

    @property
    def references(self) -> list[str]:
        return [panel.caption for panel in self.options["references"]]


def read_pixels(path: Path) -> NDArray[np.uint8]:
    return np.asarray(Image.open(path))


def snapshot(folder: Path) -> dict[str, tuple[int, bytes]]:
    """Return the time of change and the bytes of every file."""
    return {
        path.name: (path.stat().st_mtime_ns, path.read_bytes())
        for path in sorted(folder.iterdir())
        if path.is_file()
    }


def stop_at(number: int, iteration: int) -> Callable[[SeriesProgress], None]:
    """Return an ``on_progress`` that presses Ctrl-C at an iteration of a cell."""

    def stop(progress: SeriesProgress) -> None:
        if (progress.number, progress.progress.step.iteration) == (number, iteration):
            raise KeyboardInterrupt

    return stop


def rewrite_record(path: Path, **changes: Any) -> None:
    """Change the record of a painting and leave its pixels."""
    facts = {**json.loads(read_record(path)), **changes}
    write_picture(path, read_pixels(path), record=json.dumps(facts))
