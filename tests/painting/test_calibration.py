"""Calibration: measured once and cached; a file that cannot be right is replaced."""

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from platformdirs import user_cache_path
from safetensors.torch import load_file, save_file
from torch import Tensor

from artist_nst.nst.normalize import measure_activation_means, normalize_weights
from artist_nst.nst.weights.checkpoint import Weights
from artist_nst.painting import calibration
from artist_nst.painting.calibration import (
    PHOTOGRAPHS,
    calibrate_weights,
    load_photographs,
)
from artist_nst.painting.compute import ComputeOptions
from artist_nst.painting.networks import load_network
from artist_nst.recipes.published import recipe


@pytest.fixture
def cache() -> Path:
    """The program's folder among the user's caches, not made yet."""
    return user_cache_path("artist-nst", appauthor=False)


@pytest.fixture
def measured(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Hashes of the weights that are measured, on two small photographs."""
    hashes: list[str] = []

    def measure(weights: Weights, images: Any) -> dict[str, Tensor]:
        hashes.append(weights.sha256)
        return measure_activation_means(weights, images)

    monkeypatch.setattr(calibration, "measure_activation_means", measure)
    monkeypatch.setattr(calibration, "PHOTOGRAPHS", ("chelsea", "coffee"))
    monkeypatch.setattr(calibration, "LONG_SIDE", 48)
    return hashes


def are_same(first: Weights, second: Weights) -> bool:
    assert first.kernels.keys() == second.kernels.keys()
    return all(
        torch.equal(tensor, other)
        for layer, pair in first.kernels.items()
        for tensor, other in zip(pair, second.kernels[layer], strict=True)
    )


def calibrate_uncached(weights: Weights) -> Weights:
    means = measure_activation_means(weights, load_photographs())
    return normalize_weights(weights, means)


def get_only_file(folder: Path) -> Path:
    (path,) = folder.iterdir()
    return path


# The photographs


def test_the_photographs_are_in_scikit_image() -> None:
    photos = list(load_photographs())
    assert len(set(PHOTOGRAPHS)) == len(PHOTOGRAPHS)
    assert len(photos) == calibration.CHANNEL_ORDERS * len(PHOTOGRAPHS)
    # Each in three orders of its channels, so that no color is rare.
    means = torch.stack([photo.mean(dim=(0, 2, 3)) for photo in photos]).mean(dim=0)
    torch.testing.assert_close(means, means.mean().expand(3), rtol=1e-4, atol=0)
    for photo in photos:
        assert photo.dtype == torch.float32
        assert photo.shape[:2] == (1, 3)
        assert max(photo.shape[2:]) == calibration.LONG_SIDE
        assert min(photo.shape[2:]) > calibration.LONG_SIDE / 2
        # On 0–255, in color, and a picture of something.
        assert 0 <= float(photo.min()) < 20
        assert 200 < float(photo.max()) <= 255
        assert float(photo.std()) > 20
        assert not torch.allclose(photo[:, 0], photo[:, 2], atol=10)
    for index, photo in enumerate(photos):
        for other in photos[:index]:
            assert photo.shape != other.shape or not torch.equal(photo, other)


# Measured once


def test_measured_once_and_cached(
    thin_weights: Weights, cache: Path, measured: list[str]
) -> None:
    first = calibrate_weights(thin_weights)
    assert measured == ["thin"]
    path = get_only_file(cache)
    before = path.stat()
    again = calibrate_weights(thin_weights)
    assert measured == ["thin"]
    after = path.stat()
    assert (after.st_mtime_ns, after.st_ino) == (before.st_mtime_ns, before.st_ino)
    assert get_only_file(cache) == path
    assert first.network == again.network == "vgg19-normalised"
    assert are_same(first, again)
    assert are_same(first, calibrate_uncached(thin_weights))
    assert not are_same(first, thin_weights)


def test_other_weights_and_other_input_are_measured_separately(
    thin_weights: Weights, cache: Path, measured: list[str]
) -> None:
    kernels = dict(thin_weights.kernels)
    kernel, bias = kernels["conv1_1"]
    kernels["conv1_1"] = 3 * kernel, 3 * bias
    versions = (
        thin_weights,
        replace(thin_weights, kernels=kernels, sha256="others"),
        replace(thin_weights, input="oxford"),
    )
    calibrated = [calibrate_weights(weights) for weights in versions]
    assert measured == ["thin", "others", "thin"]
    assert len(list(cache.iterdir())) == 3
    for weights, expected in zip(versions, calibrated, strict=True):
        assert are_same(calibrate_weights(weights), expected)
        assert are_same(calibrate_uncached(weights), expected)
    assert len(measured) == 3


# A file that is not as it should be


def set_unknown_precision(path: Path) -> None:
    """Declare a precision that torch does not know: half a byte per number."""
    content = path.read_bytes()
    size = int.from_bytes(content[:8], "little")
    header = json.loads(content[8 : 8 + size])
    for entry in header.values():
        if "shape" in entry:
            entry["dtype"], entry["shape"] = "F4", [entry["shape"][0] * 16]
    text = json.dumps(header).encode()
    path.write_bytes(len(text).to_bytes(8, "little") + text + content[8 + size :])


def rewrite(
    change: Callable[[dict[str, Tensor]], dict[str, Tensor]],
) -> Callable[[Path], None]:
    def spoil(path: Path) -> None:
        save_file(change(load_file(path)), path)

    return spoil


def rewrite_each(change: Callable[[Tensor], Tensor]) -> Callable[[Path], None]:
    return rewrite(lambda means: {name: change(mean) for name, mean in means.items()})


def set_first(value: float) -> Callable[[Path], None]:
    def change(means: dict[str, Tensor]) -> dict[str, Tensor]:
        means["conv3_1"][0] = value
        return means

    return rewrite(change)


DAMAGES: dict[str, Callable[[Path], object]] = {
    "empty": lambda path: path.write_bytes(b""),
    "a few bytes": lambda path: path.write_bytes(path.read_bytes()[:5]),
    "cut": lambda path: path.write_bytes(path.read_bytes()[:-10]),
    "text": lambda path: path.write_bytes(b"<html>not found</html>" * 50),
    "zeros": lambda path: path.write_bytes(bytes(1000)),
    "no tensors": rewrite(lambda _: {}),
    "a layer less": rewrite(
        lambda means: {name: means[name] for name in means if name != "conv4_4"}
    ),
    "a layer more": rewrite(lambda means: {**means, "conv6_1": torch.zeros(2)}),
    "another network's": rewrite_each(lambda mean: torch.cat((mean, mean))),
    "a scalar each": rewrite_each(lambda mean: mean.mean()),
    "whole numbers": rewrite_each(lambda mean: mean.long() + 1),
    "coarser numbers": rewrite_each(lambda mean: mean.half()),
    "unknown precision": set_unknown_precision,
    "not a number": set_first(float("nan")),
    "infinite": set_first(float("inf")),
    "negative": set_first(-0.5),
}


def test_a_damaged_file_is_replaced(
    thin_weights: Weights, cache: Path, measured: list[str]
) -> None:
    expected = calibrate_weights(thin_weights)
    path = get_only_file(cache)
    intact = path.read_bytes()
    for name, damage in DAMAGES.items():
        measured.clear()
        damage(path)
        assert path.read_bytes() != intact, name
        assert are_same(calibrate_weights(thin_weights), expected), name
        assert measured == ["thin"], name
        assert get_only_file(cache) == path
        assert path.read_bytes() == intact, name


# What the disk does


def test_a_cache_that_cannot_be_written_to_stops_nothing(
    thin_weights: Weights, cache: Path, measured: list[str]
) -> None:
    expected = calibrate_uncached(thin_weights)
    # A file in place of the folder, or of the folder above.
    for blocked in (cache, cache.parent / "below"):
        blocked.parent.mkdir(parents=True, exist_ok=True)
        blocked.write_text("not a folder")
        for _ in range(2):
            assert are_same(calibrate_weights(thin_weights), expected)
    assert measured == ["thin"] * 4


def test_a_folder_in_place_of_the_file_stops_nothing(
    thin_weights: Weights, cache: Path, measured: list[str]
) -> None:
    expected = calibrate_weights(thin_weights)
    path = get_only_file(cache)
    path.unlink()
    path.mkdir()
    for _ in range(2):
        assert are_same(calibrate_weights(thin_weights), expected)
    assert len(measured) == 3
    # Nothing is left beside it or inside.
    assert get_only_file(cache) == path
    assert not list(path.iterdir())


def test_a_full_disk_leaves_nothing_behind(
    thin_weights: Weights,
    cache: Path,
    measured: list[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fail(_: dict[str, Tensor], path: Path) -> None:
        path.write_bytes(b"half of it")
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(calibration, "save_file", fail)
        calibrated = calibrate_weights(thin_weights)
    assert list(cache.iterdir()) == []
    assert are_same(calibrate_weights(thin_weights), calibrated)
    assert len(measured) == 2


def test_two_at_once(thin_weights: Weights, cache: Path, measured: list[str]) -> None:
    """Each removes the file again and again while the other reads and writes it."""

    def calibrate_often() -> list[Weights]:
        calibrated = []
        for _ in range(5):
            calibration._cache_file(thin_weights).unlink(missing_ok=True)
            calibrated.append(calibrate_weights(thin_weights))
        return calibrated

    with ThreadPoolExecutor() as executor:
        futures = [executor.submit(calibrate_often) for _ in range(2)]
    expected = calibrate_uncached(thin_weights)
    for future in futures:
        assert all(are_same(weights, expected) for weights in future.result())
    assert measured
    assert get_only_file(cache).suffix == ".safetensors"


# The network of a recipe


def test_a_recipe_gets_its_normalized_network(
    weights_file: Path,
    random_weights: Weights,
    cache: Path,
    measured: list[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    compute = ComputeOptions(device="cpu", weights=weights_file)
    assert load_network(recipe(), compute).name == "vgg19"
    assert not measured
    assert not cache.exists()
    numbers = recipe("premamayudu")
    network = load_network(numbers, compute)
    assert network.name == "vgg19-normalised"
    for layer, (kernel, bias) in calibrate_uncached(random_weights).kernels.items():
        if layer != "conv1_1":  # into which the input's scale is folded
            assert torch.equal(network.get_buffer(f"{layer}_weight"), kernel)
        assert torch.equal(network.get_buffer(f"{layer}_bias"), bias)
    # The second time the constants are cached.
    monkeypatch.setenv("ARTIST_NST_WEIGHTS", str(weights_file))
    again = load_network(numbers, ComputeOptions(device="cpu", offline=True))
    for first, second in zip(network.buffers(), again.buffers(), strict=True):
        assert torch.equal(first, second)
    assert measured == [random_weights.sha256]
