"""Paint a photo with one setting varied, or two, and lay the paintings out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from artist_nst._types import PathLike, Pixels
from artist_nst.errors import UsageError
from artist_nst.experiments.axes import Axis, change_setting
from artist_nst.experiments.results import (
    lay_out,
    read_cell_panel,
    read_panel,
    read_source_panel,
)
from artist_nst.experiments.runner import Cell, Series, SeriesProgress, paint_series
from artist_nst.figures.grid import draw_grid
from artist_nst.image.files import MAX_PIXELS, read_picture
from artist_nst.painting.networks import Networks, check_recipe_layers
from artist_nst.painting.pipeline import pick_seed, resize_recipe
from artist_nst.painting.style_sources import Source, StyleRequest
from artist_nst.recipes.published import RECIPES
from artist_nst.recipes.recipe import Recipe
from artist_nst.recipes.toml_file import find_recipe


@dataclass(frozen=True, slots=True)
class ComparisonPlan:
    """What is to be painted, all of it checked.

    Attributes:
        photo: The photo.
        across: What varies from left to right.
        down: What varies from top to bottom, if anything.
        rows: The cells of each row.
    """

    photo: PathLike
    across: Axis
    down: Axis | None
    rows: tuple[tuple[Cell, ...], ...]

    @property
    def cells(self) -> list[Cell]:
        """The cells in the order in which they are painted."""
        return [cell for row in self.rows for cell in row]


def plan_comparison(
    across: Axis,
    photo: PathLike,
    style: StyleRequest,
    *,
    down: Axis | None = None,
    recipe: Recipe = RECIPES["default"],
    adjust: Callable[[Recipe], Recipe] = lambda recipe: recipe,
    long_side: int | None = None,
    seed: int = 0,
    max_pixels: int = MAX_PIXELS,
) -> ComparisonPlan:
    """Plan the cells of a comparison.

    Args:
        across: From :func:`artist_nst.experiments.axes.parse_axis`; varies from left
            to right.
        photo: The photo.
        style: What to paint after; for the axis ``work`` its ``artist`` alone.
        down: A second axis, from top to bottom.
        recipe: What is varied.
        adjust: Applied to each recipe of a ``recipe`` axis, for instance to give all
            of them one width.
        long_side: Of the paintings in pixels, in place of the recipe's width.
        seed: Of every cell's pick and noise.
        max_pixels: Larger pictures are refused.

    Raises:
        UsageError: A value that cannot be painted with, or one axis twice.
        ArtistNstError: The photo, or a style of all cells, cannot be read.
    """
    axes = [across] if down is None else [down, across]
    _check_axes(axes, style, long_side)
    seed = pick_seed(seed)
    pixels = read_picture(photo, max_pixels=max_pixels).pixels
    sources = _choose_sources(axes, style, seed)
    for source in sources.get(None, ()):
        read_picture(source.path, max_pixels=max_pixels)

    def make_cell(settings: dict[str, str]) -> Cell:
        cell_recipe = recipe
        # The recipe comes first: the other settings change it.
        if "recipe" in settings:
            cell_recipe = adjust(find_recipe(settings["recipe"]))
        for name, value in settings.items():
            if name not in ("recipe", "work"):
                cell_recipe = change_setting(cell_recipe, name, value)
        cell_recipe = resize_recipe(cell_recipe, pixels, long_side)
        check_recipe_layers(cell_recipe)
        name = ",".join(axis.slug(settings[axis.name]) for axis in axes)
        cell_sources = sources[settings.get("work")]
        return Cell(
            name, photo, cell_sources, cell_recipe, seed, settings, style.corpora
        )

    row_settings = [{down.name: value} for value in down.values] if down else [{}]
    rows = tuple(
        tuple(make_cell({**row, across.name: value}) for value in across.values)
        for row in row_settings
    )
    return ComparisonPlan(photo, across, down, rows)


def _check_axes(
    axes: Sequence[Axis], style: StyleRequest, long_side: int | None
) -> None:
    names = [axis.name for axis in axes]
    if len(set(names)) < len(names):
        raise UsageError(f"{names[0]} can't vary along both axes: choose another")
    if long_side is not None and "width" in names:
        raise UsageError("--long-side would set the width, which varies: leave it out")
    if "work" in names and style.artist is None:
        raise UsageError("axis work: whose works? Add --artist NAME")
    if "work" in names and (style.images or style.works):
        raise UsageError("axis work: its values are the works, so name no other style")


def _choose_sources(
    axes: Sequence[Axis], style: StyleRequest, seed: int
) -> dict[str | None, tuple[Source, ...]]:
    """Choose style images by value of the axis ``work``; without one, under None."""
    for axis in axes:
        if axis.name == "work":
            try:
                return {
                    value: tuple(replace(style, works=value).choose(seed))
                    for value in axis.values
                }
            except UsageError as error:
                raise UsageError(f"axis work: {error}") from error
    return {None: tuple(style.choose(seed))}


def compare(
    plan: ComparisonPlan,
    folder: PathLike,
    *,
    networks: Networks | None = None,
    on_progress: Callable[[SeriesProgress], None] = lambda _: None,
) -> Series:
    """Paint what is planned, and lay it out.

    Paintings that are finished in ``folder`` are skipped. After Ctrl-C, and if a cell
    cannot be painted, the rest is laid out; run again, it continues.

    Args:
        plan: From :func:`plan_comparison`.
        folder: For the paintings, ``sheet.png``, ``results.csv`` and ``losses.png``.
        networks: Loads networks, and says where to compute.
        on_progress: Called after each iteration.

    Raises:
        UsageError: The folder holds paintings made otherwise.
        ArtistNstError: The folder cannot be written to.
    """
    series = paint_series(plan.cells, folder, networks, on_progress)
    lay_out(series, lambda: _draw(plan, series))
    return series


def _draw(plan: ComparisonPlan, series: Series) -> Pixels:
    """Draw the grid of paintings, with the photo, and each work where it belongs."""
    rows, across, down = plan.rows, plan.across, plan.down
    column_heads = _make_headings(across, rows[0])
    row_heads = (
        _make_headings(down, [row[0] for row in rows]) if down is not None else []
    )
    body = [[read_cell_panel(series, cell) for cell in row] for row in rows]
    references = [read_panel(plan.photo, f"photo: {Path(plan.photo).name}")]
    if across.name == "work":
        body.insert(0, [read_source_panel(cell.sources[0]) for cell in rows[0]])
        row_heads = ["the work", *(row_heads or ["painted"])]
    elif down is not None and down.name == "work":
        column_heads.insert(0, "the work")
        for panels, row in zip(body, rows, strict=True):
            panels.insert(0, read_source_panel(row[0].sources[0]))
    else:
        references += [read_source_panel(source) for source in rows[0][0].sources]
    axes = [across] if down is None else [down, across]
    varied = " × ".join(axis.name.replace("-", " ") for axis in axes)
    return draw_grid(
        body,
        columns=column_heads,
        rows=row_heads,
        references=references,
        title=f"{Path(plan.photo).name}: {varied}",
    )


def _make_headings(axis: Axis, cells: Sequence[Cell]) -> list[str]:
    """Return the heading of each of an axis's values, whose cells these are."""
    works = [cell.sources[0].work for cell in cells]
    return [
        work["title"] if axis.name == "work" and work else axis.heading(value)
        for value, work in zip(axis.values, works, strict=True)
    ]
