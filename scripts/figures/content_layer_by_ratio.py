#!/usr/bin/env python3
"""The content layer from top to bottom, the ratio β/α from left to right.

Figure 6.1 of "Generating stylistic images using convolutional neural networks"
(E. Patel), whose ratio is α/β and whose network is VGG-16; "Style transfer"
(L. Danino, D. Goman) shows ratios and content layers, too, each alone.

The losses are the default recipe's, each divided by its own target, so that one ratio
means the same at each layer. With sums of squares, as in the papers, it does not: how
loud layers are, and how many positions they have, differs by orders of magnitude, and
the rows would show that rather than what the layers keep. To paint fifteen pictures in
minutes, each gets half the recipe's iterations.
"""

from pathlib import Path

from common import Figure, Jpeg, Numiter, Out, Width, run, works

from artist_nst.experiments.axes import axis
from artist_nst.experiments.comparison import plan

LAYERS = "conv1_1,conv2_1,conv3_1,conv4_1,conv5_1"
RATIOS = "1,5,25"


def main(
    width: Width = 256,
    out: Out = Path("figures/content_layer_by_ratio"),
    numiter: Numiter = 90,
    jpeg: Jpeg = None,
) -> None:
    """Fifteen paintings of a cat after work 1."""
    figure = Figure(out, width, numiter, jpeg)
    planned = plan(
        axis("ratio", RATIOS),
        figure.photograph("chelsea"),
        works(1),
        by=axis("content-layer", LAYERS),
        recipe=figure.recipe(),
    )
    figure.compare(planned)


if __name__ == "__main__":
    run(main, __doc__)
