#!/usr/bin/env python3
"""Compare the ways of picking works by how often paintings pass for the artist's.

python scripts/evaluate_modes.py --photos photos --corpora artists -o modes

Each artist's works are split in three: one third is painted from, by every mode and
for every photo; two classifiers are each trained on half of the others and tested on
the other half. Some modes paint the first photo sixteen more times, to see how varied
they are. Writes paintings, results.csv, a table in Markdown and sheets; skips paintings
that are already finished. To use several processes, run it with --paint-only for a few
artists (--artist) each, then once more for the table.
"""

import logging
from pathlib import Path
from typing import Annotated

import typer
from command import console, run_script
from modes.planning import ArtistPlan, load_corpora, plan_artist
from rich.progress import Progress

from artist_nst._types import PrecisionName
from artist_nst.errors import ArtistNstError, UsageError
from artist_nst.experiments.runner import paint_series
from artist_nst.painting.compute import ComputeOptions
from artist_nst.painting.networks import Networks
from artist_nst.recipes.published import recipe
from artist_nst.recipes.recipe import Network

SUFFIXES = {".jpg", ".jpeg", ".png", ".webp"}


def main(
    photos: Annotated[Path, typer.Option(help="A folder of photographs.")],
    corpora: Annotated[Path, typer.Option(help="A folder of artists' works.")],
    out: Annotated[Path, typer.Option("--out", "-o")] = Path("modes"),
    artist: Annotated[
        list[str] | None, typer.Option(help="Paint after this one only; repeatable.")
    ] = None,
    count: Annotated[int, typer.Option(help="Number of photos, in order of name.")] = 8,
    width: Annotated[int, typer.Option(help="Of the paintings, in pixels.")] = 256,
    network: Annotated[Network, typer.Option(help="That paints.")] = "auto",
    precision: Annotated[
        PrecisionName, typer.Option(help="Of the convolutions.")
    ] = "auto",
    paint_only: Annotated[bool, typer.Option(help="Leave out the table.")] = False,
) -> None:
    logging.getLogger("artist_nst").setLevel(logging.WARNING)
    pictures = sorted(path for path in photos.iterdir() if path.suffix in SUFFIXES)
    if len(pictures) < count:
        raise UsageError(f"--photos {photos} has {len(pictures)} pictures, not {count}")
    chosen = recipe("default", width=width, network=network)
    plans = [
        plan_artist(corpus, pictures[:count], chosen)
        for corpus in load_corpora(corpora, artist or [])
    ]
    networks = Networks(ComputeOptions(precision=precision))
    # The paintings of the table come before the series of the first photo.
    for series in (False, True):
        for plan in plans:
            paint_artist(plan, series, out, networks)
    if not paint_only:
        from modes.report import write_report

        write_report(plans, pictures[:count], corpora, out)


def paint_artist(plan: ArtistPlan, series: bool, out: Path, networks: Networks) -> None:
    """Paint what is not finished after one artist, into a folder of its own.

    Args:
        series: Whether to paint the series of the first photo, or else the table's.

    Raises:
        ArtistNstError: Something could not be painted.
        KeyboardInterrupt: Finished paintings are kept.
    """
    folder = out / plan.artist.slug
    folder.mkdir(parents=True, exist_ok=True)
    cells = [
        cell
        for (_, photo, seed), cell in plan.cells.items()
        if (photo != seed) == series
    ]
    with Progress(console=console, disable=not console.is_terminal) as bar:
        task = bar.add_task(plan.artist.slug, total=len(cells))
        result = paint_series(
            cells,
            folder,
            networks,
            lambda progress: bar.update(task, completed=progress.number - 1),
        )
    if result.interrupted:
        raise KeyboardInterrupt
    if result.failed:
        name, error = next(iter(result.failed.items()))
        raise ArtistNstError(f"{folder / name}: {error}")


if __name__ == "__main__":
    run_script(main, resumable=True)
