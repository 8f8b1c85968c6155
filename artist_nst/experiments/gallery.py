"""One photo painted after several works in turn, on one sheet: how the artist might
have painted it."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import ceil, sqrt
from pathlib import Path
from typing import Any

from artist_nst._types import PathLike
from artist_nst.experiments.results import panel, write_sheet, write_table
from artist_nst.experiments.runner import (
    PLOT,
    SHEET,
    TABLE,
    Cell,
    Series,
    SeriesProgress,
    paint_series,
)
from artist_nst.figures.sheet import Panel, sheet
from artist_nst.image.files import MAX_PIXELS, read_picture
from artist_nst.painting.networks import Networks
from artist_nst.painting.pipeline import sized
from artist_nst.painting.style_sources import Source, named
from artist_nst.recipes.recipe import Recipe

SIDE = 480  # pixels; of a painting's height on the sheet
LETTERS, BYTES = 80, 100  # of a file's name, at most


@dataclass(frozen=True, slots=True)
class Gallery:
    """What a gallery left in its folder.

    Attributes:
        cells: what was to be painted. series: what became of it.
        sheet: the file that shows all of them.
    """

    cells: tuple[Cell, ...]
    series: Series
    sheet: Path


def hang(
    photo: PathLike,
    choices: Sequence[Sequence[Source]],
    folder: PathLike,
    *,
    recipe: Recipe,
    seed: int = 0,
    long_side: int | None = None,
    networks: Networks | None = None,
    max_pixels: int = MAX_PIXELS,
    on_progress: Callable[[SeriesProgress], None] = lambda _: None,
    **how: Any,
) -> Gallery:
    """Paint ``photo`` once after each of ``choices``, as far as that is not done in
    ``folder`` already, and lay the paintings out.

    After Ctrl-C, and where one can't be painted, the rest is laid out; run again with
    the same choices, it goes on.

    Args:
        choices: the works of each painting.
        folder: for the paintings, ``sheet.png`` and ``results.csv``.
        seed: of the paintings' noise.
        networks: what has been loaded already, and how more is to be.
        max_pixels: larger pictures are refused.
        how: passed on to :func:`artist_nst.paint`.

    Raises:
        UsageError: the folder holds paintings made otherwise.
        ArtistNstError: the photo can't be read, or the folder can't be written to.
    """
    folder = Path(folder)
    pixels = read_picture(photo, max_pixels=max_pixels).pixels
    recipe = sized(recipe, pixels, long_side)
    names = _different([named(sources) for sources in choices])
    cells = tuple(
        Cell(name, photo, tuple(sources), recipe, seed, {"painted after": name})
        for name, sources in zip(names, choices, strict=True)
    )
    series = paint_series(
        cells,
        folder,
        networks or Networks(),
        on_progress=on_progress,
        max_pixels=max_pixels,
        **how,
    )
    made = Gallery(cells, series, folder / SHEET)
    if series.done:
        try:
            write_table(folder / TABLE, cells, series)
            _draw(made, photo)
        except KeyboardInterrupt:
            # Nothing is lost by it: run again, it is drawn.
            series.interrupted = True
    return made


def _different(names: Sequence[str]) -> list[str]:
    """Names for files: short enough, none twice, even where capitals don't count, and
    none that the sheet, the table or the plot has."""
    taken = {Path(file).stem for file in (SHEET, TABLE, PLOT)}
    found = []
    for name in names:
        short = os.fsencode(name[:LETTERS])[:BYTES].decode(errors="ignore")
        number, free = 1, short
        while free.casefold() in taken:
            number += 1
            free = f"{short}-{number}"
        taken.add(free.casefold())
        found.append(free)
    return found


def _draw(made: Gallery, photo: PathLike) -> None:
    """The photo, and below it the paintings in rows about as many as columns."""
    shown = [_panel(made.series, cell) for cell in made.cells]
    panels = [one for one in shown if one is not None]
    columns = ceil(sqrt(len(panels)))
    rows = [panels[start : start + columns] for start in range(0, len(panels), columns)]
    work = made.cells[0].sources[0].work
    title = Path(photo).name
    if work is not None:
        title += f", as {work['artist']} might have painted it"
    page = sheet([[panel(photo, "the photo")], *rows], height=SIDE, title=title)
    write_sheet(made.sheet, page, made.series)


def _panel(series: Series, cell: Cell) -> Panel | None:
    """A painting and what it was painted after; None where it is not painted."""
    if cell.name not in series.done:
        return None
    titles = [_title(source) for source in cell.sources]
    more = f" and {len(titles) - 1} more" if len(titles) > 1 else ""
    return panel(series.done[cell.name].path, f"after {titles[0]}{more}")


def _title(source: Source) -> str:
    if source.work is None:
        return source.path.name
    title, year = source.work["title"], source.work["year"]
    return f"{title} ({year})" if year else str(title)
