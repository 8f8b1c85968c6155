#!/usr/bin/env python3
"""One photo and work by every named recipe: what the papers' final figures compare.

Every recipe gets this figure's width and at most 100 iterations (-n), so that all are
painted in minutes. That cuts the papers' own numbers short: art.py has 512 iterations,
gatys-2015 500, csce5214 a hundred thousand steps (100 of which move a pixel by less
than two levels of 255). `artist-nst paint --recipe NAME` paints with the whole recipe.
Recipes for networks without weights on this machine are left out.
"""

from dataclasses import replace

from common import (
    Figure,
    add_title,
    draw_gallery,
    get_works,
    has_weights,
    make_cell,
    read_photo_panel,
    run_figure,
)

from artist_nst._types import Pixels
from artist_nst.experiments.results import read_cell_panel, read_source_panel
from artist_nst.experiments.runner import Series
from artist_nst.recipes.published import RECIPES

ITERATIONS = 100


def draw(figure: Figure) -> None:
    """Paint a cup after work 2 with each recipe."""
    photo, (work,) = figure.load_photo("coffee"), get_works(2)
    cells = []
    for name, recipe in RECIPES.items():
        if has_weights(recipe.network):
            count = min(recipe.iterations, figure.iterations or ITERATIONS)
            short = replace(recipe.with_iterations(count), width=figure.width)
            cells.append(make_cell(name, photo, [work], short))

    def draw_sheet(series: Series) -> Pixels:
        panels = [add_title(read_cell_panel(series, cell), cell.name) for cell in cells]
        return draw_gallery([read_photo_panel(photo), read_source_panel(work), *panels])

    figure.paint(cells, draw_sheet)


if __name__ == "__main__":
    run_figure(draw, iterations=ITERATIONS)
