"""``artist-nst forget``: an artist's corpus deleted, after a question."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from artist_nst.cli import talk
from artist_nst.cli.interrupt import Interrupted
from artist_nst.cli.options import Corpora, Quiet, Verbose
from artist_nst.errors import ArtistNstError, UsageError

SHOWN = 3  # of the files that stay


def forget(
    artist: Annotated[
        str,
        typer.Argument(help="Folder, name or part of the name.", show_default=False),
    ],
    yes: Annotated[
        bool, typer.Option("--yes", "-y", help="Delete without asking.")
    ] = False,
    corpora: Corpora = None,
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """Delete an artist's corpus: its pictures and what is known of them.

    Files that artist-nst did not put there stay.

    Example: artist-nst forget "pablo picasso"
    """
    from artist_nst.corpus import forget as library
    from artist_nst.corpus.works import corpora_folder, find_corpus

    console = talk.set_up(quiet, verbose)
    corpus = find_corpus(artist, corpora_folder(corpora))
    ours = library.belongings(corpus)
    count = len(ours.pictures)
    what = (
        f"{count:,} picture{'s' * (count != 1)} ({talk.size(ours.bytes)}) of "
        f"{corpus.artist} in {corpus.folder}"
    )
    if not yes:
        _ask(what, corpus.artist)
    try:
        left = library.forget(corpus)
    except KeyboardInterrupt:
        raise Interrupted(
            f"not all of {corpus.artist} is forgotten: the same command goes on"
        ) from None
    console.print(f"deleted {what}", markup=False)
    if corpus.folder.exists():
        names = [path.relative_to(corpus.folder).as_posix() for path in left]
        console.print(_stays(names), markup=False)


def _stays(names: list[str]) -> str:
    named = ", ".join(names[:SHOWN]) or "folders that are empty"
    more = f" and {len(names) - SHOWN:,} more" if len(names) > SHOWN else ""
    return f"the folder stays, with what artist-nst did not put there: {named}{more}"


def _ask(what: str, artist: str) -> None:
    if not sys.stdin.isatty():
        raise UsageError(
            f"forget would delete {what}; without a terminal to ask on, "
            "say that it may: --yes"
        )
    if not typer.confirm(f"Delete {what}, and what is known of them?", err=True):
        raise ArtistNstError(f"{artist} is not forgotten: nothing was deleted")
