"""The results of a series of paintings: a sheet, a table, a plot."""

from __future__ import annotations

import csv
import io
import json
import sys
from collections.abc import Callable
from typing import Any

import numpy as np

from artist_nst._files import write_text
from artist_nst._types import PathLike, Pixels
from artist_nst.experiments.runner import Cell, FinishedCell, Series
from artist_nst.figures.plot import Chart, Curve, plot_curves
from artist_nst.figures.sheet import Panel
from artist_nst.image.files import read_scaled, write_picture
from artist_nst.painting.output_names import PLOT, TABLE
from artist_nst.painting.record import format_title
from artist_nst.painting.record_types import RecordedStyle
from artist_nst.painting.sources import Source

PANEL_SIDE = 640  # pixels; of a picture that is read for a sheet
MAX_FULL_PANELS = 30  # of more paintings, a sheet shows each smaller


def read_panel(path: PathLike, label: str = "", side: int = PANEL_SIDE) -> Panel:
    """Read a picture at the size that a sheet shows, ``side`` pixels at most."""
    # It was painted from, or painted: it cannot be too large.
    return Panel(read_scaled(path, side, max_pixels=sys.maxsize), label)


def read_source_panel(source: Source) -> Panel:
    """Read a style image, labeled by the work's title or the file's name."""
    return read_panel(source.path, source.title)


def read_works_panel(cell: Cell) -> Panel:
    """Read the first work of a cell, labeled by its title, and how many others."""
    return read_panel(cell.sources[0].path, _name_works(cell))


def _name_works(cell: Cell) -> str:
    count = len(cell.sources)
    more = f" and {count - 1} more" if count > 1 else ""
    return f"{cell.sources[0].title}{more}"


def read_cell_panel(
    series: Series, cell: Cell, names_work: bool = False
) -> Panel | None:
    """Read a cell's painting, labeled by its distances; None if it is not painted.

    With ``names_work``, the label says after which work it is painted, too.
    """
    if cell.name not in series.done:
        return None
    painting = series.done[cell.name]
    content, style = map(
        _format_number, (painting.distances["content"], painting.distances["style"])
    )
    seconds = f"{painting.record['seconds']:.0f} s"
    side = round(PANEL_SIDE * min(1, MAX_FULL_PANELS / len(series.done)) ** 0.5)
    label = f"content {content}, style {style}\n{seconds}"
    if names_work:
        label = f"after {_name_works(cell)}\n{label}"
    return read_panel(painting.path, label, side)


def lay_out(
    series: Series, draw_sheet: Callable[[], Pixels], *, plot: bool = True
) -> None:
    """Write the table, the plot and the sheet of a series, if anything is painted.

    Ctrl-C ends it early and marks the series; run again, the rest is written.

    Args:
        series: The paintings.
        draw_sheet: Returns the sheet, ``(H, W, 3)`` in [0, 1].
        plot: Whether to plot the losses.
    """
    if not series.done:
        return
    try:
        write_table(series)
        if plot:
            write_plot(series)
        write_sheet(series, draw_sheet())
    except KeyboardInterrupt:
        series.interrupted = True


def write_sheet(series: Series, pixels: Pixels) -> None:
    """Write a sheet with the kind of its series, so that only its like replaces it."""
    write_picture(series.sheet, pixels, record=json.dumps({"sheet": series.kind}))


def write_table(series: Series) -> None:
    """Write a row of comma-separated values for every painting.

    What varies comes first, then what was measured, then every number of the recipe.
    """
    # Settings as requested override what was done: 50 iterations, even if it stopped.
    rows = [
        {**cell.settings, **_make_row(series.done[cell.name]), **cell.settings}
        for cell in series.cells
        if cell.name in series.done
    ]
    text = io.StringIO()
    if rows:
        # Records of earlier versions lack recipe fields that newer ones have.
        columns = dict.fromkeys(name for row in rows for name in row)
        table = csv.DictWriter(text, columns, lineterminator="\n")
        table.writeheader()
        table.writerows(rows)
    # A path may hold bytes that are not UTF-8.
    path = series.folder / TABLE
    write_text(path, text.getvalue().encode(errors="replace").decode())


def write_plot(series: Series) -> None:
    """Plot losses over iterations and seconds: the total, content and style."""
    # A record's history is [iteration, total, content, style, tv, seconds], and, since
    # there are neighbors, their loss.
    columns = {"total loss": 1, "content loss": 2, "style loss": 3}
    x_columns = {"iteration": 0, "seconds": 5}
    histories = {
        cell.label: series.done[cell.name].record["history"]
        for cell in series.cells
        if cell.name in series.done
    }
    if any(any(row[6:]) for rows in histories.values() for row in rows):
        columns["neighbors' loss"] = 6
    plots = []
    for x_label, x_column in x_columns.items():
        charts = [
            Chart(
                title,
                [
                    Curve(
                        label,
                        [row[x_column] for row in rows],
                        [row[column] if column < len(row) else 0 for row in rows],
                    )
                    for label, rows in histories.items()
                ],
            )
            for title, column in columns.items()
        ]
        plots.append(plot_curves(charts, x_label=x_label))
    write_picture(series.folder / PLOT, np.concatenate(plots))


def _make_row(painting: FinishedCell) -> dict[str, Any]:
    facts = painting.record
    distances = painting.distances
    works = [_name_style(style) for style in facts["styles"]]
    return {
        "file": painting.path.name,
        "content_distance": distances["content"],
        "style_distance": distances["style"],
        "distances_by": distances["network"],
        **{f"final_{name}": value for name, value in facts["losses"].items()},
        "seconds": facts["seconds"],
        "iterations_done": facts["iterations"],
        "evaluations": facts["evaluations"],
        "photo": facts["content"]["path"],
        "styles": "; ".join(works),
        "width_px": facts["size"][0],
        "height_px": facts["size"][1],
        "seed": facts["seed"],
        **{
            "recipe" if key == "name" else key: _format_field(value)
            for key, value in facts["recipe"].items()
        },
        "weights_sha256": facts["network"]["sha256"],
        "device": facts["device"],
        "painted": facts["painted"],
    }


def _name_style(style: RecordedStyle) -> str:
    """Return a style's path, or the title of a work."""
    work = style["work"]
    return style["path"] or (work["title"] if work else format_title(style))


def _format_field(value: Any) -> Any:
    return json.dumps(value) if isinstance(value, list | tuple) else value


def _format_number(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"
