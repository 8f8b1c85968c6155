#!/usr/bin/env python3
"""A photo after the mean of eight works, beside three of them alone.

Figure 3 of "Whole-artist imitation with convolutional neural networks" (J. Mu,
A. Franc), whose mean of 45 Picassos gave "meaningless images"; its program could not
run with two works as it was written. Here every Gram matrix is divided by the number
of its own positions, so that no work counts more for being larger, and the eight are
averaged with equal weights, layer by layer.
"""

from itertools import chain
from pathlib import Path

from common import Figure, Jpeg, Numiter, Out, Width, cell, photo_panel, run, works

from artist_nst.experiments.results import cell_panel, panel, source_panel
from artist_nst.figures.grid import grid
from artist_nst.figures.sheet import Panel, sheet

ALONE = (1, 5, 7)
# All eight, in rows that are about equally wide.
TOGETHER = ((1, 4, 6), (2, 7), (3, 5, 8))


def main(
    width: Width = 256,
    out: Out = Path("figures/mean_of_works"),
    numiter: Numiter = None,
    jpeg: Jpeg = None,
) -> None:
    """Four paintings of a cat: after all eight works, and after three alone."""
    figure = Figure(out, width, numiter, jpeg)
    photo, recipe = figure.photograph("chelsea"), figure.recipe()
    together, alone = [works(*row) for row in TOGETHER], works(*ALONE)
    cells = [
        cell("mean", photo, list(chain(*together)), recipe),
        *(cell(work.slug, photo, [work], recipe) for work in alone),
    ]
    series = figure.paint(cells)
    eight = sheet([[panel(work.path) for work in row] for row in together], margin=8)
    laid_out = grid(
        [
            [Panel(eight, ""), *(source_panel(work) for work in alone)],
            [cell_panel(series, one) for one in cells],
        ],
        columns=["mean of eight", *("alone" for _ in alone)],
        rows=["the works", "painted"],
        beside=[photo_panel(photo)],
    )
    figure.finish(series, len(cells), laid_out)


if __name__ == "__main__":
    run(main, __doc__)
