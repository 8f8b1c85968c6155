"""Paintings of two regions against one, and the matting Laplacian of a photo."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
from rich.table import Table

from benchmarks import memory_use, timing
from benchmarks.context import Context, make_empty_table

MATTING_SIZE = 384, 512
MATTING_CALLS = 10


def measure(context: Context) -> dict[str, Any]:
    """Time paintings after two works together, and after each in a half, in turns.

    The matting Laplacian is of noise, whose size alone matters.
    """
    import torch

    from artist_nst import MaskedStyle, RegionRequest, paint, recipe
    from artist_nst.corpus.works import find_corpus, get_packaged_corpora
    from artist_nst.image.files import read_picture
    from artist_nst.nst.matting import MattingTerm
    from artist_nst.painting.compute import ComputeOptions
    from artist_nst.painting.networks import load_network

    options = context.options
    compute = ComputeOptions(device=options.device, weights=options.weights)
    photo, style = options.pairs[0]
    corpus = find_corpus("procedural", get_packaged_corpora())
    works = [style, corpus.get_path(corpus.available[0])]
    chosen = recipe(width=options.width)
    if options.quick:
        chosen = chosen.with_iterations(6)
    network = load_network(chosen, compute)
    height, width = read_picture(photo).size
    mask = np.zeros((height, width))
    mask[height // 2 :] = 1
    halves = RegionRequest(
        masks=[MaskedStyle(mask, works[0]), MaskedStyle(None, works[1])]
    )
    contenders: dict[str, dict[str, Any]] = {
        "two works, one region": {"style": works},
        "two works, two regions": {"regions": halves},
    }
    times: dict[str, list[float]] = {name: [] for name in contenders}
    for turn in range(options.get_rounds(3)):
        for name, arguments in contenders.items():
            context.show(f"regions: {name}, round {turn + 1}")
            start = time.perf_counter()
            paint(
                photo,
                recipe=chosen,
                seed=0,
                network=network,
                compute=compute,
                **arguments,
            )
            times[name].append(time.perf_counter() - start)
    context.show("regions: matting Laplacian")
    device = torch.device("cpu")
    pixels = np.random.default_rng(0).random((*MATTING_SIZE, 3))
    before = memory_use.reset_peak(device)
    start = time.perf_counter()
    term = MattingTerm(pixels)
    setup = time.perf_counter() - start
    peak = memory_use.read_peak(device) - before
    image = torch.rand(1, 3, *MATTING_SIZE) * 255
    calls = [
        timing.time_call(lambda: term(image), device) for _ in range(MATTING_CALLS)
    ]
    return {
        "width": options.width,
        "seconds": {name: timing.summarize(values) for name, values in times.items()},
        "matting": {
            "setup_s": setup,
            "setup_bytes": peak,
            "call_s": timing.summarize(calls)["median"],
        },
    }


def make_table(results: dict[str, Any]) -> Table:
    """Show a row for each way, and one for the matting Laplacian."""
    table = make_empty_table(
        f"regions: finished paintings, {results['width']} pixels wide",
        ("what",),
        ("s", "× one region"),
    )
    medians = {name: value["median"] for name, value in results["seconds"].items()}
    baseline = next(iter(medians.values()))
    for name, seconds in medians.items():
        table.add_row(name, f"{seconds:.1f}", f"{seconds / baseline:.2f}")
    matting = results["matting"]
    height, width = MATTING_SIZE
    table.add_row(
        f"matting Laplacian, {width}×{height}, {matting['setup_bytes'] / 1e9:.2f} GB; "
        f"{1000 * matting['call_s']:.0f} ms a call",
        f"{matting['setup_s']:.2f}",
        "",
    )
    return table
