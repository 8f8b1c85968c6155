"""``artist-nst artists``: list the artists on disk."""

from __future__ import annotations

from pathlib import Path

from artist_nst.cli.console import format_bytes, open_console
from artist_nst.cli.options import Corpora, Quiet, Verbose
from artist_nst.cli.tables import print_table

HEADS = ("artist", "folder", "works", "size", "changed", "source")


def artists(
    corpora: Corpora = None, quiet: Quiet = False, verbose: Verbose = False
) -> None:
    """List the artists whose works are on disk, with the number of works.

    Example: artist-nst artists
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
    rows = []
    for slug, path in list_artists(folder).items():
        try:
            rows.append({"folder": slug} | _make_row(path))
        except ArtistNstError as error:
            rows.append({"folder": slug, "source": f"unusable: {error}"})
    print_table(
        HEADS,
        rows,
        right=("works", "size"),
        whole=("folder", "changed"),
        folded=("artist", "source"),
        dropped=("changed",),
    )
    note = "" if folder.is_dir() else " (does not exist yet)"
    console.print(f"in {folder}{note}", markup=False)


def _make_row(folder: Path) -> dict[str, str]:
    from artist_nst.corpus.works import load_corpus, read_header

    corpus = load_corpus(folder)
    available, total = corpus.available, len(corpus.works)
    bytes = sum(
        work.bytes
        if isinstance(work.bytes, int)
        else corpus.get_path(work).stat().st_size
        for work in available
    )
    header = read_header(folder)
    changed = str(header.get("updated") or header.get("created") or "")
    count = f"{len(available):,}"
    if len(available) < total:
        count += f" of {total:,}"
    return {
        "artist": corpus.artist,
        "works": count,
        "size": format_bytes(bytes) if bytes else "",
        # An ISO time without the seconds.
        "changed": changed[:16].replace("T", " "),
        "source": str(header.get("source") or "") if header else "your own pictures",
    }
