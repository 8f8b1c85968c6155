#!/usr/bin/env python3
"""Which way of picking works makes paintings that pass for the artist's.

python scripts/evaluate_modes.py --photos photos --corpora artists -o modes

Every artist's works are split three ways: a third is painted from, by every mode and
for every photo; two judges share the others, each learning from a half and tested on
the other. One photo is painted sixteen times more by some modes, to see how many of the
artist's manners they have. Leaves paintings, results.csv, a table in Markdown and a
sheet; what is painted is not painted again. Run it for some --artist each in several
processes with --paint-only, and once more for the table.
"""

import logging
from pathlib import Path
from typing import Annotated

import typer
from command import console
from command import run as run_script
from modes.planning import Plan, corpora_of, plan
from rich.progress import Progress

from artist_nst.errors import ArtistNstError, UsageError
from artist_nst.experiments.runner import paint_series
from artist_nst.painting.networks import Networks
from artist_nst.recipes.published import recipe
from artist_nst.recipes.recipe import Network

SUFFIXES = {".jpg", ".jpeg", ".png", ".webp"}


def main(
    photos: Annotated[Path, typer.Option(help="A folder of photographs.")],
    corpora: Annotated[Path, typer.Option(help="A folder of artists' works.")],
    out: Annotated[Path, typer.Option("--out", "-o")] = Path("modes"),
    artist: Annotated[
        list[str] | None, typer.Option(help="Paint these alone; repeatable.")
    ] = None,
    count: Annotated[int, typer.Option(help="Photos, in order of their names.")] = 8,
    width: Annotated[int, typer.Option(help="Of the paintings, in pixels.")] = 256,
    network: Annotated[str, typer.Option(help="Whose features are compared.")] = "auto",
    precision: Annotated[str, typer.Option(help="Of the convolutions.")] = "auto",
    paint_only: Annotated[bool, typer.Option(help="Leave the table out.")] = False,
) -> None:
    """Paint PHOTOS after every artist of CORPORA by every mode, and compare."""
    chosen = recipe("default", width=width, network=_network(network))
    pictures = sorted(path for path in photos.iterdir() if path.suffix in SUFFIXES)
    if len(pictures) < count:
        raise UsageError(f"--photos {photos} has {len(pictures)} pictures, not {count}")
    plans = [
        plan(corpus, pictures[:count], chosen)
        for corpus in corpora_of(corpora, artist or [])
    ]
    networks = Networks()
    # The table's paintings first: they are what most is read off.
    for ranged in (False, True):
        for one in plans:
            paint(one, ranged, out, networks, precision)
    if not paint_only:
        from modes.judging import report

        report(plans, pictures[:count], corpora, out)


def paint(
    planned: Plan, ranged: bool, out: Path, networks: Networks, precision: str
) -> None:
    """Paint what is not painted yet after one artist, into a folder of his own.

    Args:
        ranged: the many paintings of one photo, in place of the table's.

    Raises:
        ArtistNstError: something could not be painted.
        KeyboardInterrupt: what was painted until then stays.
    """
    folder = out / planned.artist.slug
    folder.mkdir(parents=True, exist_ok=True)
    cells = [
        cell
        for (_, nth, seed), cell in planned.cells.items()
        if (nth != seed) == ranged
    ]
    with Progress(console=console, disable=not console.is_terminal) as bar:
        task = bar.add_task(planned.artist.slug, total=len(cells))
        made = paint_series(
            cells,
            folder,
            networks,
            precision=precision,
            on_progress=lambda told: bar.update(task, completed=told.number - 1),
        )
    if made.interrupted:
        raise KeyboardInterrupt
    if made.failed:
        name, error = next(iter(made.failed.items()))
        raise ArtistNstError(f"{folder / name}: {error}")


def _network(name: str) -> Network:
    """For typer does not know the type."""
    return name  # type: ignore[return-value]


if __name__ == "__main__":
    logging.getLogger("artist_nst").setLevel(logging.WARNING)
    run_script(main, "evaluate_modes.py")
