#!/usr/bin/env python3
"""One photo and one work: what the most important settings change.

A row each for the ratio of style to content, the size of the style image, the content
layer, and the number of works that are mixed.
"""

from common import Figure, get_works, make_cell, pick_works, read_painting, run_figure

from artist_nst._types import Pixels
from artist_nst.experiments.results import read_panel
from artist_nst.experiments.runner import Cell, Series
from artist_nst.figures.grid import draw_grid
from artist_nst.recipes.settings import change_setting
from artist_nst.styles.pick import Pick

PHOTO, WORK = "chelsea", 1
# Five values of each option, among them the default.
AXES = {
    "ratio": ("0.3", "1", "5", "20", "100"),
    "style-scale": ("0.5", "0.75", "1", "1.5", "2.5"),
    "content-layer": ("conv1_1", "conv2_1", "conv3_1", "conv4_2", "conv5_1"),
}
MIXES = ((2, 2), (2, 5), (3, 1), (4, 1), (8, 1))  # works, seed


def draw(figure: Figure) -> None:
    """Paint a photo with five values of each setting."""
    photo, works = figure.load_photo(PHOTO), get_works(WORK)
    recipe = figure.make_recipe()
    cells: dict[str, Cell] = {}
    rows: dict[str, dict[str, str]] = {}  # cells' names by heading and caption
    for axis, values in AXES.items():
        rows[f"--{axis}"] = row = {}
        for value in values:
            changed = change_setting(recipe, axis, value)
            is_default = changed == recipe
            name = "default" if is_default else f"{axis}-{value}"
            cells[name] = make_cell(name, photo, works, changed)
            row[f"{value} (default)" if is_default else value] = name
    rows["--pick mix"] = row = {}
    for count, seed in MIXES:
        mixed = pick_works(Pick(way="mix", works=count), seed, photo)
        name = f"mix-{count}-{seed}"
        cells[name] = make_cell(name, photo, mixed, recipe)
        row[f"{count} works, seed {seed}"] = name

    def draw_sheet(series: Series) -> Pixels:
        return draw_grid(
            [
                [
                    read_painting(series, cells[name], caption)
                    for caption, name in row.items()
                ]
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

    figure.paint([*cells.values()], draw_sheet)


if __name__ == "__main__":
    run_figure(draw)
