"""Whole artists: looking at works, picking from many, and painting after many at once.

By the compact network, which looks at works whatever paints.
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

from benchmarks import columns
from benchmarks.setting import Bench
from benchmarks.timing import median_of, summary

SIDE = 1600  # pixels, of a work's longer side: about what WikiArt serves
PICKS = ("typical", "nearest", "diverse", "mix")
BLENDED = 30
ITERATIONS = 12  # of which the first is left out


def measure(bench: Bench) -> dict[str, Any]:
    """Seconds to look at a work, to pick from 1,000 of them once that is done, and for
    an iteration after one work and after thirty, by turns."""
    from artist_nst.corpus.works import find_corpus, packaged_corpora

    quick = bench.setting.quick
    procedural = find_corpus("procedural", packaged_corpora())
    pictures = [procedural.path(work) for work in procedural.here]
    with (
        TemporaryDirectory() as name,
        # The user's own is left alone.
        patch("artist_nst.styles.cache.user_cache_path", lambda *_, **__: Path(name)),
    ):
        folder = Path(name) / "corpora" / "many"
        _make(folder, pictures, 40 if quick else 1000)
        return {
            "looked_at": _looked_at(bench, pictures[:2] if quick else pictures),
            "picked": _picked(bench, folder),
            "painted": _painted(bench, pictures),
        }


def _looked_at(bench: Bench, pictures: list[Path]) -> dict[str, Any]:
    """Seconds for the statistics of a work of ``SIDE`` pixels, decoded from JPEG."""
    from PIL import Image

    from artist_nst.styles.descriptors import style_of_file

    with TemporaryDirectory() as name:
        path = Path(name) / "work.jpg"
        times = []
        for number, picture in enumerate([pictures[0], *pictures]):
            bench.say(f"works: looking at {picture.name}")
            with Image.open(picture) as image:
                large = image.convert("RGB").resize((SIDE, SIDE * 3 // 4))
            large.save(path, quality=92)
            start = time.perf_counter()
            style_of_file(path)
            # The first is to warm up.
            times += [time.perf_counter() - start] if number else []
    return {"side": SIDE, **summary(times)}


def _picked(bench: Bench, folder: Path) -> dict[str, Any]:
    """Seconds by way of picking, files hashed and statistics read anew each time."""
    from artist_nst.corpus.works import load_corpus
    from artist_nst.styles.picking import Pick, pick_works

    corpus = load_corpus(folder)
    photo, _ = bench.setting.pairs[0]
    found: dict[str, Any] = {"works": len(corpus.works)}
    for way in PICKS:
        bench.say(f"works: picking {way}")
        pick = Pick(way=way, works=None if way in ("typical", "mix") else 9)
        start = time.perf_counter()
        pick_works(corpus, pick, 0, photo)
        found[way] = time.perf_counter() - start
    return found


def _painted(bench: Bench, pictures: list[Path]) -> dict[str, Any]:
    """Median seconds of an iteration after one work and after thirty."""
    from artist_nst import paint, recipe
    from artist_nst.painting.networks import load_network
    from artist_nst.painting.pipeline import Progress

    photo, _ = bench.setting.pairs[0]
    made = recipe("default", width=bench.setting.width, network="compact")
    made = replace(made, levels=((1.0, 3 if bench.setting.quick else ITERATIONS),))
    network = load_network(made)
    many = [pictures[number % len(pictures)] for number in range(BLENDED)]
    times: dict[str, list[float | None]] = {"one": [], "many": []}
    for turn in range(bench.setting.rounds_or(3)):
        for name, styles in (("one", many[:1]), ("many", many)):
            bench.say(f"works: painting after {len(styles)}, round {turn + 1}")
            steps: list[float] = []

            def told(progress: Progress, steps: list[float] = steps) -> None:
                steps.append(progress.step.seconds)

            paint(photo, styles, recipe=made, seed=0, network=network, on_progress=told)
            times[name].append(median_of(steps[1:]))
    one, several = median_of(times["one"]), median_of(times["many"])
    assert one is not None
    assert several is not None
    return {
        "width": made.width,
        "works": BLENDED,
        "one": one,
        "many": several,
        "times_one": several / one,
    }


def _make(folder: Path, pictures: list[Path], count: int) -> None:
    """A corpus of files of their own, whose statistics are kept already: drawn ones,
    for what looking takes is measured by a few."""
    from artist_nst.styles.descriptors import Style, style_of_file, styles_of

    folder.mkdir(parents=True)
    contents = [picture.read_bytes() for picture in pictures]
    style = style_of_file(pictures[0])
    source = np.random.default_rng(0)
    paths = []
    for number in range(count):
        which = number % len(pictures)
        path = folder / f"{number:04}{pictures[which].suffix}"
        # A decoder stops at a picture's end; the hash does not.
        path.write_bytes(contents[which] + str(number).encode())
        paths.append(path)

    def drawn(_: Path) -> Style:
        loud = np.exp(source.normal(0, 0.3, style.grams.shape)).astype(np.float32)
        return replace(style, grams=style.grams * loud)

    with patch("artist_nst.styles.descriptors.style_of_file", drawn):
        styles_of(paths, folder.name)


def table(found: dict[str, Any]) -> Table:
    """A line for each figure."""
    made = columns.table("works: whole artists", ("what",), ("",))
    looked, picked, painted = found["looked_at"], found["picked"], found["painted"]
    made.add_row(
        f"looking at a work of {looked['side']} px", f"{looked['median']:.3f} s"
    )
    for way in PICKS:
        made.add_row(f"{way}, of {picked['works']:,} works", f"{picked[way]:.2f} s")
    made.add_row(
        f"an iteration after {painted['works']} works, over one's",
        f"{painted['times_one']:.2f} ×",
    )
    return made
