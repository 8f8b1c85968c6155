#!/usr/bin/env python3
"""The content layer from top to bottom, the ratio β/α from left to right.

Figure 6.1 of "Generating stylistic images using convolutional neural networks"
(E. Patel), whose ratio is α/β and whose network is VGG-16. "Style transfer" (L. Danino,
D. Goman) also shows ratios and content layers, separately.

The default recipe's losses are each divided by their own target, so that a ratio means
the same at each layer. The papers' sums of squares differ by orders of magnitude
between layers, and the rows would show that rather than what layers keep. Each painting
has half the recipe's iterations.
"""

from common import Figure, get_works, run_figure

from artist_nst.experiments.axes import parse_axis

LAYERS = "conv1_1,conv2_1,conv3_1,conv4_1,conv5_1"
RATIOS = "1,5,25"


def draw(figure: Figure) -> None:
    """Paint a cat after work 1 fifteen times."""
    photo = figure.load_photo("chelsea")
    across, down = parse_axis("ratio", RATIOS), parse_axis("content-layer", LAYERS)
    figure.compare(figure.plan(across, photo, get_works(1), down))


if __name__ == "__main__":
    run_figure(draw, iterations=90)
