"""``artist-nst weights``: download VGG's weights now."""

from __future__ import annotations

import os
from typing import Annotated

import typer

from artist_nst.cli import console as talk
from artist_nst.cli.options import Quiet, Verbose
from artist_nst.cli.signals import load_torch
from artist_nst.recipes.recipe import Network


def weights(
    network: Annotated[Network, typer.Option(help="Which network.")] = "vgg19",
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """Download a network's weights into torch's cache; say where they are.

    Example: artist-nst weights
    """
    load_torch()
    from artist_nst.nst.weights import VARIABLE, download_weights

    console = talk.set_up(quiet, verbose)
    if named := os.environ.get(VARIABLE):
        console.print(f"note that ${VARIABLE} names {named}, which is used first")
    with talk.download_bar(console) as show:
        typer.echo(str(download_weights(network, on_progress=show)))
