"""Paint a photo with one setting varied, or two, and lay the paintings out."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import cast

import torch

from artist_nst._types import PathLike, Pixels, PrecisionName
from artist_nst.errors import UsageError, format_count
from artist_nst.experiments.axes import SOURCE_AXES, Axis
from artist_nst.experiments.results import (
    lay_out,
    read_cell_panel,
    read_panel,
    read_source_panel,
    read_works_panel,
)
from artist_nst.experiments.runner import Cell, Series, SeriesProgress, paint_series
from artist_nst.figures.grid import draw_grid
from artist_nst.image.files import MAX_PIXELS, read_picture
from artist_nst.nst.precision import choose_precision
from artist_nst.painting.networks import Networks
from artist_nst.painting.pipeline import pick_seed
from artist_nst.painting.sources import Source
from artist_nst.painting.style_sources import StyleRequest
from artist_nst.recipes.layers import check_recipe_layers
from artist_nst.recipes.published import RECIPES
from artist_nst.recipes.recipe import (
    OPTIONS,
    Recipe,
    format_network,
    format_value,
)
from artist_nst.recipes.settings import (
    SETTING_AXES,
    change_setting,
    parse_value,
    resize_recipe,
)
from artist_nst.recipes.toml_file import find_recipe
from artist_nst.styles.pick import Pick, PickWay
from artist_nst.styles.picking import PickProgress

MAIN_FIELDS = ("ratio", "style_scale", "color")
"""Of a recipe; sheets say what they are, and what else is not the recipe's own."""


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
    keep_paths: bool = True,
    on_pick: PickProgress | None = None,
) -> ComparisonPlan:
    """Plan the cells of a comparison.

    Args:
        across: From :func:`artist_nst.experiments.axes.parse_axis`; varies from left
            to right.
        photo: The photo.
        style: What to paint after; for the axes ``work`` and ``pick`` its ``artist``
            alone, for ``artist`` nothing.
        down: A second axis, from top to bottom.
        recipe: What is varied.
        adjust: Applied to each recipe of a ``recipe`` axis, for instance to give all
            of them one width.
        long_side: Of the paintings in pixels, in place of the recipe's width.
        seed: Of every cell's pick and noise.
        max_pixels: Larger pictures are refused.
        keep_paths: Whether records have paths, not only files' names.
        on_pick: Called with the number of works whose styles are computed for a pick,
            and the number in all.

    Raises:
        UsageError: A value that cannot be painted with, or one axis twice.
        ArtistNstError: The photo, or a style of all cells, cannot be read.
    """
    axes = [across] if down is None else [down, across]
    names = [axis.name for axis in axes]
    _check_axes(names, style, long_side)
    seed = pick_seed(seed)
    size = read_picture(photo, max_pixels=max_pixels, width=1).size

    @cache
    def choose(chosen: tuple[tuple[str, str], ...], seed: int) -> tuple[Source, ...]:
        return _choose_sources(style, dict(chosen), seed, photo, on_pick)

    def make_cell(settings: dict[str, str]) -> Cell:
        """Make a cell without its works, which are chosen once all values are read."""
        cell_recipe = recipe
        # The recipe comes first: the other settings change it.
        if "recipe" in settings:
            cell_recipe = adjust(find_recipe(settings["recipe"]))
        for name, value in settings.items():
            if name in SETTING_AXES:
                cell_recipe = change_setting(cell_recipe, name, value)
        cell_side = _parse_whole(settings, "long-side", long_side)
        cell_recipe = resize_recipe(cell_recipe, size, cell_side)
        check_recipe_layers(cell_recipe)
        return Cell(
            name=",".join(axis.slug(settings[axis.name]) for axis in axes),
            photo=photo,
            sources=(),
            recipe=cell_recipe,
            seed=pick_seed(_parse_whole(settings, "seed", seed)),
            settings=settings,
            corpora=style.corpora,
            precision=_parse_precision(settings),
            keep_paths=keep_paths,
        )

    def choose_works(cell: Cell) -> Cell:
        chosen = ((name, cell.settings[name]) for name in SOURCE_AXES if name in names)
        return replace(cell, sources=choose(tuple(chosen), cell.seed))

    row_settings = [{down.name: value} for value in down.values] if down else [{}]
    cells = [
        [make_cell({**row, across.name: value}) for value in across.values]
        for row in row_settings
    ]
    rows = tuple(tuple(map(choose_works, row)) for row in cells)
    plan = ComparisonPlan(photo, across, down, rows)
    varies_strength = any(axis.name == "color-strength" for axis in axes)
    if varies_strength and all(cell.recipe.color == "none" for cell in plan.cells):
        raise UsageError("color-strength has no effect without --color: add -c")
    if len({_list_paths(cell) for cell in plan.cells}) == 1:
        # What would fail for every cell is reported at once.
        for source in plan.cells[0].sources:
            read_picture(source.path, max_pixels=max_pixels, width=1)
    return plan


def _check_axes(
    names: Sequence[str], style: StyleRequest, long_side: int | None
) -> None:
    if len(set(names)) < len(names):
        raise UsageError(f"{names[0]} can't vary along both axes: choose another")
    if {"width", "long-side"} <= {*names, "long-side" if long_side else ""}:
        raise UsageError("--long-side would set the width, which varies: leave it out")
    if {"pick", "work"} <= {*names}:
        raise UsageError("pick has no effect on works that are named: vary only one")
    for name in names:
        if name not in SOURCE_AXES:
            continue
        if name != "artist" and style.artist is None and "artist" not in names:
            raise UsageError(f"axis {name}: whose works? Add --artist NAME")
        if style.images or style.works:
            raise UsageError(
                f"axis {name}: it says which works are painted after, so name no other "
                "style"
            )


def _parse_whole(
    settings: Mapping[str, str], name: str, default: int | None
) -> int | None:
    """Return the whole number on an axis, or the default if it does not vary."""
    if name not in settings:
        return default
    try:
        return int(parse_value(int, settings[name]))
    except UsageError as error:
        raise UsageError(f"{name} {settings[name]}: {error}") from error


def _parse_precision(settings: Mapping[str, str]) -> PrecisionName | None:
    name = cast("PrecisionName | None", settings.get("precision"))
    if name is not None:
        choose_precision(name, torch.device("cpu"))  # raises for an unknown one
    return name


def _choose_sources(
    style: StyleRequest,
    chosen: Mapping[str, str],
    seed: int,
    photo: PathLike,
    on_pick: PickProgress | None,
) -> tuple[Source, ...]:
    """Choose the works of a cell by its values on the axes that decide them."""
    try:
        request = replace(
            style,
            artist=chosen.get("artist", style.artist),
            works=chosen.get("work", style.works),
            pick=Pick(way=cast("PickWay", chosen["pick"]))
            if "pick" in chosen
            else style.pick,
        )
        return tuple(request.choose(seed, photo, on_pick))
    except UsageError as error:
        if not chosen:
            raise
        where = ", ".join(f"{name} {value}" for name, value in chosen.items())
        raise UsageError(f"axis {where}: {error}") from error


def _list_paths(cell: Cell) -> tuple[Path, ...]:
    return tuple(source.path for source in cell.sources)


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
    references = [read_panel(plan.photo, f"photo: {Path(plan.photo).name}")]
    by_row = [{_list_paths(cell) for cell in row} for row in rows]
    by_column = [
        {_list_paths(cell) for cell in column} for column in zip(*rows, strict=True)
    ]
    varies_across = any(len(paths) > 1 for paths in by_row)
    varies_down = any(len(paths) > 1 for paths in by_column)
    body = [
        [read_cell_panel(series, cell, varies_across and varies_down) for cell in row]
        for row in rows
    ]
    if not varies_across and not varies_down:
        references += [read_source_panel(source) for source in rows[0][0].sources]
    elif not varies_down:
        body.insert(0, [read_works_panel(cell) for cell in rows[0]])
        row_heads = ["the work", *(row_heads or ["painted"])]
    elif not varies_across:
        column_heads.insert(0, "the work")
        for panels, row in zip(body, rows, strict=True):
            panels.insert(0, read_works_panel(row[0]))
    axes = [across] if down is None else [down, across]
    varied = " × ".join(axis.name.replace("-", " ") for axis in axes)
    return draw_grid(
        body,
        columns=column_heads,
        rows=row_heads,
        references=references,
        title=f"{Path(plan.photo).name}: {varied}",
        note=_describe_fixed(series),
    )


def _describe_fixed(series: Series) -> str:
    """Say what all paintings have in common, the most important first."""
    described = [_describe_cell(cell) for cell in series.cells]
    common = dict(described[0])
    for facts in described[1:]:
        common = {key: text for key, text in common.items() if facts.get(key) == text}
    return (
        f"the same in all: {', '.join(common.values())}; content and style below are "
        "distances: smaller is nearer"
    )


def _describe_cell(cell: Cell) -> dict[str, str]:
    recipe = cell.recipe
    texts = {
        "recipe": f"recipe {recipe.name}",
        "width": f"{recipe.width} pixels wide",
        "levels": format_count(recipe.iterations, "iteration"),
        "network": format_network(recipe.network),
        "seed": f"seed {cell.seed}",
    }
    original = RECIPES.get(recipe.name)
    for field, option in OPTIONS.items():
        value = getattr(recipe, field)
        is_changed = original is None or value != getattr(original, field)
        if field in MAIN_FIELDS or (is_changed and field not in texts):
            texts[field] = f"{option.option.replace('-', ' ')} {format_value(value)}"
    return texts


def _make_headings(axis: Axis, cells: Sequence[Cell]) -> list[str]:
    """Return the heading of each of an axis's values, whose cells these are."""
    works = [cell.sources[0].work for cell in cells]
    return [
        work["title"] if axis.name == "work" and work else axis.heading(value)
        for value, work in zip(axis.values, works, strict=True)
    ]
