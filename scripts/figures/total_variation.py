#!/usr/bin/env python3
"""Without smoothness, with the default recipe's, and with ten times as much; below
each painting a part of it, magnified, for the grain is what is to be seen.

Figure 6.2 of "Generating stylistic images using convolutional neural networks"
(E. Patel). γ weighs the mean difference between neighbouring pixels, where that paper
weighs their sum.
"""

from pathlib import Path

from common import Figure, Jpeg, Numiter, Out, Width, photo_panel, run, works

from artist_nst.experiments.axes import axis
from artist_nst.experiments.comparison import plan
from artist_nst.experiments.results import cell_panel, source_panel
from artist_nst.experiments.runner import Cell, Series
from artist_nst.figures.grid import grid
from artist_nst.figures.sheet import Panel
from artist_nst.image.files import read_picture

WEIGHTS = "0,0.003,0.03"
CORNER, SHARE, TIMES = (0.35, 0.15), 0.25, 8  # of height and width; of each; larger


def main(
    width: Width = 256,
    out: Out = Path("figures/total_variation"),
    numiter: Numiter = None,
    jpeg: Jpeg = None,
) -> None:
    """Three paintings of a cup after work 5."""
    figure = Figure(out, width, numiter, jpeg)
    photo, (work,) = figure.photograph("coffee"), works(5)
    across = axis("tv", WEIGHTS)
    cells = plan(across, photo, work, recipe=figure.recipe()).all
    series = figure.paint(cells)
    body = [
        [cell_panel(series, one) for one in cells],
        [_magnified(series, one) for one in cells],
    ]
    columns = [across.head(value) for value in across.values]
    beside = [photo_panel(photo), source_panel(work)]
    sheet = grid(body, columns=columns, rows=["painted", "magnified"], beside=beside)
    figure.finish(series, len(cells), sheet)


def _magnified(series: Series, one: Cell) -> Panel | None:
    if one.name not in series.done:
        return None
    pixels = read_picture(series.done[one.name].path).pixels
    height, width = pixels.shape[:2]
    top, left = round(CORNER[0] * height), round(CORNER[1] * width)
    part = pixels[top:, left:][: round(SHARE * height), : round(SHARE * width)]
    # Pixels as squares, for smoothing them would hide the grain.
    return Panel(part.repeat(TIMES, axis=0).repeat(TIMES, axis=1), "")


if __name__ == "__main__":
    run(main, __doc__)
