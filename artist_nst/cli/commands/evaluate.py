"""``artist-nst evaluate``: do paintings pass for the artist's?"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from artist_nst.cli import console as talk
from artist_nst.cli.columns import print_table, say
from artist_nst.cli.commands.paint import split
from artist_nst.cli.options import FILES, Corpora, Quiet, Verbose
from artist_nst.cli.signals import load_torch

if TYPE_CHECKING:
    from artist_nst.evaluation.attribution import Share
    from artist_nst.evaluation.metrics import Evaluation, Row

HEADS = (
    "painting",
    "taken for",
    "probability",
    "judges",
    "edges",
    "content",
    "style",
    "held-out",
    "closer than",
)


def evaluate(
    paintings: Annotated[
        list[str],
        typer.Argument(
            metavar="PAINTING", help="What was painted.", show_default=False
        ),
    ],
    artist: Annotated[
        str,
        typer.Option(
            "--artist",
            "-A",
            help="Whom they imitate: picasso, 'Pablo Picasso', pablo-picasso.",
            show_default=False,
        ),
    ],
    without_color: Annotated[
        bool,
        typer.Option(
            "--without-color",
            help="Judge by edges, patterns and wavelets of lightness alone: for "
            "paintings that have their photo's colors.",
        ),
    ] = False,
    content: Annotated[
        Path | None,
        typer.Option(
            metavar="PHOTO",
            help="The photo of paintings without a record, or if it has moved.",
            rich_help_panel=FILES,
        ),
    ] = None,
    corpora: Corpora = None,
    csv: Annotated[
        Path | None,
        typer.Option(
            "--csv",
            metavar="FILE",
            help="Write all numbers of all paintings there, too.",
            rich_help_panel=FILES,
        ),
    ] = None,
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """Judge whether paintings pass for an artist's, and measure them.

    Two judges learn to tell the artists in the folder of corpora apart, six at least,
    each from one half of the works that the paintings were not painted from; the other
    half says how well. The works are looked at once, a few in a second, and remembered.

    In the table, judges are those of the two who take it for the artist's; edges is 1
    and content 0 where all of the photo is kept; style is the distance to the works
    painted from, held-out to the artist's others, and closer than the share of other
    artists' works that are farther from these.

    Example: artist-nst evaluate painted/*.png --artist monet --csv monet.csv
    """
    console = talk.set_up(quiet, verbose)
    load_torch()
    from artist_nst.evaluation.metrics import evaluate as run
    from artist_nst.image.files import check_writable

    if csv is not None:
        check_writable(csv, (".csv",))
    pictures, _ = split(paintings, artist)
    with talk.counting_bar(console) as show:
        found = run(
            pictures,
            artist,
            corpora,
            content=content,
            color=not without_color,
            on_progress=lambda what, done, total: show(what, done, total, ""),
        )
    if csv is not None:
        found.write_table(csv)
    print_table(HEADS, map(_row, found.rows), right=HEADS[2:], folded=HEADS[:1])
    say("".join(f"{line}\n" for line in _summary(found)))


def _row(row: Row) -> dict[str, str]:
    return {
        "painting": str(row.painting),
        "taken for": row.taken_for,
        "probability": f"{row.probability:.2f}",
        "judges": f"{row.hits} of 2",
        "edges": _number(row.edges),
        "content": _number(row.content),
        "style": _number(row.style),
        "held-out": _number(row.held_out),
        "closer than": _percent(row.closer_than),
    }


def _summary(found: Evaluation) -> list[str]:
    judges, artist = found.judges, found.artist
    photos = ""
    if found.photos.of:
        photos = f"; of the photos themselves, {_share(found.photos)}"
    medians = ", ".join(
        f"{name} {_number(found.median(name))}"
        for name in ("edges", "content", "style")
        if found.median(name) is not None
    )
    return [
        "",
        f"taken for {artist}'s: {_share(found.deception)}{photos}",
        f"known to the judges, of held-out works: {_share(judges.accuracy)}, of "
        f"{artist}'s {_share(judges.known[artist])}; re-encoded "
        f"{_percent(judges.reencoded.rate)}, by chance {_percent(judges.chance)}; "
        f"calibration error {judges.calibration_error:.2f}",
        f"medians: {medians}{', ' if medians else ''}"
        f"held-out {_number(found.median('held_out'))}, closer than "
        f"{_percent(found.median('closer_than'))} of the others' works (held-out works "
        f"{_percent(found.works_closer_than)})",
    ]


def _share(share: Share) -> str:
    """``58% of 24 (39–76%)``: with the interval of 95 % confidence."""
    low, high = share.interval
    return f"{share.rate:.0%} of {share.of} ({100 * low:.0f}–{high:.0%})"


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.2f}"


def _percent(value: float | None) -> str:
    return "" if value is None else f"{value:.0%}"
