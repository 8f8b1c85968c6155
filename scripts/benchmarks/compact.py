"""Loss and gradient by the compact network, beside VGG-19's in the same precision."""

from __future__ import annotations

import time
from dataclasses import asdict
from typing import Any

from rich.table import Table

from benchmarks import columns
from benchmarks.evaluation import SETTLE_S
from benchmarks.setting import Bench
from benchmarks.timing import summary

NETWORKS = "vgg19", "compact"


def measure(bench: Bench) -> dict[str, Any]:
    """Both networks by turns, at each width and in each precision.

    Returns:
        ``rows``: seconds of each, and how many times faster the compact one is.
    """
    setting = bench.setting
    rows = [
        _row(bench, width, precision)
        for width in setting.widths_or(256, 512, 1024)
        for precision in setting.precisions
    ]
    return {"rows": rows}


def _row(bench: Bench, width: int, precision: str) -> dict[str, Any]:
    setting, rounds = bench.setting, bench.setting.rounds_or(7)
    quick = setting.quick
    times: dict[str, list[float]] = {network: [] for network in NETWORKS}
    for turn in range(rounds + 1):
        bench.say(f"compact: {width} pixels, {precision}, round {turn} of {rounds}")
        for network, seconds in times.items():
            time.sleep(0 if quick else SETTLE_S)
            found = bench.ours(
                "ours.evaluate",
                problem=asdict(bench.problem(width=width, network=network)),
                precision=precision,
                least_s=0.0 if quick else 0.2,
            )
            # The first is to warm up.
            seconds += found if turn else []
    told = {network: summary(seconds) for network, seconds in times.items()}
    medians = [told[network]["median"] for network in NETWORKS]
    return {
        "width": width,
        "precision": precision,
        "seconds": told,
        "times_faster": medians[0] / medians[1],
    }


def table(found: dict[str, Any]) -> Table:
    """The rows, a line each."""
    made = columns.table(
        "compact: loss and gradient by the compact network",
        ("width", "precision"),
        ("vgg19 s", "compact s", "× faster"),
    )
    for row in found["rows"]:
        made.add_row(
            str(row["width"]),
            row["precision"],
            *(f"{row['seconds'][network]['median']:.4f}" for network in NETWORKS),
            f"{row['times_faster']:.2f}",
        )
    return made
