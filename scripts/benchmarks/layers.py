"""Each layer's convolution and its gradient, directly by torch and as in a painting.

The sum of the direct ones is what an evaluation would take at least without a faster
algorithm than theirs.
"""

from __future__ import annotations

from statistics import median
from typing import Any

from rich.table import Table

from benchmarks.context import MIN_TIMED_S, Context, make_empty_table

WAYS = "direct", "ours"


def measure(context: Context) -> dict[str, Any]:
    """Time every layer both ways, and whole evaluations, in turns.

    Returns:
        ``rows``: seconds of each layer, both ways, by precision; ``sums`` of them by
        precision, and the ``evaluation``.
    """
    rows, sums = [], []
    for precision in context.options.precisions:
        layers, evaluation = _measure_precision(context, precision)
        rows += [{"precision": precision, **layer} for layer in layers]
        totals = {way: sum(layer[way] for layer in layers) for way in WAYS}
        sums.append(
            {
                "precision": precision,
                **totals,
                "evaluation": evaluation,
                "times_direct": evaluation / totals["direct"],
            }
        )
    return {"rows": rows, "sums": sums}


def _measure_precision(
    context: Context, precision: str
) -> tuple[list[dict[str, Any]], float]:
    problem = context.options.make_problem()
    rounds = context.options.get_rounds(5)
    min_s = 0.0 if context.options.quick else MIN_TIMED_S / 2
    turns, evaluations = [], []
    for turn in range(rounds):
        context.show(f"layers: {precision}, round {turn + 1} of {rounds}")
        turns.append(
            context.ours(
                "ours.time_layers", problem=problem, precision=precision, min_s=min_s
            )
        )
        evaluations += context.time_evaluations(
            "ours", problem=problem, precision=precision
        )
    layers = [
        {
            **same[0],
            **{way: median(one[way] for one in same) for way in WAYS},
        }
        for same in zip(*turns, strict=True)
    ]
    return layers, median(evaluations)


def make_table(results: dict[str, Any]) -> Table:
    """Show a row for each layer and precision, and their sums."""
    table = make_empty_table(
        "layers: convolution, ReLU and gradient; an evaluation relative to direct ones",
        ("precision", "layer", "input"),
        ("direct ms", "artist-nst ms", "× faster", "evaluation ms", "× direct"),
    )
    for total in results["sums"]:
        for row in results["rows"]:
            if row["precision"] == total["precision"]:
                height, width = row["size"]
                table.add_row(
                    row["precision"],
                    row["layer"],
                    f"{row['channels']} of {width}×{height}",
                    *_format_ways(row),
                )
        table.add_row(
            total["precision"],
            "all",
            "",
            *_format_ways(total),
            f"{1000 * total['evaluation']:.1f}",
            f"{total['times_direct']:.2f}",
        )
    return table


def _format_ways(row: dict[str, Any]) -> tuple[str, str, str]:
    direct, ours = row["direct"], row["ours"]
    return f"{1000 * direct:.1f}", f"{1000 * ours:.1f}", f"{direct / ours:.2f}"
