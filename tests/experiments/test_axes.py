"""Axes: what each changes of a recipe, and what is refused in one line."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from artist_nst import UsageError, recipe
from artist_nst.experiments.axes import AXES, LONGEST_SLUG, Axis, axis, vary
from artist_nst.recipes.published import RECIPES

BASE = RECIPES["default"]

# Value → the fields that it changes.
CHANGES: dict[str, tuple[str, dict[str, Any]]] = {
    "style-scale": ("0.5", {"style_scale": 0.5}),
    "ratio": ("1e3", {"ratio": 1000.0}),
    "content-layer": ("conv3_1", {"content_layers": (("conv3_1", 1.0),)}),
    "style-layer": ("conv2_2=0.7", {"style_layers": (("conv2_2", 0.7),)}),
    "iterations": ("18", {"levels": ((1 / 3, 8), (2 / 3, 6), (1.0, 4))}),
    "init": ("rand", {"init": "rand"}),
    "tv": ("0.5", {"tv": 0.5}),
    "network": ("vgg16", {"network": "vgg16"}),
    "pool": ("average", {"pool": "average"}),
    "optimizer": ("adam", {"optimizer": "adam"}),
    "color": ("linear", {"color": "linear"}),
    "width": ("64", {"width": 64}),
}


def test_every_axis_is_tested() -> None:
    assert CHANGES.keys() == AXES.keys()


@pytest.mark.parametrize("name", AXES)
def test_an_axis_changes_its_field_and_no_other(name: str) -> None:
    value, wanted = CHANGES[name]
    before, after = BASE.to_dict(), vary(BASE, name, value).to_dict()
    changed = {key: value for key, value in after.items() if before[key] != value}
    assert changed == wanted
    assert type(next(iter(changed.values()))) is type(next(iter(wanted.values())))


def test_layers_are_joined_and_weighted() -> None:
    assert vary(BASE, "content-layer", "conv3_1+conv4_2").content_layers == (
        ("conv3_1", 0.5),
        ("conv4_2", 0.5),
    )
    assert vary(BASE, "style-layer", "conv1_1=0.25 + conv2_1=2").style_layers == (
        ("conv1_1", 0.25),
        ("conv2_1", 2.0),
    )


def test_tv_replaces_a_papers_sum() -> None:
    summed = recipe(tv=0.0, tv_sum=0.1)
    varied = vary(summed, "tv", "0.01")
    assert (varied.tv, varied.tv_sum) == (0.01, 0.0)


def test_values_are_kept_as_typed_and_in_their_order() -> None:
    made = axis("ratio", " 25, 1.50 ,5")
    assert made == Axis("ratio", ("25", "1.50", "5"))


@pytest.mark.parametrize(
    ("name", "values", "says"),
    [
        ("ratoi", "1,5", "did you mean 'ratio'"),
        ("nothing-alike", "1,5", "choose from style-scale, ratio"),
        ("ratio", "", "commas"),
        ("ratio", " ", "commas"),
        ("ratio", "1,,5", "commas"),
        ("ratio", "1,5,", "commas"),
        ("ratio", "1,5,1", "1 is given twice"),
        ("work", "orchard, orchard", "orchard is given twice"),
        ("work", "night wind,Night-wind", "night wind and Night-wind"),
        ("recipe", "a/b.toml,a-b.toml", "one file"),
    ],
)
def test_an_axis_that_is_none(name: str, values: str, says: str) -> None:
    with pytest.raises(UsageError) as raised:
        axis(name, values)
    assert says in str(raised.value)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("ratio", "five", "ratio five: 'five' is not a number"),
        ("ratio", "-1", "ratio -1: --ratio"),
        ("ratio", "nan", "ratio nan: --ratio"),
        ("ratio", "1e400", "ratio 1e400: --ratio"),
        ("style-scale", "0", "style-scale 0: --style-scale"),
        ("tv", "-0.1", "tv -0.1: --tv"),
        ("width", "48.5", "width 48.5: '48.5' is not a whole number"),
        ("width", "0", "width 0: --width"),
        ("iterations", "0", "iterations 0: --numiter"),
        ("iterations", "many", "is not a whole number"),
        ("iterations", "9" * 30, "levels"),
        ("network", "vgg18", "'vgg19'"),
        ("pool", "maximum", "'max'"),
        ("init", "contant", "'content'"),
        ("optimizer", "lbgfs", "'lbfgs'"),
        ("color", "reinhart", "'reinhard'"),
        ("content-layer", "conv4_2=x", "write conv4_2=0.5"),
        ("style-layer", "conv1_1=-1", "--style-layer conv1_1"),
        ("style-layer", "conv1_1+conv1_1", "twice"),
    ],
)
def test_a_value_that_cannot_be_painted_with(name: str, value: str, says: str) -> None:
    with pytest.raises(UsageError) as raised:
        vary(BASE, name, value)
    assert says in str(raised.value)
    assert str(raised.value).startswith(f"{name} {value}: ")
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    ("name", "value", "head", "slug"),
    [
        ("style-scale", "1.2", "style scale 1.2", "style-scale-1.2"),
        ("ratio", "1e+3", "ratio 1e+3", "ratio-1e+3"),
        (
            "style-layer",
            "conv1_1=0.5+conv2_1",
            "style layer conv1_1=0.5 + conv2_1",
            "style-layer-conv1_1=0.5+conv2_1",
        ),
        ("work", "Märchen: 3/4?", "work Märchen: 3/4?", "work-Märchen-3-4-"),
        ("recipe", "../my own.toml", "recipe ../my own.toml", "recipe-..-my-own.toml"),
    ],
)
def test_heads_and_slugs(name: str, value: str, head: str, slug: str) -> None:
    made = axis(name, value)
    assert made.head(value) == head
    assert made.slug(value) == slug


@pytest.mark.parametrize("letter", ["a", "ä", "画", "🎨"])
def test_slugs_of_long_values_are_short_and_differ(letter: str, tmp_path: Path) -> None:
    values = [letter * 300 + end for end in ("1", "2")]
    slugs = [axis("work", ",".join(values)).slug(value) for value in values]
    assert slugs[0] != slugs[1]
    for slug in slugs:
        assert len(slug.encode()) <= LONGEST_SLUG
    # Two axes, a comma and a suffix are still a file's name.
    (tmp_path / f"{slugs[0]},{slugs[1]}.png").write_bytes(b"")
    all_layers = "+".join(f"conv{one}_{two}=0.1" for one in range(9) for two in "1234")
    slug = axis("style-layer", all_layers).slug(all_layers)
    assert slug.startswith("style-layer-conv0_1=0.1+conv0_2=0.1")
    assert len(slug.encode()) <= LONGEST_SLUG
