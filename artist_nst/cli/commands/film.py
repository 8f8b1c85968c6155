"""``artist-nst film``: saved iterations, one after the other."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Annotated

import typer

from artist_nst.cli import console as talk
from artist_nst.cli.columns import say
from artist_nst.cli.options import Quiet, Verbose
from artist_nst.cli.signals import Interrupted
from artist_nst.errors import UsageError

SAVED = ".frames"  # how a folder of saved iterations is called, behind the painting


def film(
    frames: Annotated[
        list[str],  # not Paths, which would take "" for the current folder
        typer.Argument(
            metavar="FRAMES",
            help="A folder of saved iterations (`paint -p` leaves NAME.frames), "
            "or of other pictures; or pictures, in their order.",
            show_default=False,
        ),
    ],
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            "-o",
            metavar="FILE",
            help="The film: .mp4, .webm or .gif. Replaced, if it is there "
            "(default: NAME.mp4 here, with a number if that is there).",
        ),
    ] = None,
    fps: Annotated[
        int, typer.Option("--fps", help="Pictures a second.", min=1, max=60)
    ] = 12,
    hold: Annotated[
        float,
        typer.Option(
            "--hold",
            help="How long the last one stays.",
            min=0,
            max=600,
            metavar="SECONDS",
        ),
    ] = 2.0,
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """Make a film of saved iterations, as large as the first of them.

    Example: artist-nst film photo-night.frames -o photo-night.gif
    """
    from artist_nst.image.video import check_film, film_of

    console = talk.set_up(quiet, verbose)
    name, pictures = _pictures(frames)
    if out is None:
        out = _free(name)
    check_film(out)
    for picture in pictures:
        if os.path.realpath(picture) == os.path.realpath(out):
            raise UsageError(f"-o {out}: it would replace one of the pictures")
    done, before = 0, _state(out)
    try:
        with talk.counting_bar(console) as show:

            def told(number: int, of: int) -> None:
                nonlocal done
                done = number
                show("filming", number, of, "")

            film_of(pictures, out, fps=fps, hold_seconds=hold, on_frame=told)
    except KeyboardInterrupt:
        if _state(out) == before:
            raise
        raise Interrupted(
            f"a film of {done:,} of the {len(pictures):,} pictures is in {out}"
        ) from None
    say(f"{out}\n")


def _state(path: Path) -> tuple[int, int] | None:
    """Of a file, to tell whether it has been replaced; None where there is none."""
    if not os.path.exists(path):
        return None
    found = path.stat()
    return found.st_ino, found.st_mtime_ns


def _pictures(given: list[str]) -> tuple[str, list[Path]]:
    """What the film is called, and its pictures."""
    if len(given) == 1:
        return _folder(given[0])
    for one in given:
        if os.path.isdir(one):
            raise UsageError(f"{one} is a folder: name one folder, or only pictures")
    pictures = [Path(one) for one in given]
    parent = pictures[0].absolute().parent
    return (parent if parent.suffix == SAVED else pictures[0]).stem, pictures


def _folder(given: str) -> tuple[str, list[Path]]:
    from artist_nst.corpus.works import PICTURES

    folder = Path(given)
    if not given or not os.path.isdir(folder):
        if not os.path.exists(given):
            raise UsageError(f"{given!r}: there is no such folder; check the path")
        raise UsageError(
            f"{given} is a file: name the folder of saved iterations (`paint -p` "
            "leaves NAME.frames), or several pictures"
        )
    try:
        found = [
            path
            for path in folder.iterdir()
            if path.suffix.lower() in PICTURES
            and not path.name.startswith(".")
            # A link that leads nowhere is a picture that fails.
            and (path.is_file() or path.is_symlink())
        ]
    except OSError as error:
        raise UsageError(
            f"{given} cannot be read ({error.strerror}): make it readable"
        ) from error
    if not found:
        suffixes = ", ".join(sorted(PICTURES))
        raise UsageError(f"{given}: no pictures in it ({suffixes})")
    name = folder.resolve().name.removesuffix(SAVED)
    return name or "film", sorted(found, key=_natural)


def _natural(path: Path) -> list[str | int]:
    """Sorts 2 before 10."""
    parts = re.split(r"([0-9]+)", path.name)
    return [int(one) if at % 2 else one for at, one in enumerate(parts)]


def _free(name: str) -> Path:
    """``NAME.mp4`` here, or with the first number behind it that is free."""
    number, free = 1, Path(f"{name}.mp4")
    while os.path.lexists(free):
        number += 1
        free = Path(f"{name}-{number}.mp4")
    return free
