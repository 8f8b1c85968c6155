"""What ``compare`` and ``reconstruct`` say in the end."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from artist_nst.cli.signals import Interrupted
from artist_nst.errors import ArtistNstError

if TYPE_CHECKING:
    from artist_nst.experiments.runner import Series


def report(series: Series, folder: Path, count: int) -> None:
    """Name the sheet on stdout, and on stderr what could not be painted.

    Args:
        count: of the paintings that were asked for.

    Raises:
        Interrupted: after Ctrl-C.
        ArtistNstError: some could not be painted; the reason itself, where it is the
            same for all of them.
    """
    reasons = {str(error): error for error in series.failed.values()}
    if len(series.failed) == count and len(reasons) == 1:
        raise reasons.popitem()[1]
    for name, error in series.failed.items():
        print(f"artist-nst: {name}: {error}", file=sys.stderr)
    sheet = folder / "sheet.png"
    if series.done and sheet.exists():
        typer.echo(str(sheet))
    done = f"{len(series.done)} of {count} paintings are in {folder}"
    if not series.done:
        done = f"none of {count} paintings is done"
    if series.interrupted:
        raise Interrupted(f"{done}; run it again to go on")
    if series.failed:
        raise ArtistNstError(f"{done}; {len(series.failed)} could not be painted")
