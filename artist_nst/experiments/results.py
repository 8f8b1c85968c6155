"""What a series of paintings leaves to be read: a sheet, a table, a plot."""

from __future__ import annotations

import csv
import io
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from artist_nst._types import PathLike, Pixels
from artist_nst.errors import TooLargeError
from artist_nst.experiments.runner import Cell, Done, Series
from artist_nst.figures.plot import Chart, Curve, curves
from artist_nst.figures.sheet import Panel
from artist_nst.image.files import (
    read_picture,
    read_small,
    resize,
    write_picture,
    write_text,
)
from artist_nst.painting.style_sources import Source

SIDE = 640  # pixels; of a picture that is read for a sheet
AT_FULL_SIDE = 30  # cells; of more, a sheet shows less of each


def panel(path: PathLike, label: str = "", side: int = SIDE) -> Panel:
    """A picture as small as a sheet shows it, ``side`` pixels at most."""
    try:
        return Panel(read_small(path, side).astype(np.float64) / 255, label)
    except TooLargeError:
        # It is, for a look in passing; but it was painted from, or painted.
        pixels = read_picture(path, max_pixels=sys.maxsize).pixels
        shrink = side / max(pixels.shape[:2])
        height, width = (max(1, round(side * shrink)) for side in pixels.shape[:2])
        return Panel(resize(pixels, height, width), label)


def source_panel(source: Source) -> Panel:
    """A style image, or a work with its title."""
    title = source.path.name
    if source.work is not None:
        year = source.work["year"]
        title = source.work["title"] + (f" ({year})" if year else "")
    return panel(source.path, title)


def cell_panel(series: Series, cell: Cell) -> Panel | None:
    """A cell's painting and its distances; None where it is not painted."""
    if cell.name not in series.done:
        return None
    done = series.done[cell.name]
    apart = done.record["distances"]
    content, style = (_short(apart[name]) for name in ("content", "style"))
    took = f"{done.record['seconds']:.0f} s"
    side = round(SIDE * min(1, AT_FULL_SIDE / len(series.done)) ** 0.5)
    return panel(done.path, f"content {content}, style {style}\n{took}", side)


def write_sheet(path: Path, pixels: Pixels, series: Series) -> None:
    """A sheet that says whose it is, so that only its like will replace it."""
    write_picture(path, pixels, record=json.dumps({"sheet": series.kind}))


def write_table(path: Path, cells: Sequence[Cell], series: Series) -> None:
    """A row of comma-separated values for every cell that is painted: what varies,
    then what was measured, then every number of its recipe."""
    # What was asked for comes first, and counts: 50 iterations, whatever was done.
    rows = [
        {**cell.settings, **_row(series.done[cell.name]), **cell.settings}
        for cell in cells
        if cell.name in series.done
    ]
    text = io.StringIO()
    if rows:
        table = csv.DictWriter(text, rows[0].keys(), lineterminator="\n")
        table.writeheader()
        table.writerows(rows)
    # A path may hold bytes that are no UTF-8.
    write_text(path, text.getvalue().encode(errors="replace").decode())


def write_plot(path: Path, cells: Sequence[Cell], series: Series) -> None:
    """Losses against seconds: the total as it was minimised, and the two terms."""
    # A record's history is [iteration, total, content, style, tv, seconds].
    columns = {"total loss": 1, "content loss": 2, "style loss": 3}
    painted = {
        cell.label: series.done[cell.name].record["history"]
        for cell in cells
        if cell.name in series.done
    }
    plots = [
        Chart(
            title,
            [
                Curve(name, [row[5] for row in rows], [row[column] for row in rows])
                for name, rows in painted.items()
            ],
        )
        for title, column in columns.items()
    ]
    write_picture(path, curves(plots, x_label="seconds"))


def _row(done: Done) -> dict[str, Any]:
    found = done.record
    apart = found["distances"]
    works = [style["path"] or style["work"]["title"] for style in found["styles"]]
    return {
        "file": done.path.name,
        "content_distance": apart["content"],
        "style_distance": apart["style"],
        "distances_by": apart["network"],
        **{f"final_{name}": value for name, value in found["losses"].items()},
        "seconds": found["seconds"],
        "iterations_done": found["iterations"],
        "evaluations": found["evaluations"],
        "photo": found["content"]["path"],
        "styles": "; ".join(works),
        "width_px": found["size"][0],
        "height_px": found["size"][1],
        "seed": found["seed"],
        **{
            "recipe" if key == "name" else key: _plain(value)
            for key, value in found["recipe"].items()
        },
        "weights_sha256": found["network"]["sha256"],
        "device": found["device"],
        "painted": found["painted"],
    }


def _plain(value: Any) -> Any:
    return json.dumps(value) if isinstance(value, list | tuple) else value


def _short(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"
