"""The most memory that a short painting holds, by width."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from rich.table import Table

from benchmarks import columns, flops
from benchmarks.setting import Bench
from benchmarks.timing import over
from benchmarks.worker import NoRoomError

ITERATIONS = 2
# Beyond this width the plain loop's would fill most machines.
PLAIN_UP_TO = 1024
MB = 1e6


def measure(bench: Bench) -> dict[str, Any]:
    """A process for each width and contender, one after the other.

    Returns:
        ``rows``: bytes held before painting (with the network loaded) and at most
        while painting, the ratio of that to the plain loop's, and what painting was
        predicted to add; None where it did not fit.
    """
    rows: list[dict[str, Any]] = []
    for width in bench.setting.widths_or(512, 1024):
        contenders = [("artist-nst", one) for one in bench.setting.precisions]
        if width <= PLAIN_UP_TO:
            contenders.insert(0, ("plain", "float32"))
        found = []
        for who, precision in contenders:
            bench.say(f"memory: {width} pixels, {who} {precision}")
            found.append(_row(bench, width, who, precision))
        plain = found[0]["peak"] if found[0]["who"] == "plain" else None
        for row in found:
            added = None if row["peak"] is None else row["peak"] - row["before"]
            ratio = over(row["peak"], plain)
            rows.append({**row, "added": added, "of_plain": ratio})
    return {"iterations": ITERATIONS, "rows": rows}


def _row(bench: Bench, width: int, who: str, precision: str) -> dict[str, Any]:
    problem = asdict(bench.problem(width=width))
    row = {
        "width": width,
        "height": flops.height_of(width),
        "who": who,
        "precision": precision,
        "before": None,
        "peak": None,
        "predicted": None,
        "rows": None,
    }
    given = {"problem": problem, "iterations": ITERATIONS}
    try:
        if who == "plain":
            with bench.fresh("plain") as worker:
                return {**row, **worker("plain.remember", **given)}
        with bench.fresh("ours") as worker:
            return {**row, **worker("ours.remember", precision=precision, **given)}
    except NoRoomError as error:
        return {**row, "error": str(error)}


def table(found: dict[str, Any]) -> Table:
    """The rows, a line each."""
    made = columns.table(
        f"memory: a painting of {found['iterations']} iterations",
        ("size", "who", "precision"),
        ("before MB", "peak MB", "of plain's", "added MB", "predicted MB"),
    )
    for row in found["rows"]:
        share = row["of_plain"]
        made.add_row(
            f"{row['width']}×{row['height']}",
            row["who"],
            row["precision"],
            _megabytes(row["before"], "–"),
            _megabytes(row["peak"], "did not fit"),
            "–" if share is None else f"{share:.2f}",
            _megabytes(row["added"], "–"),
            _megabytes(row["predicted"], "–"),
        )
    return made


def _megabytes(count: int | None, unknown: str) -> str:
    return unknown if count is None else f"{count / MB:,.0f}"
