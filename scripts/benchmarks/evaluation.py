"""Loss and gradient: seconds by width and precision, beside the arithmetic's limit."""

from __future__ import annotations

import time
from collections import defaultdict
from dataclasses import asdict
from typing import Any

from rich.table import Table

from benchmarks import columns, flops
from benchmarks.setting import Bench
from benchmarks.timing import summary

SIZES = 2048, 4096  # of the matrices whose product shows what the machine can do
SETTLE_S = 0.3  # in which the other process's threads fall asleep
PLAIN = "plain"
PEAKS = "peaks"

Contender = tuple[str, str]  # whose, in which precision


def measure(bench: Bench) -> dict[str, Any]:
    """Everything by turns: the plain loop, artist_nst in each precision, the peaks.

    Returns:
        ``peaks``: GFLOP/s of the best product of matrices, by precision; ``rows``: by
        width and contender.
    """
    setting, threads = bench.setting, bench.threads
    peaks: dict[str, float] = defaultdict(float)
    times = {
        width: _times(bench, width, peaks)
        for width in setting.widths_or(256, 512, 1024)
    }
    rows = [row for width, taken in times.items() for row in _rows(width, taken, peaks)]
    return {
        "threads": threads,
        "matrices": _sizes(bench),
        "peaks": dict(peaks),
        "rows": rows,
    }


def _times(
    bench: Bench, width: int, peaks: dict[str, float]
) -> dict[Contender, list[float]]:
    """Seconds of each contender; ``peaks`` gets what is better than it has."""
    setting, rounds = bench.setting, bench.setting.rounds_or(7)
    problem = asdict(bench.problem(width=width))
    contenders = [
        (PLAIN, "float32"),
        *(("artist-nst", one) for one in setting.precisions),
    ]
    times: dict[Contender, list[float]] = {contender: [] for contender in contenders}
    for contender in contenders:
        _evaluate(bench, contender, problem)  # to warm up
    for turn in range(rounds):
        bench.say(f"evaluation: {width} pixels, round {turn + 1} of {rounds}")
        for contender in contenders:
            times[contender] += _evaluate(bench, contender, problem)
        for precision in {"float32", *setting.precisions}:
            for size in _sizes(bench):
                found = bench.ours(
                    "ours.multiply", problem=problem, size=size, precision=precision
                )
                peaks[precision] = max(peaks[precision], found)
    return times


def _evaluate(bench: Bench, contender: Contender, problem: Any) -> list[float]:
    who, precision = contender
    quick = bench.setting.quick
    time.sleep(0 if quick else SETTLE_S)
    given = {"problem": problem, "least_s": 0.0 if quick else 0.2}
    if who == PLAIN:
        found = bench.plain("plain.evaluate", **given)
    else:
        found = bench.ours("ours.evaluate", precision=precision, **given)
    return list(found)


def _sizes(bench: Bench) -> tuple[int, ...]:
    return (256,) if bench.setting.quick else SIZES


def _rows(
    width: int, times: dict[Contender, list[float]], peaks: dict[str, float]
) -> list[dict[str, Any]]:
    height = flops.height_of(width)
    gflop = flops.evaluation(height, width) / 1e9
    plain = summary(times[PLAIN, "float32"])["median"]
    rows = []
    for (who, precision), seconds in times.items():
        told = summary(seconds)
        limit = gflop / peaks[precision]
        rows.append(
            {
                "width": width,
                "height": height,
                "who": who,
                "precision": precision,
                "seconds": told,
                "gflop": gflop,
                "gflop_per_s": gflop / told["median"],
                "share_of_peak": limit / told["median"],
                "limit_s": limit,
                "times_limit": told["median"] / limit,
                "times_faster_than_plain": plain / told["median"],
            }
        )
    return rows


def table(found: dict[str, Any]) -> Table:
    """The rows, a line each."""
    peaks = ", ".join(f"{one} {rate:,.0f}" for one, rate in found["peaks"].items())
    made = columns.table(
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
    for row in found["rows"]:
        made.add_row(
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
    return made
