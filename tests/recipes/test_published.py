"""The named recipes: each has the numbers of its source, and names it."""

import itertools
from dataclasses import replace
from typing import Any

import pytest

from artist_nst.errors import UsageError
from artist_nst.recipes.layers import layer_names
from artist_nst.recipes.published import PUBLICATIONS, RECIPES, recipe

NAMES = [
    "default",
    "gram",
    "photoreal",
    "nnst",
    "art.py",
    "whole-artist-paper",
    "gatys-2015",
    "patel",
    "technion",
    "premamayudu",
    "csce5214",
]
FIFTHS = tuple((f"conv{block}_1", 0.2) for block in (1, 2, 3, 4, 5))

# What the sources state, copied by hand, with defaults of the dataclass that matter to
# them. Sources say VGG-19 where recipes say auto: VGG-19 or its substitute.
STATED: dict[str, dict[str, Any]] = {
    "default": {
        "network": "auto",
        "content_layers": (("conv4_2", 1.0),),
        "style_layers": FIFTHS,
        "content_loss": "relative",
        "style_loss": "relative",
        "ratio": 5,
        "gram_weight": 0.3,
        "neighbor_weight": 0.4,
        "neighbor_layers": (
            ("conv1_1", 0.2),
            ("conv2_1", 0.2),
            ("conv3_1", 0.2),
            ("conv3_2", 0.2),
            ("conv4_1", 0.2),
        ),
        "rematch": 20,
        "turns": "none",
        "max_share": 1,
        "tv": 0.003,
        "tv_sum": 0,
        "init": "content",
        "levels": ((1 / 3, 40), (2 / 3, 50), (1.0, 30), (1.0, 35)),
        "draft_levels": 2,
        "optimizer": "auto",
        "history": 5,
        "width": 512,
    },
    "gram": {
        "network": "auto",
        "content_layers": (("conv4_2", 1.0),),
        "style_layers": FIFTHS,
        "content_loss": "relative",
        "style_loss": "relative",
        "ratio": 5,
        "gram_weight": 1,
        "neighbor_weight": 0,
        "tv": 0.003,
        "tv_sum": 0,
        "init": "content",
        "levels": ((1 / 3, 40), (2 / 3, 50), (1.0, 30), (1.0, 35)),
        "draft_levels": 2,
        "optimizer": "auto",
        "history": 5,
        "width": 512,
    },
    "photoreal": {
        "content_layers": (("conv4_2", 1.0),),
        "style_layers": FIFTHS,
        "ratio": 5,
        "gram_weight": 0.3,
        "neighbor_weight": 0.4,
        "matting": 0.1,
        "detail_scale": 0.08,
        "tv": 0.003,
        "init": "content",
        "levels": ((1 / 3, 60), (2 / 3, 30), (1.0, 10)),
        "draft_levels": 0,
    },
    "nnst": {
        "network": "auto",
        "content_layers": (),
        "style_layers": (),
        "gram_weight": 0,
        "neighbor_layers": tuple(
            (layer, 0.1)
            for layer in (
                *("conv1_1", "conv1_2", "conv2_1", "conv2_2"),
                *("conv3_1", "conv3_2", "conv3_3", "conv4_1", "conv4_2", "conv4_3"),
            )
        ),
        "turns": "all",
        "rematch": 50,
        "max_share": 1,
        "tv": 0,
        "tv_sum": 0,
        "init": "content",
        "levels": ((64 / 512, 200), (128 / 512, 200), (256 / 512, 200), (1.0, 200)),
        "optimizer": "adam",
        "learning_rate": 2.0,
        "width": 512,
    },
    "art.py": {
        "network": "auto",
        "pool": "max",
        "padding": "zeros",
        "content_layers": (("conv4_2", 1.0),),
        "style_layers": FIFTHS,
        "content_loss": "half-squared",
        "style_loss": "gatys-raw",
        "ratio": 1e4,
        "tv": 0,
        "tv_sum": 0,
        "init": "content",
        "levels": ((1.0, 512),),
        "optimizer": "lbfgs",
        "history": 10,
        "ftol": 1e7 * 2.0**-52,
        "gtol": 1e-5,
        "first_step": 0,
        "width": 512,
        "style_scale": 1,
        "style_size": "width",
        "color": "none",
    },
    "whole-artist-paper": {
        "network": "auto",
        "ratio": 100,
        "tv": 0,
        "tv_sum": 0,
        "init": "rand",
        "levels": ((1.0, 300),),
        "optimizer": "lbfgs",
        "ftol": 1e7 * 2.0**-52,
        "gtol": 1e-5,
        "width": 512,
        "color": "none",
    },
    "gatys-2015": {
        "network": "auto",
        "pool": "average-plain",
        "content_layers": (("conv4_2", 1.0),),
        "style_layers": FIFTHS,
        "content_loss": "half-squared",
        "style_loss": "gatys",
        "ratio": 1e3,
        "tv": 0,
        "tv_sum": 0,
        "init": "rand",
        "levels": ((1.0, 500),),
        "optimizer": "lbfgs",
    },
    "patel": {
        "network": "vgg16",
        "pool": "max",
        "content_layers": (("conv3_1", 1.0),),
        "style_layers": FIFTHS,
        "content_loss": "half-squared",
        "style_loss": "gatys",
        "ratio": 100,
        "tv": 0,
        "tv_sum": 1,
        "init": "rand",
        "levels": ((1.0, 20),) * 12,
        "optimizer": "lbfgs",
    },
    "technion": {
        "network": "auto",
        "content_layers": (("conv4_2", 1.0),),
        "style_layers": (
            ("conv1_1", pytest.approx(5 / 15)),
            ("conv2_1", pytest.approx(4 / 15)),
            ("conv3_1", pytest.approx(3 / 15)),
            ("conv4_1", pytest.approx(2 / 15)),
            ("conv5_1", pytest.approx(1 / 15)),
        ),
        "content_loss": "half-squared",
        "style_loss": "gatys",
        "ratio": 1e4,
        "style_size": "content",
        "style_scale": 1,
        "init": "content",
        "levels": ((1.0, 300),),
        "optimizer": "lbfgs",
    },
    "premamayudu": {
        "network": "vgg19-normalised",
        "content_layers": (("conv4_2", 1.0),),
        "style_layers": FIFTHS,
        "content_loss": "quarter-mean",
        "style_loss": "gatys",
        "ratio": 40 / 10,
        "tv": 0,
        "tv_sum": 0,
        "style_size": "content",
        "init": "noisy-content",
        "levels": ((1.0, 200),),
        "optimizer": "adam",
        "learning_rate": 2.0,
    },
    "csce5214": {
        "network": "auto",
        "content_layers": (("conv4_2", 1.0),),
        "style_layers": (
            ("conv1_1", 1.0),
            ("conv1_2", 0.75),
            ("conv2_1", 1.0),
            ("conv2_2", 0.75),
            ("conv3_1", 1.0),
            ("conv3_2", 0.75),
        ),
        "content_loss": "mean",
        "style_loss": "mean",
        "ratio": 1,
        "style_size": "content",
        "init": "content",
        "levels": ((1.0, 100_000),),
        "optimizer": "adam",
        "learning_rate": pytest.approx(0.0003 * 0.226 * 255),
        "width": 400,
    },
}


def test_every_recipe_has_its_publication() -> None:
    assert list(RECIPES) == list(PUBLICATIONS) == list(STATED) == NAMES


def test_the_numbers_of_its_source() -> None:
    for name, stated in STATED.items():
        made = recipe(name)
        assert {key: getattr(made, key) for key in stated} == stated


def test_can_be_painted_with() -> None:
    for made in RECIPES.values():
        assert made.iterations == sum(count for _, count in made.levels) > 0
        scales = [scale for scale, _ in made.levels]
        assert scales == sorted(scales)
        layers = layer_names(made.network)
        kinds = made.content_layers, made.style_layers, made.neighbor_layers
        for layer, weight in itertools.chain(*kinds):
            assert layer in layers
            assert weight > 0


def test_names_its_source() -> None:
    cited = {
        "default": ("artist-nst", 2026),
        "gram": ("artist-nst", 2026),
        "photoreal": ("artist-nst", 2026),
        "nnst": ("Kolkin", 2022),
        "art.py": ("Mu", 2016),
        "whole-artist-paper": ("Franc", 2016),
        "gatys-2015": ("Bethge", 2015),
        "patel": ("Patel", 2019),
        "technion": ("Goman", None),
        "premamayudu": ("Premamayudu", 2019),
        "csce5214": ("Surampudi", None),
    }
    for name, (author, year) in cited.items():
        made, publication = recipe(name), PUBLICATIONS[name]
        assert made.name == name
        assert made.source == publication.citation
        assert author in publication.authors
        for part in (publication.authors, publication.title, publication.where):
            assert part
            assert part in made.source
        assert made.source.endswith(f", {year or 'undated'}")
        assert publication.given
        for line in (made.source, *publication.given, *publication.left_open):
            assert line.isprintable()
            assert line == line.strip(" .")


def test_only_programs_state_every_number() -> None:
    stated = {name for name in NAMES if not PUBLICATIONS[name].left_open}
    assert stated == {"default", "gram", "photoreal", "art.py"}


def test_only_patel_weighs_a_sum_of_differences() -> None:
    assert [made.name for made in RECIPES.values() if made.tv_sum] == ["patel"]
    smooth = [made.name for made in RECIPES.values() if made.tv]
    assert smooth == ["default", "gram", "photoreal"]


def test_only_three_have_neighbors() -> None:
    found = {made.name for made in RECIPES.values() if made.neighbor_weights}
    assert found == {"default", "photoreal", "nnst"}
    grams = {made.name: made.gram_weight for made in RECIPES.values()}
    ours = {"default": 0.3, "photoreal": 0.3, "nnst": 0}
    assert grams == {**dict.fromkeys(NAMES, 1), **ours}


def test_only_photoreal_keeps_to_the_photo() -> None:
    found = [made.name for made in RECIPES.values() if made.matting]
    assert found == ["photoreal"]
    assert found == [made.name for made in RECIPES.values() if made.detail_scale]


def test_changes_leave_the_named_recipe() -> None:
    assert recipe("art.py", width=64).width == 64
    assert recipe("art.py").width == 512
    assert recipe("art.py", width=64).name == "art.py"
    assert recipe() == RECIPES["default"]


def test_no_two_recipes_are_alike() -> None:
    unnamed = {replace(made, name="", source="") for made in RECIPES.values()}
    assert len(unnamed) == len(RECIPES)


def test_unknown_names_are_told_their_nearest() -> None:
    for name, hint in [
        ("defualt", "'default'"),
        ("gatys", "'gatys-2015'"),
        ("", "choose from default"),
    ]:
        with pytest.raises(UsageError) as caught:
            recipe(name)
        assert str(caught.value).startswith(f"unknown recipe {name!r}: ")
        assert hint in str(caught.value)
    with pytest.raises(UsageError, match="'style_scale'"):
        recipe(stylescale=2)
