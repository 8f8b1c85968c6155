#!/usr/bin/env python3
"""One run at 0, 10, 40, 100, 150 and 300 iterations, and a film of it.

Figure 6 of "Whole-artist imitation with convolutional neural networks" (J. Mu,
A. Franc), by the recipe whole-artist-paper, from the photo, as in the figure (the
paper's text starts from noise). The film is progress.gif.
"""

from dataclasses import replace
from pathlib import Path

from common import Figure, Jpeg, Numiter, Out, Width, cell, gallery, run, works

from artist_nst.experiments.results import panel, source_panel
from artist_nst.experiments.runner import SeriesProgress
from artist_nst.image.files import write_picture

STAGES = (10, 40, 100, 150, 300)


def main(
    width: Width = 256,
    out: Out = Path("figures/iterations"),
    numiter: Numiter = None,
    jpeg: Jpeg = None,
) -> None:
    """One painting of a cup after work 1, looked at while it is made."""
    figure = Figure(out, width, numiter, jpeg)
    photo, (work,) = figure.photograph("coffee"), works(1)
    recipe = replace(figure.recipe("whole-artist-paper"), init="content")
    painting = cell("painting", photo, [work], recipe)

    def keep(told: SeriesProgress) -> None:
        count = told.progress.step.iteration
        if count in STAGES:
            write_picture(_stage(out, count), told.progress.preview())

    series = figure.paint([painting], film=out / "progress.gif", on_step=keep)
    done = series.done[painting.name]
    # It may have converged before.
    last = done.record["iterations"]
    stages = [(count, _stage(out, count)) for count in STAGES if count < last]
    panels = [panel(photo, "0 iterations: the photo")]
    panels += [panel(path, f"{count} iterations") for count, path in stages]
    panels += [panel(done.path, f"{last} iterations"), source_panel(work)]
    figure.finish(series, 1, gallery(panels))


def _stage(folder: Path, count: int) -> Path:
    return folder / f"iteration-{count:03}.png"


if __name__ == "__main__":
    run(main, __doc__)
