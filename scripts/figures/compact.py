#!/usr/bin/env python3
"""Photos painted by VGG-19, by the compact network, and by both.

In the middle column the compact network has painted the two coarse levels and VGG-19
the last one: `--draft-levels 2`. docs/compact.md has the figures.
"""

from dataclasses import replace
from pathlib import Path
from typing import Any

from common import Figure, Jpeg, Numiter, Out, Width, cell, photo_panel, run, works

from artist_nst.experiments.results import panel, source_panel
from artist_nst.figures.sheet import sheet

PAIRS = (("chelsea", 1), ("coffee", 8), ("astronaut", 5))
PAINTERS: dict[str, dict[str, Any]] = {
    "VGG-19": {},
    "two levels drafted": {"draft_levels": 2},
    "compact": {"network": "compact"},
}


def main(
    width: Width = 320,
    out: Out = Path("figures/compact"),
    numiter: Numiter = None,
    jpeg: Jpeg = None,
) -> None:
    """Three photographs after a work each, in a row each."""
    figure = Figure(out, width, numiter, jpeg)
    rows, cells = [], []
    for name, number in PAIRS:
        photo, (work,) = figure.photograph(name), works(number)
        row = {
            title: cell(
                f"{name}-{title.replace(' ', '-')}",
                photo,
                [work],
                replace(figure.recipe(), **changes),
            )
            for title, changes in PAINTERS.items()
        }
        cells += row.values()
        rows.append((photo, work, row))
    series = figure.paint(cells)
    panels = [
        [
            photo_panel(photo),
            source_panel(work),
            *(
                panel(series.done[one.name].path, title)
                for title, one in row.items()
                if one.name in series.done
            ),
        ]
        for photo, work, row in rows
    ]
    figure.finish(series, len(cells), sheet(panels))


if __name__ == "__main__":
    run(main, __doc__)
