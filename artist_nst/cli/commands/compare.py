"""``artist-nst compare``: one setting varied, or two, on one labelled sheet."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from artist_nst.cli import console as talk
from artist_nst.cli.commands.paint import Artist, RecipeName, WorkNames
from artist_nst.cli.options import FILES, LOOK, RUN, PaintOptions, with_paint_options
from artist_nst.cli.outcome import report
from artist_nst.cli.session import clipped, series_folder
from artist_nst.cli.signals import load_torch
from artist_nst.errors import UsageError
from artist_nst.experiments.axes import Axis, axis
from artist_nst.recipes.toml_file import find_recipe

# More paintings than this want a --yes: hours, on most machines.
MANY = 100

# What settles an axis for all cells, and so can't be given with it.
SETTLED_BY = {
    "style-scale": ("style_scale",),
    "ratio": ("ratio",),
    "content-layer": ("content_layer",),
    "style-layer": ("style_layer",),
    "iterations": ("numiter",),
    "init": ("init",),
    "tv": ("tv",),
    "network": ("network", "draft"),
    "pool": ("pool",),
    "optimizer": ("optimizer",),
    "color": ("color", "color_transfer"),
    "width": ("width", "long_side"),
}


@with_paint_options("out", "print_rate", "film", "explain", "seed")
def compare(
    axis_name: Annotated[
        str,
        typer.Argument(
            metavar="AXIS",
            help="What varies: style-scale, ratio, content-layer, style-layer, "
            "iterations, init, tv, network, pool, optimizer, color, width, recipe or "
            "work.",
            show_default=False,
        ),
    ],
    values: Annotated[
        str,
        typer.Argument(
            metavar="VALUES",
            help="With commas between them; layers within a value are joined by +, as "
            "in conv1_1+conv2_1=0.5.",
            show_default=False,
        ),
    ],
    pictures: Annotated[
        list[str],
        typer.Argument(
            metavar="PICTURE",
            help="The photo, then style images, each with :WEIGHT if you like.",
            show_default=False,
        ),
    ],
    by: Annotated[
        tuple[str, str] | None,
        typer.Option(
            metavar="AXIS VALUES",
            help="A second axis, from top to bottom.",
            rich_help_panel=LOOK,
        ),
    ] = None,
    artist: Artist = None,
    work: WorkNames = None,
    recipe: RecipeName = None,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            "-o",
            help="The folder (default: compare-PHOTO-AXIS here). Run again, what is "
            "done there is not painted again.",
            rich_help_panel=FILES,
        ),
    ] = None,
    seed: Annotated[
        int,
        typer.Option(
            help="Of every cell's pick and noise.", min=0, rich_help_panel=LOOK
        ),
    ] = 0,
    yes: Annotated[
        bool,
        typer.Option(
            "--yes",
            "-y",
            help=f"Paint even more than {MANY} pictures.",
            rich_help_panel=RUN,
        ),
    ] = False,
    *,
    options: PaintOptions,
) -> None:
    """Paint a photo with one setting varied, or two, and lay the paintings out.

    The folder gets every painting, sheet.png with all of them, results.csv with
    settings, losses and distances, and losses.png with losses against seconds. All
    cells have one --seed.

    Examples:

    artist-nst compare style-scale 0.6,1,1.2,1.8 photo.jpg --artist procedural

    artist-nst compare ratio 1,5,25 photo.jpg night.jpg --by content-layer
    conv3_1,conv4_2,conv5_1 -w 256 -o grid
    """
    across, down = axis(axis_name, values), axis(*by) if by else None
    axes = [one for one in (across, down) if one]
    _check_unsettled(axes, options, recipe, work)
    color_varies = any(one.name == "color" for one in axes)
    adjust = partial(options.recipe, color_varies=color_varies)
    count = len(across.values) * (len(down.values) if down else 1)
    if count > MANY and not yes:
        raise UsageError(f"that is {count:,} paintings: add --yes if so many are meant")
    console = talk.set_up(options.quiet, options.verbose)
    load_torch()
    from artist_nst.experiments.comparison import compare as run
    from artist_nst.experiments.comparison import plan
    from artist_nst.painting.networks import Networks

    photo, styles = _pictures(pictures, artist)
    planned = plan(
        across,
        photo,
        styles,
        by=down,
        artist=artist,
        works=work or [],
        corpora=options.corpora,
        recipe=adjust(find_recipe(recipe or "default")),
        adjust=adjust,
        long_side=options.long_side,
        seed=seed,
        max_pixels=options.max_pixels,
    )
    folder = out or _folder(photo, across, down)
    with (
        series_folder(folder),
        talk.download_bar(console) as download,
        talk.series_bar(console) as show,
    ):
        networks = Networks(
            device=options.device or "auto",
            weights=options.weights,
            input=options.weights_input,
            offline=options.offline,
            on_download=download,
        )
        made = run(
            planned,
            folder,
            networks=networks,
            on_progress=show,
            corpora=options.corpora,
            max_pixels=options.max_pixels,
            precision=options.precision or "auto",
            max_memory=options.max_bytes,
        )
    report(made.series, folder, count)


def _check_unsettled(
    axes: list[Axis], options: PaintOptions, recipe: str | None, work: list[str] | None
) -> None:
    for one in axes:
        if (one.name == "recipe" and recipe) or (one.name == "work" and work):
            raise UsageError(f"--{one.name} is what varies: leave it out")
        for field in SETTLED_BY.get(one.name, ()):
            given = getattr(options, field)
            # Not by its truth: a --ratio of 0 is given, too.
            if given is not None and given is not False:
                option = field.replace("_", "-")
                raise UsageError(f"--{option}: {one.name} is what varies, leave it out")


def _pictures(
    pictures: list[str], artist: str | None
) -> tuple[Path, list[tuple[str, float]]]:
    from artist_nst.cli.commands.paint import split

    photos, styles = split(pictures, artist)
    if len(photos) > 1:
        raise UsageError(
            f"with --artist every picture is a photo, and one is compared: leave out "
            f"{photos[1]}"
        )
    return photos[0], styles


def _folder(photo: Path, across: Axis, down: Axis | None) -> Path:
    by = f"-by-{down.name}" if down else ""
    return Path(f"compare-{clipped(photo.stem)}-{across.name}{by}")
