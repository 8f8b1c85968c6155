"""Whether paintings computed in fewer bits are as good, measured in float32."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from rich.table import Table

from artist_nst.figures.sheet import Panel, sheet
from artist_nst.image.files import write_picture
from benchmarks import columns
from benchmarks.setting import Bench, LeftOutError
from benchmarks.timing import over

BASE = "float32"
SHEET = "sheet.png"


def measure(bench: Bench) -> dict[str, Any]:
    """The default recipe for each pair in each precision, in equal iterations.

    Returns:
        ``rows``: by pair and precision, losses of the finished painting at full size,
        and by how many percent they differ from float32's.

    Raises:
        LeftOutError: there is nothing to compare.
    """
    setting = bench.setting
    others = [one for one in setting.precisions if one != BASE]
    if not others:
        raise LeftOutError("there is only float32: --precision names another")
    rows, panels = [], []
    for number in range(1 if setting.quick else len(setting.pairs)):
        bench.say(f"precision: pair {number + 1} of {len(setting.pairs)}")
        found = [_row(bench, number, one) for one in (BASE, *others)]
        rows += [_beside(found[0], one) for one in found]
        if setting.save is not None:
            panels.append(_saved(bench, number, found, setting.save))
    if setting.save is not None:
        write_picture(setting.save / SHEET, sheet(panels))
    apart = {
        one: [row["percent"] for row in rows if row["precision"] == one]
        for one in others
    }
    return {
        "width": setting.width,
        "rows": rows,
        "percent": {one: median(values) for one, values in apart.items()},
        "worst_percent": {one: max(values) for one, values in apart.items()},
    }


def _row(bench: Bench, number: int, precision: str) -> dict[str, Any]:
    """One painting, and its losses in float32."""
    problem = asdict(bench.problem(number, cropped=False))
    folder = bench.folder / f"pair-{number}-{precision}"
    folder.mkdir()
    made = bench.ours(
        "ours.paint", problem=problem, precision=precision, out=str(folder)
    )
    (losses,) = bench.ours(
        "ours.losses", problem=problem, images=str(folder / "final.npy")
    )
    photo, style = bench.setting.pairs[number]
    return {
        "pair": [photo.stem, style.stem],
        "precision": precision,
        "seconds": made["seconds"],
        "iterations": made["iterations"],
        "evaluations": made["evaluations"],
        "losses": losses,
        "file": str(folder / "final.npy"),
    }


def _beside(base: dict[str, Any], row: dict[str, Any]) -> dict[str, Any]:
    """The row with what it is relative to float32's, without its file."""
    ours, other = np.load(row["file"]), np.load(base["file"])
    found = {key: value for key, value in row.items() if key != "file"}
    return {
        **found,
        "percent": 100 * (row["losses"]["total"] / base["losses"]["total"] - 1),
        "times_faster": over(base["seconds"], row["seconds"]),
        "mean_levels_apart": float(np.abs(ours - other).mean()),
    }


def _saved(
    bench: Bench, number: int, found: Sequence[dict[str, Any]], folder: Path
) -> list[Panel]:
    """Photo, style and paintings as panels; the paintings also as files."""
    from artist_nst.experiments.results import panel

    photo, style = bench.setting.pairs[number]
    panels = [panel(photo, photo.stem), panel(style, style.stem)]
    for row in found:
        pixels = np.load(row["file"])[0].transpose(1, 2, 0).astype(np.float64) / 255
        path = folder / f"{number + 1}-{photo.stem}-{row['precision']}.png"
        write_picture(path, pixels)
        label = f"{row['precision']}: loss {row['losses']['total']:.5f}"
        panels.append(panel(path, label))
    return panels


def table(found: dict[str, Any]) -> Table:
    """The rows, a line each."""
    made = columns.table(
        f"precision: finished paintings, {found['width']} pixels wide",
        ("photo", "style", "precision"),
        ("content", "style loss", "total", "difference", "levels apart", "s"),
    )
    for row in found["rows"]:
        losses = row["losses"]
        made.add_row(
            *row["pair"],
            row["precision"],
            f"{losses['content']:.5f}",
            f"{losses['style']:.5f}",
            f"{losses['total']:.5f}",
            f"{row['percent']:+.2f} %",
            f"{row['mean_levels_apart']:.2f}",
            f"{row['seconds']:.1f}",
        )
    return made
