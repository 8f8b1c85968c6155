"""Peak memory of a short painting, by width."""

from __future__ import annotations

from typing import Any

from rich.table import Table

from benchmarks import flops
from benchmarks.context import Context, make_empty_table
from benchmarks.timing import ratio_if_known
from benchmarks.worker import Worker, WorkerMemoryError

ITERATIONS = 2
MAX_PLAIN_WIDTH = 1024  # beyond which the plain loop fills most machines


def measure(context: Context) -> dict[str, Any]:
    """Paint in a new process for each width and contender.

    Returns:
        ``rows``: Bytes held before painting (with the network loaded), the peak while
        painting and its ratio to the plain loop's, and the predicted increase; None
        where memory ran out.
    """
    rows: list[dict[str, Any]] = []
    for width in context.options.get_widths(512, 1024):
        contenders = [("artist-nst", name) for name in context.options.precisions]
        if width <= MAX_PLAIN_WIDTH:
            contenders.insert(0, ("plain", "float32"))
        plain = None
        for name, precision in contenders:
            context.show(f"memory: {width} pixels, {name} {precision}")
            row = _measure_row(context, width, name, precision)
            if name == "plain":
                plain = row["peak"]
            added = None if row["peak"] is None else row["peak"] - row["before"]
            ratio = ratio_if_known(row["peak"], plain)
            rows.append({**row, "added": added, "of_plain": ratio})
    return {"iterations": ITERATIONS, "rows": rows}


def _measure_row(
    context: Context, width: int, name: str, precision: str
) -> dict[str, Any]:
    row = {
        "width": width,
        "height": flops.reference_height(width),
        "who": name,
        "precision": precision,
        "before": None,
        "peak": None,
        "predicted": None,
        "rows": None,
    }
    problem = context.options.make_problem(width=width)
    arguments = {"problem": problem, "iterations": ITERATIONS}
    try:
        if name == "plain":
            with Worker("plain") as worker:
                return {**row, **worker("plain.measure_memory", **arguments)}
        with Worker("ours") as worker:
            arguments["precision"] = precision
            return {**row, **worker("ours.measure_memory", **arguments)}
    except WorkerMemoryError as error:
        return {**row, "error": str(error)}


def make_table(results: dict[str, Any]) -> Table:
    """Show a row for each width and contender."""
    table = make_empty_table(
        f"memory: a painting of {results['iterations']} iterations",
        ("size", "who", "precision"),
        ("before MB", "peak MB", "of plain's", "added MB", "predicted MB"),
    )
    for row in results["rows"]:
        ratio = row["of_plain"]
        table.add_row(
            f"{row['width']}×{row['height']}",
            row["who"],
            row["precision"],
            _format_megabytes(row["before"], "–"),
            _format_megabytes(row["peak"], "did not fit"),
            "–" if ratio is None else f"{ratio:.2f}",
            _format_megabytes(row["added"], "–"),
            _format_megabytes(row["predicted"], "–"),
        )
    return table


def _format_megabytes(count: int | None, unknown: str) -> str:
    return unknown if count is None else f"{count / 1e6:,.0f}"
