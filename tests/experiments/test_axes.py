"""Axes: what each changes of a recipe, and what is refused in one line."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from artist_nst import UsageError, recipe
from artist_nst.experiments.axes import Axis, parse_axis
from artist_nst.painting.output_names import MAX_SLUG_BYTES
from artist_nst.recipes.published import RECIPES
from artist_nst.recipes.settings import SETTING_AXES, change_setting

BASE = RECIPES["default"]

# Value → the fields that it changes.
CHANGES: dict[str, tuple[str, dict[str, Any]]] = {
    "style-scale": ("0.5", {"style_scale": 0.5}),
    "ratio": ("1e3", {"ratio": 1000.0}),
    "content-layer": ("conv3_1", {"content_layers": (("conv3_1", 1.0),)}),
    "style-layer": ("conv2_2=0.7", {"style_layers": (("conv2_2", 0.7),)}),
    "gram-weight": ("0.7", {"gram_weight": 0.7}),
    "neighbor-weight": ("2", {"neighbor_weight": 2.0}),
    "neighbor-layer": ("conv2_2=0.7", {"neighbor_layers": (("conv2_2", 0.7),)}),
    "turns": ("mirror", {"turns": "mirror"}),
    "max-share": ("0.5", {"max_share": 0.5}),
    "iterations": ("18", {"levels": ((1 / 3, 4), (2 / 3, 6), (1.0, 3), (1.0, 5))}),
    "init": ("rand", {"init": "rand"}),
    "tv": ("0.5", {"tv": 0.5}),
    "network": ("vgg16", {"network": "vgg16"}),
    "pool": ("average", {"pool": "average"}),
    "optimizer": ("adam", {"optimizer": "adam"}),
    "color": ("linear", {"color": "linear"}),
    "width": ("64", {"width": 64}),
    "padding": ("replicate", {"padding": "replicate"}),
    "color-strength": ("0.5", {"color_strength": 0.5}),
    "draft-levels": ("1", {"draft_levels": 1}),
    "matting": ("0.5", {"matting": 0.5}),
    "detail-scale": ("0.1", {"detail_scale": 0.1}),
    "mask-propagation": ("all", {"mask_propagation": "all"}),
}


def get_error(call: Callable[..., object], *arguments: Any) -> str:
    """Return the error of a call, which is one line."""
    with pytest.raises(UsageError) as caught:
        call(*arguments)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_an_axis_changes_its_field_and_no_other() -> None:
    assert CHANGES.keys() == SETTING_AXES.keys()
    before = BASE.to_dict()
    for name, (text, expected) in CHANGES.items():
        after = change_setting(BASE, name, text).to_dict()
        changed = {key: value for key, value in after.items() if before[key] != value}
        assert changed == expected
        ((value, expected_value),) = zip(
            changed.values(), expected.values(), strict=True
        )
        assert type(value) is type(expected_value)


def test_layers_are_joined_and_weighted() -> None:
    varied = change_setting(BASE, "content-layer", "conv3_1+conv4_2")
    assert varied.content_layers == (("conv3_1", 0.5), ("conv4_2", 0.5))
    varied = change_setting(BASE, "style-layer", "conv1_1=0.25 + conv2_1=2")
    assert varied.style_layers == (("conv1_1", 0.25), ("conv2_1", 2.0))


def test_tv_replaces_a_papers_sum() -> None:
    varied = change_setting(recipe(tv=0.0, tv_sum=0.1), "tv", "0.01")
    assert (varied.tv, varied.tv_sum) == (0.01, 0.0)


def test_values_are_kept_as_typed_and_in_their_order() -> None:
    assert parse_axis("ratio", " 25, 1.50 ,5") == Axis("ratio", ("25", "1.50", "5"))


def test_refused_axes() -> None:
    for name, values, message in [
        ("ratoi", "1,5", "did you mean 'ratio'"),
        ("xyzzy", "1,5", "choose from width, iterations"),
        ("ratio", "", "comma"),
        ("ratio", " ", "comma"),
        ("ratio", "1,,5", "comma"),
        ("ratio", "1,5,", "comma"),
        ("ratio", "1,5,1", "1 is given twice"),
        ("work", "orchard, orchard", "orchard is given twice"),
        ("work", "night wind,Night-wind", "night wind and Night-wind"),
        ("recipe", "a/b.toml,a-b.toml", "one file"),
    ]:
        assert message in get_error(parse_axis, name, values)


def test_values_that_cannot_be_painted_with() -> None:
    for name, value, message in [
        ("ratio", "five", "'five' is not a number"),
        ("ratio", "-1", "--ratio"),
        ("ratio", "nan", "--ratio"),
        ("ratio", "1e400", "--ratio"),
        ("style-scale", "0", "--style-scale"),
        ("tv", "-0.1", "--tv"),
        ("gram-weight", "-1", "--gram-weight"),
        ("neighbor-weight", "nan", "--neighbor-weight"),
        ("neighbor-layer", "conv1_1=-1", "--neighbor-layer conv1_1"),
        ("turns", "eight", "choose from none, mirror, all"),
        ("max-share", "0", "--max-share"),
        ("width", "48.5", "'48.5' is not a whole number"),
        ("width", "0", "--width"),
        ("iterations", "0", "--numiter"),
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
    ]:
        error = get_error(change_setting, BASE, name, value)
        assert message in error
        assert error.startswith(f"{name} {value}: ")


def test_headings_and_slugs() -> None:
    for name, value, heading, slug in [
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
    ]:
        axis = parse_axis(name, value)
        assert axis.heading(value) == heading
        assert axis.slug(value) == slug


def test_slugs_of_long_values_are_short_and_differ(tmp_path: Path) -> None:
    for letter in "aä画🎨":
        values = [letter * 300 + end for end in ("1", "2")]
        axis = parse_axis("work", ",".join(values))
        slugs = [axis.slug(value) for value in values]
        assert slugs[0] != slugs[1]
        assert max(len(slug.encode()) for slug in slugs) <= MAX_SLUG_BYTES
        # Two axes, a comma and a suffix are still a file's name.
        (tmp_path / f"{slugs[0]},{slugs[1]}.png").write_bytes(b"")
    layers = "+".join(f"conv{block}_{n}=0.1" for block in range(9) for n in "1234")
    slug = parse_axis("style-layer", layers).slug(layers)
    assert slug.startswith("style-layer-conv0_1=0.1+conv0_2=0.1")
    assert len(slug.encode()) <= MAX_SLUG_BYTES
