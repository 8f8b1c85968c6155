"""``artist-nst forget``: delete an artist's corpus after asking."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from artist_nst.cli.console import format_bytes, open_console, print_note
from artist_nst.cli.options import Corpora, Quiet, Verbose
from artist_nst.cli.output import make_visible
from artist_nst.cli.signals import Interrupted
from artist_nst.errors import ArtistNstError, UsageError

if TYPE_CHECKING:
    from artist_nst.corpus.works import Corpus

MAX_SHOWN = 3  # files that are kept


def forget(
    artist: Annotated[
        str,
        typer.Argument(
            metavar="ARTIST",
            help="Folder, name or part of the name.",
            show_default=False,
        ),
    ],
    yes: Annotated[
        bool, typer.Option("--yes", "-y", help="Delete without asking.")
    ] = False,
    corpora: Corpora = None,
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """Delete an artist's pictures and their manifest, after asking.

    Files that artist-nst did not write are kept.

    Example: artist-nst forget "pablo picasso"
    """
    from artist_nst.corpus import forget as library
    from artist_nst.corpus.works import choose_corpora_folder, find_corpus_folder

    console = open_console(quiet, verbose)
    folder = find_corpus_folder(artist, choose_corpora_folder(corpora), hint=False)
    corpus, is_damaged = _load(folder)
    files = library.find_owned_pictures(corpus)
    count, size = len(files), sum(path.lstat().st_size for path in files)
    pictures = f"{count:,} picture{'s' * (count != 1)} ({format_bytes(size)})"
    description = f"{pictures} of {corpus.artist} in {folder}"
    if not yes:
        note = " (all in images/: the manifest is damaged)" if is_damaged else ""
        _confirm(description + note, corpus.artist)
    try:
        kept = library.forget(corpus, damaged=is_damaged)
    except KeyboardInterrupt:
        raise Interrupted(
            f"{corpus.artist} is only partly deleted",
            "run the same command again to finish",
        ) from None
    print_note(console, f"deleted {description}")
    if folder.exists():
        names = [path.relative_to(folder).as_posix() for path in kept]
        print_note(console, _describe_kept(names))


def _load(folder: Path) -> tuple[Corpus, bool]:
    """Load a corpus, and tell whether its manifest is damaged."""
    from artist_nst.corpus.forget import recover_corpus
    from artist_nst.corpus.works import DamagedError, load_corpus

    try:
        return load_corpus(folder), False
    except DamagedError:
        return recover_corpus(folder), True


def _describe_kept(names: list[str]) -> str:
    text = ", ".join(names[:MAX_SHOWN]) or "empty folders"
    if len(names) > MAX_SHOWN:
        text += f" and {len(names) - MAX_SHOWN:,} more"
    return f"the folder is kept, with what artist-nst did not write: {text}"


def _confirm(description: str, artist: str) -> None:
    if not sys.stdin.isatty():
        raise UsageError(
            f"forget would delete {description}; add --yes to confirm, since there is "
            "no terminal to ask on"
        )
    try:
        # An artist's name could otherwise hide or reword the question.
        question = make_visible(f"Delete {description} and the manifest?")
        agreed = typer.confirm(question, err=True)
    except (typer.Abort, KeyboardInterrupt, EOFError):
        typer.echo(err=True)  # ends the line of the question
        raise Interrupted("nothing was deleted") from None
    if not agreed:
        raise ArtistNstError(f"not confirmed: nothing of {artist} was deleted")
