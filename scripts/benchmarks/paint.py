"""A whole painting: how long to the other's loss, in float32 at full size."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from statistics import median
from typing import Any

from rich.table import Table

from benchmarks import columns
from benchmarks.setting import Bench
from benchmarks.timing import median_of, over

Trace = Sequence[Sequence[float]]  # seconds, loss, iteration; by evaluation


def measure(bench: Bench) -> dict[str, Any]:
    """artist_nst's default recipe in each precision, then the plain loop, by turns.

    Returns:
        ``rounds``: what was found in each, traces included; ``rows``: medians, by
        precision; ``minimizers``: their own share of the time, scipy's on a GPU too.
    """
    count, threads = bench.setting.rounds_or(3), bench.threads
    problem = asdict(bench.problem())
    rounds = []
    for turn in range(count):
        bench.say(f"paint: round {turn + 1} of {count}")
        rounds.append(_round(bench, problem))
    precisions = bench.setting.precisions
    # On the CPU scipy's is the recipe's own.
    optimizers = ("auto",) if bench.about["kind"] == "cpu" else ("auto", "lbfgs")
    return {
        "width": bench.setting.width,
        "threads": threads,
        "cap_s": bench.setting.cap_s,
        "rows": [_row(one, [found[one] for found in rounds]) for one in precisions],
        "minimizers": [
            _algebra(bench, problem, precision, optimizer)
            for precision in precisions
            for optimizer in optimizers
        ],
        "rounds": rounds,
    }


def _round(bench: Bench, problem: dict[str, Any]) -> dict[str, Any]:
    """Each painting, the plain loop's, and when each was as good as the other."""
    found: dict[str, Any] = {}
    for precision in bench.setting.precisions:
        folder = bench.folder / precision
        folder.mkdir(exist_ok=True)
        made = bench.ours(
            "ours.paint", problem=problem, precision=precision, out=str(folder)
        )
        (loss,) = bench.plain(
            "plain.losses", problem=problem, images=str(folder / "final.npy")
        )
        found[precision] = {"ours": made, "loss": loss}
    trace = bench.plain(
        "plain.paint",
        problem=problem,
        goal=min(one["loss"] for one in found.values()),
        iterations=max(one["ours"]["iterations"] for one in found.values()),
        cap_s=5.0 if bench.setting.quick else bench.setting.cap_s,
    )
    for precision, one in found.items():
        one["reached"] = _reached(trace, one["loss"])
        one["reverse"] = _reverse(bench, problem, precision, one["ours"], trace)
    return {**found, "plain": trace}


def _reached(trace: Trace, goal: float) -> dict[str, Any]:
    """When, and in how many iterations, the plain loop came to a loss; or its best."""
    best = min(loss for _, loss, _ in trace)
    for seconds, loss, iteration in trace:
        if loss <= goal:
            return {"seconds": seconds, "iterations": iteration, "best": best}
    return {"seconds": None, "iterations": None, "best": best, "in_s": trace[-1][0]}


def _reverse(
    bench: Bench,
    problem: dict[str, Any],
    precision: str,
    ours: dict[str, Any],
    trace: Trace,
) -> dict[str, Any]:
    """When artist_nst's last level first was as good as the plain loop after as many
    iterations as the recipe's, or at its end if it came to fewer."""
    before = [one for one in trace if one[2] <= ours["iterations"]]
    goal = min(loss for _, loss, _ in before)
    at = next(seconds for seconds, loss, _ in before if loss == goal)
    losses = bench.plain(
        "plain.losses",
        problem=problem,
        images=str(bench.folder / precision / "last-level.npy"),
        until=goal,
    )
    reached = losses[-1] <= goal
    return {
        "loss": goal,
        "plain_s": at,
        "iterations": before[-1][2],
        "ours_s": ours["last_level"][len(losses) - 1] if reached else None,
        "ours_best": min(losses),
    }


def _row(precision: str, rounds: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Medians over rounds, and the ratios of each round."""
    ratios = [over(one["reached"]["seconds"], one["ours"]["seconds"]) for one in rounds]
    back = [over(one["reverse"]["plain_s"], one["reverse"]["ours_s"]) for one in rounds]
    last = rounds[-1]
    return {
        "precision": precision,
        "ours_s": median(one["ours"]["seconds"] for one in rounds),
        "ours_evaluations": last["ours"]["evaluations"],
        "loss": last["loss"],
        "plain_s": median_of([one["reached"]["seconds"] for one in rounds]),
        "plain_iterations": last["reached"]["iterations"],
        "plain_best": last["reached"]["best"],
        "plain_tried_s": last["reached"].get("in_s"),
        "times_faster": median_of(ratios),
        "times_faster_by_round": ratios,
        "reverse_loss": last["reverse"]["loss"],
        "reverse_iterations": last["reverse"]["iterations"],
        "reverse_plain_s": median(one["reverse"]["plain_s"] for one in rounds),
        "reverse_ours_s": median_of([one["reverse"]["ours_s"] for one in rounds]),
        "reverse_times_faster": median_of(back),
    }


def _algebra(
    bench: Bench, problem: dict[str, Any], precision: str, optimizer: str
) -> dict[str, Any]:
    """Of some iterations' time, the minimizer's share: what evaluations do not take."""
    rounds = [
        bench.ours(
            "ours.algebra",
            problem=problem,
            precision=precision,
            optimizer=optimizer,
            iterations=3 if bench.setting.quick else 40,
        )
        for _ in range(bench.setting.rounds_or(3))
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


def table(found: dict[str, Any]) -> Table:
    """A line for each precision and direction, and the minimizer's share."""
    made = columns.table(
        f"paint: the default recipe, {found['width']} pixels wide",
        ("precision", "to the loss of", "loss"),
        ("artist-nst s", "plain s", "× faster", "minimizer's share"),
    )
    for row in found["rows"]:
        shares = [
            f"{one['optimizer']} {one['share']:.1%}"
            for one in found["minimizers"]
            if one["precision"] == row["precision"]
        ]
        plain = _seconds(row["plain_s"])
        if row["plain_s"] is None:
            plain = (
                f"not reached in {row['plain_tried_s']:.0f} s, "
                f"best was {row['plain_best']:.5f}"
            )
        made.add_row(
            row["precision"],
            "artist-nst",
            f"{row['loss']:.5f}",
            _seconds(row["ours_s"]),
            plain,
            _times(row["times_faster"]),
            shares[0],
        )
        made.add_row(
            "",
            f"plain, {row['reverse_iterations']:.0f} iterations",
            f"{row['reverse_loss']:.5f}",
            _seconds(row["reverse_ours_s"]),
            _seconds(row["reverse_plain_s"]),
            _times(row["reverse_times_faster"]),
            *shares[1:],
        )
    return made


def _seconds(seconds: float | None) -> str:
    return "not reached" if seconds is None else f"{seconds:.1f}"


def _times(ratio: float | None) -> str:
    return "–" if ratio is None else f"{ratio:.2f}"
