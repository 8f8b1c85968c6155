#!/usr/bin/env python3
"""One photo after seven works, each shown in its painting's corner.

Figure 5 of "Whole-artist imitation with convolutional neural networks" (J. Mu,
A. Franc), which shows the Eiffel tower after six paintings by six painters.
"""

from pathlib import Path

import numpy as np
from common import Figure, Jpeg, Numiter, Out, Pixels, Width, cell, gallery, run, works

from artist_nst.experiments.results import panel, source_panel
from artist_nst.experiments.runner import Cell, Series
from artist_nst.figures.sheet import Panel
from artist_nst.image.files import resize

HEIGHT, INSET, FRAME = 360, 110, 3  # pixels


def main(
    width: Width = 256,
    out: Out = Path("figures/seven_works"),
    numiter: Numiter = None,
    jpeg: Jpeg = None,
) -> None:
    """Seven paintings of a cup, after works 1 to 7."""
    figure = Figure(out, width, numiter, jpeg)
    photo = figure.photograph("coffee")
    cells = [
        cell(work.slug, photo, [work], figure.recipe())
        for work in works(1, 2, 3, 4, 5, 6, 7)
    ]
    series = figure.paint(cells)
    panels = [panel(photo, "the photo"), *(_shown(series, one) for one in cells)]
    figure.finish(series, len(cells), gallery(panels))


def _shown(series: Series, one: Cell) -> Panel | None:
    if one.name not in series.done:
        return None
    painted, work = panel(series.done[one.name].path), source_panel(one.sources[0])
    return Panel(_with_inset(painted.pixels, work.pixels), work.label)


def _with_inset(painting: Pixels, work: Pixels) -> Pixels:
    shown, small = _as_high(painting, HEIGHT), _as_high(work, INSET)
    framed = np.pad(small, ((FRAME, 0), (0, FRAME), (0, 0)), constant_values=1.0)
    shown[-framed.shape[0] :, : framed.shape[1]] = framed
    return shown


def _as_high(pixels: Pixels, height: int) -> Pixels:
    return resize(pixels, height, round(height * pixels.shape[1] / pixels.shape[0]))


if __name__ == "__main__":
    run(main, __doc__)
