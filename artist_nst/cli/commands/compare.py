"""``artist-nst compare``: vary one or two settings, and draw a labeled sheet."""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from artist_nst._files import open_file
from artist_nst.cli.commands.paint import split_pictures
from artist_nst.cli.console import counting_bar, open_console
from artist_nst.cli.options import (
    Artist,
    PaintOptions,
    PickName,
    RecipeName,
    StyleFiles,
    WorkNames,
    with_options,
)
from artist_nst.cli.series import run_series
from artist_nst.cli.signals import load_torch
from artist_nst.errors import UsageError
from artist_nst.experiments.axes import AXES, Axis, parse_axis
from artist_nst.painting.output_names import shorten_name
from artist_nst.recipes.settings import SETTING_AXES
from artist_nst.recipes.toml_file import find_recipe
from artist_nst.styles.pick import Pick

# More paintings take hours on most machines, and need --yes.
MAX_UNCONFIRMED = 100


@with_options(PaintOptions, "out", "print_rate", "film", "explain", "seed")
def compare(
    axis_name: Annotated[
        str,
        typer.Argument(
            metavar="AXIS",
            help=f"Setting to vary: {', '.join(AXES)}.",
            show_default=False,
        ),
    ],
    values: Annotated[
        str,
        typer.Argument(
            metavar="VALUES",
            help="Values separated by commas; + joins layers within a value, as in "
            "conv1_1+conv2_1=0.5.",
            show_default=False,
        ),
    ],
    pictures: Annotated[
        list[str],
        typer.Argument(
            metavar="PICTURE",
            help="Photo, then style images, each with an optional :WEIGHT; with "
            "--artist, only the photo.",
            show_default=False,
        ),
    ],
    by: Annotated[
        tuple[str, str] | None,
        typer.Option(
            metavar="AXIS VALUES", help="Second setting to vary, from top to bottom."
        ),
    ] = None,
    style: StyleFiles = None,
    artist: Artist = None,
    recipe: RecipeName = None,
    work: WorkNames = None,
    pick: PickName = None,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            "-o",
            metavar="FOLDER",
            help="Output folder; paintings that it already contains are skipped "
            "(default: compare-PHOTO-AXIS in the current folder).",
        ),
    ] = None,
    seed: Annotated[
        int | None,
        typer.Option(
            help="Random seed for work selection and noise of all paintings "
            "(default: 0).",
            min=0,
            metavar="N",
        ),
    ] = None,
    yes: Annotated[
        bool,
        typer.Option(
            "--yes", "-y", help=f"Allow more than {MAX_UNCONFIRMED} paintings."
        ),
    ] = False,
    *,
    options: PaintOptions,
) -> None:
    """Paint a photo with different values of one or two settings, and compare them.

    The output folder contains the paintings, sheet.png with all of them,
    results.csv with settings, losses and distances, and losses.png, a plot of the
    losses over time.

    Examples:
        artist-nst compare style-scale 0.6,1,1.2,1.8 photo.jpg --artist procedural
        artist-nst compare ratio 1,25 photo.jpg night.jpg --by tv 0,0.01 -o grid
    """
    across = parse_axis(axis_name, values)
    down = parse_axis(*by) if by else None
    axes = [axis for axis in (across, down) if axis]
    given = {
        "recipe": recipe,
        "artist": artist,
        "work": work or None,
        "pick": pick,
        "long-side": options.find_option("width"),
        "precision": options.precision,
        "seed": seed,
    }
    _check_options(axes, options, given)
    color_varies = any(axis.name == "color" for axis in axes)
    adjust = partial(options.change_recipe, color_varies=color_varies)
    count = len(across.values) * (len(down.values) if down else 1)
    if count > MAX_UNCONFIRMED and not yes:
        raise UsageError(f"these are {count:,} paintings: add --yes to paint so many")
    _check_values(values, pictures)
    console = open_console(options.quiet, options.verbose)
    photo, styles = _split_pictures(pictures, artist, style)
    open_file(photo).close()
    load_torch()
    from artist_nst.experiments import comparison
    from artist_nst.painting.style_sources import StyleRequest

    compute = options.compute
    with counting_bar(console) as show:
        plan = comparison.plan_comparison(
            across,
            photo,
            StyleRequest(
                images=styles,
                artist=artist,
                works=work or [],
                pick=Pick(way=pick) if pick else None,
                corpora=options.corpora,
            ),
            down=down,
            recipe=adjust(find_recipe(recipe or "default")),
            adjust=adjust,
            long_side=options.long_side,
            seed=seed or 0,
            max_pixels=compute.max_pixels,
            keep_paths=not options.no_paths,
            on_pick=lambda done, count: show("analyzing works", done, count, ""),
        )
    folder = out or _name_folder(photo, across, down)
    run_series(
        lambda networks, on_progress: comparison.compare(
            plan, folder, networks=networks, on_progress=on_progress
        ),
        folder,
        compute,
        console,
    )


def _check_options(
    axes: list[Axis],
    options: PaintOptions,
    given: Mapping[str, object],
) -> None:
    """Raise UsageError if an option sets what an axis varies.

    Args:
        axes: What varies.
        options: The settings that were given.
        given: Values of the axes that are no setting; None if not given.
    """
    for axis in axes:
        if axis.name in SETTING_AXES:
            option = options.find_option(SETTING_AXES[axis.name])
        else:
            is_given = given.get(axis.name) is not None
            option = f"--{axis.name}" if is_given else None
        if option is not None:
            raise UsageError(f"{option}: leave it out, {axis.name} is varied")


def _check_values(values: str, pictures: list[str]) -> None:
    """Raise UsageError for values that were separated by spaces."""
    numbers = [
        text
        for text in pictures
        if not os.path.exists(text) and text.replace(".", "", 1).isdecimal()
    ]
    if numbers:
        raise UsageError(
            f"{numbers[0]} is no picture: separate values by commas, "
            f"{','.join([values, *numbers])}"
        )


def _split_pictures(
    pictures: list[str], artist: str | None, style: list[str] | None
) -> tuple[Path, list[tuple[str, float]]]:
    photos, styles = split_pictures(pictures, artist, style)
    if len(photos) > 1:
        option = "--artist" if artist else "--style"
        raise UsageError(
            f"with {option} every picture is a photo, and compare takes only one: "
            f"leave out {photos[1]}"
        )
    return photos[0], styles


def _name_folder(photo: Path, across: Axis, down: Axis | None) -> Path:
    suffix = f"-by-{down.name}" if down else ""
    return Path(f"compare-{shorten_name(photo.stem)}-{across.name}{suffix}")
