#!/usr/bin/env python3
"""One photo after works picked in five ways: what --pick does.

The aim of "Whole-artist imitation with convolutional neural networks" (J. Mu, A.
Franc), an artist rather than a work, by other means than the mean of all works.
"""

from common import (
    Figure,
    draw_gallery,
    make_cell,
    pick_works,
    read_painting,
    run_figure,
)

from artist_nst._types import Pixels
from artist_nst.experiments.results import read_panel
from artist_nst.experiments.runner import Cell, Series
from artist_nst.styles.pick import Pick

# Three works of eight, since this artist has few works of each style.
PICKS = {
    "random": Pick(way="random"),
    "typical": Pick(way="typical"),
    "nearest": Pick(way="nearest"),
    "diverse": Pick(way="diverse"),
    "mix": Pick(way="mix", works=3),
}
SEED = 1


def draw(figure: Figure) -> None:
    """Paint a cat after each pick."""
    photo, recipe = figure.load_photo("chelsea"), figure.make_recipe()
    cells = [
        make_cell(name, photo, pick_works(pick, SEED, photo), recipe)
        for name, pick in PICKS.items()
    ]

    def draw_sheet(series: Series) -> Pixels:
        panels = [read_painting(series, cell, _format_caption(cell)) for cell in cells]
        return draw_gallery([read_panel(photo, "the photo"), *panels])

    figure.paint(cells, draw_sheet)


def _format_caption(cell: Cell) -> str:
    titles = [source.work["title"] for source in cell.sources if source.work]
    return f"{cell.name}: {', '.join(titles)}"


if __name__ == "__main__":
    run_figure(draw)
