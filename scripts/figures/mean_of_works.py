#!/usr/bin/env python3
"""A photo after the mean of eight works, beside three of them alone.

Figure 3 of "Whole-artist imitation with convolutional neural networks" (J. Mu,
A. Franc), whose mean of 45 Picassos gave "meaningless images"; the published program
cannot run with two works. Here every Gram matrix is divided by the number of its own
positions, so that larger works do not weigh more, and the eight are averaged with equal
weights, layer by layer.
"""

from itertools import chain

from common import Figure, get_works, make_cell, read_photo_panel, run_figure

from artist_nst._types import Pixels
from artist_nst.experiments.results import (
    read_cell_panel,
    read_panel,
    read_source_panel,
)
from artist_nst.experiments.runner import Series
from artist_nst.figures.grid import draw_grid
from artist_nst.figures.sheet import Panel, draw_sheet

ALONE = (1, 5, 7)
# All eight, in rows of similar width.
TOGETHER = ((1, 4, 6), (2, 7), (3, 5, 8))


def draw(figure: Figure) -> None:
    """Paint a cat after all eight works, and after three alone."""
    photo, recipe = figure.load_photo("chelsea"), figure.make_recipe()
    together, alone = [get_works(*row) for row in TOGETHER], get_works(*ALONE)
    cells = [
        make_cell("mean", photo, [*chain(*together)], recipe),
        *(make_cell(work.slug, photo, [work], recipe) for work in alone),
    ]
    eight = draw_sheet(
        [[read_panel(work.path) for work in row] for row in together], margin=8
    )
    works = [Panel(eight, ""), *(read_source_panel(work) for work in alone)]

    def draw_works(series: Series) -> Pixels:
        return draw_grid(
            [works, [read_cell_panel(series, cell) for cell in cells]],
            columns=["mean of eight", *("alone" for _ in alone)],
            rows=["the works", "painted"],
            references=[read_photo_panel(photo)],
        )

    figure.paint(cells, draw_works)


if __name__ == "__main__":
    run_figure(draw)
