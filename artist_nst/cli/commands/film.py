"""``artist-nst film``: make a film of saved iterations."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Annotated

import typer

from artist_nst._files import (
    VIDEO_SUFFIXES,
    check_writable,
    is_picture_file,
    list_folder,
)
from artist_nst.cli.console import counting_bar, open_console
from artist_nst.cli.options import Quiet, Verbose
from artist_nst.cli.output import write_stdout
from artist_nst.cli.signals import Interrupted
from artist_nst.errors import UsageError
from artist_nst.painting.output_names import FRAMES, find_unused


def film(
    frames: Annotated[
        list[str],  # not Paths, which would take "" for the current folder
        typer.Argument(
            metavar="FRAMES",
            help="Folder of saved iterations (`paint -p` writes NAME.frames) or of "
            "other pictures; or pictures in order.",
            show_default=False,
        ),
    ],
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            "-o",
            metavar="FILE",
            help="Output .mp4, .webm or .gif file, which is replaced (default: a new "
            "file NAME.mp4 in the current folder).",
        ),
    ] = None,
    fps: Annotated[
        int, typer.Option(help="Frames per second.", min=1, max=60, metavar="N")
    ] = 12,
    hold: Annotated[
        float,
        typer.Option(
            help="How long the last frame stays.", min=0, max=600, metavar="SECONDS"
        ),
    ] = 2.0,
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """Make a film of saved iterations, in the size of the first one.

    Example: artist-nst film photo-night.frames -o photo-night.gif
    """
    from artist_nst.image.video import write_video

    console = open_console(quiet, verbose)
    name, pictures = _find_pictures(frames)
    if out is None:
        out = find_unused(Path(f"{name}.mp4"))
    check_writable(out, VIDEO_SUFFIXES)
    for picture in pictures:
        if os.path.realpath(picture) == os.path.realpath(out):
            raise UsageError(f"-o {out}: it would replace one of the pictures")
    done, state = 0, _get_state(out)
    try:
        with counting_bar(console) as show:

            def show_progress(number: int, count: int) -> None:
                nonlocal done
                done = number
                show("filming", number, count, "")

            write_video(
                pictures, out, fps=fps, hold_seconds=hold, on_frame=show_progress
            )
    except KeyboardInterrupt:
        if _get_state(out) == state:
            raise
        raise Interrupted(
            f"a film of {done:,} of the {len(pictures):,} pictures is in {out}"
        ) from None
    write_stdout(f"{out}\n")


def _get_state(path: Path) -> tuple[int, int] | None:
    """Return what changes if a file is replaced; None if it does not exist."""
    if not os.path.exists(path):
        return None
    status = path.stat()
    return status.st_ino, status.st_mtime_ns


def _find_pictures(arguments: list[str]) -> tuple[str, list[Path]]:
    """Return the film's name without suffix, and its pictures in order."""
    if len(arguments) == 1:
        return _list_folder(arguments[0])
    for argument in arguments:
        if os.path.isdir(argument):
            raise UsageError(
                f"{argument} is a folder: name one folder, or only pictures"
            )
    pictures = [Path(argument) for argument in arguments]
    parent = pictures[0].absolute().parent
    return (parent if parent.suffix == FRAMES else pictures[0]).stem, pictures


def _list_folder(argument: str) -> tuple[str, list[Path]]:
    folder = Path(argument)
    if not argument or not os.path.isdir(folder):
        if not os.path.exists(argument):
            raise UsageError(f"{argument!r}: no such folder; check the path")
        raise UsageError(
            f"{argument} is a file: name the folder of saved iterations (`paint -p` "
            "writes NAME.frames), or several pictures"
        )
    # A broken link counts as a picture, and fails when it is read.
    pictures = list(filter(is_picture_file, map(folder.joinpath, list_folder(folder))))
    if not pictures:
        raise UsageError(f"{argument}: no pictures in it")
    name = folder.resolve().name.removesuffix(FRAMES)
    return name or "film", sorted(pictures, key=_split_numbers)


def _split_numbers(path: Path) -> list[str | int]:
    """Return a sort key that puts iter-2 before iter-10."""
    parts = re.split(r"([0-9]+)", path.name)
    return [int(part) if index % 2 else part for index, part in enumerate(parts)]
