"""``artist-nst works``: list an artist's works as a table, as JSON or on a sheet."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from artist_nst.cli.console import counting_bar, open_console, print_note
from artist_nst.cli.options import Corpora, Quiet, Verbose
from artist_nst.cli.output import write_stdout
from artist_nst.cli.tables import print_table
from artist_nst.errors import ArtistNstError, UsageError, format_count

if TYPE_CHECKING:
    from rich.console import Console

    from artist_nst.corpus.works import Corpus, Work

AVAILABLE_HEADS = ("title", "year", "pixels", "style", "genre", "rights", "id")
FAILED_HEADS = ("title", "year", "status", "id", "reason")


def works(
    artist: Annotated[
        str,
        typer.Argument(
            metavar="ARTIST",
            help="Folder, name or part of the name.",
            show_default=False,
        ),
    ],
    sheet: Annotated[
        Path | None,
        typer.Option(
            help="Draw all works on one contact sheet, a picture file.", metavar="FILE"
        ),
    ] = None,
    json: Annotated[
        bool,
        typer.Option("--json", help="Print one JSON object with all keys per line."),
    ] = False,
    failed: Annotated[
        bool,
        typer.Option(
            "--failed", help="List the works that have no picture, with the reason."
        ),
    ] = False,
    corpora: Corpora = None,
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """List an artist's works on disk, or with --failed those without a picture.

    Example: artist-nst works procedural --sheet works.png
    """
    from artist_nst.corpus.manifest import encode_work
    from artist_nst.corpus.works import choose_corpora_folder, find_corpus

    if sheet and failed:
        raise UsageError("--sheet shows works on disk: leave out --failed")
    console = open_console(quiet, verbose)
    corpus = find_corpus(artist, choose_corpora_folder(corpora))
    available = corpus.available
    missing = _list_missing(corpus, available)
    listed: Sequence[Work] = available
    if failed:
        listed = [work for work in missing if work.status != "pending"]
    if sheet:
        _draw_sheet(corpus, available, sheet, console)
    if json:
        write_stdout(b"".join(map(encode_work, listed)).decode())
    elif sheet:
        write_stdout(f"{sheet}\n")
    elif listed:
        print_table(
            FAILED_HEADS if failed else AVAILABLE_HEADS,
            map(_make_row, listed),
            right=("pixels",),
            whole=("year", "status", "id"),
            folded=("reason",),
            dropped=("genre", "style", "rights"),
        )
    print_note(console, _summarize(len(corpus.works), missing))


def _list_missing(corpus: Corpus, available: Sequence[Work]) -> list[Work]:
    """List the works without a picture, each with the reason."""
    ids = {work.id for work in available}
    return [
        replace(work, reason=f"its file is gone: {work.file}")
        if work.status == "ok"
        else work
        for work in corpus.works
        if work.id not in ids
    ]


def _make_row(work: Work) -> dict[str, str]:
    size = (work.width, work.height)
    values = {
        "title": work.title,
        "year": work.year,
        "pixels": "×".join(map(str, size)) if all(size) else None,
        "style": work.style,
        "genre": work.genre,
        "rights": work.rights,
        "status": "gone" if work.status == "ok" else work.status,
        "reason": work.reason,
        "id": work.id,
    }
    return {key: value or "" for key, value in values.items()}


def _summarize(total: int, missing: Sequence[Work]) -> str:
    """Count works by status: ``1,150 of 1,166 works are on disk; 10 restricted …``."""
    text = f"{total - len(missing):,} of {format_count(total, 'work')} on disk"
    if not missing:
        return text
    count = Counter(work.status for work in missing)
    parts = [f"{count['restricted']:,} restricted", f"{count['failed']:,} failed"]
    if gone := count["ok"]:
        parts.append(f"{gone:,} with a deleted file")
    if len(missing) > count["pending"]:
        parts[-1] += " (--failed lists the reasons)"
    return f"{text}; {', '.join(parts)}, {count['pending']:,} not fetched"


def _draw_sheet(
    corpus: Corpus, available: Sequence[Work], path: Path, console: Console
) -> None:
    from artist_nst._files import check_writable
    from artist_nst.figures.contact_sheet import Entry, draw_contact_sheet
    from artist_nst.image.files import write_picture

    check_writable(path)
    if not available:
        raise ArtistNstError(
            f"no work of {corpus.artist} is on disk; `artist-nst fetch {corpus.slug}` "
            "may download them"
        )
    pictures = [corpus.get_path(work) for work in available]
    if os.path.realpath(path) in map(os.path.realpath, pictures):
        raise UsageError(f"{path} is one of the works: choose another file")
    entries = [
        Entry(picture, work.title, str(work.year or ""))
        for picture, work in zip(pictures, available, strict=True)
    ]
    count = len(available)
    with counting_bar(console) as show:
        pixels = draw_contact_sheet(
            entries,
            title=f"{corpus.artist}: {count:,} work{'s' * (count > 1)}",
            on_picture=lambda done: show("reading", done, count, ""),
        )
        show("writing", count, count, "")
        write_picture(path, pixels)
