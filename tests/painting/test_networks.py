"""Networks: loaded once each, and told apart by what makes them different."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from artist_nst import ArtistNstError, UsageError
from artist_nst.image.files import sha256_of
from artist_nst.nst.compact import PACKAGED
from artist_nst.nst.vgg import VGG
from artist_nst.nst.weights import FILE_NAMES, WeightsUnavailableError
from artist_nst.painting import networks, record
from artist_nst.painting.networks import (
    Networks,
    check_recipe_layers,
    load_network,
    locate_network,
)
from artist_nst.recipes.published import RECIPES
from artist_nst.recipes.recipe import Architecture, Network, Recipe

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
        ("auto", "max", "zeros"),
        ("auto", "average", "zeros"),
        ("auto", "max", "replicate"),
    ]
    assert {one.name for one in (first, pooled, padded)} == {"vgg19"}


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


# What paints where VGG-19's weights can't be had


INSTEAD = "the compact network paints instead"


def warnings(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [one.getMessage() for one in caplog.records if one.levelname == "WARNING"]


def random_buffers(network: VGG) -> bool:
    """Whether these are the four filters of ``compact_weights``."""
    return network.get_buffer("conv5_1_weight").shape == (4, 4, 3, 3)


@pytest.mark.parametrize("offline", [False, True])
def test_without_weights_it_is_the_compact_one(
    offline: bool, without_weights: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    network = load_network(BASE, device="cpu", offline=offline)
    assert (network.name, network.sha256) == ("compact", sha256_of(PACKAGED))
    assert (without_weights == []) == offline
    (said,) = warnings(caplog)
    assert "\n" not in said
    assert INSTEAD in said
    assert "`artist-nst weights`" in said
    assert (
        "offline nothing is downloaded" if offline else "Name or service not known"
    ) in said


def test_it_has_the_recipes_pool_and_padding(without_weights: list[str]) -> None:
    changed = replace(BASE, pool="average", padding="replicate")
    network = load_network(changed, device="cpu", offline=True)
    assert (network.name, network.pool, network.padding) == (
        "compact",
        "average",
        "replicate",
    )
    assert without_weights == []


@pytest.mark.usefixtures("without_weights")
@pytest.mark.parametrize("network", ["vgg16", "vgg19", "vgg19-normalised"])
@pytest.mark.parametrize("offline", [False, True])
def test_what_is_asked_for_by_name_is_not_replaced(
    network: Network, offline: bool
) -> None:
    asked = replace(RECIPES["patel"], network=network)
    with pytest.raises(WeightsUnavailableError) as raised:
        load_network(asked, device="cpu", offline=offline)
    assert "\n" not in str(raised.value)
    assert "--network compact" in str(raised.value)


def damaged(kind: str, whole: Path, path: Path) -> Path:
    """A weights file with which something is wrong, or none."""
    if kind == "cut short":
        path.write_bytes(whole.read_bytes()[:-1000])
    elif kind == "text":
        path.write_text("no tensors")
    elif kind == "empty":
        path.touch()
    elif kind == "a folder":
        path.mkdir()
    return path


BROKEN = pytest.mark.parametrize(
    "kind", ["missing", "cut short", "text", "empty", "a folder"]
)


@BROKEN
@pytest.mark.parametrize("named", ["--weights", "the environment"])
def test_a_broken_file_is_an_error_and_not_replaced(
    kind: str,
    named: str,
    weights_file: Path,
    tmp_path: Path,
    without_weights: list[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    path = damaged(kind, weights_file, tmp_path / "mine.safetensors")
    given = path if named == "--weights" else None
    if given is None:
        monkeypatch.setenv("ARTIST_NST_WEIGHTS", str(path))
    with pytest.raises(ArtistNstError, match=r"mine\.safetensors"):
        load_network(BASE, device="cpu", weights=given)
    assert without_weights == []


def test_a_broken_download_is_an_error_and_not_replaced(
    without_weights: list[str],
) -> None:
    cached = Path(torch.hub.get_dir()) / "checkpoints" / FILE_NAMES["vgg19"]
    cached.parent.mkdir(parents=True)
    cached.write_bytes(b"PK, and then nothing")
    with pytest.raises(ArtistNstError, match=r"damaged.*`artist-nst weights`"):
        load_network(BASE, device="cpu")
    assert without_weights == []


def test_the_compact_one_looks_for_no_vgg(
    tmp_path: Path, without_weights: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ARTIST_NST_WEIGHTS", str(tmp_path / "nowhere.pth"))
    network = load_network(replace(BASE, network="compact"), device="cpu")
    assert (network.name, network.sha256) == ("compact", sha256_of(PACKAGED))
    assert locate_network("compact") == PACKAGED
    assert Networks().sha256(replace(BASE, network="compact")) == network.sha256
    assert without_weights == []


@pytest.mark.parametrize("asked", ["auto", "compact"])
def test_a_compact_network_of_ones_own(
    asked: Network,
    compact_file: Path,
    weights_file: Path,
    without_weights: list[str],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """What is named comes before what the environment names."""
    monkeypatch.setenv("ARTIST_NST_WEIGHTS", str(weights_file))
    wanted = replace(BASE, network=asked)
    network = load_network(wanted, device="cpu", weights=compact_file)
    assert (network.name, network.sha256) == ("compact", sha256_of(compact_file))
    assert random_buffers(network)
    assert locate_network(asked, compact_file) == compact_file
    given = Networks(weights=compact_file, device="cpu")
    settled = given.settled(wanted)
    assert settled.network == "compact"
    assert given.sha256(settled) == sha256_of(compact_file)
    assert random_buffers(given(settled))
    assert warnings(caplog) == []
    assert without_weights == []


def test_a_compact_networks_file_is_no_vggs(compact_file: Path) -> None:
    vgg = replace(BASE, network="vgg19")
    with pytest.raises(ArtistNstError, match=r"own\.safetensors: this") as raised:
        load_network(vgg, device="cpu", weights=compact_file)
    said = str(raised.value)
    assert "a compact network, not VGG-19: choose --network compact" in said
    assert "\n" not in said


@pytest.mark.parametrize("asked", ["auto", "vgg19", "vgg16"])
def test_nor_is_it_where_the_environment_names_it(
    asked: Network,
    compact_file: Path,
    without_weights: list[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What is there for VGGs' weights; --weights is for either."""
    monkeypatch.setenv("ARTIST_NST_WEIGHTS", str(compact_file))
    recipe = replace(RECIPES["patel"], network=asked)
    with pytest.raises(ArtistNstError, match="choose --network compact"):
        load_network(recipe, device="cpu")
    assert without_weights == []


def test_weights_of_a_vgg_make_no_compact_network(
    weights_file: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", logger="artist_nst")
    asked = replace(BASE, network="compact")
    network = load_network(asked, device="cpu", weights=weights_file)
    assert network.sha256 == sha256_of(PACKAGED)
    said = [one.getMessage() for one in caplog.records]
    (note,) = [one for one in said if str(weights_file) in one]
    assert "the packaged one is used" in note
    assert locate_network("compact", weights_file) == PACKAGED


@BROKEN
def test_a_compact_file_that_cannot_be_read_is_an_error(
    kind: str, compact_file: Path, tmp_path: Path
) -> None:
    """Asked for by name, nothing else is to paint in its place."""
    path = damaged(kind, compact_file, tmp_path / "mine.safetensors")
    with pytest.raises(ArtistNstError, match=r"mine\.safetensors"):
        load_network(replace(BASE, network="compact"), device="cpu", weights=path)


def test_a_layer_that_only_vgg19_has(
    without_weights: list[str], weights_file: Path
) -> None:
    deep = replace(BASE, content_layers=(("conv5_2", 1.0),))
    with pytest.raises(UsageError, match=r"--content-layer: .*'conv5_2'.*'conv5_1'"):
        load_network(replace(deep, network="compact"), device="cpu")
    with pytest.raises(UsageError, match=r"--content-layer: .*'conv5_2'.*'conv5_1'"):
        load_network(deep, device="cpu", offline=True)
    assert without_weights == []
    assert load_network(deep, device="cpu", weights=weights_file).name == "vgg19"


# What auto comes to for many recipes


def test_auto_is_vgg19_where_its_weights_are(
    weights_file: Path,
    loaded: list[tuple[str, ...]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """And nothing needs to be loaded to know that."""
    assert Networks(weights=weights_file).settled(BASE).network == "vgg19"
    monkeypatch.setenv("ARTIST_NST_WEIGHTS", str(weights_file))
    given = Networks()
    assert given.settled(BASE) == replace(BASE, network="vgg19")
    for network in ("vgg16", "compact"):
        named = replace(BASE, network=network)
        assert given.settled(named) is named
    assert loaded == []


@pytest.mark.usefixtures("without_weights")
def test_auto_is_one_network_for_all_and_said_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    given = Networks(device="cpu", offline=True)
    recipes = [replace(BASE, pool=pool) for pool in ("max", "average")]
    settled = [given.settled(one) for one in (*recipes, *recipes)]
    assert {one.network for one in settled} == {"compact"}
    assert [given(one).pool for one in settled[:2]] == ["max", "average"]
    assert {given.sha256(one) for one in settled} == {sha256_of(PACKAGED)}
    assert len(warnings(caplog)) == 1


@pytest.mark.usefixtures("without_weights")
def test_auto_is_loaded_once_though_settled_before(
    loaded: list[tuple[str, ...]],
) -> None:
    """It may be VGG-19, just downloaded: half a gigabyte."""
    given = Networks(device="cpu", offline=True)
    network = given(given.settled(BASE))
    assert given(BASE) is network
    assert len(loaded) == 1


@pytest.mark.usefixtures("without_weights")
def test_a_layer_that_one_recipe_asks_for_does_not_spoil_the_others(
    caplog: pytest.LogCaptureFixture,
) -> None:
    given = Networks(device="cpu", offline=True)
    deep = replace(BASE, content_layers=(("conv5_2", 1.0),))
    with pytest.raises(UsageError, match="conv5_2"):
        given(given.settled(deep))
    assert given(given.settled(BASE)).name == "compact"
    assert len(warnings(caplog)) == 1


def test_a_wrong_path_is_no_reason_for_another_network(tmp_path: Path) -> None:
    with pytest.raises(ArtistNstError, match=r"no\.pth"):
        Networks(weights=tmp_path / "no.pth").settled(BASE)
