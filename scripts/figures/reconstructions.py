#!/usr/bin/env python3
"""What each layer keeps of a photo, and growing sets of layers of a work's style.

The figure of "A neural algorithm of artistic style" (L. A. Gatys, A. S. Ecker,
M. Bethge), shown again as figure 5.2 of "Generating stylistic images using
convolutional neural networks" (E. Patel). Each starts from noise, without smoothness.
"""

from dataclasses import replace
from pathlib import Path

from common import Figure, Jpeg, Numiter, Out, Width, reporting, run, works

from artist_nst.experiments.reconstruction import RECONSTRUCTION, plan, reconstruct


def main(
    width: Width = 256,
    out: Out = Path("figures/reconstructions"),
    numiter: Numiter = RECONSTRUCTION.iterations,
    jpeg: Jpeg = None,
) -> None:
    """A cup's content and work 1's style, from five layers each."""
    figure = Figure(out, width, numiter, jpeg)
    recipe = replace(RECONSTRUCTION, width=width)
    if numiter is not None:
        recipe = recipe.with_iterations(numiter)
    photo, (work,) = figure.photograph("coffee"), works(1)
    planned = plan(photo, work.path, recipe=recipe)
    with reporting() as said:
        series = reconstruct(planned, out, **said)
    figure.finish(series, len(planned.all))


if __name__ == "__main__":
    run(main, __doc__)
