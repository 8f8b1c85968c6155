"""``artist-nst paint``: the main job."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from artist_nst.cli.easel import Easel, destination
from artist_nst.cli.options import (
    LOOK,
    PaintOptions,
    named_recipe,
    weighted,
    with_paint_options,
)
from artist_nst.errors import ArtistNstError, UsageError

Artist = Annotated[
    str | None,
    typer.Option(
        "--artist",
        "-A",
        help="Whose works to take: picasso, 'Pablo Picasso', pablo-picasso. Every "
        "picture named is then a photo.",
        rich_help_panel=LOOK,
    ),
]
WorkNames = Annotated[
    list[str] | None,
    typer.Option(
        "--work",
        help="A work of the artist by id or title, with :WEIGHT if you like; "
        "repeatable (default: one picked at random).",
        rich_help_panel=LOOK,
    ),
]


@with_paint_options
def paint(
    pictures: Annotated[
        list[str],
        typer.Argument(
            metavar="PICTURE",
            help="The photo, then style images, each with :WEIGHT if you like.",
            show_default=False,
        ),
    ],
    artist: Artist = None,
    work: WorkNames = None,
    recipe: Annotated[
        str,
        typer.Option(help="See `artist-nst recipes`.", rich_help_panel=LOOK),
    ] = "default",
    *,
    options: PaintOptions,
) -> None:
    """Paint a photo after style images, or after an artist's works.

    Examples:

    artist-nst paint photo.jpg --artist procedural --color-transfer

    artist-nst paint photo.jpg night.jpg:0.7 day.jpg:0.3 -w 384 -o both.png

    artist-nst paint *.jpg -A procedural --seed 7 -o painted
    """
    import secrets

    from artist_nst.sources import choose_sources

    photos, styles = _split(pictures, artist)
    easel = Easel(options.recipe(named_recipe(recipe)), options)
    seed = secrets.randbelow(2**31) if options.seed is None else options.seed
    works = [weighted(name) for name in work or []]
    failed = 0
    for index, photo in enumerate(photos):
        try:
            own_seed = seed + index
            sources = choose_sources(styles, artist, works, options.corpora, own_seed)
            several = len(photos) > 1
            out, replace = destination(options.out, photo, sources, several=several)
            easel.paint(photo, sources, own_seed, out, replace=replace)
        except ArtistNstError as error:
            if len(photos) == 1 or isinstance(error, UsageError):
                raise
            # The other photos can still be painted.
            print(f"artist-nst: {error}", file=sys.stderr)
            failed += 1
    if failed:
        raise ArtistNstError(f"{failed} of {len(photos)} photos were not painted")


def _split(
    pictures: list[str], artist: str | None
) -> tuple[list[Path], list[tuple[str, float]]]:
    """Photos and styles: with an artist, every picture is a photo."""
    if artist is not None:
        return [Path(picture) for picture in pictures], []
    photo, *styles = pictures
    # A file may have a colon and a number in its very name.
    return [Path(photo)], [
        (style, 1.0) if Path(style).exists() else weighted(style) for style in styles
    ]
