"""``artist-nst paint``: paint photos in the style of images or of an artist."""

from __future__ import annotations

import os
import secrets
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from artist_nst._files import find_pictures, open_file
from artist_nst.cli.console import print_note
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
    PickName,
    RecipeName,
    StyleFiles,
    WorkNames,
    panel_option,
    with_options,
)
from artist_nst.cli.output import print_result
from artist_nst.cli.regions import (
    Masks,
    Protect,
    RegionOptions,
    Regions,
    read_options,
)
from artist_nst.cli.series import output_folder
from artist_nst.cli.session import PaintSession, choose_output
from artist_nst.corpus.filters import Selection
from artist_nst.errors import UsageError
from artist_nst.recipes.toml_file import find_recipe
from artist_nst.styles.pick import DEFAULT_MIX_SIZE, Pick, PickWay

if TYPE_CHECKING:
    from artist_nst.painting.sources import Source
    from artist_nst.painting.style_sources import StyleRequest

_selection_option = partial(panel_option, SELECTION)


@with_options(PaintOptions)
def paint(
    pictures: Annotated[
        list[str],
        typer.Argument(
            metavar="PICTURE",
            help="Photo, then style images, each with an optional :WEIGHT; with "
            "--artist or --style, only photos, or folders of them.",
            show_default=False,
        ),
    ],
    artist: Artist = None,
    recipe: RecipeName = None,
    photoreal: Annotated[
        bool,
        typer.Option(
            "--photoreal",
            help="Keep it a photograph, in the light and colors of the style; short "
            "for --recipe photoreal.",
        ),
    ] = False,
    work: WorkNames = None,
    pick: PickName = None,
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
    style: StyleFiles = None,
    mask: Masks = None,
    protect: Protect = None,
    regions: Regions = None,
    movement: Annotated[
        list[str] | None,
        _selection_option(
            metavar="TEXT",
            help="Only works of a style, such as cubism; repeatable.",
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
        artist-nst paint *.jpg --style night.jpg -o painted
        artist-nst paint *.jpg -A procedural --seed 7 -o painted
        artist-nst paint photo.jpg -A procedural --pick whole
        artist-nst paint photo.jpg -A procedural --works 4 --sheet
        artist-nst paint photo.jpg --mask sky.png=night.jpg --mask rest=procedural
        artist-nst paint portrait.jpg -A procedural --protect faces
        artist-nst paint house.jpg evening.jpg --photoreal
    """
    from artist_nst.painting.style_sources import StyleRequest

    selection = Selection(
        style=_check_movements(movement),
        genre=tuple(genre or ()),
        since=since,
        until=until,
    )
    requested = _make_pick(pick, works, sheet, selection)
    parts = read_options(mask, protect, regions, requested, options.corpora)
    photos, styles = split_pictures(pictures, artist, style)
    if photoreal and recipe not in (None, "photoreal"):
        raise UsageError(f"--photoreal is a recipe: leave it out, or --recipe {recipe}")
    base = find_recipe("photoreal" if photoreal else recipe or "default")
    session = PaintSession(options.change_recipe(base), options)
    if not style and len(styles) > 1 and all(weight == 1 for _, weight in styles):
        print_note(
            session.console,
            f"{photos[0].name} is painted after {len(styles)} pictures together; to "
            "paint several photos, name the style with --style",
        )
    request = StyleRequest(
        images=styles,
        artist=artist,
        works=work or [],
        pick=None if parts.takes_pick and artist is None else requested,
        corpora=options.corpora,
    )
    if sheet or (requested and requested.painting_count > 1):
        if parts.is_given:
            raise UsageError(
                "--mask, --protect and --regions are for one painting of a photo: "
                "leave out --works and --sheet"
            )
        paint_galleries(photos, request, session)
    else:
        _paint_photos(photos, request, parts, session)


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
    photos: list[Path],
    request: StyleRequest,
    parts: RegionOptions,
    session: PaintSession,
) -> None:
    options, several = session.options, len(photos) > 1
    seed = options.seed
    if seed is None:
        # Of several photos the same, so that the same command goes on.
        seed = 0 if several else secrets.randbelow(2**31)
    if several and options.film is not None:
        raise UsageError("--film is for a single painting: name one photo")

    from artist_nst.painting.regions import RegionPlan

    def paint_photo(index: int, photo: Path) -> None:
        # Before works are analyzed.
        open_file(photo).close()
        regions = parts.choose(seed + index, photo, session.console)
        sources: list[Source] = []
        if not (regions.masks and request.is_empty):
            (sources,) = choose_groups(request, seed + index, photo, session.console)
        plan = RegionPlan.make(sources, regions)
        out, may_replace = choose_output(
            options.out, photo, plan.sources, several=several
        )
        found = session.find_painting(photo, plan, seed + index) if several else None
        if found is not None:
            out, is_finished = found
            if is_finished:
                print_note(session.console, f"{photo.name}: already painted")
                print_result(out)
                return
            may_replace = True
        session.paint(
            photo,
            plan,
            seed + index,
            out,
            corpora=options.corpora,
            may_replace=may_replace,
            label=f"{photo.name} ({index + 1} of {len(photos)})" if several else "",
        )

    with output_folder(options.out, several=several):
        if several:
            print_note(session.console, f"{len(photos)} photos")
            # Report what would fail for every photo once, before the first.
            _ = session.network
        paint_each(photos, paint_photo)


def _check_movements(movements: list[str] | None) -> tuple[str, ...]:
    for movement in movements or ():
        if os.path.isfile(movement):
            raise UsageError(
                f"--movement {movement} is a file, not a style such as cubism: name "
                "style images with --style"
            )
    return tuple(movements or ())


def split_pictures(
    pictures: list[str], artist: str | None, style: list[str] | None = None
) -> tuple[list[Path], list[tuple[str, float]]]:
    """Split pictures into photos and weighted style images.

    Args:
        pictures: Positional, as typed.
        artist: If given, all pictures are photos, and patterns and folders are
            expanded.
        style: Style images; if given, likewise.

    Raises:
        UsageError: Both artist and style images are given, or a style image is no file
            but maybe the name of a style.
    """
    if artist is None and not style:
        photo, *style = pictures
        if os.path.isdir(photo):
            raise UsageError(
                f"{photo} is a folder: to paint all its photos, name a style image "
                "with --style, or an --artist"
            )
        return [Path(photo)], [_weigh(image) for image in style]
    images = [_weigh(image) for image in style or ()]
    for image, _ in images:
        if not os.path.exists(image) and not Path(image).suffix:
            raise UsageError(
                f"--style {image}: there is no such file; for only works of a style, "
                f"use --artist NAME --movement {image}"
            )
    if artist is not None and images:
        raise UsageError("name style images with --style, or an --artist, not both")
    photos = [photo for picture in pictures for photo in find_pictures(picture)]
    return photos, images


def _weigh(image: str) -> tuple[str, float]:
    """Read ``IMAGE`` or ``IMAGE:WEIGHT``; a file's name itself may look like that."""
    from artist_nst.painting.sources import parse_weight

    return (image, 1.0) if os.path.exists(image) else parse_weight(image)
