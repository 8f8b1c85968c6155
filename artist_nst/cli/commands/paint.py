"""``artist-nst paint``: the main job."""

from __future__ import annotations

import os
import sys
from glob import glob
from pathlib import Path
from typing import Annotated, Any

import typer

from artist_nst.cli.gallery import PAINTINGS, hang
from artist_nst.cli.options import (
    LOOK,
    PaintOptions,
    with_paint_options,
)
from artist_nst.cli.session import Easel, destination, make_folder
from artist_nst.cli.wish import Wish
from artist_nst.corpus.filters import Selection
from artist_nst.errors import ArtistNstError, UsageError
from artist_nst.recipes.toml_file import find_recipe
from artist_nst.styles.picking import BLENDED, Pick, Way

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
WHICH = "Which of the artist's works"


def _which(*names: str, help: str, **more: Any) -> Any:
    return typer.Option(*names, help=help, rich_help_panel=WHICH, **more)


RecipeName = Annotated[
    str | None,
    typer.Option(
        metavar="NAME|FILE.toml",
        help="A recipe (default: default, the record's for repaint); `artist-nst "
        "recipes` lists them.",
        rich_help_panel=LOOK,
    ),
]


@with_paint_options()
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
    recipe: RecipeName = None,
    pick: Annotated[
        Way | None,
        _which(
            "--pick",
            help="random; typical, the one most like all others; nearest to the photo; "
            "diverse, works that span the artist; mix, several alike in one painting "
            "(default: random, or diverse with --works).",
        ),
    ] = None,
    works: Annotated[
        int | None,
        _which(
            "--works",
            help=f"Paint the photo N times, after N works; with --pick mix, works in "
            f"the mix ({BLENDED}).",
            min=1,
            metavar="N",
        ),
    ] = None,
    sheet: Annotated[
        bool,
        _which(
            "--sheet",
            help=f"Paint it {PAINTINGS} times, or as --works says, and show all on "
            "one sheet.",
        ),
    ] = False,
    style: Annotated[
        list[str] | None,
        _which("--style", help="Such as cubism; repeatable: any of."),
    ] = None,
    genre: Annotated[
        list[str] | None,
        _which("--genre", help="Such as portrait; repeatable: any of."),
    ] = None,
    since: Annotated[
        int | None, _which("--since", help="Of this year or later.", metavar="YEAR")
    ] = None,
    until: Annotated[
        int | None, _which("--until", help="Of this year or earlier.", metavar="YEAR")
    ] = None,
    *,
    options: PaintOptions,
) -> None:
    """Paint a photo after style images, or after an artist's works.

    Examples:

    artist-nst paint photo.jpg --artist procedural --color-transfer

    artist-nst paint photo.jpg night.jpg:0.7 day.jpg:0.3 -w 384 -o both.png

    artist-nst paint *.jpg -A procedural --seed 7 -o painted

    artist-nst paint photo.jpg -A procedural --pick mix

    artist-nst paint photo.jpg -A procedural --works 4 --sheet
    """
    selection = Selection(
        style=tuple(style or ()), genre=tuple(genre or ()), since=since, until=until
    )
    asked = _pick(pick, works, sheet, selection)
    photos, styles = split(pictures, artist)
    easel = Easel(options.recipe(find_recipe(recipe or "default")), options)
    wish = Wish(styles, artist, work or [], asked, options.corpora, easel.console)
    if sheet or (asked and asked.paintings > 1):
        hang(photos, wish, easel)
    else:
        _one_by_one(photos, wish, easel)


def _pick(
    way: Way | None, works: int | None, sheet: bool, selection: Selection
) -> Pick | None:
    """What the options come to; None where none of them was given."""
    if sheet and works is None and way != "mix":
        works = PAINTINGS
    if way is None and works is None and selection == Selection():
        return None
    mixes = PAINTINGS if sheet and way == "mix" else 1
    return Pick(way=way, works=works, selection=selection, mixes=mixes)


def _one_by_one(photos: list[Path], wish: Wish, easel: Easel) -> None:
    import secrets

    options = easel.options
    seed = secrets.randbelow(2**31) if options.seed is None else options.seed
    if len(photos) > 1 and options.film is not None:
        raise UsageError("--film is of one painting: name one photo")
    several = len(photos) > 1
    if several:
        # What is wrong for all of them is said once, not for each photo.
        if options.out is not None:
            make_folder(options.out)
        easel.load()
    failed = 0
    for own_seed, photo in enumerate(photos, start=seed):
        sources = None
        try:
            sources = wish.one(photo, own_seed)
            out, replace = destination(options.out, photo, sources, several=several)
            easel.paint(photo, sources, own_seed, out, replace=replace)
        except ArtistNstError as error:
            of_all = sources is None and isinstance(error, UsageError)
            if of_all or not several:
                raise
            named = "" if str(photo) in str(error) else f"{photo}: "
            print(f"artist-nst: {named}{error}", file=sys.stderr)
            failed += 1
    if failed:
        raise ArtistNstError(f"{failed} of {len(photos)} photos were not painted")


def split(
    pictures: list[str], artist: str | None
) -> tuple[list[Path], list[tuple[str, float]]]:
    """Photos and styles; with an artist every picture is a photo."""
    from artist_nst.painting.style_sources import weighted

    if artist is not None:
        return [photo for picture in pictures for photo in _expanded(picture)], []
    photo, *styles = pictures
    # A file may have a colon and a number in its very name.
    return [Path(photo)], [
        (style, 1.0) if os.path.exists(style) else weighted(style) for style in styles
    ]


def _expanded(picture: str) -> list[Path]:
    """Windows' shells leave ``*.jpg`` to the program."""
    if os.path.exists(picture):
        return [Path(picture)]
    return [Path(one) for one in sorted(glob(picture))] or [Path(picture)]
