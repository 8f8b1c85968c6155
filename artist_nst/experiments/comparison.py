"""One setting varied, or two → one labelled sheet, every painting, a table, a plot."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from artist_nst._types import PathLike, Pixels
from artist_nst.errors import UsageError
from artist_nst.experiments.axes import Axis, vary
from artist_nst.experiments.results import (
    cell_panel,
    panel,
    source_panel,
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
from artist_nst.painting.networks import Networks, check_recipe_layers
from artist_nst.painting.pipeline import seeded, sized
from artist_nst.painting.style_sources import (
    Source,
    StyleImage,
    WorkName,
    choose_sources,
)
from artist_nst.recipes.published import RECIPES
from artist_nst.recipes.recipe import Recipe
from artist_nst.recipes.toml_file import find_recipe


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be painted, all of it checked.

    Attributes:
        photo: the photo.
        across: what varies from left to right; ``down``: from top to bottom.
        cells: rows of columns.
    """

    photo: PathLike
    across: Axis
    down: Axis | None
    cells: tuple[tuple[Cell, ...], ...]

    @property
    def all(self) -> list[Cell]:
        """The cells in the order in which they are painted."""
        return [cell for row in self.cells for cell in row]


@dataclass(frozen=True, slots=True)
class Comparison:
    """What a comparison left in its folder.

    Attributes:
        plan: what was to be painted. series: what became of it.
        folder: with every painting.
        sheet, table, plot: the files that show all of them.
    """

    plan: Plan
    series: Series
    folder: Path
    sheet: Path
    table: Path
    plot: Path


def plan(
    across: Axis,
    content: PathLike,
    styles: StyleImage | Sequence[StyleImage] = (),
    *,
    by: Axis | None = None,
    artist: str | None = None,
    works: WorkName | Sequence[WorkName] = (),
    corpora: PathLike | None = None,
    recipe: Recipe = RECIPES["default"],
    adjust: Callable[[Recipe], Recipe] = lambda recipe: recipe,
    long_side: int | None = None,
    seed: int = 0,
    max_pixels: int = MAX_PIXELS,
) -> Plan:
    """The cells of a comparison.

    Args:
        across: from :func:`artist_nst.experiments.axes.axis`; ``by``: a second axis, downwards.
        content, styles, artist, works, corpora, long_side, max_pixels: as for
            :func:`artist_nst.paint`.
        recipe: what is varied.
        adjust: applied to each recipe of a ``recipe`` axis, to give all of them one
            width, say.
        seed: of every cell's pick and noise.

    Raises:
        UsageError: a value that can't be painted with, or one axis twice.
        ArtistNstError: the photo, or a style of all cells, can't be read.
    """
    axes = [across] if by is None else [by, across]
    _check_axes(axes, artist, bool(styles or works), long_side)
    seed = seeded(seed)
    photo = read_picture(content, max_pixels=max_pixels).pixels
    sources = _sources(axes, styles, artist, works, corpora, seed)
    for source in sources.get(None, ()):
        read_picture(source.path, max_pixels=max_pixels)

    def cell(settings: dict[str, str]) -> Cell:
        made = recipe
        # First of all, for it is what the others change.
        if "recipe" in settings:
            made = adjust(find_recipe(settings["recipe"]))
        for name, value in settings.items():
            if name not in ("recipe", "work"):
                made = vary(made, name, value)
        made = sized(made, photo, long_side)
        check_recipe_layers(made)
        name = ",".join(one.slug(settings[one.name]) for one in axes)
        own = sources[settings.get("work")]
        return Cell(name, content, own, made, seed, settings)

    rows = [{by.name: value} for value in by.values] if by else [{}]
    cells = tuple(
        tuple(cell({**row, across.name: value}) for value in across.values)
        for row in rows
    )
    return Plan(content, across, by, cells)


def _check_axes(
    axes: Sequence[Axis], artist: str | None, styled: bool, long_side: int | None
) -> None:
    names = [one.name for one in axes]
    if len(set(names)) < len(names):
        raise UsageError(f"{names[0]} can't vary along both axes: choose another")
    if long_side is not None and "width" in names:
        raise UsageError("--long-side would settle the width that is to vary: drop it")
    if "work" in names and artist is None:
        raise UsageError("axis work: whose works? Add --artist NAME")
    if "work" in names and styled:
        raise UsageError("axis work: its values are the works, so name no other style")


def _sources(
    axes: Sequence[Axis],
    styles: StyleImage | Sequence[StyleImage],
    artist: str | None,
    works: WorkName | Sequence[WorkName],
    corpora: PathLike | None,
    seed: int,
) -> dict[str | None, tuple[Source, ...]]:
    """By the value of the axis ``work``; where there is none, by None."""
    for one in axes:
        if one.name == "work":
            try:
                return {
                    value: tuple(choose_sources((), artist, value, corpora, seed))
                    for value in one.values
                }
            except UsageError as error:
                raise UsageError(f"axis work: {error}") from error
    return {None: tuple(choose_sources(styles, artist, works, corpora, seed))}


def compare(
    planned: Plan,
    folder: PathLike,
    *,
    networks: Networks | None = None,
    on_progress: Callable[[SeriesProgress], None] = lambda _: None,
    **how: Any,
) -> Comparison:
    """Paint what is planned, as far as it is not in ``folder`` already, and lay it out.

    After Ctrl-C, and where a cell can't be painted, the rest is laid out; run again,
    it goes on.

    Args:
        planned: from :func:`plan`.
        folder: for the paintings, ``sheet.png``, ``results.csv`` and ``losses.png``.
        networks: what has been loaded already, and how more is to be.
        how: passed on to :func:`artist_nst.paint`.

    Raises:
        UsageError: the folder holds paintings made otherwise.
        ArtistNstError: the folder can't be written to.
    """
    folder = Path(folder)
    series = paint_series(
        planned.all, folder, networks or Networks(), on_progress=on_progress, **how
    )
    made = Comparison(
        planned, series, folder, folder / SHEET, folder / TABLE, folder / PLOT
    )
    if series.done:
        try:
            lay_out(made)
        except KeyboardInterrupt:
            # Nothing is lost by it: run again, it is drawn.
            series.interrupted = True
    return made


def lay_out(made: Comparison) -> None:
    """Write a comparison's table, plot and sheet."""
    cells, series = made.plan.all, made.series
    write_table(made.table, cells, series)
    write_plot(made.plot, cells, series)
    write_sheet(made.sheet, _sheet(made.plan, series), series)


def _sheet(planned: Plan, series: Series) -> Pixels:
    """The grid of paintings, with the photo, and each work where it belongs."""
    cells, across, down = planned.cells, planned.across, planned.down
    columns = [
        _head(across, value, cell)
        for value, cell in zip(across.values, cells[0], strict=True)
    ]
    rows = []
    if down is not None:
        firsts = [row[0] for row in cells]
        pairs = zip(down.values, firsts, strict=True)
        rows = [_head(down, value, cell) for value, cell in pairs]
    body = [[cell_panel(series, cell) for cell in row] for row in cells]
    beside = [panel(planned.photo, f"photo: {Path(planned.photo).name}")]
    if across.name == "work":
        body.insert(0, [source_panel(cell.sources[0]) for cell in cells[0]])
        rows = ["the work", *(rows or ["painted"])]
    elif down is not None and down.name == "work":
        columns.insert(0, "the work")
        for row, first in zip(body, cells, strict=True):
            row.insert(0, source_panel(first[0].sources[0]))
    else:
        beside += [source_panel(source) for source in cells[0][0].sources]
    return grid(body, columns=columns, rows=rows, beside=beside, title=_title(planned))


def _head(axis: Axis, value: str, cell: Cell) -> str:
    work = cell.sources[0].work
    return work["title"] if axis.name == "work" and work else axis.head(value)


def _title(planned: Plan) -> str:
    varied = (
        [planned.across] if planned.down is None else [planned.down, planned.across]
    )
    names = " × ".join(one.name.replace("-", " ") for one in varied)
    return f"{Path(planned.photo).name}: {names}"
