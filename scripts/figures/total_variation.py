#!/usr/bin/env python3
"""Without smoothness, with the default recipe's weight, and with ten times as much.

Figure 6.2 of "Generating stylistic images using convolutional neural networks"
(E. Patel). γ weighs the mean difference between neighboring pixels, where that paper
weighs their sum. Below each painting, a part of it is magnified to show the grain.
"""

from common import Figure, get_works, read_photo_panel, run_figure

from artist_nst._types import Pixels
from artist_nst.experiments.axes import parse_axis
from artist_nst.experiments.results import read_cell_panel, read_source_panel
from artist_nst.experiments.runner import Cell, Series
from artist_nst.figures.grid import draw_grid
from artist_nst.figures.sheet import Panel
from artist_nst.image.files import read_picture

WEIGHTS = "0,0.003,0.03"
CORNER, PART, ZOOM = (0.35, 0.15), 0.25, 8  # top left and size, relative; factor


def draw(figure: Figure) -> None:
    """Paint a cup after work 5 with each weight."""
    photo, (work,) = figure.load_photo("coffee"), get_works(5)
    across = parse_axis("tv", WEIGHTS)
    cells = figure.plan(across, photo, [work]).cells

    def draw_sheet(series: Series) -> Pixels:
        return draw_grid(
            [
                [read_cell_panel(series, cell) for cell in cells],
                [_magnify(series, cell) for cell in cells],
            ],
            columns=[across.heading(value) for value in across.values],
            rows=["painted", "magnified"],
            references=[read_photo_panel(photo), read_source_panel(work)],
        )

    figure.paint(cells, draw_sheet)


def _magnify(series: Series, cell: Cell) -> Panel | None:
    if cell.name not in series.done:
        return None
    pixels = read_picture(series.done[cell.name].path).pixels
    height, width = pixels.shape[:2]
    top, left = round(CORNER[0] * height), round(CORNER[1] * width)
    part = pixels[top:, left:][: round(PART * height), : round(PART * width)]
    # Without interpolation, which would hide the grain.
    return Panel(part.repeat(ZOOM, axis=0).repeat(ZOOM, axis=1), "")


if __name__ == "__main__":
    run_figure(draw)
