"""Paint one photo in the style of several works: ``artist-nst paint --works N``."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from artist_nst.cli.console import counting_bar
from artist_nst.cli.output import print_error
from artist_nst.cli.series import (
    PIPE,
    make_folder,
    run_series,
    series_folder,
)
from artist_nst.cli.session import PaintSession
from artist_nst.cli.signals import RESUME, Interrupted, load_torch
from artist_nst.errors import ArtistNstError, UsageError
from artist_nst.painting.output_names import shorten_name

if TYPE_CHECKING:
    from rich.console import Console

    from artist_nst.painting.sources import Source
    from artist_nst.painting.style_sources import StyleRequest

DEFAULT_COUNT = 9  # paintings on a sheet without --works


class RequestError(UsageError):
    """Style request that is wrong for every photo."""


def choose_groups(
    request: StyleRequest, seed: int, photo: Path, console: Console
) -> list[list[Source]]:
    """Choose the style images of each painting, with a bar over the works analyzed.

    Raises:
        RequestError: The request is wrong for every photo.
        ArtistNstError: There is nothing to pick from.
    """
    if request.pick is not None and request.pick.effective_way != "random":
        load_torch()
    with counting_bar(console) as show:
        try:
            return request.choose_groups(
                seed,
                photo,
                lambda done, count: show("analyzing works", done, count, ""),
            )
        except UsageError as error:
            raise RequestError(str(error)) from error


def paint_galleries(
    photos: list[Path], request: StyleRequest, session: PaintSession
) -> None:
    """Paint every photo several times, each into its own folder with a sheet.

    The default seed is 0, so that the same command continues where it stopped.

    Raises:
        Interrupted: After Ctrl-C; finished paintings are kept.
        ArtistNstError: Some could not be painted.
    """
    options = session.options
    for field in ("print_rate", "film", "explain"):
        if getattr(options, field):
            option = field.replace("_", "-")
            raise UsageError(
                f"--{option} is for a single painting: leave out --works and --sheet"
            )
    if request.artist is None or request.works:
        raise UsageError(
            "--works and --sheet need works to pick from: add --artist NAME, and leave "
            "out --work"
        )
    several = len(photos) > 1
    if options.out == PIPE:
        raise UsageError("-o -: one painting fits a pipe: name a folder")
    if several and options.out:
        make_folder(Path(options.out))
    paint_each(
        photos,
        lambda _, photo: _paint_gallery(photo, request, session, several=several),
    )


def paint_each(photos: list[Path], paint_photo: Callable[[int, Path], None]) -> None:
    """Paint photos in turn; one of several that fails does not stop the others.

    Args:
        photos: One or more.
        paint_photo: Called with each photo's index and path.

    Raises:
        Interrupted: After Ctrl-C, unless there is one photo.
        ArtistNstError: The only photo failed, the style request is wrong, or some of
            the photos failed.
    """
    count, failed = len(photos), 0
    for index, photo in enumerate(photos):
        try:
            paint_photo(index, photo)
        except (KeyboardInterrupt, Interrupted) as error:
            if count == 1:
                raise
            done = f"{index - failed} of {count} photos are done"
            if isinstance(error, Interrupted):
                done = f"{error.outcome}; {done}"
            raise Interrupted(done, RESUME) from None
        except ArtistNstError as error:
            if count == 1 or isinstance(error, RequestError):
                raise
            name = "" if str(photo) in str(error) else f"{photo}: "
            print_error(f"{name}{error}")
            failed += 1
    if failed:
        raise ArtistNstError(f"{failed} of {count} photos were not painted")


def _paint_gallery(
    photo: Path, request: StyleRequest, session: PaintSession, *, several: bool
) -> None:
    load_torch()
    from artist_nst.experiments.gallery import paint_gallery

    options = session.options
    seed = options.seed or 0
    with ExitStack() as stack:
        if options.out and not several:
            # Refuses a bad folder before works are analyzed.
            stack.enter_context(series_folder(Path(options.out)))
        groups = choose_groups(request, seed, photo, session.console)
        folder = Path(options.out or "")
        if not options.out or several:
            style = groups[0][0].artist_slug or "works"
            folder /= shorten_name(f"{photo.stem}-{style}")
        run_series(
            lambda networks, on_progress: paint_gallery(
                photo,
                groups,
                folder,
                recipe=session.recipe,
                seed=seed,
                long_side=options.long_side,
                corpora=options.corpora,
                keep_paths=not options.no_paths,
                networks=networks,
                on_progress=on_progress,
            ),
            folder,
            options.compute,
            session.console,
        )
