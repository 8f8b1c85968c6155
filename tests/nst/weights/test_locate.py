"""Where weights come from: the order of places."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file

from artist_nst.errors import ArtistNstError, UsageError
from artist_nst.nst.weights.checkpoint import (
    TORCHVISION_FILES,
    OtherNetworkError,
    load_weights,
)
from artist_nst.nst.weights.download import WeightsUnavailableError, get_download_size
from artist_nst.nst.weights.locate import find_weights, locate_weights
from artist_nst.recipes.layers import layer_names
from tests.nst.weights.conftest import make_state_dict, one_line, pretend_published


@pytest.fixture(scope="module")
def vgg16_pth(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("weights") / "vgg16.pth"
    torch.save(make_state_dict("vgg16"), path)
    return path


@pytest.fixture
def cached_vgg11(
    vgg11_pth: Path, empty_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> Path:
    """VGG-11's weights in torch's cache, as if downloaded."""
    path = empty_cache / pretend_published(vgg11_pth, monkeypatch)
    empty_cache.mkdir(parents=True)
    path.symlink_to(vgg11_pth)
    return path


def test_unknown_network_is_named() -> None:
    unknown: Any = "vgg18"
    for function in (layer_names, locate_weights, find_weights, get_download_size):
        with pytest.raises(UsageError, match="'vgg18': did you mean"):
            function(unknown)


def test_looking_does_not_import_torchvision() -> None:
    code = (
        "import sys; from artist_nst.nst.weights.locate import locate_weights;"
        "assert locate_weights() is None; assert 'torchvision' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True, env=dict(os.environ))


def test_order_of_places(
    vgg11_safetensors: Path,
    vgg11_pth: Path,
    cached_vgg11: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert locate_weights("vgg11") == cached_vgg11
    weights = find_weights("vgg11", offline=True)
    assert (weights.source, weights.input) == (str(cached_vgg11), "torchvision")

    monkeypatch.setenv("ARTIST_NST_WEIGHTS", str(vgg11_safetensors))
    assert locate_weights("vgg11") == vgg11_safetensors
    assert find_weights("vgg11").source == str(vgg11_safetensors)

    assert locate_weights("vgg11", vgg11_pth) == vgg11_pth
    assert find_weights("vgg11", vgg11_pth).source == str(vgg11_pth)


def test_the_variable_is_passed_over_for_another_network(
    vgg16_pth: Path, cached_vgg11: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The variable names VGG-16's file; VGG-11's is in the cache."""
    monkeypatch.setenv("ARTIST_NST_WEIGHTS", str(vgg16_pth))
    assert locate_weights("vgg11") == cached_vgg11
    weights = find_weights("vgg11", offline=True)
    assert (weights.network, weights.source) == ("vgg11", str(cached_vgg11))
    assert weights.input == "torchvision"
    assert locate_weights("vgg16") == vgg16_pth
    assert find_weights("vgg16", input="oxford").source == str(vgg16_pth)
    # The cached file's hash is checked.
    content = cached_vgg11.read_bytes()
    cached_vgg11.unlink()
    cached_vgg11.write_bytes(content[:-1])
    with pytest.raises(ArtistNstError, match=r"is damaged .*artist-nst weights"):
        find_weights("vgg11")


@pytest.mark.parametrize("by_variable", [False, True])
def test_another_networks_file(
    by_variable: bool, vgg16_pth: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With nothing in the cache, the variable's file is reported, not passed over."""
    if by_variable:
        monkeypatch.setenv("ARTIST_NST_WEIGHTS", str(vgg16_pth))
    file = None if by_variable else vgg16_pth
    with pytest.raises(OtherNetworkError, match="VGG-16's weights, not VGG-11's") as e:
        find_weights("vgg11", file)
    line = one_line(e)
    for part in (vgg16_pth, "--network vgg16", "`artist-nst weights --network vgg11`"):
        assert str(part) in line


@pytest.mark.usefixtures("cached_vgg11")
def test_a_named_file_is_not_passed_over(
    vgg16_pth: Path, vgg11_safetensors: Path
) -> None:
    """Though the right weights are in the cache."""
    assert locate_weights("vgg11", vgg16_pth) == vgg16_pth
    with pytest.raises(OtherNetworkError, match="VGG-16's weights, not VGG-11's"):
        find_weights("vgg11", vgg16_pth)
    assert find_weights("vgg11", vgg11_safetensors).source == str(vgg11_safetensors)


@pytest.mark.usefixtures("cached_vgg11")
@pytest.mark.parametrize("is_damaged", [True, False])
def test_problems_of_the_variables_file_are_reported(
    is_damaged: bool,
    tmp_path: Path,
    vgg11_safetensors: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It is not passed over for the cache: only another network's file is."""
    path = tmp_path / "spoilt.safetensors"
    if is_damaged:
        path.write_bytes(vgg11_safetensors.read_bytes()[:-1000])
    else:
        save_file({"something": torch.zeros(2)}, path)
    monkeypatch.setenv("ARTIST_NST_WEIGHTS", str(path))
    with pytest.raises(ArtistNstError) as error:
        find_weights("vgg11")
    assert str(path) in one_line(error)


def test_a_variable_that_names_nothing_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ARTIST_NST_WEIGHTS", str(tmp_path / "gone.pth"))
    for function in (find_weights, locate_weights):
        with pytest.raises(ArtistNstError, match=r"\$ARTIST_NST_WEIGHTS: .*gone.pth"):
            function()
    monkeypatch.setenv("ARTIST_NST_WEIGHTS", "")
    assert locate_weights() is None


def test_the_normalized_network_uses_vgg19s_file(
    weights_file: Path,
    vgg16_pth: Path,
    empty_cache: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert get_download_size("vgg19-normalised") == get_download_size("vgg19")
    assert locate_weights("vgg19-normalised") is None
    with pytest.raises(WeightsUnavailableError, match="VGG-19's weights"):
        find_weights("vgg19-normalised", offline=True)
    with pytest.raises(OtherNetworkError, match="VGG-16's weights, not VGG-19's") as e:
        find_weights("vgg19-normalised", vgg16_pth)
    assert "`artist-nst weights --network vgg19`" in one_line(e)

    plain = find_weights("vgg19", weights_file)
    weights = find_weights("vgg19-normalised", weights_file)
    assert (weights.network, weights.sha256) == ("vgg19", plain.sha256)
    assert load_weights(weights_file, "vgg19-normalised").network == "vgg19"
    for layer, pair in plain.kernels.items():
        assert all(map(torch.equal, weights.kernels[layer], pair))

    monkeypatch.setenv("ARTIST_NST_WEIGHTS", str(weights_file))
    assert locate_weights("vgg19-normalised") == weights_file
    monkeypatch.delenv("ARTIST_NST_WEIGHTS")
    empty_cache.mkdir(parents=True)
    cached = empty_cache / TORCHVISION_FILES["vgg19"]
    cached.symlink_to(weights_file)
    assert locate_weights("vgg19-normalised") == cached


def test_a_cached_file_with_another_hash_is_refused(
    empty_cache: Path, vgg11_pth: Path
) -> None:
    empty_cache.mkdir(parents=True)
    (empty_cache / TORCHVISION_FILES["vgg11"]).symlink_to(vgg11_pth)
    with pytest.raises(ArtistNstError, match=r"damaged .*8a719046.*artist-nst"):
        find_weights("vgg11")


def test_offline() -> None:
    with pytest.raises(WeightsUnavailableError, match="offline") as error:
        find_weights(offline=True)
    line = one_line(error)
    assert line.startswith("VGG-19's weights")
    assert "$ARTIST_NST_WEIGHTS" in line
