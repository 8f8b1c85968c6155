"""``artist-nst info``: show how a painting was made."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from artist_nst._files import open_file
from artist_nst.cli.console import open_console
from artist_nst.cli.options import Quiet, Verbose
from artist_nst.cli.output import write_stdout
from artist_nst.cli.signals import load_torch
from artist_nst.cli.tables import print_table


def info(
    paintings: Annotated[
        list[Path],
        typer.Argument(
            metavar="PAINTING", help="Paintings by artist-nst.", show_default=False
        ),
    ],
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the whole record as JSON.")
    ] = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """Show how paintings were made: pictures, recipe, machine, losses.

    Examples:
        artist-nst info photo-night.png
        artist-nst info photo-night.png --json
    """
    open_console(quiet, verbose)
    for painting in paintings:
        open_file(painting).close()
    load_torch()
    from artist_nst.painting.description import describe_record
    from artist_nst.painting.record import load_record
    from artist_nst.recipes.recipe import from_dict

    records = [load_record(painting) for painting in paintings]
    if as_json:
        shown = records if len(records) > 1 else records[0]
        write_stdout(json.dumps(shown, indent=2) + "\n")
        return
    for painting, facts in zip(paintings, records, strict=True):
        # A record of an earlier version lacks newer fields.
        described = describe_record(facts, from_dict(facts["recipe"]).to_dict())
        rows = [{"what": what, "value": value} for what, value in described]
        if len(paintings) > 1:
            rows.insert(0, {"what": "painting", "value": str(painting)})
        print_table(("what", "value"), rows, whole=("what",), folded=("value",))
