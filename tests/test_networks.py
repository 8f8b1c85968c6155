"""Networks: loaded once each, and told apart by what makes them different."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from artist_nst import ArtistNstError, UsageError, networks, record
from artist_nst.image.files import sha256_of
from artist_nst.networks import Networks, check_recipe_layers, load_network
from artist_nst.nst.recipe import Architecture, Recipe
from artist_nst.nst.recipes import RECIPES
from artist_nst.nst.vgg import VGG

BASE = RECIPES["default"]


@pytest.fixture
def loaded(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, ...]]:
    """What is loaded from now on."""
    calls: list[tuple[str, ...]] = []

    def load(recipe: Recipe, **how: Any) -> VGG:
        calls.append((recipe.network, recipe.pool, recipe.padding))
        return load_network(recipe, **how)

    monkeypatch.setattr(networks, "load_network", load)
    return calls


def test_each_is_loaded_once_and_when_asked_for(
    weights_file: Path, loaded: list[tuple[str, ...]]
) -> None:
    given = Networks(weights=weights_file)
    assert loaded == []
    first = given(BASE)
    # What the network does not see makes no other network.
    assert given(replace(BASE, width=64, ratio=9, color="linear")) is first
    pooled = given(replace(BASE, pool="average"))
    padded = given(replace(BASE, padding="replicate"))
    assert len({id(one) for one in (first, pooled, padded)}) == 3
    assert (first.pool, pooled.pool, padded.padding) == ("max", "average", "replicate")
    assert given(replace(BASE, pool="average")) is pooled
    assert loaded == [
        ("vgg19", "max", "zeros"),
        ("vgg19", "average", "zeros"),
        ("vgg19", "max", "replicate"),
    ]


def test_what_cannot_be_loaded_is_not_tried_again(
    weights_file: Path, loaded: list[tuple[str, ...]]
) -> None:
    """It may have been a download that took its time to fail."""
    given = Networks(weights=weights_file)
    errors = []
    for _ in range(2):
        with pytest.raises(ArtistNstError) as raised:
            given(replace(BASE, network="vgg16"))
        errors.append(str(raised.value))
    assert errors[0] == errors[1]
    assert len(loaded) == 1
    assert given(BASE).name == "vgg19"


def test_how_is_passed_on(weights_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: dict[str, Any] = {}

    def load(recipe: Recipe, **how: Any) -> VGG:
        seen.update(how)
        return load_network(recipe, weights=weights_file)

    monkeypatch.setattr(networks, "load_network", load)
    how = {"device": "cpu", "weights": weights_file, "input": "oxford", "offline": True}
    Networks(**how)(BASE)
    assert seen == how


def test_the_hash_is_that_of_the_file_and_of_records(
    weights_file: Path, photo: Path, style: Path, tmp_path: Path
) -> None:
    from artist_nst import paint

    given = Networks(weights=weights_file)
    known = given.sha256(BASE)
    assert known == sha256_of(weights_file)
    small = replace(BASE, width=48).with_iterations(1)
    paint(photo, [style], recipe=small, network=given(BASE)).save(tmp_path / "a.png")
    assert record.read(tmp_path / "a.png")["network"]["sha256"] == known
    # A normalised network is made of the same file, and its paintings say so.
    assert given.sha256(replace(BASE, network="vgg19-normalised")) == known


def test_the_hash_is_of_what_the_recipe_would_read(
    weights_files: Callable[[Architecture], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert Networks().sha256(BASE) is None
    for network in ("vgg19", "vgg16"):
        path = weights_files(network)
        monkeypatch.setenv("ARTIST_NST_WEIGHTS", str(path))
        assert Networks().sha256(replace(BASE, network=network)) == sha256_of(path)


def test_weights_that_are_not_there_are_named(tmp_path: Path) -> None:
    with pytest.raises(ArtistNstError, match=r"no\.pth"):
        Networks(weights=tmp_path / "no.pth").sha256(BASE)


@pytest.mark.parametrize("field", ["content_layers", "style_layers"])
def test_a_layer_that_the_network_lacks(field: str) -> None:
    changes: dict[str, Any] = {field: (("conv3_1", 1.0), ("conv3_4", 1.0))}
    check_recipe_layers(replace(BASE, **changes))
    option = field.removesuffix("s").replace("_", "-")
    with pytest.raises(UsageError, match=f"--{option}: vgg16 has no 'conv3_4'.*conv3_"):
        check_recipe_layers(replace(BASE, network="vgg16", **changes))
