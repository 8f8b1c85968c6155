"""``artist-nst recipes``: the named recipes, their numbers, and files of one's own."""

from __future__ import annotations

import os
from dataclasses import replace
from itertools import groupby
from pathlib import Path
from typing import Annotated, Any

import typer

from artist_nst.cli import console as talk
from artist_nst.cli.columns import print_table, say
from artist_nst.cli.options import FILES, Quiet, Verbose
from artist_nst.errors import UsageError
from artist_nst.recipes.published import PUBLICATIONS, RECIPES
from artist_nst.recipes.recipe import Recipe
from artist_nst.recipes.toml_file import find_recipe, write_recipe


def recipes(
    name: Annotated[
        str | None,
        typer.Argument(
            metavar="NAME|FILE.toml",
            help="A recipe, for its source and every number of it.",
        ),
    ] = None,
    save: Annotated[
        Path | None,
        typer.Option(
            help="Write it to a new .toml file, to be changed and painted with: "
            "paint --recipe FILE.toml.",
            rich_help_panel=FILES,
        ),
    ] = None,
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """List the named recipes, or say where one comes from and every number of it.

    Examples:

    artist-nst recipes art.py

    artist-nst recipes default --save mine.toml
    """
    talk.set_up(quiet, verbose)
    if name is None:
        if save is not None:
            raise UsageError(f"--save {save}: name the recipe that is to be saved")
        rows = [{"recipe": one.name, "source": one.source} for one in RECIPES.values()]
        print_table(("recipe", "source"), rows, whole=("recipe",), folded=("source",))
    elif save is not None:
        _save(save, find_recipe(name))
    else:
        _describe(find_recipe(name))


def _save(path: Path, recipe: Recipe) -> None:
    """As the start of a recipe of one's own, which its source did not write."""
    if os.path.lexists(path):
        raise UsageError(f"--save {path}: it is there already; choose another name")
    source = f"after {recipe.name}: {recipe.source}"
    write_recipe(path, replace(recipe, name=path.stem, source=source))
    typer.echo(str(path))


def _describe(recipe: Recipe) -> None:
    """The source, every number, and what the source states and leaves open."""
    rows = [
        {"field": key.replace("_", " "), "value": _text(value)}
        for key, value in recipe.to_dict().items()
    ]
    print_table(("field", "value"), rows, whole=("field",), folded=("value",))
    if recipe == RECIPES.get(recipe.name):
        publication = PUBLICATIONS[recipe.name]
        for head, lines in (
            ("stated by the source", publication.given),
            ("left open, and chosen", publication.left_open),
        ):
            if lines:
                say("\n")
                rows = [{head: f"– {line}"} for line in lines]
                print_table((head,), rows, folded=(head,))


def _text(value: Any) -> str:
    """A field's value: equal levels in a row are counted, ``12 × (1, 20)``."""
    if not isinstance(value, tuple):
        return _short(value)
    parts = []
    for pair, equal in groupby(value):
        first, second = map(_short, pair)
        count = len(list(equal))
        layer = isinstance(pair[0], str)
        text = f"{first}={second}" if layer else f"({first}, {second})"
        parts.append(f"{count} × {text}" if count > 1 else text)
    return ", ".join(parts) or "none"


def _short(value: Any) -> str:
    if not isinstance(value, float):
        return str(value)
    return f"{value:.0f}" if value.is_integer() and value < 1e15 else f"{value:.4g}"
