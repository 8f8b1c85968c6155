"""``artist-nst forget``: an artist's corpus deleted, after a question."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from artist_nst.cli import console as talk
from artist_nst.cli.options import Corpora, Quiet, Verbose
from artist_nst.cli.signals import Interrupted
from artist_nst.errors import ArtistNstError, UsageError

if TYPE_CHECKING:
    from artist_nst.corpus.forget import Belongings
    from artist_nst.corpus.works import Corpus

SHOWN = 3  # of the files that stay


def forget(
    artist: Annotated[
        str,
        typer.Argument(help="Folder, name or a word of the name.", show_default=False),
    ],
    yes: Annotated[
        bool, typer.Option("--yes", "-y", help="Delete without asking.")
    ] = False,
    corpora: Corpora = None,
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """Delete an artist's pictures and what is known of them (asks first).

    Files that artist-nst did not put there stay.

    Example: artist-nst forget "pablo picasso"
    """
    from artist_nst.corpus import forget as library
    from artist_nst.corpus.works import corpora_folder, find_folder

    console = talk.set_up(quiet, verbose)
    corpus, damage = _found(find_folder(artist, corpora_folder(corpora), hint=False))
    what = _what(corpus, library.belongings(corpus))
    if not yes:
        _ask(what + damage, corpus.artist)
    try:
        left = library.forget(corpus, damaged=bool(damage))
    except KeyboardInterrupt:
        raise Interrupted(
            f"not all of {corpus.artist} is forgotten: the same command goes on"
        ) from None
    console.print(f"deleted {what}", markup=False)
    if corpus.folder.exists():
        names = [path.relative_to(corpus.folder).as_posix() for path in left]
        console.print(_stays(names), markup=False)


def _found(folder: Path) -> tuple[Corpus, str]:
    """The corpus; and where its manifest is damaged, what that means."""
    from artist_nst.corpus.forget import salvage
    from artist_nst.corpus.works import DamagedError, load_corpus

    try:
        return load_corpus(folder), ""
    except DamagedError:
        return salvage(folder), " (its manifest is damaged: all that lie in images/)"


def _what(corpus: Corpus, ours: Belongings) -> str:
    count = len(ours.pictures)
    return (
        f"{count:,} picture{'s' * (count != 1)} ({talk.size(ours.bytes)}) of "
        f"{corpus.artist} in {corpus.folder}"
    )


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
    try:
        agreed = typer.confirm(f"Delete {what}, and what is known of them?", err=True)
    except (typer.Abort, KeyboardInterrupt, EOFError):
        typer.echo(err=True)  # ends the line of the question
        raise Interrupted("nothing was deleted") from None
    if not agreed:
        raise ArtistNstError(f"{artist} is not forgotten: nothing was deleted")
