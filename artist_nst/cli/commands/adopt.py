"""``artist-nst adopt``: make a corpus of pictures that are on disk already."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from artist_nst.cli.console import counting_bar, format_bytes, open_console
from artist_nst.cli.options import Corpora, Quiet, Verbose
from artist_nst.cli.output import write_stdout
from artist_nst.cli.signals import RESUME, Interrupted
from artist_nst.cli.tables import print_table
from artist_nst.errors import ArtistNstError, format_count

if TYPE_CHECKING:
    from artist_nst.corpus.adopt import AdoptReport

MAX_REASONS = 5  # shown of an artist's failures


def adopt(
    folder: Annotated[
        str,  # not a Path, which would take "" for the current folder
        typer.Argument(
            metavar="FOLDER",
            help="Folder of pictures, also in subfolders; folder of artists' folders; "
            "or Kaggle's Best Artworks of All Time, with artists.csv.",
            show_default=False,
        ),
    ],
    artist: Annotated[
        str | None,
        typer.Option(
            "--artist",
            "-A",
            metavar="NAME",
            help="Artist of the pictures (default: each subfolder is an artist's); for "
            "Kaggle's collection, the artist to adopt (default: all).",
        ),
    ] = None,
    copy: Annotated[
        bool,
        typer.Option(
            "--copy",
            help="Copy the pictures. By default they are hard-linked if possible: that "
            "needs no disk space, but an original edited in place changes the corpus "
            "too.",
        ),
    ] = False,
    max_pixels: Annotated[
        int, typer.Option(help="Refuse pictures of more pixels.", min=1, metavar="N")
    ] = 300_000_000,
    corpora: Corpora = None,
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """Make a corpus of pictures on disk; the originals are left unchanged.

    Run it again to add new pictures, or to continue after Ctrl-C.

    Examples:
        artist-nst adopt ~/scans --artist "Anna Ancher"
        artist-nst adopt artists    # of artists/claude-monet, artists/edvard-munch …
        artist-nst adopt best-artworks-of-all-time
    """
    from artist_nst import collection

    done, total = 0, 0
    try:
        with counting_bar(open_console(quiet, verbose)) as show:

            def show_progress(number: int, count: int, name: str) -> None:
                nonlocal done, total
                done, total = number, count
                show("adopting", number, count, name)

            reports = collection.adopt(
                folder, artist, corpora, copy, max_pixels, on_progress=show_progress
            )
    except KeyboardInterrupt:
        raise Interrupted(
            f"{done:,} of {format_count(total, 'picture')} done", RESUME
        ) from None
    failed = sum(len(report.failed) for report in reports)
    if not quiet:
        _print_counts(reports)
        write_stdout(f"in {reports[0].folder.parent}\n")
    _print_failures(reports)
    if failed:
        found = sum(report.found for report in reports)
        raise ArtistNstError(
            f"{failed:,} of {format_count(found, 'picture')} not adopted"
        )


def _print_counts(reports: Sequence[AdoptReport]) -> None:
    rows = [
        {
            "artist": f"{report.artist} ({report.folder.name})",
            "found": f"{report.found:,}",
            "added": f"{report.added:,}",
            "already here": f"{report.here:,}",
            "duplicates": f"{report.duplicates:,}",
            "failed": f"{len(report.failed):,}",
            "size": format_bytes(report.bytes),
        }
        for report in reports
    ]
    heads = list(rows[0])
    print_table(
        heads, rows, right=heads[1:], folded=heads[:1], dropped=("found", "size")
    )


def _print_failures(reports: Sequence[AdoptReport]) -> None:
    lines = []
    for report in reports:
        lines += [f"failed: {reason}" for reason in report.failed[:MAX_REASONS]]
        if len(report.failed) > MAX_REASONS:
            lines.append(
                f"and {len(report.failed) - MAX_REASONS:,} more: "
                f"`artist-nst works {report.folder.name} --failed`"
            )
    write_stdout("".join(f"{line}\n" for line in lines))
