#!/usr/bin/env python3
"""One photo after seven works, each shown in its painting's corner.

Figure 5 of "Whole-artist imitation with convolutional neural networks" (J. Mu,
A. Franc), which shows the Eiffel tower after six paintings by six painters.
"""

import numpy as np
from common import Figure, draw_gallery, get_works, make_cell, run_figure

from artist_nst._types import Pixels
from artist_nst.experiments.results import read_panel, read_source_panel
from artist_nst.experiments.runner import Cell, Series
from artist_nst.figures.sheet import Panel
from artist_nst.image.files import resize

HEIGHT, INSET, FRAME = 360, 110, 3  # pixels


def draw(figure: Figure) -> None:
    """Paint a cup after works 1 to 7."""
    photo, recipe = figure.load_photo("coffee"), figure.make_recipe()
    works = get_works(1, 2, 3, 4, 5, 6, 7)
    cells = [make_cell(work.slug, photo, [work], recipe) for work in works]

    def draw_sheet(series: Series) -> Pixels:
        panels = [_read_with_inset(series, cell) for cell in cells]
        return draw_gallery([read_panel(photo, "the photo"), *panels])

    figure.paint(cells, draw_sheet)


def _read_with_inset(series: Series, cell: Cell) -> Panel | None:
    if cell.name not in series.done:
        return None
    work = read_source_panel(cell.sources[0])
    painting = read_panel(series.done[cell.name].path)
    large = _resize_to_height(painting.pixels, HEIGHT)
    small = _resize_to_height(work.pixels, INSET)
    inset = np.pad(small, ((FRAME, 0), (0, FRAME), (0, 0)), constant_values=1.0)
    large[-inset.shape[0] :, : inset.shape[1]] = inset
    return Panel(large, work.caption)


def _resize_to_height(pixels: Pixels, height: int) -> Pixels:
    return resize(pixels, height, round(height * pixels.shape[1] / pixels.shape[0]))


if __name__ == "__main__":
    run_figure(draw)
