#!/usr/bin/env python3
"""One photo and one work: what the most important settings change.

A row each for the ratio of style to content, the size of the style image, the content
layer, and the number of works that are mixed.
"""

from common import Figure, get_works, make_cell, pick_works, read_painting, run_figure

from artist_nst._types import Pixels
from artist_nst.experiments.axes import change_setting
from artist_nst.experiments.results import read_panel
from artist_nst.experiments.runner import Cell, Series
from artist_nst.figures.grid import draw_grid
from artist_nst.styles.picking import Pick

PHOTO, WORK = "chelsea", 1
AXES = {
    "ratio": ("1", "3", "5", "10", "30"),
    "style-scale": ("0.5", "0.75", "1", "1.4", "2"),
    "content-layer": ("conv2_1", "conv3_1", "conv4_1", "conv4_2", "conv5_1"),
}
MIXES = ((2, 1), (2, 2), (2, 3), (4, 1), (8, 1))  # works, seed


def draw(figure: Figure) -> None:
    """Paint a photo with five values of each setting."""
    photo, works = figure.load_photo(PHOTO), get_works(WORK)
    recipe = figure.make_recipe()
    rows: dict[str, dict[str, Cell]] = {}  # by heading and caption
    for axis, values in AXES.items():
        rows[axis.replace("-", " ")] = {
            value: make_cell(
                f"{axis}-{value}", photo, works, change_setting(recipe, axis, value)
            )
            for value in values
        }
    rows["mix of works"] = {}
    for count, seed in MIXES:
        mixed = pick_works(Pick(way="mix", works=count), seed, photo)
        cell = make_cell(f"mix-{count}-{seed}", photo, mixed, recipe)
        rows["mix of works"][f"{count} works, seed {seed}"] = cell

    def draw_sheet(series: Series) -> Pixels:
        return draw_grid(
            [
                [read_painting(series, cell, caption) for caption, cell in row.items()]
                for row in rows.values()
            ],
            columns=[""] * len(MIXES),
            rows=list(rows),
            references=[
                read_panel(photo, "photo"),
                read_panel(works[0].path, f"work: {works[0].title}"),
            ],
            cell_height=160,
        )

    figure.paint([cell for row in rows.values() for cell in row.values()], draw_sheet)


if __name__ == "__main__":
    run_figure(draw)
