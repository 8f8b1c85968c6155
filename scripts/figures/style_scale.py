#!/usr/bin/env python3
"""The style image 1.2 and 1.8 times as wide as the painting.

Figure 4 of "Whole-artist imitation with convolutional neural networks" (J. Mu,
A. Franc), with the default recipe.
"""

from common import Figure, get_works, run_figure

from artist_nst.experiments.axes import parse_axis


def draw(figure: Figure) -> None:
    """Paint a cat after work 1 at each scale."""
    across = parse_axis("style-scale", "1.2,1.8")
    figure.compare(figure.plan(across, figure.load_photo("chelsea"), get_works(1)))


if __name__ == "__main__":
    run_figure(draw)
