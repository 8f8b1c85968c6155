"""``artist-nst doctor``: show the machine, the device, the weights and the corpora."""

from __future__ import annotations

import platform
import sys

from artist_nst.cli.console import open_console
from artist_nst.cli.options import Corpora, Quiet, Verbose, WeightsFile, WeightsInput
from artist_nst.cli.output import print_result
from artist_nst.cli.signals import load_torch


def doctor(
    weights: WeightsFile = None,
    weights_input: WeightsInput = None,
    corpora: Corpora = None,
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """Show versions, device, weights and corpora on this machine.

    Example: artist-nst doctor
    """
    load_torch()
    import torch

    from artist_nst._files import get_version
    from artist_nst.nst.devices import choose_device, describe_device
    from artist_nst.nst.machine import free_memory
    from artist_nst.nst.memory import format_gigabytes
    from artist_nst.nst.precision import choose_precision

    open_console(quiet=not verbose or quiet, verbose=verbose)
    device = choose_device()
    rows = [
        ("artist-nst", get_version()),
        ("python", f"{sys.version.split()[0]} on {platform.platform()}"),
        *(
            (package, get_version(package) or "not found")
            for package in ("torch", "torchvision", "scipy", "numpy", "pillow")
        ),
        ("device", describe_device(device)),
        ("threads", torch.get_num_threads()),
        ("precision", choose_precision("auto", device)),
        ("memory", f"{format_gigabytes(free_memory(device))} free on the device"),
        ("weights", _describe_weights(weights, weights_input)),
        *_describe_corpora(corpora),
    ]
    width = max(len(name) for name, _ in rows) + 2
    for name, value in rows:
        print_result(f"{name:{width}}{value}")


def _describe_weights(weights: WeightsFile, weights_input: WeightsInput) -> str:
    from artist_nst.errors import ArtistNstError
    from artist_nst.nst.compact import is_compact
    from artist_nst.nst.weights.checkpoint import load_weights
    from artist_nst.nst.weights.locate import locate_weights

    if weights is not None and is_compact(weights):
        return f"{weights} (compact)"
    try:
        path = locate_weights("vgg19", weights)
        if path is None:
            return (
                "not downloaded yet: the compact network paints; `artist-nst weights` "
                "downloads VGG-19's (548 MiB)"
            )
        loaded = load_weights(path, "vgg19", input=weights_input)
    except ArtistNstError as error:
        return f"unusable: {error}"
    return f"{path} (vgg19, {loaded.input} input)"


def _describe_corpora(corpora: Corpora) -> list[tuple[str, str]]:
    from artist_nst.corpus.works import (
        check_corpora_folder,
        choose_corpora_folder,
        list_artists,
        load_corpus,
    )
    from artist_nst.errors import ArtistNstError, UsageError, format_count

    folder = choose_corpora_folder(corpora)
    note = "" if folder.is_dir() else " (does not exist yet)"
    rows = [("corpora", f"{folder}{note}")]
    try:
        check_corpora_folder(folder)
    except UsageError as error:
        rows = [("corpora", f"unusable: {error}")]
    for slug, path in list_artists(folder).items():
        try:
            rows.append(
                (f"  {slug}", format_count(len(load_corpus(path).available), "work"))
            )
        except ArtistNstError as error:
            rows.append((f"  {slug}", f"unusable: {error}"))
    return rows
