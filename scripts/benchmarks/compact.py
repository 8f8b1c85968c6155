"""Loss and gradient of the compact network and of VGG-19 in the same precision."""

from __future__ import annotations

from typing import Any

from rich.table import Table

from benchmarks.context import Context, make_empty_table
from benchmarks.timing import summarize

NETWORKS = "vgg19", "compact"


def measure(context: Context) -> dict[str, Any]:
    """Time both networks in turns, for each width and precision.

    Returns:
        ``rows``: Seconds of each, and how many times faster the compact one is.
    """
    options = context.options
    rows = [
        _measure_row(context, width, precision)
        for width in options.get_widths(256, 512, 1024)
        for precision in options.precisions
    ]
    return {"rows": rows}


def _measure_row(context: Context, width: int, precision: str) -> dict[str, Any]:
    rounds = context.options.get_rounds(7)
    times: dict[str, list[float]] = {network: [] for network in NETWORKS}
    for turn in range(rounds + 1):
        context.show(f"compact: {width} pixels, {precision}, round {turn} of {rounds}")
        for network in NETWORKS:
            problem = context.options.make_problem(width=width, network=network)
            seconds = context.time_evaluations(
                "ours", problem=problem, precision=precision
            )
            # The first round is a warm-up.
            times[network] += seconds if turn else []
    summaries = {network: summarize(seconds) for network, seconds in times.items()}
    vgg19, compact = (summaries[network]["median"] for network in NETWORKS)
    return {
        "width": width,
        "precision": precision,
        "seconds": summaries,
        "times_faster": vgg19 / compact,
    }


def make_table(results: dict[str, Any]) -> Table:
    """Show a row for each width and precision."""
    table = make_empty_table(
        "compact: loss and gradient by the compact network",
        ("width", "precision"),
        ("vgg19 s", "compact s", "× faster"),
    )
    for row in results["rows"]:
        table.add_row(
            str(row["width"]),
            row["precision"],
            *(f"{row['seconds'][network]['median']:.4f}" for network in NETWORKS),
            f"{row['times_faster']:.2f}",
        )
    return table
