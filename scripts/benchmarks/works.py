"""Whole artists: describing works, picking from many, painting after many at once.

With the compact network, which describes works whatever network paints.
"""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from unittest.mock import patch

import numpy as np
from rich.table import Table

from artist_nst.styles.pick import Pick, PickWay
from artist_nst.styles.picking import pick_works
from benchmarks.context import Context, make_empty_table
from benchmarks.timing import median_if_known, summarize

SIDE = 1600  # pixels, of a work's longer side, as on WikiArt
WAYS: tuple[PickWay, ...] = ("typical", "nearest", "diverse", "mix", "whole")
MIXED = 30
ITERATIONS = 12  # the first one is not counted


def measure(context: Context) -> dict[str, Any]:
    """Time describing a work, picking from 1,000 described works, and painting.

    Painting: an iteration after one work and after thirty, in turns.
    """
    from artist_nst.corpus.works import find_corpus, get_packaged_corpora

    quick = context.options.quick
    corpus = find_corpus("procedural", get_packaged_corpora())
    pictures = [corpus.get_path(work) for work in corpus.available]
    with (
        TemporaryDirectory() as name,
        # Not the user's cache.
        patch("artist_nst.styles.cache.user_cache_path", lambda *_, **__: Path(name)),
    ):
        folder = Path(name) / "corpora" / "many"
        _make_corpus(folder, pictures, 40 if quick else 1000)
        return {
            "looked_at": _time_describing(context, pictures[: 2 if quick else None]),
            "picked": _time_picking(context, folder),
            "painted": _time_painting(context, pictures),
        }


def _time_describing(context: Context, pictures: list[Path]) -> dict[str, Any]:
    """Measure the seconds to describe a JPEG of ``SIDE`` pixels."""
    from PIL import Image

    from artist_nst.styles.descriptors import describe_file

    with TemporaryDirectory() as name:
        path = Path(name) / "work.jpg"
        times = []
        for picture in [pictures[0], *pictures]:
            context.show(f"works: describing {picture.name}")
            with Image.open(picture) as image:
                large = image.convert("RGB").resize((SIDE, SIDE * 3 // 4))
            large.save(path, quality=92)
            start = time.perf_counter()
            describe_file(path)
            times.append(time.perf_counter() - start)
    return {"side": SIDE, **summarize(times[1:])}  # without the warm-up


def _time_picking(context: Context, folder: Path) -> dict[str, Any]:
    """Measure the seconds of each way to pick, with hashing and reading the cache."""
    from artist_nst.corpus.works import load_corpus

    corpus = load_corpus(folder)
    photo, _ = context.options.pairs[0]
    results: dict[str, Any] = {"works": len(corpus.works)}
    for way in WAYS:
        context.show(f"works: picking {way}")
        pick = Pick(way=way, works=None if way in ("typical", "mix", "whole") else 9)
        start = time.perf_counter()
        pick_works(corpus, pick, 0, photo)
        results[way] = time.perf_counter() - start
    return results


def _time_painting(context: Context, pictures: list[Path]) -> dict[str, Any]:
    """Measure the median seconds of an iteration after one work and after thirty."""
    from artist_nst import paint, recipe
    from artist_nst.painting.networks import load_network
    from artist_nst.painting.pipeline import Progress

    options = context.options
    photo, _ = options.pairs[0]
    iterations = 3 if options.quick else ITERATIONS
    short = recipe(
        "default", width=options.width, network="compact", levels=((1.0, iterations),)
    )
    network = load_network(short)
    works = [pictures[index % len(pictures)] for index in range(MIXED)]
    times: dict[str, list[float | None]] = {"one": [], "many": []}
    for turn in range(options.get_rounds(3)):
        for name, styles in (("one", works[:1]), ("many", works)):
            context.show(f"works: painting after {len(styles)}, round {turn + 1}")
            steps: list[float] = []

            def on_progress(progress: Progress, steps: list[float] = steps) -> None:
                steps.append(progress.step.seconds)

            paint(
                photo,
                styles,
                recipe=short,
                seed=0,
                network=network,
                on_progress=on_progress,
            )
            times[name].append(median_if_known(steps[1:]))
    one, many = median_if_known(times["one"]), median_if_known(times["many"])
    assert one is not None
    assert many is not None
    return {
        "width": options.width,
        "works": MIXED,
        "one": one,
        "many": many,
        "times_one": many / one,
    }


def _make_corpus(folder: Path, pictures: list[Path], count: int) -> None:
    """Make an artist of different files, with random descriptors in the cache."""
    from artist_nst.styles.descriptors import (
        StyleDescriptor,
        describe_file,
        describe_files,
    )

    folder.mkdir(parents=True)
    contents = [picture.read_bytes() for picture in pictures]
    descriptor = describe_file(pictures[0])
    rng = np.random.default_rng(0)
    paths = []
    for number in range(count):
        index = number % len(pictures)
        path = folder / f"{number:04}{pictures[index].suffix}"
        # Decoders ignore what follows the picture; the hash does not.
        path.write_bytes(contents[index] + str(number).encode())
        paths.append(path)

    def describe_randomly(_: Path) -> StyleDescriptor:
        factors = np.exp(rng.normal(0, 0.3, descriptor.grams.shape))
        return replace(descriptor, grams=descriptor.grams * factors.astype(np.float32))

    with patch("artist_nst.styles.descriptors.describe_file", describe_randomly):
        describe_files(paths, folder.name)


def make_table(results: dict[str, Any]) -> Table:
    """Show a row for each figure."""
    table = make_empty_table("works: whole artists", ("what",), ("",))
    described, picked = results["looked_at"], results["picked"]
    painted = results["painted"]
    table.add_row(
        f"describing a work of {described['side']} px", f"{described['median']:.3f} s"
    )
    for way in WAYS:
        table.add_row(f"{way}, of {picked['works']:,} works", f"{picked[way]:.2f} s")
    table.add_row(
        f"an iteration after {painted['works']} works, over one's",
        f"{painted['times_one']:.2f} ×",
    )
    return table
