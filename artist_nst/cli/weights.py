"""``artist-nst weights``: download VGG's weights now."""

from __future__ import annotations

from typing import Annotated

import typer

from artist_nst.cli import talk
from artist_nst.cli.options import Quiet, Verbose
from artist_nst.nst.recipe import Network


def weights(
    network: Annotated[Network, typer.Option(help="Which network.")] = "vgg19",
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """Download a network's weights into torch's cache, or say where they are.

    Example: artist-nst weights
    """
    from artist_nst.nst.weights import download_weights, load_weights, locate_weights

    console = talk.set_up(quiet, verbose)
    path = locate_weights(network)
    if path is None:
        with talk.download_bar(console) as show:
            path = download_weights(network, on_progress=show)
    load_weights(path, network)
    typer.echo(str(path))
