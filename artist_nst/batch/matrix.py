"""Make jobs of options: all photos with all artists and all values of what varies."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import product
from pathlib import Path

from artist_nst.batch.columns import Value
from artist_nst.batch.jobs import MAX_JOBS, JobList
from artist_nst.batch.rows import RowReader
from artist_nst.batch.urls import find_pictures
from artist_nst.errors import UsageError, suggest
from artist_nst.painting.output_names import split_values
from artist_nst.recipes.settings import AXES_OF_OPTIONS, SETTING_AXES

Variation = tuple[str, tuple[str, ...]]
"""A column, and the values that it is to have."""

VARIED_COLUMNS = (*SETTING_AXES, "recipe", "pick", "work", "style", "seed", "long-side")


def parse_variation(text: str) -> Variation:
    """Read ``ratio=1,5,20``.

    Raises:
        UsageError: An unknown setting, no value, or one that is given twice.
    """
    name, _, values = text.partition("=")
    name = AXES_OF_OPTIONS.get(name, name)
    if name in ("artist", "photo"):
        raise UsageError(f"--vary {name}: name them with --{name}s")
    if name not in VARIED_COLUMNS:
        raise UsageError(f"--vary {name}: {suggest(name, VARIED_COLUMNS)}")
    return name, split_values(name, values)


def make_jobs(
    photos: Sequence[str],
    *,
    artists: Sequence[str] = (),
    works: Sequence[str] = (),
    pick: str | None = None,
    images: Sequence[str] = (),
    masks: Sequence[str] = (),
    protect: str | None = None,
    regions: str | None = None,
    variations: Sequence[Variation] = (),
) -> JobList:
    """Make the jobs of every combination.

    Args:
        photos: Files, folders, or patterns such as ``photos/*.jpg``; or their URLs.
        artists: After each of them, every photo is painted.
        works: Of the artist, for all paintings; each with an optional ``:WEIGHT``.
        pick: How works are picked.
        images: Style images of all paintings; each with an optional ``:WEIGHT``.
        masks: ``MASK=STYLE`` of all paintings, in which ``{stem}`` is the photo's name.
        protect: ``faces``, to keep their features.
        regions: ``auto``, to find parts that show alike things.
        variations: From :func:`parse_variation`.

    Raises:
        UsageError: There are too many, or a column is given twice.
        ArtistNstError: A store of photos cannot be read.
    """
    options: dict[str, Value | None] = {
        "work": [*works],
        "pick": pick,
        "style": [*images],
        "mask": [*masks],
        "protect": protect,
        "regions": regions,
    }
    shared = {name: value for name, value in options.items() if value}
    names = [name for name, _ in variations]
    if not (artists or images or masks or "style" in names):
        raise UsageError("no style: name --artists, or images with --style")
    for name in names:
        if name in shared or names.count(name) > 1:
            raise UsageError(f"{name} is given twice: leave it out, or vary it once")
    paths = [*dict.fromkeys(path for photo in photos for path in find_pictures(photo))]
    counts = [len(values) for _, values in variations]
    total = math.prod([len(paths), len(artists) or 1, *counts])
    if total > MAX_JOBS:
        raise UsageError(f"these are {total:,} jobs, over the limit of {MAX_JOBS:,}")
    reader = RowReader(Path())
    rows = product(paths, artists or (None,), product(*(v for _, v in variations)))
    for number, (photo, artist, values) in enumerate(rows, 1):
        row: dict[str, Value] = {"photo": photo, **shared}
        if artist is not None:
            row["artist"] = artist
        reader.add(number, row | dict(zip(names, values, strict=True)), naming=names)
    return reader.finish()
