"""``artist-nst repaint``: paint again from the record inside a painting."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer

from artist_nst.cli.commands.paint import Artist, RecipeName, WorkNames
from artist_nst.cli.options import FILES, PaintOptions, with_paint_options
from artist_nst.cli.session import Easel, destination
from artist_nst.cli.signals import load_torch
from artist_nst.errors import ArtistNstError
from artist_nst.recipes.recipe import from_dict
from artist_nst.recipes.toml_file import find_recipe


@with_paint_options()
def repaint(
    painting: Annotated[
        Path, typer.Argument(help="A painting made by artist-nst.", show_default=False)
    ],
    content: Annotated[
        Path | None,
        typer.Option(
            "--content", help="Where the photo is now.", rich_help_panel=FILES
        ),
    ] = None,
    style_image: Annotated[
        list[Path] | None,
        typer.Option(
            "--style-image",
            help="Where a style image is now; repeatable.",
            rich_help_panel=FILES,
        ),
    ] = None,
    artist: Artist = None,
    work: WorkNames = None,
    recipe: RecipeName = None,
    *,
    options: PaintOptions,
) -> None:
    """Paint again from the record in a painting, any option changed.

    With nothing changed, the same machine gives the same pixels.

    Examples:

    artist-nst repaint photo-night.png -w 1024 -o large.png

    artist-nst repaint old.png --content ~/pictures/photo.jpg --seed 8
    """
    load_torch()
    from artist_nst.painting import record
    from artist_nst.painting.style_sources import choose_sources

    found = record.read(painting)
    try:
        base = from_dict(found["recipe"]) if recipe is None else find_recipe(recipe)
        options = _as_recorded(options, found, base.network)
        easel = Easel(options.recipe(base), options)
        photo = record.find_content(found, painting, content)
        seed: int = found["seed"] if options.seed is None else options.seed
        if artist or work:
            artist = artist or found["styles"][0]["work"]["corpus"]
            sources = choose_sources((), artist, work or [], options.corpora, seed)
        else:
            now = style_image or []
            sources = record.find_sources(found, painting, now, options.corpora)
        sha256 = found["network"]["sha256"]
    except (TypeError, ValueError, KeyError, AttributeError, OverflowError) as error:
        raise ArtistNstError(
            f"{painting}: its record is damaged ({type(error).__name__}: {error})"
        ) from error
    asked = options.asked_network
    if (
        asked is None
        and recipe is None
        and (sha256 != easel.load().sha256 or _drafted_by_another(found))
    ):
        easel.console.print(
            "these are not the weights it was painted with: expect other pixels"
        )
    out, may_replace = destination(options.out, photo, sources)
    easel.paint(photo, sources, seed, out, replace=may_replace)


def _drafted_by_another(found: dict[str, Any]) -> bool:
    from artist_nst.image.files import sha256_of
    from artist_nst.nst.compact import PACKAGED

    was = found["network"].get("draft_sha256")
    return was is not None and was != sha256_of(PACKAGED)


def _as_recorded(
    options: PaintOptions, found: dict[str, Any], network: Any
) -> PaintOptions:
    """The options, with what the record knows of corpora, device and weights."""
    from artist_nst.image.files import sha256_of
    from artist_nst.nst.devices import available, choose_device
    from artist_nst.nst.precision import choose_precision
    from artist_nst.painting.networks import locate_network

    device = found["device"].split()[0]
    weights = locate_network(options.asked_network or network, options.weights)
    if (
        options.weights_input is None
        and weights is not None
        and sha256_of(weights) == found["network"]["sha256"]
    ):
        options = replace(options, weights_input=found["network"]["input"])
    options = replace(
        options,
        corpora=options.corpora or found["corpora"],
        device=options.device or (device if device in available() else "auto"),
    )
    precision = found.get("precision", "float32")
    if precision != "float32":
        # Where this machine is slow in it, it takes its own.
        precision = choose_precision("auto", choose_device(options.device or "auto"))
    return replace(options, precision=options.precision or precision)
