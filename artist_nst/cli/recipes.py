"""``artist-nst recipes``: the named recipes and their numbers."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from artist_nst.cli import talk
from artist_nst.cli.options import Quiet, Verbose
from artist_nst.nst.recipe import RECIPES, recipe


def recipes(
    name: Annotated[
        str | None, typer.Argument(help="A recipe, for every number of it.")
    ] = None,
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """List the named recipes, or every number of one.

    Example: artist-nst recipes art.py
    """
    from rich.console import Console
    from rich.table import Table

    talk.set_up(quiet, verbose)
    table = Table(box=None, pad_edge=False, show_header=False)
    if name is None:
        for one in RECIPES.values():
            table.add_row(one.name, one.source)
    else:
        for key, value in recipe(name).to_dict().items():
            table.add_row(key.replace("_", " "), _text(value))
    Console(highlight=False).print(table)


def _text(value: Any) -> str:
    if isinstance(value, tuple):
        return ", ".join(" ".join(_text(part) for part in pair) for pair in value)
    return f"{value:.4g}" if isinstance(value, float) else str(value)
