#!/usr/bin/env python3
"""Photos painted by VGG-19, by the compact network, and by both.

In the middle column, the default, the compact network paints the two levels between
VGG-19's first and last. docs/compact.md has the measurements.
"""

from typing import Any

from common import (
    Figure,
    get_works,
    make_cell,
    read_painting,
    read_photo_panel,
    run_figure,
)

from artist_nst._types import Pixels
from artist_nst.experiments.results import read_source_panel
from artist_nst.experiments.runner import Series
from artist_nst.figures.sheet import draw_sheet

PAIRS = (("chelsea", 1), ("coffee", 8), ("astronaut", 5))
PAINTERS: dict[str, dict[str, Any]] = {
    "VGG-19": {"draft_levels": 0},
    "two levels drafted": {},
    "compact": {"network": "compact"},
}


def draw(figure: Figure) -> None:
    """Paint three photos after one work each, a row for each."""
    rows = []
    for name, number in PAIRS:
        photo, works = figure.load_photo(name), get_works(number)
        cells = {
            title: make_cell(
                f"{name}-{title.replace(' ', '-')}",
                photo,
                works,
                figure.make_recipe(**changes),
            )
            for title, changes in PAINTERS.items()
        }
        rows.append((photo, works[0], cells))

    def draw_rows(series: Series) -> Pixels:
        panels = [
            [
                read_photo_panel(photo),
                read_source_panel(work),
                *(read_painting(series, cell, title) for title, cell in cells.items()),
            ]
            for photo, work, cells in rows
        ]
        return draw_sheet([[panel for panel in row if panel] for row in panels])

    figure.paint([cell for *_, cells in rows for cell in cells.values()], draw_rows)


if __name__ == "__main__":
    run_figure(draw, width=320)
