"""``artist-nst works``: an artist's works, as a table, as JSON or on one sheet."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from artist_nst.cli import console as talk
from artist_nst.cli.columns import print_table, say
from artist_nst.cli.options import Corpora, Quiet, Verbose
from artist_nst.errors import ArtistNstError, UsageError

if TYPE_CHECKING:
    from rich.console import Console

    from artist_nst.corpus.works import Corpus, Work

HERE = ("title", "year", "pixels", "style", "genre", "rights", "id")
FAILED = ("title", "year", "status", "id", "reason")


def works(
    artist: Annotated[
        str,
        typer.Argument(help="Folder, name or a word of the name.", show_default=False),
    ],
    sheet: Annotated[
        Path | None,
        typer.Option(
            "--sheet",
            help="Draw the works on one picture, smaller the more there are.",
            metavar="FILE",
        ),
    ] = None,
    json: Annotated[
        bool, typer.Option("--json", help="One JSON object a line, with every key.")
    ] = False,
    failed: Annotated[
        bool,
        typer.Option("--failed", help="Those that could not be had, and why."),
    ] = False,
    corpora: Corpora = None,
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """List an artist's works that are on disk; with --failed, those that are not.

    Example: artist-nst works procedural --sheet works.png
    """
    from artist_nst.corpus.manifest import line
    from artist_nst.corpus.works import corpora_folder, find_corpus

    if sheet and failed:
        raise UsageError("--sheet shows works that are here: not with --failed")
    console = talk.set_up(quiet, verbose)
    corpus = find_corpus(artist, corpora_folder(corpora))
    here = corpus.here
    missing = _missing(corpus, here)
    chosen = [one for one in missing if one.status != "pending"] if failed else here
    if sheet:
        _draw(corpus, here, sheet, console)
    if json:
        say(b"".join(map(line, chosen)).decode())
    elif sheet:
        say(f"{sheet}\n")
    elif chosen:
        print_table(
            FAILED if failed else HERE,
            map(_row, chosen),
            right=("pixels",),
            whole=("year", "status", "id"),
            folded=("reason",),
            spare=("genre", "style", "rights"),
        )
    console.print(_summary(corpus, missing), markup=False)


def _missing(corpus: Corpus, here: Sequence[Work]) -> list[Work]:
    """The works without a picture, each with the reason."""
    there = {work.id for work in here}
    lacking = [work for work in corpus.works if work.id not in there]
    return [
        replace(work, reason=f"its file is gone: {work.file}")
        if work.status == "ok"
        else work
        for work in lacking
    ]


def _row(work: Work) -> dict[str, str]:
    sides = (work.width, work.height)
    values = {
        "title": work.title,
        "year": work.year,
        "pixels": "×".join(map(str, sides)) if all(sides) else None,
        "style": work.style,
        "genre": work.genre,
        "rights": work.rights,
        "status": "gone" if work.status == "ok" else work.status,
        "reason": work.reason,
        "id": work.id,
    }
    # A manifest may hold anything: only id and title are known to be text.
    return {key: "" if value is None else str(value) for key, value in values.items()}


def _summary(corpus: Corpus, missing: Sequence[Work]) -> str:
    """``1,150 of 1,166 listed works are here; 10 restricted …``"""
    listed = len(corpus.works)
    text = f"{listed - len(missing):,} of {listed:,} listed works are here"
    if not missing:
        return text
    count = Counter(work.status for work in missing)
    parts = [f"{count['restricted']:,} restricted", f"{count['failed']:,} failed"]
    if gone := count["ok"]:
        parts.append(f"{gone:,} gone from the disk")
    if sum(count.values()) > count["pending"]:
        parts[-1] += " (--failed says why)"
    return f"{text}; {', '.join(parts)}, {count['pending']:,} not fetched"


def _draw(corpus: Corpus, here: Sequence[Work], file: Path, console: Console) -> None:
    from artist_nst.figures.contact_sheet import Entry, contact_sheet
    from artist_nst.image.files import check_writable, write_picture

    check_writable(file)
    paths = [corpus.path(work) for work in here]
    if not here:
        raise ArtistNstError(
            f"no work of {corpus.artist} is here to be shown; "
            f"`artist-nst fetch {corpus.slug}` may get them"
        )
    if os.path.realpath(file) in map(os.path.realpath, paths):
        raise UsageError(f"{file} is one of the works: name another file")
    entries = [
        Entry(path, work.title, str(work.year or ""))
        for path, work in zip(paths, here, strict=True)
    ]
    title = f"{corpus.artist}: {len(here):,} work{'s' * (len(here) > 1)}"
    with talk.counting_bar(console) as show:
        pixels = contact_sheet(
            entries,
            title=title,
            on_picture=lambda done: show("reading", done, len(here), ""),
        )
        show("writing", len(here), len(here), "")
        write_picture(file, pixels)
