"""Reconstruct what single layers keep of a picture, and sets of them of its style.

The figure of Gatys, Ecker and Bethge, "A neural algorithm of artistic style", 2015:
from noise, an image is sought whose features at one layer are the picture's (content),
or whose Gram matrices at the first one, two, … layers are (style).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from artist_nst._types import PathLike, Pixels
from artist_nst.errors import UsageError
from artist_nst.experiments.results import lay_out, read_cell_panel, read_panel
from artist_nst.experiments.runner import Cell, Series, SeriesProgress, paint_series
from artist_nst.figures.grid import draw_grid
from artist_nst.figures.sheet import Panel
from artist_nst.image.files import MAX_PIXELS, read_picture
from artist_nst.painting.networks import Networks
from artist_nst.painting.pipeline import pick_seed
from artist_nst.painting.sources import Source
from artist_nst.recipes.layers import check_layers
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
"""Relative losses, from noise, at one size, so that the layer alone decides."""


@dataclass(frozen=True, slots=True)
class ReconstructionPlan:
    """What is to be reconstructed, all of it checked.

    Attributes:
        content: The picture of the row of content.
        style: The picture of the row of style.
        layers: One column each.
        rows: The two rows of cells.
    """

    content: PathLike
    style: PathLike
    layers: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]

    @property
    def cells(self) -> list[Cell]:
        """The cells in the order in which they are painted."""
        return [cell for row in self.rows for cell in row]


def plan_reconstruction(
    content: PathLike,
    style: PathLike,
    *,
    layers: Sequence[str] = LAYERS,
    recipe: Recipe = RECONSTRUCTION,
    seed: int = 0,
    max_pixels: int = MAX_PIXELS,
) -> ReconstructionPlan:
    """Plan content layer by layer, and style from growing sets of layers.

    Args:
        content: The picture for the row of content.
        style: The picture for the row of style.
        layers: One column each.
        recipe: All numbers but the layers.
        seed: Of the noise.
        max_pixels: Larger pictures are refused.

    Raises:
        UsageError: An unknown layer, or one that is given twice.
        ArtistNstError: A picture cannot be read.
    """
    layers = tuple(layers)
    check_layers(recipe.network, layers, "layer")
    if len(set(layers)) < len(layers):
        raise UsageError("--layer names a layer twice: name each once")
    seed = pick_seed(seed)
    for picture in (content, style):
        read_picture(picture, max_pixels=max_pixels, width=1)
    layer_sets = [layers[: count + 1] for count in range(len(layers))]
    contents = tuple(_content_cell(content, layer, recipe, seed) for layer in layers)
    styles = tuple(_style_cell(style, names, recipe, seed) for names in layer_sets)
    return ReconstructionPlan(content, style, layers, (contents, styles))


def reconstruct(
    plan: ReconstructionPlan,
    folder: PathLike,
    *,
    networks: Networks | None = None,
    on_progress: Callable[[SeriesProgress], None] = lambda _: None,
) -> Series:
    """Reconstruct what is planned, and lay it out; what is finished is skipped.

    Args:
        plan: From :func:`plan_reconstruction`.
        folder: For the reconstructions, ``sheet.png``, ``results.csv`` and
            ``losses.png``.
        networks: Loads networks, and says where to compute.
        on_progress: Called after each iteration.

    Raises:
        UsageError: The folder holds something else.
        ArtistNstError: The folder cannot be written to.
    """
    series = paint_series(plan.cells, folder, networks, on_progress)
    lay_out(series, lambda: _draw(plan, series))
    return series


def _draw(plan: ReconstructionPlan, series: Series) -> Pixels:
    return draw_grid(
        [[read_cell_panel(series, cell) for cell in row] for row in plan.rows],
        columns=plan.layers,
        rows=["content of this layer", "style of the layers up to this one"],
        references=_read_originals(plan.content, plan.style),
        title="What layers keep",
    )


def _read_originals(content: PathLike, style: PathLike) -> list[Panel]:
    name = Path(content).name
    if Path(content) == Path(style):
        return [read_panel(content, name)]
    return [
        read_panel(content, f"{name}: content"),
        read_panel(style, f"{Path(style).name}: style"),
    ]


def _content_cell(picture: PathLike, layer: str, recipe: Recipe, seed: int) -> Cell:
    recipe = replace(
        recipe,
        content_layers=((layer, 1.0),),
        style_layers=(),
        neighbor_weight=0.0,
        ratio=0.0,
    )
    return _make_cell("content", picture, layer, recipe, seed)


def _style_cell(
    picture: PathLike, layers: Sequence[str], recipe: Recipe, seed: int
) -> Cell:
    weighted: Weighted = tuple((layer, 1 / len(layers)) for layer in layers)
    recipe = replace(
        recipe,
        content_layers=(),
        style_layers=weighted,
        gram_weight=1.0,
        neighbor_weight=0.0,
        ratio=1.0,
    )
    return _make_cell("style", picture, "+".join(layers), recipe, seed)


def _make_cell(
    keeps: str, picture: PathLike, layers: str, recipe: Recipe, seed: int
) -> Cell:
    settings = {"keeps": keeps, "layers": layers}
    sources = (Source(Path(picture)),)
    return Cell(f"{keeps}-{layers}", picture, sources, recipe, seed, settings)
