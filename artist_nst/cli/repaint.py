"""``artist-nst repaint``: paint again from the record inside a painting."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from artist_nst.cli.easel import Easel, destination
from artist_nst.cli.options import FILES, PaintOptions, with_paint_options


@with_paint_options
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
    *,
    options: PaintOptions,
) -> None:
    """Paint again from the record in a painting, any option changed.

    With nothing changed, the same machine gives the same pixels.

    Examples:

    artist-nst repaint photo-night.png -w 1024 -o large.png

    artist-nst repaint old.png --content ~/pictures/photo.jpg --seed 8
    """
    from artist_nst import record
    from artist_nst.nst.recipe import from_dict

    found = record.read(painting)
    options = replace(options, corpora=options.corpora or found["corpora"])
    easel = Easel(options.recipe(from_dict(found["recipe"])), options)
    photo = record.find_content(found, painting, content)
    sources = record.find_sources(found, painting, style_image or [], options.corpora)
    seed = found["seed"] if options.seed is None else options.seed
    if options.network is None and found["network"]["sha256"] != easel.network.sha256:
        easel.console.print(
            "these are not the weights it was painted with: expect other pixels"
        )
    out, may_replace = destination(options.out, photo, sources)
    easel.paint(photo, sources, seed, out, replace=may_replace)
