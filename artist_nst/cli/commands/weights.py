"""``artist-nst weights``: download VGG's weights in advance."""

from __future__ import annotations

import os
from typing import Annotated

import typer

from artist_nst.cli.console import download_bar, open_console
from artist_nst.cli.options import Quiet, Verbose
from artist_nst.cli.signals import load_torch
from artist_nst.recipes.recipe import Network


def weights(
    network: Annotated[Network, typer.Option(help="Network to download.")] = "vgg19",
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """Download a network's weights into torch's cache, and print their path.

    Example: artist-nst weights
    """
    load_torch()
    from artist_nst.nst.weights.download import WEIGHTS_VARIABLE, download_weights

    console = open_console(quiet, verbose)
    if path := os.environ.get(WEIGHTS_VARIABLE):
        console.print(
            f"note: ${WEIGHTS_VARIABLE} is set, so {path} is used instead", markup=False
        )
    with download_bar(console) as show:
        typer.echo(str(download_weights(network, on_progress=show)))
