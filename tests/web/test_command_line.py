"""The command that makes the same painting, from its record."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from artist_nst.recipes.published import RECIPES
from artist_nst.recipes.recipe import Recipe, make_draft
from artist_nst.web.command_line import format_command

DEFAULT = RECIPES["default"]


def make_record(recipe: Recipe, *styles: tuple[str, float], work: bool = False) -> Any:
    made = [
        {
            "path": None if work else name,
            "weight": weight,
            "work": {"corpus": "ada", "id": name} if work else None,
        }
        for name, weight in styles
    ]
    content = {"path": "a photo.jpg"}
    recipe_values = recipe.to_dict()
    return {"content": content, "styles": made, "recipe": recipe_values, "seed": 3}


def divide(
    record: Any, *regions: tuple[str | None, list[int], float], **more: Any
) -> Any:
    """Add regions to a record: a mask's path, indices of styles, and their strength."""
    record["regions"] = [
        {
            "mask": None if path is None else {"path": path},
            "styles": styles,
            "style_mask": {"path": "part.png"} if path == "m.png" else None,
            "strength": strength,
        }
        for path, styles, strength in regions
    ]
    return record | more


@pytest.mark.parametrize(
    ("record", "words"),
    [
        (make_record(DEFAULT, ("b.jpg", 1.0)), "b.jpg --width 512 --seed 3"),
        (
            make_record(DEFAULT, ("b.jpg", 0.7), ("c.jpg", 0.3)),
            "b.jpg:0.7 c.jpg:0.3 --width 512 --seed 3",
        ),
        (
            make_record(make_draft(DEFAULT), ("w1", 1.0), ("w2", 1.0), work=True),
            "--artist ada --work w1 --work w2 --draft --width 512 --seed 3",
        ),
        (
            make_record(replace(RECIPES["art.py"], ratio=9.0, tv=0.5), ("b.jpg", 1.0)),
            "b.jpg --recipe art.py --ratio 9 --tv 0.5 --width 512 --seed 3",
        ),
        (
            make_record(DEFAULT.with_iterations(40), ("b.jpg", 1.0)),
            "b.jpg --numiter 40 --width 512 --seed 3",
        ),
        (
            divide(
                make_record(DEFAULT, ("w1", 1.0), ("w:2", 1.0), work=True),
                ("a.png", [], 1.0),
                ("b c.png", [0], 1.5),
                (None, [1], 1.0),
            ),
            "--mask a.png=keep --mask 'b c.png=ada/w1:1.5' --mask rest=ada/w:2:1 "
            "--width 512 --seed 3",
        ),
        (
            divide(
                make_record(DEFAULT, ("x.jpg", 3.0), ("y.jpg", 1.0), ("z.jpg", 1.0)),
                ("a.png", [0, 1], 2.0),
                ("m.png", [2], 0.5),
                (None, [], 1.0),
                protect_faces=True,
            ),
            "--mask a.png=x.jpg:3 --mask a.png=y.jpg --mask m.png=z.jpg@part.png:0.5 "
            "--mask rest=keep --protect faces --width 512 --seed 3",
        ),
        (
            divide(make_record(DEFAULT, ("b.jpg", 1.0)), segmented=True),
            "b.jpg --regions auto --width 512 --seed 3",
        ),
    ],
)
def test_the_command(record: Any, words: str) -> None:
    assert format_command(record) == f"artist-nst paint 'a photo.jpg' {words}"
