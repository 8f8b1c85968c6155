"""``artist-nst artists``: whose works are on disk."""

from __future__ import annotations

from pathlib import Path

from artist_nst.cli import console as talk
from artist_nst.cli.columns import print_table
from artist_nst.cli.options import Corpora, Quiet, Verbose

HEADS = ("artist", "folder", "works", "size", "changed", "source")


def artists(
    corpora: Corpora = None, quiet: Quiet = False, verbose: Verbose = False
) -> None:
    """List the artists on disk: how many works are here, of how many listed.

    Example: artist-nst artists
    """
    from artist_nst.corpus import works
    from artist_nst.errors import ArtistNstError

    console = talk.set_up(quiet, verbose)
    folder = works.corpora_folder(corpora)
    works.check_corpora(folder)
    rows = []
    for slug, path in works.artists(folder).items():
        try:
            rows.append({"folder": slug} | _row(path))
        except ArtistNstError as error:
            rows.append({"folder": slug, "source": f"unusable: {error}"})
    print_table(
        HEADS,
        rows,
        right=("works", "size"),
        whole=("folder", "changed"),
        folded=("artist", "source"),
        spare=("changed",),
    )
    there = "" if folder.is_dir() else " (not there yet)"
    console.print(f"in {folder}{there}", markup=False)


def _row(folder: Path) -> dict[str, str]:
    from artist_nst.corpus.works import head_of, load_corpus

    corpus = load_corpus(folder)
    here = corpus.here
    bytes = sum(
        work.bytes if isinstance(work.bytes, int) else corpus.path(work).stat().st_size
        for work in here
    )
    head = head_of(folder)
    changed = str(head.get("updated") or head.get("created") or "")
    return {
        "artist": corpus.artist,
        "works": f"{len(here):,}"
        + (f" of {len(corpus.works):,}" if len(here) < len(corpus.works) else ""),
        "size": talk.size(bytes) if bytes else "",
        # An ISO time, as far as minutes.
        "changed": changed[:16].replace("T", " "),
        "source": str(head.get("source") or "") if head else "your own pictures",
    }
