#!/usr/bin/env python3
"""A photo painted after a painting, and the painting painted after the photo.

Figure 6.4 of "Generating stylistic images using convolutional neural networks"
(E. Patel), with the default recipe.
"""

from common import (
    Figure,
    add_title,
    get_works,
    make_cell,
    read_photo_panel,
    run_figure,
)

from artist_nst._types import Pixels
from artist_nst.experiments.results import read_cell_panel, read_source_panel
from artist_nst.experiments.runner import Series
from artist_nst.figures.sheet import draw_sheet
from artist_nst.painting.sources import Source


def draw(figure: Figure) -> None:
    """Paint a cat after work 7, and work 7 after the cat."""
    photo, (work,) = figure.load_photo("chelsea"), get_works(7)
    recipe = figure.make_recipe()
    cells = [
        make_cell("photo-after-work", photo, [work], recipe),
        make_cell("work-after-photo", work.path, [Source(photo)], recipe),
    ]

    def draw_rows(series: Series) -> Pixels:
        panels = [
            add_title(read_cell_panel(series, cell), cell.name.replace("-", " "))
            for cell in cells
        ]
        return draw_sheet(
            [
                [read_photo_panel(photo), read_source_panel(work)],
                [panel for panel in panels if panel is not None],
            ]
        )

    figure.paint(cells, draw_rows)


if __name__ == "__main__":
    run_figure(draw)
