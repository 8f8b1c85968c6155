"""The recipe's settings as fields of a form, derived from their metadata."""

from __future__ import annotations

import math
from typing import Any, get_args

from artist_nst.experiments.axes import AXES
from artist_nst.recipes.published import PUBLICATIONS, RECIPES
from artist_nst.recipes.recipe import (
    FIELD_TYPES,
    OPTIONS,
    Levels,
    Recipe,
    Weighted,
    format_value,
)

# Those that matter most come first, in this order and under these names.
MAIN = {"ratio": "Strength", "style_scale": "Size of strokes", "color": "Colors"}
# Ends of the sliders, which are logarithmic; any other value can be typed.
SLIDERS = {"ratio": (0.5, 500), "style_scale": (0.3, 3)}
# The page has a field of its own for them.
ELSEWHERE = ("width",)


def list_settings(recipe: Recipe) -> list[dict[str, Any]]:
    """Describe the settings of a form, with a recipe's values.

    Returns:
        Of each: ``name`` (the option without dashes), ``label``, ``help``, ``kind``
        (number, choice or text), ``value``, whether it is ``main``; of numbers
        ``least``, ``most`` and ``step``; of choices ``choices``; of sliders their
        ``ends``.
    """
    names = [*MAIN, *(name for name in OPTIONS if name not in MAIN)]
    return [_describe(name, recipe) for name in names if name not in ELSEWHERE]


def list_recipes() -> list[dict[str, str]]:
    """Describe the named recipes."""
    return [
        {
            "name": name,
            "title": PUBLICATIONS[name].title if name in PUBLICATIONS else "",
        }
        for name in RECIPES
    ]


def list_axes() -> list[str]:
    """List what a comparison may vary, the most important first."""
    main = [OPTIONS[name].axis or OPTIONS[name].option for name in MAIN]
    return [*main, *(axis for axis in AXES if axis not in (*main, "artist", "width"))]


def _describe(name: str, recipe: Recipe) -> dict[str, Any]:
    setting, kind = OPTIONS[name], FIELD_TYPES[name]
    value = getattr(recipe, name)
    label = MAIN.get(name) or setting.option.replace("-", " ").capitalize()
    facts: dict[str, Any] = {
        "name": setting.option,
        "label": label if name != "levels" else "Iterations",
        "help": setting.help,
        "main": name in MAIN,
        "kind": "text",
        "value": format_value(value),
    }
    choices = get_args(kind)
    if kind == Levels:
        facts |= {"kind": "number", "value": recipe.iterations, "step": 1, "least": 1}
    elif kind in (int, float):
        facts |= {
            "kind": "number",
            "value": value,
            "step": 1 if kind is int else "any",
            "least": setting.least,
        }
        if math.isfinite(setting.most):
            facts["most"] = setting.most
        if name in SLIDERS:
            facts["ends"] = SLIDERS[name]
    elif kind == Weighted:
        facts["value"] = "+".join(
            layer if weight == 1 else f"{layer}={weight:g}" for layer, weight in value
        )
    elif choices and isinstance(choices[0], str):
        facts |= {"kind": "choice", "value": value, "choices": choices}
    return facts
