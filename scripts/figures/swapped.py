#!/usr/bin/env python3
"""A photo painted after a painting, and the painting painted after the photo.

Figure 6.4 of "Generating stylistic images using convolutional neural networks"
(E. Patel), with the default recipe.
"""

from pathlib import Path

from common import (
    Figure,
    Jpeg,
    Numiter,
    Out,
    Width,
    cell,
    photo_panel,
    run,
    titled,
    works,
)

from artist_nst.experiments.results import cell_panel, source_panel
from artist_nst.figures.sheet import sheet
from artist_nst.painting.style_sources import Source


def main(
    width: Width = 256,
    out: Out = Path("figures/swapped"),
    numiter: Numiter = None,
    jpeg: Jpeg = None,
) -> None:
    """A cat after work 7, and work 7 after the cat."""
    figure = Figure(out, width, numiter, jpeg)
    photo, (work,) = figure.photograph("chelsea"), works(7)
    cells = [
        cell("photo-after-work", photo, [work], figure.recipe()),
        cell("work-after-photo", work.path, [Source(photo)], figure.recipe()),
    ]
    series = figure.paint(cells)
    painted = [
        titled(cell_panel(series, one), one.name.replace("-", " ")) for one in cells
    ]
    rows = [
        [photo_panel(photo), source_panel(work)],
        [one for one in painted if one is not None],
    ]
    figure.finish(series, len(cells), sheet(rows))


if __name__ == "__main__":
    run(main, __doc__)
