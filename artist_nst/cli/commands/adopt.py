"""``artist-nst adopt``: pictures that are here already, made a corpus."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from artist_nst.cli import console as talk
from artist_nst.cli.columns import print_table, say
from artist_nst.cli.options import Corpora, Quiet, Verbose
from artist_nst.cli.signals import Interrupted
from artist_nst.errors import ArtistNstError

if TYPE_CHECKING:
    from artist_nst.corpus.adopt import Adopted

REASONS = 5  # shown of an artist's


def adopt(
    folder: Annotated[
        str,  # not a Path, which would take "" for the current folder
        typer.Argument(
            metavar="FOLDER",
            help="Of pictures, in it or in folders below; or Kaggle's Best Artworks of "
            "All Time, with artists.csv.",
            show_default=False,
        ),
    ],
    artist: Annotated[
        str | None,
        typer.Option(
            "--artist",
            "-A",
            help="Whose pictures these are; of Kaggle's artists, the one to adopt "
            "(default: all).",
        ),
    ] = None,
    corpora: Corpora = None,
    copy: Annotated[
        bool,
        typer.Option(
            "--copy",
            help="Copy the pictures. Else they are hard-linked where that can be done: "
            "no disk is used, but an original edited in place changes in the corpus "
            "too.",
        ),
    ] = False,
    max_pixels: Annotated[
        int, typer.Option(help="Refuse larger pictures.", min=1, metavar="N")
    ] = 300_000_000,
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """Make a corpus of pictures that are here already; the originals stay.

    Run it again to add what is new, or to go on after Ctrl-C.

    Examples:

    artist-nst adopt ~/scans --artist "Anna Ancher"

    artist-nst adopt best-artworks-of-all-time
    """
    from artist_nst import collection

    done, total = 0, 0
    try:
        with talk.counting_bar(talk.set_up(quiet, verbose)) as show:

            def told(number: int, of: int, name: str) -> None:
                nonlocal done, total
                done, total = number, of
                show("adopting", number, of, name)

            adopted = collection.adopt(
                folder, artist, corpora, copy, max_pixels, on_progress=told
            )
    except KeyboardInterrupt:
        raise Interrupted(
            f"{done:,} of {total:,} pictures are done; the same command goes on"
        ) from None
    failed = sum(len(one.failed) for one in adopted)
    if failed or not quiet:
        _summarize(adopted, quiet)
    if failed:
        found = sum(one.found for one in adopted)
        raise ArtistNstError(f"{failed:,} of {found:,} pictures were not adopted")


def _summarize(adopted: list[Adopted], quiet: bool) -> None:
    lines = []
    if not quiet:
        _tabulate(adopted)
        lines.append(f"in {adopted[0].folder.parent}")
    for one in adopted:
        lines += [f"failed: {reason}" for reason in one.failed[:REASONS]]
        if len(one.failed) > REASONS:
            lines.append(
                f"and {len(one.failed) - REASONS:,} more: "
                f"`artist-nst works {one.folder.name} --failed`"
            )
    say("".join(f"{line}\n" for line in lines))


def _tabulate(adopted: list[Adopted]) -> None:
    rows = [
        {
            "artist": f"{one.artist} ({one.folder.name})",
            "found": f"{one.found:,}",
            "added": f"{one.added:,}",
            "already here": f"{one.here:,}",
            "duplicates": f"{one.duplicates:,}",
            "failed": f"{len(one.failed):,}",
            "size": talk.size(one.bytes),
        }
        for one in adopted
    ]
    heads = list(rows[0])
    print_table(heads, rows, right=heads[1:], folded=heads[:1], spare=("found", "size"))
