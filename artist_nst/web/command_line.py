"""The command that makes the same painting, from its record."""

from __future__ import annotations

import shlex
from dataclasses import replace
from typing import Any

from artist_nst.painting.record_types import Record, RecordedRegion
from artist_nst.painting.sources import parse_weight
from artist_nst.recipes.published import RECIPES
from artist_nst.recipes.recipe import (
    OPTIONS,
    Recipe,
    format_value,
    from_dict,
    make_draft,
)


def format_command(record: Record) -> str:
    """Format the ``artist-nst paint`` command for a record.

    It is run in the studio's folder. What no option sets, only ``repaint`` repeats.
    """
    recipe = from_dict(record["recipe"])
    words = ["artist-nst", "paint", record["content"]["path"] or "PHOTO"]
    styles = record["styles"]
    are_equal = len({style["weight"] for style in styles}) == 1
    ends = ["" if are_equal else f":{style['weight']:g}" for style in styles]
    works = [style["work"] for style in styles if style["work"]]
    if regions := record.get("regions"):
        for region in regions:
            words += _format_region(region, record)
    elif works:
        words += ["--artist", works[0]["corpus"]]
        for work, end in zip(works, ends, strict=True):
            words += ["--work", work["id"] + end]
    else:
        for style, end in zip(styles, ends, strict=True):
            words.append((style["path"] or "STYLE") + end)
    if record.get("segmented"):
        words += ["--regions", "auto"]
    if record.get("protect_faces"):
        words += ["--protect", "faces"]
    if recipe.name != "default" and recipe.name in RECIPES:
        words += ["--recipe", recipe.name]
    words += list_changes(recipe)
    words += ["--width", str(recipe.width), "--seed", str(record["seed"])]
    return shlex.join(words)


def _format_region(region: RecordedRegion, record: Record) -> list[str]:
    """Format the options for a part of a photo, one for each of its styles."""
    mask = "rest" if region["mask"] is None else region["mask"]["path"] or "MASK"
    styles = [record["styles"][index] for index in region["styles"]]
    if not styles:
        return ["--mask", f"{mask}=keep"]
    words = []
    mean = sum(style["weight"] for style in styles) / len(styles)
    for style in styles:
        if work := style["work"]:
            text = f"{work['corpus']}/{work['id']}"
        else:
            text = style["path"] or "STYLE"
        if region["style_mask"]:
            text += f"@{region['style_mask']['path'] or 'MASK'}"
        # The numbers are weights, and their mean is the strength.
        number = region["strength"] * style["weight"] / mean if mean else 1
        # A name that ends like a number needs one.
        if number != 1 or parse_weight(text) != (text, 1.0):
            text += f":{number:.12g}"
        words += ["--mask", f"{mask}={text}"]
    return words


def list_changes(recipe: Recipe) -> list[str]:
    """List the options that make a recipe of the named one that it is of."""
    named = RECIPES.get(recipe.name, RECIPES["default"])
    words = []
    draft = make_draft(named)
    if (recipe.network, recipe.levels) == (draft.network, draft.levels):
        words.append("--draft")
        named = draft
    # A record names the network that auto resolved to.
    if named.network == "auto" and recipe.network == "vgg19":
        named = replace(named, network="vgg19")
    for field, setting in OPTIONS.items():
        value, original = getattr(recipe, field), getattr(named, field)
        if value == original or field == "width":
            continue
        for text in _format_values(field, value, recipe):
            words += [f"--{setting.option}", text]
    return words


def _format_values(field: str, value: Any, recipe: Recipe) -> list[str]:
    if field == "levels":
        return [str(recipe.iterations)]
    if isinstance(value, tuple):
        return [f"{layer}={weight:g}" for layer, weight in value]
    return [format_value(value)]
