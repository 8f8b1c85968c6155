"""``artist-nst evaluate``: judge whether paintings pass for the artist's."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from artist_nst._files import find_pictures
from artist_nst.cli.console import counting_bar, open_console
from artist_nst.cli.options import Corpora, Quiet, Verbose
from artist_nst.cli.output import write_stdout
from artist_nst.cli.signals import load_torch
from artist_nst.cli.tables import print_table

if TYPE_CHECKING:
    from artist_nst.evaluation.attribution import Proportion
    from artist_nst.evaluation.metrics import Evaluation, PaintingMetrics

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
            metavar="PAINTING", help="Paintings by artist-nst.", show_default=False
        ),
    ],
    artist: Annotated[
        str | None,
        typer.Option(
            "--artist",
            "-A",
            metavar="NAME",
            help="Target artist, such as picasso or 'Pablo Picasso' (default: whose "
            "works the paintings are after, as they record it).",
        ),
    ] = None,
    without_color: Annotated[
        bool,
        typer.Option(
            "--without-color",
            help="Judge only by edges, patterns and wavelets of the lightness; for "
            "paintings that keep the photo's colors.",
        ),
    ] = False,
    content: Annotated[
        Path | None,
        typer.Option(
            metavar="PHOTO",
            help="Photo of paintings that have no record, or if the photo has moved.",
        ),
    ] = None,
    csv: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Also write all numbers of all paintings to a .csv file.",
        ),
    ] = None,
    corpora: Corpora = None,
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """Judge whether paintings pass for an artist's works, and measure them.

    Two judges (classifiers) learn to tell apart the artists in the folder of
    corpora, at least six. Each learns from one half of the works that the paintings
    were not made from, and is tested on the other half. The works' features are
    computed once, a few works per second, and cached.

    Columns: judges is the number of judges who take the painting for the artist's;
    edges is 1 and content is 0 if the painting keeps all of the photo; style is the
    distance to the works that it was made from, held-out to the artist's other
    works; closer than is the share of other artists' works that are farther away
    from those.

    Examples:
        artist-nst evaluate painted/*.png
        artist-nst evaluate painted/*.png --artist monet --csv monet.csv
    """
    console = open_console(quiet, verbose)
    load_torch()
    from artist_nst._files import check_writable
    from artist_nst.evaluation import metrics

    if csv is not None:
        check_writable(csv, (".csv",))
    paths = [path for painting in paintings for path in find_pictures(painting)]
    with counting_bar(console) as show:
        evaluation = metrics.evaluate(
            paths,
            artist,
            corpora,
            content=content,
            color=not without_color,
            on_progress=lambda phase, done, total: show(phase, done, total, ""),
        )
    if csv is not None:
        evaluation.write_table(csv)
    write_stdout(f"{_judge(evaluation)}\n\n")
    rows = map(_make_row, evaluation.rows)
    print_table(HEADS, rows, right=HEADS[2:], folded=HEADS[:1])
    write_stdout("".join(f"{line}\n" for line in _summarize(evaluation)))


def _make_row(painting: PaintingMetrics) -> dict[str, str]:
    return {
        "painting": str(painting.painting),
        "taken for": painting.taken_for,
        "probability": f"{painting.probability:.2f}",
        "judges": f"{painting.hits} of 2",
        "edges": _format_number(painting.edges),
        "content": _format_number(painting.content),
        "style": _format_number(painting.style),
        "held-out": _format_number(painting.held_out),
        "closer than": _format_percent(painting.closer_than),
    }


def _judge(evaluation: Evaluation) -> str:
    """Say in a sentence or two how the paintings did."""
    artist, count = evaluation.artist, len(evaluation.rows)
    own = evaluation.classifiers.accuracy_by_artist[artist]
    compared = f"{own.rate:.0%} of {artist}'s own works that they had not seen"
    if evaluation.photo_deception.total:
        compared += f", and {evaluation.photo_deception.rate:.0%} of the photos"
    if count == 1:
        judges = ("Neither judge takes", "One of two judges takes", "Both judges take")
        verdict = f"{judges[evaluation.rows[0].hits]} the painting for {artist}'s"
    else:
        rate = f"{evaluation.deception.rate:.0%}"
        verdict = f"The judges take {rate} of {count:,} paintings for {artist}'s"
    verdict += f"; for comparison, they take {compared}."
    edges = evaluation.median("edges")
    if edges is None:
        return verdict
    kept = "most" if edges > 0.75 else "much" if edges > 0.5 else "little"
    return f"{verdict} Of the photos' edges, {kept} is kept ({edges:.0%})."


def _summarize(evaluation: Evaluation) -> list[str]:
    artist, judges = evaluation.artist, evaluation.classifiers
    photos = ""
    if evaluation.photo_deception.total:
        photos = f"; the photos themselves: {_format_share(evaluation.photo_deception)}"
    medians = "".join(
        f"{name} {_format_number(evaluation.median(name))}, "
        for name in ("edges", "content", "style")
        if evaluation.median(name) is not None
    )
    return [
        "",
        f"taken for {artist}'s: {_format_share(evaluation.deception)}{photos}",
        f"judges' accuracy: {_format_share(judges.accuracy)} of held-out works, "
        f"{_format_share(judges.accuracy_by_artist[artist])} of {artist}'s; "
        f"{_format_percent(judges.reencoded_accuracy.rate)} if re-encoded, "
        f"{_format_percent(judges.chance)} by chance; "
        f"calibration error {judges.calibration_error:.2f}",
        f"medians: {medians}"
        f"held-out {_format_number(evaluation.median('held_out'))}, closer than "
        f"{_format_percent(evaluation.median('closer_than'))} of other artists' works "
        f"(held-out works: {_format_percent(evaluation.works_closer_than)})",
    ]


def _format_share(share: Proportion) -> str:
    """Format a proportion with its 95 % confidence interval: ``58% of 24 (39–76%)``."""
    low, high = share.interval
    return f"{share.rate:.0%} of {share.total} ({100 * low:.0f}–{high:.0%})"


def _format_number(value: float | None) -> str:
    return "" if value is None else f"{value:.2f}"


def _format_percent(value: float | None) -> str:
    return "" if value is None else f"{value:.0%}"
