"""``artist-nst paint --works N``: several paintings of one photo, on one sheet."""

from __future__ import annotations

import sys
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from artist_nst.cli import console as talk
from artist_nst.cli.outcome import report
from artist_nst.cli.session import Easel, clipped, make_folder, series_folder
from artist_nst.cli.signals import load_torch
from artist_nst.errors import ArtistNstError, UsageError

if TYPE_CHECKING:
    from artist_nst.cli.wish import Wish

PAINTINGS = 9  # on a sheet, where --works does not say how many


def hang(photos: list[Path], wish: Wish, easel: Easel) -> None:
    """Paint every photo as often as was asked, each into a folder with a sheet.

    The seed is 0 if not given: the same command goes on where it stopped.

    Raises:
        Interrupted: after Ctrl-C; what is painted stays.
        ArtistNstError: some could not be painted.
    """
    options = easel.options
    for option in ("print_rate", "film", "explain"):
        if getattr(options, option):
            name = option.replace("_", "-")
            raise UsageError(f"--{name} is of one painting: not with --works, --sheet")
    if wish.artist is None or wish.works:
        raise UsageError(
            "--sheet shows paintings after works that are picked: add --artist NAME, "
            "and leave out --work"
        )
    failed = 0
    several = len(photos) > 1
    if several and options.out is not None:
        make_folder(options.out)
    for photo in photos:
        try:
            _hang_one(photo, wish, easel, several=several)
        except ArtistNstError as error:
            if not several or isinstance(error, UsageError):
                raise
            named = "" if str(photo) in str(error) else f"{photo}: "
            print(f"artist-nst: {named}{error}", file=sys.stderr)
            failed += 1
    if failed:
        raise ArtistNstError(f"{failed} of {len(photos)} photos were not painted")


def _hang_one(photo: Path, wish: Wish, easel: Easel, *, several: bool) -> None:
    load_torch()
    from artist_nst.experiments.gallery import hang as paint_all
    from artist_nst.painting.networks import Networks

    options = easel.options
    seed = options.seed or 0
    with ExitStack() as stack:
        if options.out is not None and not several:
            # Refused, if need be, before works are looked at.
            stack.enter_context(series_folder(options.out))
        choices = wish.several(photo, seed)
        folder = options.out
        if folder is None or several:
            work = choices[0][0].work
            name = clipped(f"{photo.stem}-{work['corpus'] if work else 'works'}")
            folder = (options.out or Path()) / name
            stack.enter_context(series_folder(folder))
        download = stack.enter_context(talk.download_bar(easel.console))
        show = stack.enter_context(talk.series_bar(easel.console))
        made = paint_all(
            photo,
            choices,
            folder,
            recipe=easel.recipe,
            seed=seed,
            long_side=options.long_side,
            networks=Networks(
                device=options.device or "auto",
                weights=options.weights,
                input=options.weights_input,
                offline=options.offline,
                on_download=download,
            ),
            on_progress=show,
            corpora=options.corpora,
            max_pixels=options.max_pixels,
            precision=options.precision or "auto",
            max_memory=options.max_bytes,
        )
    report(made.series, folder, len(made.cells))
