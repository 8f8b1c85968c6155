"""Recipes: read back as written; errors in one line that names the option."""

import json
import pickle
from collections.abc import Callable
from dataclasses import FrozenInstanceError, fields, replace
from typing import Any

import pytest

from artist_nst.errors import UsageError
from artist_nst.recipes.published import RECIPES, recipe
from artist_nst.recipes.recipe import (
    OPTIONS,
    SETTINGS,
    FieldError,
    Levels,
    Recipe,
    change_field,
    format_network,
    format_value,
    from_dict,
    get_architecture,
)

NAN, INFINITE = float("nan"), float("inf")
OTHER = replace(
    recipe(),
    name="other",
    source="a test",
    network="vgg16",
    pool="average",
    padding="replicate",
    content_layers=(("conv3_1", 0.25), ("conv4_2", 1)),
    style_layers=(),
    content_loss="half-squared",
    style_loss="gatys",
    ratio=0.1 + 0.2,
    gram_weight=0.35,
    neighbor_weight=2.5,
    neighbor_layers=(("conv2_2", 0.75), ("conv3_1", 0.25)),
    rematch=7,
    turns="mirror",
    mask_propagation="inside",
    matting=0.5,
    detail_scale=0.1,
    max_share=0.6,
    tv=1e-7,
    draft_levels=1,
    tv_sum=2.5,
    init="noisy-content",
    levels=((1 / 3, 0), (1.0, 7)),
    optimizer="adam",
    history=3,
    ftol=1e-12,
    gtol=1e-3,
    first_step=0.5,
    learning_rate=1.5,
    width=333,
    style_scale=0.7,
    style_size="content",
    color="histogram",
    color_strength=0.4,
)


def get_error(make: Callable[..., object], *args: Any, **changes: Any) -> str:
    """Return the error of a call, which is one line."""
    with pytest.raises(UsageError) as caught:
        make(*args, **changes)
    line = str(caught.value)
    assert "\n" not in line
    return line


def test_the_other_recipe_differs_everywhere() -> None:
    """Otherwise the next test would show less than it seems to."""
    for field in fields(Recipe):
        assert getattr(OTHER, field.name) != getattr(recipe(), field.name), field.name


def test_read_back_as_written() -> None:
    for made in (*RECIPES.values(), OTHER):
        text = json.dumps(made.to_dict(), allow_nan=False)
        again = from_dict(json.loads(text))
        assert again == made
        assert json.dumps(again.to_dict()) == text.replace(
            '"conv4_2", 1]', '"conv4_2", 1.0]'
        )
        hash(again)


def test_a_recipe_is_frozen() -> None:
    with pytest.raises(FrozenInstanceError):
        recipe().width = 3  # type: ignore[misc]


def test_an_unknown_key_is_told_its_nearest() -> None:
    error = get_error(from_dict, {**recipe().to_dict(), "style_layer": []})
    assert "'style_layer'" in error
    assert "'style_layers'" in error


def test_unknown_names() -> None:
    for field, value, hint in [
        ("network", "vgg-19", "'vgg19'"),
        ("pool", "avarage", "'average'"),
        ("padding", "reflect", "replicate"),
        ("content_loss", "relativ", "'relative'"),
        ("style_loss", "gatys_raw", "'gatys-raw'"),
        ("init", "noise", "'noisy-content'"),
        ("init", "", "content"),
        ("init", None, "content"),
        ("optimizer", "l-bfgs", "'lbfgs'"),
        ("color", "reinhart", "'reinhard'"),
        ("network", "vgg19-normalized", "'vgg19-normalised'"),
        ("content_loss", "quarter", "'quarter-mean'"),
        ("style_loss", "gram", "choose from relative, gatys, gatys-raw, mean"),
        ("style_size", "contents", "'content'"),
        ("turns", "mirrored", "'mirror'"),
        ("turns", "8", "choose from none, mirror, all"),
    ]:
        error = get_error(recipe, **{field: value})
        assert error.startswith((f"--{field} ", f"a recipe's {field} ")), error
        assert f"can't be {value!r}: " in error
        assert hint in error, error


def test_numbers_that_cannot_be_painted_with() -> None:
    for field, value, start in [
        ("width", 0, "--width"),
        ("width", -5, "--width"),
        ("ratio", -1, "--ratio"),
        ("ratio", NAN, "--ratio"),
        ("ratio", INFINITE, "--ratio"),
        ("gram_weight", -0.1, "--gram-weight"),
        ("gram_weight", NAN, "--gram-weight"),
        ("neighbor_weight", -0.1, "--neighbor-weight"),
        ("neighbor_weight", INFINITE, "--neighbor-weight"),
        ("rematch", -1, "a recipe's rematch"),
        ("rematch", 10**7, "a recipe's rematch"),
        ("max_share", 0.0, "--max-share"),
        ("max_share", 1.1, "--max-share"),
        ("max_share", NAN, "--max-share"),
        ("tv", -1e-9, "--tv"),
        ("tv", NAN, "--tv"),
        ("style_scale", 0, "--style-scale"),
        ("style_scale", NAN, "--style-scale"),
        ("style_scale", INFINITE, "--style-scale"),
        ("tv_sum", -1, "a recipe's tv_sum"),
        ("tv_sum", INFINITE, "a recipe's tv_sum"),
        ("learning_rate", 0.0, "a recipe's learning_rate"),
        ("learning_rate", INFINITE, "a recipe's learning_rate"),
        ("color_strength", 1.1, "--color-strength"),
        ("color_strength", -0.1, "--color-strength"),
        ("color_strength", NAN, "--color-strength"),
        ("content_layers", (("conv4_2", -1.0),), "--content-layer conv4_2 must"),
        ("style_layers", (("a", 1), ("conv2_1", NAN)), "--style-layer conv2_1 must"),
        ("style_layers", (("conv1_1", INFINITE),), "--style-layer conv1_1 must"),
        ("style_layers", (("conv1_1", 1), ("conv1_1", 2)), "--style-layer names"),
        ("content_layers", (("conv1_1", 1), ("conv1_1", 1)), "--content-layer names"),
        ("neighbor_layers", (("conv1_1", -1.0),), "--neighbor-layer conv1_1 must"),
        ("neighbor_layers", (("a", 1), ("a", 2)), "--neighbor-layer names"),
        ("levels", (), "a recipe's levels must end"),
        ("levels", ((1.0, 0),), "a recipe's levels must end"),
        ("levels", ((0.5, 5),), "a recipe's levels must end"),
        ("levels", ((1.0, 5), (0.5, 5)), "a recipe's levels must end"),
        ("levels", ((0.5, 5), (1.0, 0)), "a recipe's levels must end"),
        ("levels", ((0.5, -1), (1.0, 5)), "a recipe's levels: its iterations must"),
        ("levels", ((2.0, 1), (1.0, 1)), "a recipe's levels: a scale must"),
        ("levels", ((0.0, 1),), "a recipe's levels: a scale must"),
        ("levels", ((NAN, 1),), "a recipe's levels: a scale must"),
        ("levels", ((INFINITE, 1),), "a recipe's levels: a scale must"),
        ("history", 0, "a recipe's history"),
        ("history", 10**9, "a recipe's history"),
        ("ftol", -1e-9, "a recipe's ftol"),
        ("gtol", NAN, "a recipe's gtol"),
        ("first_step", INFINITE, "a recipe's first_step"),
    ]:
        error = get_error(recipe, **{field: value})
        assert error.startswith(start), (field, value, error)


def test_numbers_at_the_edge() -> None:
    for field, value in [
        ("width", 1),
        ("ratio", 0),
        ("tv", 0),
        ("style_scale", 1e-3),
        ("color_strength", 0),
        ("color_strength", 1),
        ("style_layers", (("conv1_1", 0.0),)),
        ("gram_weight", 0),
        ("neighbor_weight", 0),
        ("rematch", 0),
        ("max_share", 0.01),
        ("max_share", 1),
        ("history", 1),
    ]:
        assert getattr(recipe(**{field: value}), field) == value


def test_values_of_the_wrong_kind() -> None:
    for field, value in [
        ("name", 5),
        ("source", None),
        ("width", "512"),
        ("width", 512.5),
        ("width", True),
        ("width", None),
        ("ratio", "5"),
        ("ratio", []),
        ("ftol", False),
        ("history", 3.5),
        ("rematch", 20.5),
        ("turns", True),
        ("max_share", "half"),
        ("neighbor_layers", [["conv1_1", True]]),
        ("first_step", {}),
        ("network", 19),
        ("network", []),
        ("levels", None),
        ("levels", 3),
        ("levels", [[1.0]]),
        ("levels", [[1.0, 2.5]]),
        ("levels", [["a", 2]]),
        ("levels", [[10**400, 2]]),
        ("style_layers", "conv1_1"),
        ("style_layers", ["conv1_1"]),
        ("style_layers", [["conv1_1", "heavy"]]),
        ("content_layers", [["conv1_1", None]]),
    ]:
        error = get_error(from_dict, {**recipe().to_dict(), field: value})
        assert field.removesuffix("s").replace("_", "-") in error.replace("_", "-")


def test_values_that_are_missing() -> None:
    for field in ("name", "levels", "style_layers"):
        values = recipe().to_dict()
        del values[field]
        assert field in get_error(from_dict, values)


def test_recipes_of_earlier_versions_lack_fields() -> None:
    values = recipe().to_dict()
    for field in ("tv_sum", "style_size", "draft_levels"):
        del values[field]
    assert from_dict(values) == recipe(draft_levels=0)


def test_recipes_of_earlier_versions_have_no_neighbors() -> None:
    values = recipe("gram").to_dict()
    for field in ("gram_weight", "neighbor_weight", "neighbor_layers"):
        del values[field]
    for field in ("rematch", "turns", "max_share"):
        del values[field]
    assert from_dict(values) == recipe("gram")


def test_layers_without_weight_are_not_compared() -> None:
    made = recipe(
        content_layers=(("conv4_2", 0.5), ("conv5_1", 0)),
        style_layers=(("conv1_1", 0), ("conv2_1", 2)),
        neighbor_layers=(("conv3_1", 1), ("conv3_2", 0)),
    )
    assert made.content_weights == {"conv4_2": 0.5}
    assert made.gram_weights == {"conv2_1": 2}
    assert made.neighbor_weights == {"conv3_1": 1}
    assert made.compared_layers == {"conv4_2", "conv2_1", "conv3_1"}
    content_alone = replace(made, gram_weight=0, neighbor_weight=0)
    assert content_alone.gram_weights == content_alone.neighbor_weights == {}
    assert content_alone.compared_layers == {"conv4_2"}


LEVELS = ((1 / 3, 80), (2 / 3, 60), (1.0, 40))


def test_with_iterations() -> None:
    cases: list[tuple[Levels, int, tuple[int, ...]]] = [
        (LEVELS, 180, (80, 60, 40)),
        (LEVELS, 18, (8, 6, 4)),
        (LEVELS, 360, (160, 120, 80)),
        (LEVELS, 1, (0, 0, 1)),
        (((1.0, 512),), 3, (3,)),
        (((0.5, 0), (1.0, 9)), 5, (0, 5)),
    ]
    for levels, total, counts in cases:
        made = recipe(levels=levels).with_iterations(total)
        assert tuple(count for _, count in made.levels) == counts
        assert [scale for scale, _ in made.levels] == [scale for scale, _ in levels]


def test_with_iterations_loses_none() -> None:
    for total in range(1, 400):
        made = recipe(levels=LEVELS).with_iterations(total)
        assert made.iterations == total
        assert min(count for _, count in made.levels) >= 0


def test_with_iterations_changes_nothing_else() -> None:
    again = OTHER.with_iterations(50).with_iterations(OTHER.iterations)
    assert again == OTHER


def test_with_no_iterations() -> None:
    for total in (0, -3):
        assert "--numiter" in get_error(recipe().with_iterations, total)


def test_change_field_takes_what_options_take() -> None:
    assert change_field(recipe(), "levels", 18) == recipe().with_iterations(18)
    changed = change_field(recipe("patel"), "tv", 0.5)
    assert (changed.tv, changed.tv_sum) == (0.5, 0.0)
    assert change_field(recipe(), "width", 64) == recipe(width=64)
    assert "--pool" in get_error(change_field, recipe(), "pool", "mean")


def test_options_and_axes_are_unique() -> None:
    settings = OPTIONS.values()
    options = [setting.option for setting in settings]
    letters = [setting.letter for setting in settings if setting.letter]
    for names in (options, letters):
        assert len(set(names)) == len(names)
    assert all(setting.help.endswith(".") for setting in SETTINGS.values())


def test_values_are_formatted_for_people() -> None:
    formatted = {
        512: "512",
        0.003: "0.003",
        1e15: "1e+15",
        1e4: "10000",
        2 / 3: "0.6667",
        "max": "max",
        (): "none",
        (("conv1_1", 0.2), ("conv2_1", 1.0)): "conv1_1=0.2, conv2_1=1",
        ((1.0, 20),) * 12: "12 × (1, 20)",
        ((0.5, 80), (1.0, 60)): "(0.5, 80), (1, 60)",
    }
    assert {value: format_value(value) for value in formatted} == formatted
    networks = {
        "auto": "VGG-19",
        "vgg16": "VGG-16",
        "vgg19-normalised": "the normalized VGG-19",
        "compact": "the compact network",
    }
    assert {name: format_network(name) for name in networks} == networks  # type: ignore[arg-type]


def test_a_field_error_survives_a_process() -> None:
    with pytest.raises(FieldError) as caught:
        recipe(style_scale=0)
    again = pickle.loads(pickle.dumps(caught.value))
    assert again.field == "style_scale"
    assert again.problem.startswith(" must be a number, 0.001 to 100, not 0")
    assert str(again) == f"--style-scale{again.problem}"


def test_the_architecture_of_a_network() -> None:
    for network in ("vgg19", "vgg19-normalised", "auto", "compact"):
        assert get_architecture(network) == "vgg19"
    assert get_architecture("vgg16") == "vgg16"
