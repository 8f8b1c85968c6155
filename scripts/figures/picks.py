#!/usr/bin/env python3
"""One photo after works picked in five ways: what --pick does.

The aim of "Whole-artist imitation with convolutional neural networks" (J. Mu, A.
Franc), an artist and not a work, by other means than its own mean of all works.
"""

from pathlib import Path

from common import Figure, Jpeg, Numiter, Out, Width, cell, gallery, run

from artist_nst.corpus.works import packaged_corpora
from artist_nst.experiments.results import panel
from artist_nst.experiments.runner import Cell, Series
from artist_nst.figures.sheet import Panel
from artist_nst.painting.style_sources import choose_sources
from artist_nst.styles.picking import Pick

# Three works of eight, for those most like them are of the same hand.
PICKS = {
    "random": Pick(way="random"),
    "typical": Pick(way="typical"),
    "nearest": Pick(way="nearest"),
    "diverse": Pick(way="diverse"),
    "mix": Pick(way="mix", works=3),
}
SEED = 1


def main(
    width: Width = 256,
    out: Out = Path("figures/picks"),
    numiter: Numiter = None,
    jpeg: Jpeg = None,
) -> None:
    """Five paintings of a cat."""
    figure = Figure(out, width, numiter, jpeg)
    photo = figure.photograph("chelsea")
    cells = []
    for name, pick in PICKS.items():
        sources = choose_sources(
            (), "procedural", (), packaged_corpora(), SEED, pick, photo
        )
        cells.append(cell(name, photo, sources, figure.recipe()))
    series = figure.paint(cells)
    panels = [panel(photo, "the photo"), *(_shown(series, one) for one in cells)]
    figure.finish(series, len(cells), gallery(panels))


def _shown(series: Series, one: Cell) -> Panel | None:
    if one.name not in series.done:
        return None
    titles = [source.work["title"] for source in one.sources if source.work]
    return panel(series.done[one.name].path, f"{one.name}: {', '.join(titles)}")


if __name__ == "__main__":
    run(main, __doc__)
