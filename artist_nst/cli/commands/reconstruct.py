"""``artist-nst reconstruct``: show what a network's layers keep of a picture."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from artist_nst.cli.console import open_console
from artist_nst.cli.options import RunOptions, with_options
from artist_nst.cli.series import run_series
from artist_nst.cli.signals import load_torch
from artist_nst.painting.output_names import shorten_name
from artist_nst.recipes.recipe import Network, Pool


@with_options(RunOptions)
def reconstruct(
    picture: Annotated[
        Path,
        typer.Argument(
            metavar="PICTURE",
            help="Picture whose content is reconstructed.",
            show_default=False,
        ),
    ],
    style: Annotated[
        Path | None,
        typer.Argument(
            metavar="STYLE",
            help="Picture whose style is reconstructed (default: the same picture).",
        ),
    ] = None,
    layer: Annotated[
        list[str] | None,
        typer.Option(
            metavar="LAYER",
            help="Layer, one column of the sheet; repeatable (default: conv1_1 … "
            "conv5_1).",
        ),
    ] = None,
    width: Annotated[
        int, typer.Option("--width", "-w", metavar="N", help="Width in pixels.")
    ] = 256,
    numiter: Annotated[
        int,
        typer.Option(
            "--numiter", "-n", metavar="N", help="Number of iterations for each."
        ),
    ] = 200,
    network: Annotated[
        Network, typer.Option(help="Network that the layers belong to.")
    ] = "auto",
    pool: Annotated[
        Pool, typer.Option(help="Pooling between the network's blocks.")
    ] = "max",
    tv: Annotated[
        float, typer.Option(metavar="X", help="Weight of smoothness, as in paint.")
    ] = 0.0,
    seed: Annotated[
        int, typer.Option(help="Random seed for the noise.", min=0, metavar="N")
    ] = 0,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            "-o",
            metavar="FOLDER",
            help="Output folder; pictures that it already contains are skipped "
            "(default: reconstruct-PICTURE in the current folder).",
        ),
    ] = None,
    *,
    options: RunOptions,
) -> None:
    """Show what each layer keeps of a picture, and sets of layers of its style.

    Every reconstruction starts from noise. The first row matches the picture's
    features at one layer; the second its Gram matrices at the first, the first two,
    … layers.

    Example: artist-nst reconstruct photo.jpg painting.jpg -w 256 -o layers
    """
    console = open_console(options.quiet, options.verbose)
    compute = options.compute
    load_torch()
    from artist_nst.experiments import reconstruction as experiment

    recipe = replace(
        experiment.RECONSTRUCTION, width=width, network=network, pool=pool, tv=tv
    )
    plan = experiment.plan_reconstruction(
        picture,
        style or picture,
        layers=layer or experiment.LAYERS,
        recipe=recipe.with_iterations(numiter),
        seed=seed,
        max_pixels=compute.max_pixels,
    )
    folder = out or Path(f"reconstruct-{shorten_name(picture.stem)}".replace(".", "-"))
    run_series(
        lambda networks, on_progress: experiment.reconstruct(
            plan, folder, networks=networks, on_progress=on_progress
        ),
        folder,
        compute,
        console,
    )
