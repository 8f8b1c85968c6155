#!/usr/bin/env python3
"""One photo and work by every named recipe: what the papers' final figures compare.

Every recipe gets this figure's width and at most 100 iterations (-n), so that all are
painted in minutes. That cuts the papers' own numbers short: art.py has 512 iterations,
gatys-2015 500, csce5214 a hundred thousand steps (100 of which move a pixel by less
than two levels of 255). What each can do is seen at its own: artist-nst paint --recipe
NAME. Recipes of networks whose weights are not here are left out.
"""

from dataclasses import replace
from pathlib import Path

from common import (
    Figure,
    Jpeg,
    Numiter,
    Out,
    Width,
    at_hand,
    gallery,
    photo_panel,
    run,
    titled,
    works,
)

from artist_nst.experiments.axes import axis
from artist_nst.experiments.comparison import plan
from artist_nst.experiments.results import cell_panel, source_panel
from artist_nst.recipes.published import RECIPES
from artist_nst.recipes.recipe import Recipe

ITERATIONS = 100


def main(
    width: Width = 256,
    out: Out = Path("figures/recipes"),
    numiter: Numiter = ITERATIONS,
    jpeg: Jpeg = None,
) -> None:
    """A painting of a cup after work 2 by each recipe."""
    figure = Figure(out, width, numiter, jpeg)
    names = [name for name, made in RECIPES.items() if at_hand(made.network)]

    def adjust(made: Recipe) -> Recipe:
        most = min(made.iterations, numiter or ITERATIONS)
        return replace(made.with_iterations(most), width=width)

    photo, (work,) = figure.photograph("coffee"), works(2)
    across = axis("recipe", ",".join(names))
    cells = plan(across, photo, work, adjust=adjust).all
    series = figure.paint(cells)
    painted = [titled(cell_panel(series, one), one.settings["recipe"]) for one in cells]
    beside = [photo_panel(photo), source_panel(work)]
    figure.finish(series, len(cells), gallery([*beside, *painted]))


if __name__ == "__main__":
    run(main, __doc__)
