"""Paint one photo after several works in turn, and show all paintings on one sheet."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from math import ceil, sqrt
from pathlib import Path

from artist_nst._types import PathLike, Pixels
from artist_nst.experiments.results import lay_out, read_panel, read_works_panel
from artist_nst.experiments.runner import (
    Cell,
    Series,
    SeriesProgress,
    paint_series,
)
from artist_nst.figures.sheet import draw_sheet
from artist_nst.image.files import read_picture
from artist_nst.painting.networks import Networks
from artist_nst.painting.output_names import PLOT, SHEET, TABLE
from artist_nst.painting.sources import Source, name_sources
from artist_nst.recipes.recipe import Recipe
from artist_nst.recipes.settings import resize_recipe

PANEL_HEIGHT = 480  # pixels; of a painting on the sheet
MAX_LETTERS, MAX_BYTES = 80, 100  # of a file's name


def paint_gallery(
    photo: PathLike,
    groups: Sequence[Sequence[Source]],
    folder: PathLike,
    *,
    recipe: Recipe,
    seed: int = 0,
    long_side: int | None = None,
    corpora: PathLike | None = None,
    keep_paths: bool = True,
    networks: Networks | None = None,
    on_progress: Callable[[SeriesProgress], None] = lambda _: None,
) -> Series:
    """Paint ``photo`` once after each group of works, and lay the paintings out.

    Paintings that are finished in ``folder`` are skipped. After Ctrl-C, and if one
    cannot be painted, the rest is laid out; run again, it continues.

    Args:
        photo: The photo.
        groups: The works of each painting.
        folder: For the paintings, ``sheet.png`` and ``results.csv``.
        recipe: Every number of the paintings.
        seed: Of the paintings' noise.
        long_side: Of the paintings in pixels, in place of ``recipe.width``.
        corpora: The folder of corpora that was named, for the record.
        keep_paths: Whether records have paths, not only files' names.
        networks: Loads networks, and says where to compute.
        on_progress: Called after each iteration.

    Raises:
        UsageError: The folder holds paintings made otherwise.
        ArtistNstError: The photo cannot be read, or the folder cannot be written to.
    """
    networks = networks or Networks()
    size = read_picture(photo, max_pixels=networks.compute.max_pixels, width=1).size
    recipe = resize_recipe(recipe, size, long_side)
    names = _make_unique([name_sources(group) for group in groups])
    cells = [
        Cell(
            name,
            photo,
            tuple(group),
            recipe,
            seed,
            {"painted after": name},
            corpora,
            keep_paths=keep_paths,
        )
        for name, group in zip(names, groups, strict=True)
    ]
    series = paint_series(cells, folder, networks, on_progress)
    lay_out(series, lambda: _draw(series, photo), plot=False)
    return series


def _make_unique(names: Sequence[str]) -> list[str]:
    """Shorten names for files, and number those that a file system would confuse."""
    taken = {Path(file).stem for file in (SHEET, TABLE, PLOT)}
    unique = []
    for name in names:
        short = os.fsencode(name[:MAX_LETTERS])[:MAX_BYTES].decode(errors="ignore")
        number, candidate = 1, short
        while candidate.casefold() in taken:
            number += 1
            candidate = f"{short}-{number}"
        taken.add(candidate.casefold())
        unique.append(candidate)
    return unique


def _draw(series: Series, photo: PathLike) -> Pixels:
    """Draw the photo, and below it each work beside its painting."""
    pairs = [
        (
            read_works_panel(cell),
            read_panel(series.done[cell.name].path, "painted"),
        )
        for cell in series.cells
        if cell.name in series.done
    ]
    columns = ceil(sqrt(len(pairs) / 2))
    rows = [
        [panel for pair in pairs[start : start + columns] for panel in pair]
        for start in range(0, len(pairs), columns)
    ]
    work = series.cells[0].sources[0].work
    title = Path(photo).name
    if work is not None:
        title += f", as {work['artist']} might have painted it"
    photo_row = [read_panel(photo, "the photo")]
    return draw_sheet([photo_row, *rows], height=PANEL_HEIGHT, title=title)
