"""``artist-nst artists``: list the artists on disk."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from artist_nst.cli.console import format_bytes, open_console, print_note
from artist_nst.cli.options import Corpora, Quiet, Verbose
from artist_nst.cli.output import write_stdout
from artist_nst.cli.tables import print_table

HEADS = ("artist", "folder", "works", "size", "changed", "source")


def artists(
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the list as JSON.")
    ] = False,
    corpora: Corpora = None,
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """List the artists whose works are on disk, with the number of works.

    Examples:
        artist-nst artists
        artist-nst artists --json
    """
    from artist_nst.corpus.works import (
        check_corpora_folder,
        choose_corpora_folder,
        list_artists,
    )
    from artist_nst.errors import ArtistNstError

    console = open_console(quiet, verbose)
    folder = choose_corpora_folder(corpora)
    check_corpora_folder(folder)
    found: list[dict[str, Any]] = []
    for slug, path in list_artists(folder).items():
        try:
            found.append({"folder": slug} | _describe(path))
        except ArtistNstError as error:
            found.append({"folder": slug, "source": f"unusable: {error}"})
    if as_json:
        write_stdout(json.dumps(found, indent=2, ensure_ascii=False) + "\n")
        return
    print_table(
        HEADS,
        map(_format_row, found),
        right=("works", "size"),
        whole=("folder", "changed"),
        folded=("artist", "source"),
        dropped=("changed",),
    )
    note = "" if folder.is_dir() else " (does not exist yet)"
    print_note(console, f"in {folder}{note}")


def _describe(folder: Path) -> dict[str, Any]:
    from artist_nst.corpus.works import load_corpus, read_header

    corpus = load_corpus(folder)
    header = read_header(folder)
    return {
        "artist": corpus.artist,
        "path": str(folder),
        "works": len(corpus.available),
        "listed": len(corpus.works),
        "bytes": sum(
            work.bytes
            if work.bytes is not None
            else corpus.get_path(work).stat().st_size
            for work in corpus.available
        ),
        "changed": str(header.get("updated") or header.get("created") or ""),
        "source": str(header.get("source") or "") if header else "your own pictures",
    }


def _format_row(facts: dict[str, Any]) -> dict[str, str]:
    """Format an artist's facts, or those of a folder that is unusable."""
    works, listed = facts.get("works", 0), facts.get("listed", 0)
    count = f"{works:,}" + (f" of {listed:,}" if works < listed else "")
    return {
        "artist": facts.get("artist", ""),
        "folder": facts["folder"],
        "works": count if "works" in facts else "",
        "size": format_bytes(facts["bytes"]) if facts.get("bytes") else "",
        # An ISO time without the seconds.
        "changed": facts.get("changed", "")[:16].replace("T", " "),
        "source": facts["source"],
    }
