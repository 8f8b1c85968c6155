"""``artist-nst recipes``: list and print the named recipes, and save copies of them."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from artist_nst._files import PICTURE_SUFFIXES
from artist_nst.cli.console import open_console
from artist_nst.cli.options import Quiet, Verbose
from artist_nst.cli.output import print_result, write_stdout
from artist_nst.cli.signals import load_torch
from artist_nst.cli.tables import print_table
from artist_nst.errors import UsageError
from artist_nst.recipes.published import PUBLICATIONS, RECIPES
from artist_nst.recipes.recipe import Recipe, format_value, from_dict
from artist_nst.recipes.toml_file import find_recipe, write_recipe


def recipes(
    name: Annotated[
        str | None,
        typer.Argument(
            metavar="NAME|FILE.toml|PAINTING",
            help="Recipe to print with its source and all values (default: list all "
            "recipes).",
        ),
    ] = None,
    save: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Write the recipe to a new .toml file, to edit it and use it with "
            "`artist-nst paint --recipe FILE.toml`.",
        ),
    ] = None,
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """List the named recipes, or print one with its source and all values.

    Examples:
        artist-nst recipes art.py
        artist-nst recipes default --save mine.toml
        artist-nst recipes photo-night.png --save again.toml
    """
    open_console(quiet, verbose)
    if name is None:
        if save is not None:
            raise UsageError(f"--save {save}: name the recipe to save")
        rows = [
            {"recipe": recipe.name, "source": recipe.source}
            for recipe in RECIPES.values()
        ]
        print_table(("recipe", "source"), rows, whole=("recipe",), folded=("source",))
    elif save is not None:
        _save(save, _find(name))
    else:
        _print(_find(name))


def _find(name: str) -> Recipe:
    """Find a recipe by name, in a .toml file, or in a painting's record."""
    suffix = os.path.splitext(name)[1].lower()
    if suffix not in PICTURE_SUFFIXES or not os.path.isfile(name):
        return find_recipe(name)
    load_torch()
    from artist_nst.painting.record import load_record

    return from_dict(load_record(name)["recipe"])


def _save(path: Path, recipe: Recipe) -> None:
    """Write a recipe under the file's name: it is going to be changed."""
    if os.path.lexists(path):
        raise UsageError(f"--save {path}: the file exists already; choose another name")
    source = f"after {recipe.name}: {recipe.source}"
    write_recipe(path, replace(recipe, name=path.stem, source=source))
    print_result(path)


def _print(recipe: Recipe) -> None:
    """Print all values; of a published recipe, also what its source states."""
    rows = [
        {"field": key.replace("_", " "), "value": format_value(value)}
        for key, value in recipe.to_dict().items()
    ]
    print_table(("field", "value"), rows, whole=("field",), folded=("value",))
    if recipe != RECIPES.get(recipe.name):
        return
    publication = PUBLICATIONS[recipe.name]
    for head, lines in (
        ("stated by the source", publication.given),
        ("left open by the source, chosen here", publication.left_open),
    ):
        if lines:
            write_stdout("\n")
            rows = [{head: f"– {line}"} for line in lines]
            print_table((head,), rows, folded=(head,))
