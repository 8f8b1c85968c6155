"""What single layers keep of a picture, and growing sets of them of its style.

The figure of Gatys, Ecker and Bethge, "A neural algorithm of artistic style", 2015:
from noise, an image is sought whose features at one layer are the picture's (content),
or whose Gram matrices at the first one, two, … layers are (style).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from artist_nst._types import PathLike
from artist_nst.errors import UsageError
from artist_nst.experiments.results import (
    cell_panel,
    panel,
    write_plot,
    write_sheet,
    write_table,
)
from artist_nst.experiments.runner import (
    PLOT,
    SHEET,
    TABLE,
    Cell,
    Series,
    SeriesProgress,
    paint_series,
)
from artist_nst.figures.grid import grid
from artist_nst.image.files import MAX_PIXELS, read_picture
from artist_nst.nst.vgg import check_layers
from artist_nst.painting.networks import Networks
from artist_nst.painting.pipeline import seeded
from artist_nst.painting.style_sources import Source
from artist_nst.recipes.published import RECIPES
from artist_nst.recipes.recipe import STYLE_LAYERS, Recipe, Weighted

LAYERS = tuple(layer for layer, _ in STYLE_LAYERS)

RECONSTRUCTION = replace(
    RECIPES["default"],
    name="reconstruction",
    source="L. A. Gatys, A. S. Ecker, M. Bethge, 2015: its figure of reconstructions",
    tv=0.0,
    init="rand",
    levels=((1.0, 200),),
    width=256,
)
"""Relative losses, from noise, at one size: nothing but the layer decides."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be reconstructed, all of it checked.

    Attributes:
        content: the picture of the row of content; ``style``: of that of style.
        layers: one column each.
        rows: the two rows of cells.
    """

    content: PathLike
    style: PathLike
    layers: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]

    @property
    def all(self) -> list[Cell]:
        """The cells in the order in which they are painted."""
        return [cell for row in self.rows for cell in row]


def plan(
    content: PathLike,
    style: PathLike,
    *,
    layers: Sequence[str] = LAYERS,
    recipe: Recipe = RECONSTRUCTION,
    seed: int = 0,
    max_pixels: int = MAX_PIXELS,
) -> Plan:
    """Content layer by layer, and style from growing sets of layers.

    Args:
        content: the picture for the row of content; ``style``: for that of style.
        layers: one column each.
        recipe: all numbers but the layers.
        seed: of the noise.
        max_pixels: larger pictures are refused.

    Raises:
        UsageError: an unknown layer, or one that is given twice.
        ArtistNstError: a picture can't be read.
    """
    layers = tuple(layers)
    check_layers(recipe.network, layers, "layer")
    if len(set(layers)) < len(layers):
        raise UsageError("--layer names a layer twice: give each once")
    seed = seeded(seed)
    for picture in (content, style):
        read_picture(picture, max_pixels=max_pixels)
    sets = [layers[: count + 1] for count in range(len(layers))]
    styles = tuple(_style(style, one, recipe, seed) for one in sets)
    contents = tuple(_content(content, layer, recipe, seed) for layer in layers)
    return Plan(content, style, layers, (contents, styles))


def reconstruct(
    planned: Plan,
    folder: PathLike,
    *,
    networks: Networks | None = None,
    on_progress: Callable[[SeriesProgress], None] = lambda _: None,
    **how: Any,
) -> Series:
    """Reconstruct what is planned, as far as it is not in ``folder`` already.

    Args:
        planned: from :func:`plan`.
        folder: gets the reconstructions, ``sheet.png``, ``results.csv`` and
            ``losses.png``.
        networks, on_progress, how: as for :func:`artist_nst.experiments.comparison.compare`.

    Raises:
        UsageError: the folder holds something else.
        ArtistNstError: the folder can't be written to.
    """
    folder = Path(folder)
    series = paint_series(
        planned.all, folder, networks or Networks(), on_progress=on_progress, **how
    )
    if series.done:
        try:
            _lay_out(planned, folder, series)
        except KeyboardInterrupt:
            # Nothing is lost by it: run again, it is drawn.
            series.interrupted = True
    return series


def _lay_out(planned: Plan, folder: Path, series: Series) -> None:
    write_table(folder / TABLE, planned.all, series)
    write_plot(folder / PLOT, planned.all, series)
    sheet = grid(
        [[cell_panel(series, cell) for cell in row] for row in planned.rows],
        columns=planned.layers,
        rows=["content of this layer", "style of the layers up to this one"],
        beside=_originals(planned.content, planned.style),
        title="What layers keep",
    )
    write_sheet(folder / SHEET, sheet, series)


def _originals(content: PathLike, style: PathLike) -> list[Any]:
    name = Path(content).name
    if Path(content) == Path(style):
        return [panel(content, name)]
    return [
        panel(content, f"{name}: content"),
        panel(style, f"{Path(style).name}: style"),
    ]


def _content(picture: PathLike, layer: str, recipe: Recipe, seed: int) -> Cell:
    made = replace(recipe, content_layers=((layer, 1.0),), style_layers=(), ratio=0.0)
    return _cell("content", picture, layer, made, seed)


def _style(picture: PathLike, layers: Sequence[str], recipe: Recipe, seed: int) -> Cell:
    weighted: Weighted = tuple((layer, 1 / len(layers)) for layer in layers)
    made = replace(recipe, content_layers=(), style_layers=weighted, ratio=1.0)
    return _cell("style", picture, "+".join(layers), made, seed)


def _cell(keeps: str, picture: PathLike, layers: str, made: Recipe, seed: int) -> Cell:
    settings = {"keeps": keeps, "layers": layers}
    sources = (Source(Path(picture)),)
    return Cell(f"{keeps}-{layers}", picture, sources, made, seed, settings)
