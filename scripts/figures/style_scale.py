#!/usr/bin/env python3
"""The style image 1.2 and 1.8 times as wide as the painting.

Figure 4 of "Whole-artist imitation with convolutional neural networks" (J. Mu,
A. Franc), with the default recipe.
"""

from pathlib import Path

from common import Figure, Jpeg, Numiter, Out, Width, run, works

from artist_nst.experiments.axes import axis
from artist_nst.experiments.comparison import plan

SCALES = "1.2,1.8"


def main(
    width: Width = 256,
    out: Out = Path("figures/style_scale"),
    numiter: Numiter = None,
    jpeg: Jpeg = None,
) -> None:
    """Two paintings of a cat after work 1."""
    figure = Figure(out, width, numiter, jpeg)
    photo = figure.photograph("chelsea")
    across = axis("style-scale", SCALES)
    figure.compare(plan(across, photo, works(1), recipe=figure.recipe()))


if __name__ == "__main__":
    run(main, __doc__)
