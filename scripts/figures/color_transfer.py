#!/usr/bin/env python3
"""The style's colours; the style recoloured to the photo (Reinhard's transfer); and
brightness alone painted, under the photo's colours.

Figure 7 of "Whole-artist imitation with convolutional neural networks" (J. Mu,
A. Franc): a skyline at night after Seurat's dots. Here it is a rocket at dusk after
dots. The third column is what the paper's conclusion asks for.
"""

from pathlib import Path

from common import Figure, Jpeg, Numiter, Out, Width, run, works

from artist_nst.experiments.axes import axis
from artist_nst.experiments.comparison import plan

METHODS = "none,reinhard,luminance"


def main(
    width: Width = 256,
    out: Out = Path("figures/color_transfer"),
    numiter: Numiter = None,
    jpeg: Jpeg = None,
) -> None:
    """Three paintings of a rocket after work 3."""
    figure = Figure(out, width, numiter, jpeg)
    photo = figure.photograph("rocket")
    across = axis("color", METHODS)
    figure.compare(plan(across, photo, works(3), recipe=figure.recipe()))


if __name__ == "__main__":
    run(main, __doc__)
