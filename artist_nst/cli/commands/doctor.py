"""``artist-nst doctor``: what machine, device, weights and corpora there are."""

from __future__ import annotations

import platform
import sys

from artist_nst.cli import console as talk
from artist_nst.cli.options import Corpora, Quiet, Verbose, WeightsFile, WeightsInput
from artist_nst.cli.signals import load_torch


def doctor(
    corpora: Corpora = None,
    weights: WeightsFile = None,
    weights_input: WeightsInput = None,
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """Say what was found here: versions, devices, weights and corpora.

    Example: artist-nst doctor
    """
    load_torch()
    import torch
    from rich.console import Console
    from rich.table import Table

    from artist_nst.nst.devices import choose_device, describe
    from artist_nst.nst.machine import memory_left
    from artist_nst.nst.memory import gigabytes
    from artist_nst.nst.precision import choose_precision
    from artist_nst.painting.record import version

    talk.set_up(quiet=not verbose or quiet, verbose=verbose)
    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_row("artist-nst", version("artist-nst"))
    table.add_row("python", f"{sys.version.split()[0]} on {platform.platform()}")
    for package in ("torch", "torchvision", "scipy", "numpy", "pillow"):
        table.add_row(package, version(package) or "not found")
    device = choose_device()
    table.add_row("device", describe(device))
    table.add_row("threads", str(torch.get_num_threads()))
    table.add_row("precision", choose_precision("auto", device))
    table.add_row("memory", f"{gigabytes(memory_left(device))} free on the device")
    table.add_row("weights", _weights(weights, weights_input))
    for place, found in _corpora(corpora):
        table.add_row(place, found)
    Console(highlight=False, soft_wrap=True).print(table)


def _weights(given: WeightsFile, input: WeightsInput) -> str:
    from artist_nst.errors import ArtistNstError
    from artist_nst.nst.compact import is_compact
    from artist_nst.nst.weights import load_weights, locate_weights

    if given is not None and is_compact(given):
        return f"{given} (compact)"
    try:
        path = locate_weights("vgg19", given)
        if path is None:
            return (
                "none here yet: the compact network paints; `artist-nst weights` "
                "downloads VGG-19's (548 MiB)"
            )
        found = load_weights(path, "vgg19", input=input)
    except ArtistNstError as error:
        return f"unusable: {error}"
    return f"{path} (vgg19, for {found.input}'s input)"


def _corpora(given: Corpora) -> list[tuple[str, str]]:
    from artist_nst.corpus.works import (
        artists,
        check_corpora,
        corpora_folder,
        load_corpus,
    )
    from artist_nst.errors import ArtistNstError, UsageError

    folder = corpora_folder(given)
    rows = [("corpora", str(folder) + ("" if folder.is_dir() else " (not there yet)"))]
    try:
        check_corpora(folder)
    except UsageError as error:
        rows = [("corpora", f"unusable: {error}")]
    for slug, path in artists(folder).items():
        try:
            rows.append((f"  {slug}", f"{len(load_corpus(path).here):,} works"))
        except ArtistNstError as error:
            rows.append((f"  {slug}", f"unusable: {error}"))
    return rows
