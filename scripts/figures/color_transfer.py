#!/usr/bin/env python3
"""The style's colors, the style recolored like the photo, and brightness alone painted.

Figure 7 of "Whole-artist imitation with convolutional neural networks" (J. Mu,
A. Franc): a skyline at night after Seurat's dots. Here it is a rocket at dusk after
dots. The second column has Reinhard's color transfer; the third, where the painting
keeps the photo's colors, is what the paper's conclusion proposes.
"""

from common import Figure, get_works, run_figure

from artist_nst.experiments.axes import parse_axis


def draw(figure: Figure) -> None:
    """Paint a rocket after work 3 with each method."""
    across = parse_axis("color", "none,reinhard,luminance")
    figure.compare(figure.plan(across, figure.load_photo("rocket"), get_works(3)))


if __name__ == "__main__":
    run_figure(draw)
