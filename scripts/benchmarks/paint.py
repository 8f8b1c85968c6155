"""A whole painting: the time until the plain loop has the same loss.

Both losses are evaluated in float32 at full size.
"""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median
from typing import Any

from rich.table import Table

from benchmarks.context import Context, make_empty_table
from benchmarks.problem import Problem
from benchmarks.timing import median_if_known, ratio_if_known

Trace = Sequence[Sequence[float]]  # seconds, loss, iteration of each evaluation


def measure(context: Context) -> dict[str, Any]:
    """Run artist_nst in each precision, then the plain loop, a pair a round.

    Returns:
        ``rounds``: The results of each round, with traces; ``rows``: medians by
        precision; ``minimizers``: their share of the time, also scipy's on a GPU.
    """
    options = context.options
    count, threads = options.get_rounds(3), context.thread_counts
    pairs = [options.make_problem(pair) for pair in range(len(options.pairs))]
    rounds = []
    for turn in range(count):
        context.show(f"paint: round {turn + 1} of {count}")
        rounds.append(_run_round(context, pairs[turn % len(pairs)]))
    # On the CPU "auto" is scipy's.
    on_cpu = context.environment["kind"] == "cpu"
    optimizers = ("auto",) if on_cpu else ("auto", "lbfgs")
    return {
        "width": options.width,
        "threads": threads,
        "cap_s": options.cap_s,
        "rows": [
            _summarize(name, [one[name] for one in rounds])
            for name in options.precisions
        ],
        "minimizers": [
            _measure_minimizer(context, pairs[0], precision, optimizer)
            for precision in options.precisions
            for optimizer in optimizers
        ],
        "rounds": rounds,
    }


def _run_round(context: Context, problem: Problem) -> dict[str, Any]:
    """Paint in each precision, then find when the plain loop has the same losses."""
    options = context.options
    results: dict[str, Any] = {}
    for precision in options.precisions:
        file = str(context.folder / f"{precision}.npy")
        ours = context.ours(
            "ours.paint", problem=problem, precision=precision, out=file
        )
        (loss,) = context.plain("plain.evaluate_images", problem=problem, images=file)
        results[precision] = {"ours": ours, "loss": loss}
    trace = context.plain(
        "plain.paint",
        problem=problem,
        goal=min(one["loss"] for one in results.values()),
        cap_s=5.0 if options.quick else options.cap_s,
    )
    for one in results.values():
        one["reached"] = _find_reached(trace, one["loss"])
    return {**results, "plain": trace}


def _find_reached(trace: Trace, goal: float) -> dict[str, Any]:
    """Find when the plain loop reached a loss; otherwise return its best loss."""
    best = min(loss for _, loss, _ in trace)
    for seconds, loss, iteration in trace:
        if loss <= goal:
            return {"seconds": seconds, "iterations": iteration, "best": best}
    return {"seconds": None, "iterations": None, "best": best, "in_s": trace[-1][0]}


def _summarize(precision: str, rounds: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Return medians over rounds, and the ratios of each round."""
    ours = [one["ours"]["seconds"] for one in rounds]
    plain = [one["reached"]["seconds"] for one in rounds]
    ratios = [ratio_if_known(a, b) for a, b in zip(plain, ours, strict=True)]
    last = rounds[-1]
    return {
        "precision": precision,
        "ours_s": median(ours),
        "ours_evaluations": last["ours"]["evaluations"],
        "loss": last["loss"],
        "plain_s": median_if_known(plain),
        "plain_iterations": last["reached"]["iterations"],
        "plain_best": last["reached"]["best"],
        "plain_tried_s": last["reached"].get("in_s"),
        "times_faster": median_if_known(ratios),
        "times_faster_by_round": ratios,
    }


def _measure_minimizer(
    context: Context, problem: Problem, precision: str, optimizer: str
) -> dict[str, Any]:
    """Measure the minimizer's share of the time: what evaluations do not take."""
    rounds = [
        context.ours(
            "ours.time_minimizer",
            problem=problem,
            precision=precision,
            optimizer=optimizer,
            iterations=3 if context.options.quick else 40,
        )
        for _ in range(context.options.get_rounds(3))
    ]
    shares = [1 - one["evaluating"] / one["seconds"] for one in rounds]
    each = [(one["seconds"] - one["evaluating"]) / one["iterations"] for one in rounds]
    return {
        "precision": precision,
        "optimizer": rounds[0]["optimizer"],
        "share": median(shares),
        "seconds_per_iteration": median(each),
        "rounds": rounds,
    }


def make_table(results: dict[str, Any]) -> Table:
    """Show a row for each precision, with the minimizers' shares."""
    table = make_empty_table(
        f"paint: the default recipe, {results['width']} pixels wide",
        ("precision",),
        ("loss", "artist-nst s", "plain s", "× faster", "minimizer's share"),
    )
    for row in results["rows"]:
        shares = [
            f"{one['optimizer']} {one['share']:.1%}"
            for one in results["minimizers"]
            if one["precision"] == row["precision"]
        ]
        if row["plain_s"] is None:
            tried = f"not reached in {row['plain_tried_s']:.0f} s"
            plain, ratio = f"{tried}, best was {row['plain_best']:.5f}", "–"
        else:
            plain, ratio = f"{row['plain_s']:.1f}", f"{row['times_faster']:.2f}"
        table.add_row(
            row["precision"],
            f"{row['loss']:.5f}",
            f"{row['ours_s']:.1f}",
            plain,
            ratio,
            ", ".join(shares),
        )
    return table
