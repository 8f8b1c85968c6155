#!/usr/bin/env python3
"""What each layer keeps of a photo, and growing sets of layers of a work's style.

The figure of "A neural algorithm of artistic style" (L. A. Gatys, A. S. Ecker,
M. Bethge), shown again as figure 5.2 of "Generating stylistic images using
convolutional neural networks" (E. Patel). Each starts from noise, without smoothness.
"""

from dataclasses import replace

from common import Figure, OnProgress, get_works, run_figure

from artist_nst.experiments.reconstruction import (
    RECONSTRUCTION,
    plan_reconstruction,
    reconstruct,
)
from artist_nst.experiments.runner import Series
from artist_nst.painting.networks import Networks


def draw(figure: Figure) -> None:
    """Reconstruct a cup's content and work 1's style from five layers each."""
    recipe = replace(RECONSTRUCTION, width=figure.width)
    if figure.iterations:
        recipe = recipe.with_iterations(figure.iterations)
    photo, (work,) = figure.load_photo("coffee"), get_works(1)
    plan = plan_reconstruction(photo, work.path, recipe=recipe)

    def run(networks: Networks, on_progress: OnProgress) -> Series:
        return reconstruct(
            plan, figure.folder, networks=networks, on_progress=on_progress
        )

    figure.run(run)


if __name__ == "__main__":
    run_figure(draw)
