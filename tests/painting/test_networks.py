"""Networks: which one a recipe gets, loaded once, and from which weights."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from artist_nst import ArtistNstError, UsageError, paint
from artist_nst._files import hash_file
from artist_nst.nst.compact import PACKAGED_FILE
from artist_nst.nst.vgg import VGG
from artist_nst.nst.weights.checkpoint import TORCHVISION_FILES
from artist_nst.nst.weights.download import WeightsUnavailableError
from artist_nst.painting import networks, record
from artist_nst.painting.compute import ComputeOptions
from artist_nst.painting.networks import Networks, load_network, locate_network
from artist_nst.recipes.layers import check_recipe_layers
from artist_nst.recipes.published import RECIPES
from artist_nst.recipes.recipe import Architecture, Network, Recipe
from tests.painting.conftest import OFFLINE

BASE = RECIPES["default"]
COMPACT = replace(BASE, network="compact")
CPU = ComputeOptions(device="cpu")


@pytest.fixture
def loads(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, ...]]:
    """Network, pooling and padding of every network that is loaded."""
    loads: list[tuple[str, ...]] = []

    def load(recipe: Recipe, *arguments: Any) -> VGG:
        loads.append((recipe.network, recipe.pool, recipe.padding))
        return load_network(recipe, *arguments)

    monkeypatch.setattr(networks, "load_network", load)
    return loads


def with_weights(path: Path, **options: Any) -> ComputeOptions:
    return ComputeOptions(device="cpu", weights=path, **options)


def warnings(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [
        entry.getMessage() for entry in caplog.records if entry.levelname == "WARNING"
    ]


def test_each_is_loaded_once_and_when_asked_for(
    weights_file: Path, loads: list[tuple[str, ...]]
) -> None:
    loaded = Networks(with_weights(weights_file))
    assert loads == []
    first = loaded.load(BASE)
    # Settings that the network does not depend on make no other network.
    assert loaded.load(replace(BASE, width=64, ratio=9, color="linear")) is first
    pooled = loaded.load(replace(BASE, pool="average"))
    padded = loaded.load(replace(BASE, padding="replicate"))
    assert (first.pool, pooled.pool, padded.padding) == ("max", "average", "replicate")
    assert loaded.load(replace(BASE, pool="average")) is pooled
    assert loads == [
        ("auto", "max", "zeros"),
        ("auto", "average", "zeros"),
        ("auto", "max", "replicate"),
    ]
    assert {network.name for network in (first, pooled, padded)} == {"vgg19"}


def test_what_cannot_be_loaded_is_not_tried_again(
    weights_file: Path, loads: list[tuple[str, ...]]
) -> None:
    """It may have been a download that took its time to fail."""
    loaded = Networks(with_weights(weights_file))
    errors = []
    for _ in range(2):
        with pytest.raises(ArtistNstError) as caught:
            loaded.load(replace(BASE, network="vgg16"))
        errors.append(str(caught.value))
    assert errors[0] == errors[1]
    assert len(loads) == 1
    assert loaded.load(BASE).name == "vgg19"


def test_options_are_passed_on(monkeypatch: pytest.MonkeyPatch, network: VGG) -> None:
    calls: list[tuple[Any, ...]] = []

    def load(_: Recipe, *arguments: Any) -> VGG:
        calls.append(arguments)
        return network

    def on_download(_received: int, _total: int) -> None: ...

    monkeypatch.setattr(networks, "load_network", load)
    Networks(OFFLINE, on_download).load(BASE)
    assert calls == [(OFFLINE, on_download)]


def test_the_hash_is_that_of_the_file_and_of_records(
    weights_files: Callable[[Architecture], Path],
    photo: Path,
    style: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert Networks().hash_weights(BASE) is None
    weights_file = weights_files("vgg19")
    loaded = Networks(with_weights(weights_file))
    sha256 = loaded.hash_weights(BASE)
    assert sha256 == hash_file(weights_file)
    small = replace(BASE, width=32, levels=((1.0, 1),))
    painting = paint(photo, [style], recipe=small, network=loaded.load(BASE))
    painting.save(tmp_path / "a.png")
    assert record.load_record(tmp_path / "a.png")["network"]["sha256"] == sha256
    # A normalized network is made from the same file.
    assert loaded.hash_weights(replace(BASE, network="vgg19-normalised")) == sha256
    monkeypatch.setenv("ARTIST_NST_WEIGHTS", str(weights_files("vgg13")))
    sha256 = Networks().hash_weights(replace(BASE, network="vgg13"))
    assert sha256 == hash_file(weights_files("vgg13"))


def test_a_layer_that_the_network_lacks() -> None:
    for field in ("content_layers", "style_layers"):
        changes: dict[str, Any] = {field: (("conv3_1", 1.0), ("conv3_4", 1.0))}
        check_recipe_layers(replace(BASE, **changes))
        option = field.removesuffix("s").replace("_", "-")
        with pytest.raises(UsageError, match=f"--{option}: vgg16 has no 'conv3_4'"):
            check_recipe_layers(replace(BASE, network="vgg16", **changes))


# Without weights of VGG-19


def test_without_weights_it_is_the_compact_one(
    without_weights: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    pooled = replace(BASE, pool="average", padding="replicate")
    for compute, reason in [
        (OFFLINE, "offline nothing is downloaded"),
        (CPU, "Name or service not known"),
    ]:
        caplog.clear()
        network = load_network(pooled, compute)
        assert (network.name, network.sha256) == ("compact", hash_file(PACKAGED_FILE))
        assert (network.pool, network.padding) == ("average", "replicate")
        assert (without_weights == []) == compute.offline
        (warning,) = warnings(caplog)
        assert "\n" not in warning
        assert reason in warning
        assert "the compact network paints instead" in warning
        assert "`artist-nst weights`" in warning


@pytest.mark.usefixtures("without_weights")
def test_what_is_asked_for_by_name_is_not_replaced() -> None:
    names: tuple[Network, ...] = ("vgg16", "vgg19", "vgg19-normalised")
    for network in names:
        for compute in (CPU, OFFLINE):
            with pytest.raises(WeightsUnavailableError) as caught:
                load_network(replace(RECIPES["patel"], network=network), compute)
            assert "\n" not in str(caught.value)
            assert "--network compact" in str(caught.value)


def make_broken_files(intact: Path, folder: Path) -> Iterator[Path]:
    """Make files that are no weights, and name one that does not exist."""
    yield folder / "missing" / "mine.safetensors"
    for name, content in [
        ("cut", intact.read_bytes()[:-1000]),
        ("text", b"no tensors"),
        ("empty", b""),
    ]:
        (folder / name).mkdir()
        path = folder / name / "mine.safetensors"
        path.write_bytes(content)
        yield path
    path = folder / "folder" / "mine.safetensors"
    path.mkdir(parents=True)
    yield path


def test_a_broken_file_is_an_error_and_not_replaced(
    weights_file: Path,
    compact_file: Path,
    tmp_path: Path,
    without_weights: list[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("vgg", "compact"):
        (tmp_path / name).mkdir()
    for path in make_broken_files(weights_file, tmp_path / "vgg"):
        with pytest.raises(ArtistNstError, match=r"mine\.safetensors"):
            load_network(BASE, with_weights(path))
        with monkeypatch.context() as patch:
            patch.setenv("ARTIST_NST_WEIGHTS", str(path))
            with pytest.raises(ArtistNstError, match=r"mine\.safetensors"):
                load_network(BASE, CPU)
    for path in make_broken_files(compact_file, tmp_path / "compact"):
        with pytest.raises(ArtistNstError, match=r"mine\.safetensors"):
            load_network(COMPACT, with_weights(path))
    assert without_weights == []


def test_a_broken_download_is_an_error_and_not_replaced(
    without_weights: list[str],
) -> None:
    cached = Path(torch.hub.get_dir()) / "checkpoints" / TORCHVISION_FILES["vgg19"]
    cached.parent.mkdir(parents=True)
    cached.write_bytes(b"PK, and then nothing")
    with pytest.raises(ArtistNstError, match=r"damaged.*`artist-nst weights`"):
        load_network(BASE, CPU)
    assert without_weights == []


def test_the_compact_one_needs_no_vgg(
    tmp_path: Path, without_weights: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ARTIST_NST_WEIGHTS", str(tmp_path / "nowhere.pth"))
    network = load_network(COMPACT, CPU)
    assert (network.name, network.sha256) == ("compact", hash_file(PACKAGED_FILE))
    assert locate_network("compact") == PACKAGED_FILE
    assert Networks().hash_weights(COMPACT) == network.sha256
    assert without_weights == []


def test_a_compact_network_of_ones_own(
    compact_file: Path,
    weights_file: Path,
    without_weights: list[str],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """A file that is named comes before the one that the environment names."""
    monkeypatch.setenv("ARTIST_NST_WEIGHTS", str(weights_file))
    compute = with_weights(compact_file)
    for asked in (BASE, COMPACT):
        network = load_network(asked, compute)
        assert (network.name, network.sha256) == ("compact", hash_file(compact_file))
        assert locate_network(asked.network, compact_file) == compact_file
        loaded = Networks(compute)
        resolved = loaded.resolve_auto(asked)
        assert resolved.network == "compact"
        assert loaded.hash_weights(resolved) == hash_file(compact_file)
        # The four filters of ``compact_weights``.
        kernel = loaded.load(resolved).get_buffer("conv5_1_weight")
        assert kernel.shape == (4, 4, 3, 3)
    assert warnings(caplog) == []
    assert without_weights == []


def test_a_compact_networks_file_is_no_vggs(
    compact_file: Path, without_weights: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(ArtistNstError, match=r"own\.safetensors.*not VGG-19") as caught:
        load_network(replace(BASE, network="vgg19"), with_weights(compact_file))
    assert "choose --network compact" in str(caught.value)
    assert "\n" not in str(caught.value)
    # The environment's file is of VGGs; --weights is for either.
    monkeypatch.setenv("ARTIST_NST_WEIGHTS", str(compact_file))
    names: tuple[Network, ...] = ("auto", "vgg19", "vgg16")
    for network in names:
        with pytest.raises(ArtistNstError, match="choose --network compact"):
            load_network(replace(RECIPES["patel"], network=network), CPU)
    assert without_weights == []


def test_weights_of_a_vgg_make_no_compact_network(
    weights_file: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", logger="artist_nst")
    network = load_network(COMPACT, with_weights(weights_file))
    assert network.sha256 == hash_file(PACKAGED_FILE)
    (note,) = [line for line in caplog.messages if str(weights_file) in line]
    assert "the packaged one is used" in note
    assert locate_network("compact", weights_file) == PACKAGED_FILE


def test_a_layer_that_only_vgg19_has(
    without_weights: list[str], weights_file: Path
) -> None:
    deep = replace(BASE, content_layers=(("conv5_2", 1.0),))
    for asked in (deep, replace(deep, network="compact")):
        with pytest.raises(UsageError, match=r"--content-layer: .*'conv5_2'"):
            load_network(asked, OFFLINE)
    assert without_weights == []
    assert load_network(deep, with_weights(weights_file)).name == "vgg19"


# What auto resolves to for many recipes


def test_auto_is_vgg19_where_its_weights_are(
    weights_file: Path,
    loads: list[tuple[str, ...]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Nothing needs to be loaded for that."""
    vgg19 = replace(BASE, network="vgg19")
    assert Networks(with_weights(weights_file)).resolve_auto(BASE) == vgg19
    monkeypatch.setenv("ARTIST_NST_WEIGHTS", str(weights_file))
    loaded = Networks()
    assert loaded.resolve_auto(BASE) == vgg19
    for named in (replace(BASE, network="vgg16"), COMPACT):
        assert loaded.resolve_auto(named) is named
    assert loads == []


@pytest.mark.usefixtures("without_weights")
def test_auto_is_one_network_for_all(
    loads: list[tuple[str, ...]], caplog: pytest.LogCaptureFixture
) -> None:
    """Loaded once, for it may be VGG-19, just downloaded: half a gigabyte."""
    loaded = Networks(OFFLINE)
    deep = replace(BASE, content_layers=(("conv5_2", 1.0),))
    with pytest.raises(UsageError, match="conv5_2"):
        loaded.load(loaded.resolve_auto(deep))
    network = loaded.load(loaded.resolve_auto(BASE))
    assert network.name == "compact"
    assert loaded.load(BASE) is network
    assert len(loads) == 1
    pooled = loaded.resolve_auto(replace(BASE, pool="average"))
    assert pooled.network == "compact"
    assert loaded.load(pooled).pool == "average"
    assert loaded.hash_weights(pooled) == hash_file(PACKAGED_FILE)
    assert len(warnings(caplog)) == 1


def test_a_wrong_path_is_no_reason_for_another_network(tmp_path: Path) -> None:
    loaded = Networks(with_weights(tmp_path / "no.pth"))
    for find in (loaded.resolve_auto, loaded.hash_weights):
        with pytest.raises(ArtistNstError, match=r"no\.pth"):
            find(BASE)
