"""Whole paintings after one work and after eight, with neighbors and without."""

from __future__ import annotations

import time
from typing import Any

from rich.table import Table

from benchmarks.context import Context, make_empty_table
from benchmarks.timing import median_if_known

MANY = 8


def measure(context: Context) -> dict[str, Any]:
    """Time the recipe ``gram`` after one work, and ``default`` after one and eight.

    From the first iteration's targets to the last iteration, in turns; the same photo
    and network for all.
    """
    from artist_nst import paint, recipe
    from artist_nst.corpus.works import find_corpus, get_packaged_corpora
    from artist_nst.painting.compute import ComputeOptions
    from artist_nst.painting.networks import load_network

    options = context.options
    compute = ComputeOptions(device=options.device, weights=options.weights)
    photo, style = options.pairs[0]
    corpus = find_corpus("procedural", get_packaged_corpora())
    works = [style, *(corpus.get_path(work) for work in corpus.available)][:MANY]
    network = load_network(recipe("default"), compute)
    times: dict[str, list[float | None]] = {}
    for turn in range(options.get_rounds(1)):
        for name, count in (("gram", 1), ("default", 1), ("default", MANY)):
            context.show(f"neighbors: {name} after {count}, round {turn + 1}")
            chosen = recipe(name, width=options.width)
            if options.quick:
                chosen = chosen.with_iterations(6)
            start = time.perf_counter()
            paint(
                photo,
                works[:count],
                recipe=chosen,
                seed=0,
                network=network,
                compute=compute,
            )
            key = f"{name} after {count}"
            times.setdefault(key, []).append(time.perf_counter() - start)
    seconds = {key: median_if_known(values) for key, values in times.items()}
    return {"width": options.width, "seconds": seconds}


def make_table(results: dict[str, Any]) -> Table:
    """Show a row for each recipe and number of works."""
    table = make_empty_table(
        f"neighbors: finished paintings, {results['width']} pixels wide",
        ("recipe and works",),
        ("s", "× gram"),
    )
    baseline = results["seconds"]["gram after 1"]
    for name, seconds in results["seconds"].items():
        table.add_row(name, f"{seconds:.1f}", f"{seconds / baseline:.2f}")
    return table
