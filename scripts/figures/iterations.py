#!/usr/bin/env python3
"""One run at 0, 10, 40, 100, 150 and 300 iterations, and a film of it.

Figure 6 of "Whole-artist imitation with convolutional neural networks" (J. Mu,
A. Franc), by the recipe whole-artist-paper, from the photo, as in the figure (the
paper's text starts from noise). The film is progress.gif.
"""

from pathlib import Path

from common import Figure, draw_gallery, get_works, make_cell, run_figure

from artist_nst._types import Pixels
from artist_nst.experiments.results import read_panel, read_source_panel
from artist_nst.experiments.runner import Series, SeriesProgress
from artist_nst.image.files import read_picture, write_picture
from artist_nst.painting.frame_writer import open_frame_writer

STAGES = (10, 40, 100, 150, 300)


def draw(figure: Figure) -> None:
    """Paint a cup after work 1, and save images in between."""
    photo, (work,) = figure.load_photo("coffee"), get_works(1)
    recipe = figure.make_recipe("whole-artist-paper", init="content")
    painting = make_cell("painting", photo, [work], recipe)
    film = figure.folder / "progress.gif"
    with open_frame_writer(None, 1, None if film.exists() else film) as frames:

        def on_step(progress: SeriesProgress) -> None:
            step, preview = progress.progress.step, progress.progress.preview
            if step.iteration in STAGES:
                write_picture(_stage_path(figure.folder, step.iteration), preview())
            frames.write(step, preview)

        def draw_sheet(series: Series) -> Pixels:
            done = series.done[painting.name]
            frames.finish(read_picture(done.path).pixels)
            # Fewer than the recipe's if it converged.
            last = done.record["iterations"]
            stages = [
                read_panel(_stage_path(figure.folder, count), f"{count} iterations")
                for count in STAGES
                if count < last
            ]
            return draw_gallery(
                [
                    read_panel(photo, "0 iterations: the photo"),
                    *stages,
                    read_panel(done.path, f"{last} iterations"),
                    read_source_panel(work),
                ]
            )

        figure.paint([painting], draw_sheet, on_step)


def _stage_path(folder: Path, count: int) -> Path:
    return folder / f"iteration-{count:03}.png"


if __name__ == "__main__":
    run_figure(draw)
