"""Loss and gradient: seconds by width and precision, and the arithmetic's limit."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from rich.table import Table

from benchmarks import flops
from benchmarks.context import Context, make_empty_table
from benchmarks.problem import Problem
from benchmarks.timing import summarize

SIZES = 2048, 4096  # of the matrices whose product shows the machine's peak
PLAIN = "plain", "float32"

Contender = tuple[str, str]  # name, precision


def measure(context: Context) -> dict[str, Any]:
    """Time the plain loop, artist_nst in each precision and matrix products in turns.

    Returns:
        ``peaks``: GFLOP/s of the best matrix product, by precision; ``rows``: by width
        and contender.
    """
    peaks: dict[str, float] = defaultdict(float)
    widths = context.options.get_widths(256, 512, 1024)
    times = {width: _measure_width(context, width, peaks) for width in widths}
    rows = [
        row for width, seconds in times.items() for row in _rows(width, seconds, peaks)
    ]
    return {
        "threads": context.thread_counts,
        "matrices": _get_sizes(context),
        "peaks": dict(peaks),
        "rows": rows,
    }


def _measure_width(
    context: Context, width: int, peaks: dict[str, float]
) -> dict[Contender, list[float]]:
    """Return the seconds of each contender, and raise ``peaks``."""
    options, rounds = context.options, context.options.get_rounds(7)
    problem = options.make_problem(width=width)
    contenders = [PLAIN, *(("artist-nst", name) for name in options.precisions)]
    times: dict[Contender, list[float]] = {contender: [] for contender in contenders}
    for contender in contenders:
        _time_contender(context, contender, problem)  # warm-up
    for turn in range(rounds):
        context.show(f"evaluation: {width} pixels, round {turn + 1} of {rounds}")
        for contender in contenders:
            times[contender] += _time_contender(context, contender, problem)
        for precision in {"float32", *options.precisions}:
            for size in _get_sizes(context):
                rate = context.ours(
                    "ours.time_product", problem=problem, size=size, precision=precision
                )
                peaks[precision] = max(peaks[precision], rate)
    return times


def _time_contender(
    context: Context, contender: Contender, problem: Problem
) -> list[float]:
    if contender == PLAIN:
        return context.time_evaluations("plain", problem=problem)
    precision = contender[1]
    return context.time_evaluations("ours", problem=problem, precision=precision)


def _get_sizes(context: Context) -> tuple[int, ...]:
    return (256,) if context.options.quick else SIZES


def _rows(
    width: int, times: dict[Contender, list[float]], peaks: dict[str, float]
) -> list[dict[str, Any]]:
    height = flops.reference_height(width)
    gflop = flops.count_evaluation(height, width) / 1e9
    plain = summarize(times[PLAIN])["median"]
    rows = []
    for (name, precision), seconds in times.items():
        summary = summarize(seconds)
        limit = gflop / peaks[precision]
        rows.append(
            {
                "width": width,
                "height": height,
                "who": name,
                "precision": precision,
                "seconds": summary,
                "gflop": gflop,
                "gflop_per_s": gflop / summary["median"],
                "share_of_peak": limit / summary["median"],
                "limit_s": limit,
                "times_limit": summary["median"] / limit,
                "times_faster_than_plain": plain / summary["median"],
            }
        )
    return rows


def make_table(results: dict[str, Any]) -> Table:
    """Show a row for each width and contender."""
    peaks = ", ".join(f"{name} {rate:,.0f}" for name, rate in results["peaks"].items())
    table = make_empty_table(
        f"evaluation: loss and gradient; matmul's peak in GFLOP/s: {peaks}",
        ("size", "who", "precision"),
        (
            "median s",
            "min s",
            "GFLOP",
            "GFLOP/s",
            "of peak",
            "limit s",
            "× limit",
            "× faster than plain",
        ),
    )
    for row in results["rows"]:
        table.add_row(
            f"{row['width']}×{row['height']}",
            row["who"],
            row["precision"],
            f"{row['seconds']['median']:.4f}",
            f"{row['seconds']['min']:.4f}",
            f"{row['gflop']:.1f}",
            f"{row['gflop_per_s']:,.0f}",
            f"{row['share_of_peak']:.0%}",
            f"{row['limit_s']:.4f}",
            f"{row['times_limit']:.2f}",
            f"{row['times_faster_than_plain']:.2f}",
        )
    return table
