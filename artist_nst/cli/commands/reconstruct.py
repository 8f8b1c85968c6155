"""``artist-nst reconstruct``: what layers keep of a picture."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from artist_nst.cli import console as talk
from artist_nst.cli.options import (
    FILES,
    LOOK,
    RUN,
    Device,
    MaxMemory,
    Offline,
    PrecisionOption,
    Quiet,
    Verbose,
    WeightsFile,
    WeightsInput,
    max_bytes,
)
from artist_nst.cli.outcome import report
from artist_nst.cli.session import clipped, series_folder
from artist_nst.cli.signals import load_torch
from artist_nst.recipes.recipe import Network, Pool


def reconstruct(
    picture: Annotated[Path, typer.Argument(help="A picture.", show_default=False)],
    style: Annotated[
        Path | None,
        typer.Argument(help="Another one for the row of style (default: the same)."),
    ] = None,
    layer: Annotated[
        list[str] | None,
        typer.Option(
            help="A column of the sheet; repeatable (default: conv1_1 … conv5_1).",
            rich_help_panel=LOOK,
        ),
    ] = None,
    width: Annotated[
        int, typer.Option("--width", "-w", help="In pixels.", rich_help_panel=LOOK)
    ] = 256,
    numiter: Annotated[
        int,
        typer.Option(
            "--numiter", "-n", help="Iterations of each.", rich_help_panel=LOOK
        ),
    ] = 200,
    network: Annotated[
        Network, typer.Option(help="Whose layers.", rich_help_panel=LOOK)
    ] = "auto",
    pool: Annotated[
        Pool, typer.Option(help="How it makes images smaller.", rich_help_panel=LOOK)
    ] = "max",
    tv: Annotated[
        float,
        typer.Option(help="Smoothness, as in paint.", rich_help_panel=LOOK),
    ] = 0.0,
    seed: Annotated[
        int, typer.Option(help="Of the noise.", min=0, rich_help_panel=LOOK)
    ] = 0,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            "-o",
            help="The folder (default: reconstruct-PICTURE here). Run again, what is "
            "done there is not painted again.",
            rich_help_panel=FILES,
        ),
    ] = None,
    weights: WeightsFile = None,
    weights_input: WeightsInput = None,
    device: Device = None,
    precision: PrecisionOption = None,
    max_memory: MaxMemory = None,
    offline: Offline = False,
    max_pixels: Annotated[
        int,
        typer.Option(
            help="Refuse larger pictures.", min=1, rich_help_panel=RUN, metavar="N"
        ),
    ] = 180_000_000,
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """Show what single layers keep of a picture, and sets of layers of its style.

    Each reconstruction starts from noise. The first row seeks the picture's features
    at one layer; the second its Gram matrices at the first, the first two, … layers.

    Example: artist-nst reconstruct photo.jpg painting.jpg -w 256 -o layers
    """
    console = talk.set_up(quiet, verbose)
    load_torch()
    from artist_nst.experiments.reconstruction import LAYERS, RECONSTRUCTION, plan
    from artist_nst.experiments.reconstruction import reconstruct as run
    from artist_nst.painting.networks import Networks

    changed = replace(RECONSTRUCTION, width=width, network=network, pool=pool, tv=tv)
    planned = plan(
        picture,
        style or picture,
        layers=layer or LAYERS,
        recipe=changed.with_iterations(numiter),
        seed=seed,
        max_pixels=max_pixels,
    )
    folder = out or Path(f"reconstruct-{clipped(picture.stem)}".replace(".", "-"))
    with (
        series_folder(folder),
        talk.download_bar(console) as download,
        talk.series_bar(console) as show,
    ):
        networks = Networks(
            device=device or "auto",
            weights=weights,
            input=weights_input,
            offline=offline,
            on_download=download,
        )
        series = run(
            planned,
            folder,
            networks=networks,
            on_progress=show,
            max_pixels=max_pixels,
            precision=precision or "auto",
            max_memory=max_bytes(max_memory),
        )
    report(series, folder, len(planned.all))
