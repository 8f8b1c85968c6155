"""Recipes: read back as written, refused in one line that names the option."""

import json
import pickle
import subprocess
import sys
from dataclasses import FrozenInstanceError, fields, replace
from pathlib import Path
from typing import Any

import pytest

from artist_nst.errors import UsageError
from artist_nst.recipes.published import RECIPES, recipe
from artist_nst.recipes.recipe import FieldError, Recipe, architecture, from_dict

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


def one_line(error: pytest.ExceptionInfo[UsageError]) -> str:
    line = str(error.value)
    assert "\n" not in line
    return line


def test_the_other_recipe_differs_everywhere() -> None:
    """Else the next test would show less than it seems to."""
    for field in fields(Recipe):
        assert getattr(OTHER, field.name) != getattr(recipe(), field.name), field.name


@pytest.mark.parametrize("made", [*RECIPES.values(), OTHER], ids=lambda one: one.name)
def test_read_back_as_written(made: Recipe) -> None:
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
    with pytest.raises(UsageError) as caught:
        from_dict({**recipe().to_dict(), "style_layer": []})
    assert "'style_layer'" in one_line(caught)
    assert "'style_layers'" in one_line(caught)


@pytest.mark.parametrize(
    ("field", "value", "hint"),
    [
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
    ],
)
def test_unknown_names(field: str, value: Any, hint: str) -> None:
    with pytest.raises(UsageError) as caught:
        recipe(**{field: value})
    line = one_line(caught)
    assert line.startswith((f"--{field} ", f"a recipe's {field} "))
    assert f"can't be {value!r}: " in line
    assert hint in line


@pytest.mark.parametrize(
    ("field", "value", "named"),
    [
        ("width", 0, "--width"),
        ("width", -5, "--width"),
        ("ratio", -1, "--ratio"),
        ("ratio", NAN, "--ratio"),
        ("ratio", INFINITE, "--ratio"),
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
    ],
)
def test_numbers_that_cannot_be_painted_with(
    field: str, value: Any, named: str
) -> None:
    with pytest.raises(UsageError) as caught:
        recipe(**{field: value})
    assert one_line(caught).startswith(named)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("width", 1),
        ("ratio", 0),
        ("tv", 0),
        ("style_scale", 1e-3),
        ("color_strength", 0),
        ("color_strength", 1),
        ("style_layers", (("conv1_1", 0.0),)),
        ("history", 1),
    ],
)
def test_numbers_at_the_edge(field: str, value: Any) -> None:
    assert getattr(recipe(**{field: value}), field) == value


@pytest.mark.parametrize(
    ("field", "value"),
    [
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
    ],
)
def test_values_of_the_wrong_kind(field: str, value: Any) -> None:
    with pytest.raises(UsageError) as caught:
        from_dict({**recipe().to_dict(), field: value})
    assert one_line(caught)


@pytest.mark.parametrize("field", ["name", "levels", "style_layers"])
def test_values_that_are_missing(field: str) -> None:
    values = recipe().to_dict()
    del values[field]
    with pytest.raises(UsageError, match=field):
        from_dict(values)


LEVELS = ((1 / 3, 80), (2 / 3, 60), (1.0, 40))


@pytest.mark.parametrize(
    ("levels", "total", "counts"),
    [
        (LEVELS, 180, (80, 60, 40)),
        (LEVELS, 18, (8, 6, 4)),
        (LEVELS, 360, (160, 120, 80)),
        (LEVELS, 1, (0, 0, 1)),
        (((1.0, 512),), 3, (3,)),
        (((0.5, 0), (1.0, 9)), 5, (0, 5)),
    ],
)
def test_with_iterations(levels: Any, total: int, counts: tuple[int, ...]) -> None:
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


@pytest.mark.parametrize("total", [0, -3])
def test_with_no_iterations(total: int) -> None:
    with pytest.raises(UsageError, match="--numiter"):
        recipe().with_iterations(total)


def test_what_is_wrong_with_a_field_survives_a_process() -> None:
    with pytest.raises(FieldError) as caught:
        recipe(style_scale=0)
    again = pickle.loads(pickle.dumps(caught.value))
    assert again.field == "style_scale"
    assert again.problem.startswith(" must be a number, 0.001 to 100, not 0")
    assert str(again) == f"--style-scale{again.problem}"


def test_the_architecture_of_a_network() -> None:
    for network in ("vgg19", "vgg19-normalised", "auto", "compact"):
        assert architecture(network) == "vgg19"
    assert architecture("vgg16") == "vgg16"


def test_recipes_do_not_wait_for_torch() -> None:
    code = "import artist_nst.recipes.published, sys; assert 'torch' not in sys.modules"
    root = Path(__file__).parents[2]
    subprocess.run([sys.executable, "-c", code], check=True, cwd=root)
