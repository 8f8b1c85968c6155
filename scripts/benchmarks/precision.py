"""Whether paintings computed in lower precision are as good, measured in float32."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from rich.table import Table

from artist_nst.figures.sheet import Panel, draw_sheet
from artist_nst.image.files import write_picture
from benchmarks.context import Context, SkippedBenchmarkError, make_empty_table
from benchmarks.timing import ratio_if_known

REFERENCE = "float32"


def measure(context: Context) -> dict[str, Any]:
    """Run the default recipe for each pair in each precision, in equal iterations.

    Returns:
        ``rows``: Losses of the finished painting at full size, by pair and precision,
        and their difference from float32's in percent.

    Raises:
        SkippedBenchmarkError: There is nothing to compare.
    """
    options = context.options
    others = [name for name in options.precisions if name != REFERENCE]
    if not others:
        raise SkippedBenchmarkError("there is only float32: --precision names another")
    rows, panels = [], []
    count = 1 if options.quick else len(options.pairs)
    for pair in range(count):
        context.show(f"precision: pair {pair + 1} of {count}")
        results = [_paint(context, pair, name) for name in (REFERENCE, *others)]
        rows += [_compare(results[0], one) for one in results]
        if options.save is not None:
            panels.append(_save(context, pair, results, options.save))
    if options.save is not None:
        write_picture(options.save / "sheet.png", draw_sheet(panels))
    percent = {
        name: [row["percent"] for row in rows if row["precision"] == name]
        for name in others
    }
    return {
        "width": options.width,
        "rows": rows,
        "percent": {name: median(values) for name, values in percent.items()},
        "worst_percent": {name: max(values) for name, values in percent.items()},
    }


def _paint(context: Context, pair: int, precision: str) -> dict[str, Any]:
    """Paint once and evaluate the losses in float32."""
    problem = context.options.make_problem(pair, cropped=False)
    file = str(context.folder / f"pair-{pair}-{precision}.npy")
    painting = context.ours(
        "ours.paint", problem=problem, precision=precision, out=file
    )
    (losses,) = context.ours("ours.evaluate_images", problem=problem, images=file)
    photo, style = context.options.pairs[pair]
    return {
        "pair": [photo.stem, style.stem],
        "precision": precision,
        "seconds": painting["seconds"],
        "iterations": painting["iterations"],
        "evaluations": painting["evaluations"],
        "losses": losses,
        "file": file,
    }


def _compare(reference: dict[str, Any], result: dict[str, Any]) -> dict[str, Any]:
    """Add the differences from float32, and remove the file."""
    image, other = np.load(result["file"]), np.load(reference["file"])
    ratio = result["losses"]["total"] / reference["losses"]["total"]
    return {
        **{key: value for key, value in result.items() if key != "file"},
        "percent": 100 * (ratio - 1),
        "times_faster": ratio_if_known(reference["seconds"], result["seconds"]),
        "mean_levels_apart": float(np.abs(image - other).mean()),
    }


def _save(
    context: Context, pair: int, results: Sequence[dict[str, Any]], folder: Path
) -> list[Panel]:
    """Save the paintings, and return them as panels after photo and style."""
    from artist_nst.experiments.results import read_panel

    photo, style = context.options.pairs[pair]
    panels = [read_panel(photo, photo.stem), read_panel(style, style.stem)]
    for result in results:
        pixels = np.load(result["file"])[0].transpose(1, 2, 0).astype(np.float64) / 255
        path = folder / f"{pair + 1}-{photo.stem}-{result['precision']}.png"
        write_picture(path, pixels)
        label = f"{result['precision']}: loss {result['losses']['total']:.5f}"
        panels.append(read_panel(path, label))
    return panels


def make_table(results: dict[str, Any]) -> Table:
    """Show a row for each pair and precision."""
    table = make_empty_table(
        f"precision: finished paintings, {results['width']} pixels wide",
        ("photo", "style", "precision"),
        ("content", "style loss", "total", "difference", "levels apart", "s"),
    )
    for row in results["rows"]:
        losses = row["losses"]
        table.add_row(
            *row["pair"],
            row["precision"],
            f"{losses['content']:.5f}",
            f"{losses['style']:.5f}",
            f"{losses['total']:.5f}",
            f"{row['percent']:+.2f} %",
            f"{row['mean_levels_apart']:.2f}",
            f"{row['seconds']:.1f}",
        )
    return table
