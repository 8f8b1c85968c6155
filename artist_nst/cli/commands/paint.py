"""``artist-nst paint``: paint photos in the style of images or of an artist."""

from __future__ import annotations

import os
import secrets
from dataclasses import replace
from functools import partial
from glob import glob
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from artist_nst.cli.gallery import (
    DEFAULT_COUNT,
    choose_groups,
    paint_each,
    paint_galleries,
)
from artist_nst.cli.options import (
    SELECTION,
    Artist,
    PaintOptions,
    RecipeName,
    WorkNames,
    panel_option,
    with_options,
)
from artist_nst.cli.series import make_folder
from artist_nst.cli.session import PaintSession, choose_output
from artist_nst.corpus.filters import Selection
from artist_nst.errors import UsageError
from artist_nst.recipes.toml_file import find_recipe
from artist_nst.styles.picking import DEFAULT_MIX_SIZE, Pick, PickWay

if TYPE_CHECKING:
    from artist_nst.painting.style_sources import StyleRequest

_selection_option = partial(panel_option, SELECTION)


@with_options(PaintOptions)
def paint(
    pictures: Annotated[
        list[str],
        typer.Argument(
            metavar="PICTURE",
            help="Photo, then style images, each with an optional :WEIGHT; with "
            "--artist, only photos.",
            show_default=False,
        ),
    ],
    artist: Artist = None,
    recipe: RecipeName = None,
    work: WorkNames = None,
    pick: Annotated[
        PickWay | None,
        _selection_option(
            help="How works are picked. typical: the work most similar to all others; "
            "nearest: similar to the photo in subject and color; diverse: works that "
            "span the artist's range; mix: several similar works in one painting; "
            "whole: similar works that suit the photo, each place after one of them "
            "(default: random, or diverse with --works)."
        ),
    ] = None,
    works: Annotated[
        int | None,
        _selection_option(
            help="Make N paintings of the photo, each after another work; with --pick "
            f"mix or whole, one painting after N works together ({DEFAULT_MIX_SIZE}).",
            min=1,
            metavar="N",
        ),
    ] = None,
    sheet: Annotated[
        bool,
        _selection_option(
            "--sheet",
            help=f"Make {DEFAULT_COUNT} paintings of the photo, or as many as --works "
            "says, and show them on one sheet.",
        ),
    ] = False,
    style: Annotated[
        list[str] | None,
        _selection_option(
            metavar="TEXT", help="Only works of a style, such as cubism; repeatable."
        ),
    ] = None,
    genre: Annotated[
        list[str] | None,
        _selection_option(
            metavar="TEXT", help="Only works of a genre, such as portrait; repeatable."
        ),
    ] = None,
    since: Annotated[
        int | None,
        _selection_option(help="Only works of this year or later.", metavar="YEAR"),
    ] = None,
    until: Annotated[
        int | None,
        _selection_option(help="Only works of this year or earlier.", metavar="YEAR"),
    ] = None,
    *,
    options: PaintOptions,
) -> None:
    """Paint a photo in the style of other images, or of an artist's works.

    Examples:
        artist-nst paint photo.jpg --artist procedural --color-transfer
        artist-nst paint photo.jpg night.jpg:0.7 day.jpg:0.3 -w 384 -o both.png
        artist-nst paint *.jpg -A procedural --seed 7 -o painted
        artist-nst paint photo.jpg -A procedural --pick whole
        artist-nst paint photo.jpg -A procedural --works 4 --sheet
    """
    from artist_nst.painting.style_sources import StyleRequest

    selection = Selection(
        style=tuple(style or ()), genre=tuple(genre or ()), since=since, until=until
    )
    requested = _make_pick(pick, works, sheet, selection)
    photos, styles = split_pictures(pictures, artist)
    session = PaintSession(
        options.change_recipe(find_recipe(recipe or "default")), options
    )
    request = StyleRequest(
        images=styles,
        artist=artist,
        works=work or [],
        pick=requested,
        corpora=options.corpora,
    )
    if sheet or (requested and requested.painting_count > 1):
        paint_galleries(photos, request, session)
    else:
        _paint_photos(photos, request, session)


def _make_pick(
    way: PickWay | None, works: int | None, sheet: bool, selection: Selection
) -> Pick | None:
    """Build the pick from its options; None if none of them was given."""
    pick = Pick(way=way, works=works, selection=selection)
    if sheet and pick.is_blend:
        return replace(pick, mixes=DEFAULT_COUNT)
    if sheet and works is None:
        return replace(pick, works=DEFAULT_COUNT)
    return None if pick == Pick() else pick


def _paint_photos(
    photos: list[Path], request: StyleRequest, session: PaintSession
) -> None:
    options = session.options
    seed = secrets.randbelow(2**31) if options.seed is None else options.seed
    if len(photos) > 1 and options.film is not None:
        raise UsageError("--film is for a single painting: name one photo")
    if len(photos) > 1:
        # Report what would fail for every photo once, before the first.
        if options.out is not None:
            make_folder(options.out)
        _ = session.network

    def paint_photo(index: int, photo: Path) -> None:
        (sources,) = choose_groups(request, seed + index, photo, session.console)
        out, may_replace = choose_output(
            options.out, photo, sources, several=len(photos) > 1
        )
        session.paint(
            photo,
            sources,
            seed + index,
            out,
            corpora=options.corpora,
            replace=may_replace,
        )

    paint_each(photos, paint_photo)


def split_pictures(
    pictures: list[str], artist: str | None
) -> tuple[list[Path], list[tuple[str, float]]]:
    """Split positional pictures into photos and weighted style images.

    Args:
        pictures: As typed.
        artist: If given, all pictures are photos, and patterns are expanded.
    """
    from artist_nst.painting.style_sources import parse_weight

    if artist is not None:
        return [photo for picture in pictures for photo in _expand_glob(picture)], []
    photo, *styles = pictures
    # A file's name itself may end in a colon and a number.
    return [Path(photo)], [
        (style, 1.0) if os.path.exists(style) else parse_weight(style)
        for style in styles
    ]


def _expand_glob(picture: str) -> list[Path]:
    """Expand a pattern such as ``*.jpg``, which Windows' shells do not."""
    if os.path.exists(picture):
        return [Path(picture)]
    return [Path(match) for match in sorted(glob(picture))] or [Path(picture)]
