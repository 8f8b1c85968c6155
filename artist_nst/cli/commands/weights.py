"""``artist-nst weights``: download VGG's weights in advance."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from artist_nst.cli.console import download_bar, open_console, print_note
from artist_nst.cli.options import Quiet, Verbose
from artist_nst.cli.output import print_result
from artist_nst.cli.signals import load_torch
from artist_nst.recipes.recipe import Network


def weights(
    network: Annotated[Network, typer.Option(help="Network to download.")] = "vgg19",
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """Download a network's weights into torch's cache, and print their path.

    If $ARTIST_NST_WEIGHTS names a file with them, that is used, and nothing downloaded.

    Example: artist-nst weights
    """
    load_torch()
    from artist_nst.nst.weights.checkpoint import belongs_to_other, load_weights
    from artist_nst.nst.weights.download import WEIGHTS_VARIABLE, download_weights
    from artist_nst.recipes.layers import resolve_vgg

    console = open_console(quiet, verbose)
    named, architecture = os.environ.get(WEIGHTS_VARIABLE), resolve_vgg(network)
    if named and not belongs_to_other(Path(named), architecture):
        load_weights(named, architecture)
        print_note(console, f"${WEIGHTS_VARIABLE} names these")
        print_result(named)
        return
    with download_bar(console) as show:
        print_result(download_weights(network, on_progress=show))
