"""Calibration: measured once and kept; a file that is not sound is measured anew."""

import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from platformdirs import user_cache_path
from safetensors.torch import load_file, save_file
from torch import Tensor

from artist_nst.nst.normalize import activation_means, normalized
from artist_nst.nst.weights import Weights
from artist_nst.painting import calibration
from artist_nst.painting.calibration import PHOTOGRAPHS, normalized_weights
from artist_nst.painting.networks import load_network
from artist_nst.recipes.published import recipe


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The program's folder among the user's caches, not made yet."""
    for name in ("HOME", "XDG_CACHE_HOME"):
        monkeypatch.setenv(name, str(tmp_path / "caches"))
    return user_cache_path("artist-nst", appauthor=False)


@pytest.fixture
def measured(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Grows by the weights' hash whenever means are measured; on two photographs."""
    seen: list[str] = []

    def watched(weights: Weights, images: Any) -> dict[str, Tensor]:
        seen.append(weights.sha256)
        return activation_means(weights, images)

    monkeypatch.setattr(calibration, "activation_means", watched)
    monkeypatch.setattr(calibration, "PHOTOGRAPHS", ("chelsea", "coffee"))
    monkeypatch.setattr(calibration, "LONG_SIDE", 48)
    return seen


def same(one: Weights, other: Weights) -> bool:
    assert one.kernels.keys() == other.kernels.keys()
    return all(
        torch.equal(mine, theirs)
        for layer, pair in one.kernels.items()
        for mine, theirs in zip(pair, other.kernels[layer], strict=True)
    )


def only(folder: Path) -> Path:
    (path,) = folder.iterdir()
    return path


# The photographs


def test_the_photographs_are_in_scikit_image() -> None:
    photos = list(calibration._photographs())
    assert len(set(PHOTOGRAPHS)) == len(PHOTOGRAPHS)
    assert len(photos) == calibration.TURNS * len(PHOTOGRAPHS)
    # Each in three orders of its channels, so that no colour is rare.
    means = torch.stack([photo.mean(dim=(0, 2, 3)) for photo in photos]).mean(dim=0)
    torch.testing.assert_close(means, means.mean().expand(3), rtol=1e-4, atol=0)
    for photo in photos:
        assert photo.dtype == torch.float32
        assert photo.shape[:2] == (1, 3)
        assert max(photo.shape[2:]) == calibration.LONG_SIDE
        assert min(photo.shape[2:]) > calibration.LONG_SIDE / 2
        # On 0-255, in colour, and a picture of something.
        assert 0 <= float(photo.min()) < 20
        assert 200 < float(photo.max()) <= 255
        assert float(photo.std()) > 20
        assert not torch.allclose(photo[:, 0], photo[:, 2], atol=10)
    for index, one in enumerate(photos):
        for other in photos[:index]:
            assert one.shape != other.shape or not torch.equal(one, other)


# Measured once


def test_measured_once_and_kept(
    thin_weights: Weights, cache: Path, measured: list[str]
) -> None:
    first = normalized_weights(thin_weights)
    assert measured == ["thin"]
    assert cache.name == "artist-nst"
    path = only(cache)
    stamp = path.stat()
    again = normalized_weights(thin_weights)
    assert measured == ["thin"]
    now = path.stat()
    assert (now.st_mtime_ns, now.st_ino) == (stamp.st_mtime_ns, stamp.st_ino)
    assert only(cache) == path
    assert first.network == again.network == "vgg19-normalised"
    assert same(first, again)
    means = activation_means(thin_weights, calibration._photographs())
    assert same(first, normalized(thin_weights, means))
    assert not same(first, thin_weights)


def test_other_weights_and_other_input_are_measured_apart(
    thin_weights: Weights, cache: Path, measured: list[str]
) -> None:
    kernels = dict(thin_weights.kernels)
    kernels["conv1_1"] = tuple(3 * one for one in kernels["conv1_1"])  # type: ignore[assignment]
    versions = (
        thin_weights,
        replace(thin_weights, kernels=kernels, sha256="others"),
        replace(thin_weights, input="oxford"),
    )
    made = [normalized_weights(one) for one in versions]
    assert measured == ["thin", "others", "thin"]
    assert len(list(cache.iterdir())) == 3
    for one, expected in zip(versions, made, strict=True):
        assert same(normalized_weights(one), expected)
        means = activation_means(one, calibration._photographs())
        assert same(normalized(one, means), expected)
    assert len(measured) == 3


# A file that is not as it should be


def header(path: Path, change: Callable[[dict[str, Any]], None]) -> None:
    """Change a safetensors file's header and leave its numbers."""
    content = path.read_bytes()
    size = int.from_bytes(content[:8], "little")
    found = json.loads(content[8 : 8 + size])
    change(found)
    text = json.dumps(found).encode()
    path.write_bytes(len(text).to_bytes(8, "little") + text + content[8 + size :])


def unknown_precision(path: Path) -> None:
    """A precision that torch does not know: twice as many numbers of half a byte."""

    def change(found: dict[str, Any]) -> None:
        for one in found.values():
            if "shape" in one:
                one["dtype"], one["shape"] = "F4", [one["shape"][0] * 16]

    header(path, change)


def cut(left: float) -> Callable[[Path], None]:
    """Only so many bytes left, or that share of them."""

    def spoil(path: Path) -> None:
        content = path.read_bytes()
        path.write_bytes(content[: int(left * len(content)) if left < 1 else int(left)])

    return spoil


def holding(content: bytes) -> Callable[[Path], None]:
    def spoil(path: Path) -> None:
        path.write_bytes(content)

    return spoil


def rewritten(
    change: Callable[[dict[str, Tensor]], dict[str, Tensor]],
) -> Callable[[Path], None]:
    def spoil(path: Path) -> None:
        save_file(change(load_file(path)), path)

    return spoil


def without(layer: str) -> Callable[[Path], None]:
    return rewritten(
        lambda means: {name: one for name, one in means.items() if name != layer}
    )


def with_first(value: float) -> Callable[[Path], None]:
    def change(means: dict[str, Tensor]) -> dict[str, Tensor]:
        means["conv3_1"][0] = value
        return means

    return rewritten(change)


def each(change: Callable[[Tensor], Tensor]) -> Callable[[Path], None]:
    return rewritten(lambda means: {name: change(one) for name, one in means.items()})


DAMAGES: dict[str, Callable[[Path], None]] = {
    "empty": holding(b""),
    "a few bytes": cut(5),
    "half": cut(0.5),
    "all but a little": cut(0.999),
    "text": holding(b"<html>not found</html>" * 50),
    "zeros": holding(bytes(1000)),
    "other tensors": rewritten(lambda _: {"a": torch.zeros(3)}),
    "no tensors": rewritten(lambda _: {}),
    "a layer less": without("conv4_4"),
    "a layer more": rewritten(lambda means: {**means, "conv6_1": torch.zeros(2)}),
    "another network's": each(lambda one: torch.cat((one, one))),
    "a scalar each": each(lambda one: one.mean()),
    "whole numbers": each(lambda one: one.long() + 1),
    "coarser numbers": each(lambda one: one.half()),
    "unknown precision": unknown_precision,
    "not a number": with_first(float("nan")),
    "infinite": with_first(float("inf")),
    "negative": with_first(-0.5),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_spoilt_file_is_measured_anew_and_mended(
    thin_weights: Weights, cache: Path, measured: list[str], damage: str
) -> None:
    expected = normalized_weights(thin_weights)
    path = only(cache)
    sound = path.read_bytes()
    DAMAGES[damage](path)
    assert path.read_bytes() != sound
    assert same(normalized_weights(thin_weights), expected)
    assert measured == ["thin"] * 2
    assert only(cache) == path
    assert same(normalized_weights(thin_weights), expected)
    assert measured == ["thin"] * 2


# What the disk does


def below_a_file(cache: Path) -> None:
    cache.parent.parent.mkdir(parents=True, exist_ok=True)
    cache.parent.write_text("not a folder")


def in_a_file(cache: Path) -> None:
    cache.parent.mkdir(parents=True)
    cache.write_text("not a folder")


def read_only(cache: Path) -> None:
    cache.mkdir(parents=True)
    cache.chmod(0o500)


@pytest.mark.parametrize("spoil", [in_a_file, below_a_file, read_only])
def test_a_folder_that_cannot_be_written_to_stops_nothing(
    thin_weights: Weights,
    cache: Path,
    measured: list[str],
    spoil: Callable[[Path], None],
) -> None:
    means = activation_means(thin_weights, calibration._photographs())
    spoil(cache)
    made = normalized_weights(thin_weights)
    again = normalized_weights(thin_weights)
    assert same(made, normalized(thin_weights, means))
    assert same(made, again)
    assert measured[0] == "thin"
    if cache.is_dir():
        cache.chmod(0o700)


def test_a_folder_in_the_files_place_stops_nothing(
    thin_weights: Weights, cache: Path, measured: list[str]
) -> None:
    expected = normalized_weights(thin_weights)
    path = only(cache)
    path.unlink()
    path.mkdir()
    for _ in range(2):
        assert same(normalized_weights(thin_weights), expected)
    assert len(measured) == 3
    # Nor is anything left beside it.
    assert only(cache) == path
    assert not list(path.iterdir())


def test_a_full_disk_leaves_nothing_behind(
    thin_weights: Weights,
    cache: Path,
    measured: list[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def full(_: dict[str, Tensor], path: Path) -> None:
        path.write_bytes(b"half of it")
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as broken:
        broken.setattr(calibration, "save_file", full)
        made = normalized_weights(thin_weights)
    assert list(cache.iterdir()) == []
    assert same(normalized_weights(thin_weights), made)
    assert len(measured) == 2
    assert only(cache).suffix == ".safetensors"


OTHER = """
import sys, torch
from artist_nst.painting import calibration
from artist_nst.nst.weights import Weights

torch.set_num_threads(1)
calibration.PHOTOGRAPHS, calibration.LONG_SIDE = ("chelsea", "coffee"), 48
weights = Weights("vgg19", torch.load(sys.argv[1]), "torchvision", "two", "nowhere")
print("ready", flush=True)
sys.stdin.readline()
for _ in range(10):
    calibration._cache_file(weights).unlink(missing_ok=True)
    made = calibration.normalized_weights(weights)
torch.save(made.kernels, sys.argv[1])
"""


def test_two_programs_at_once(
    thin_weights: Weights, cache: Path, measured: list[str], tmp_path: Path
) -> None:
    """Each takes the file away again and again while the other reads and writes it."""
    weights = replace(thin_weights, sha256="two")
    kernels = tmp_path / "kernels"
    torch.save(weights.kernels, kernels)
    with subprocess.Popen(
        [sys.executable, "-c", OTHER, str(kernels)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as other:
        assert other.stdin
        assert other.stdout
        assert other.stdout.readline() == "ready\n"
        other.stdin.write("\n")
        other.stdin.flush()
        for _ in range(10):
            calibration._cache_file(weights).unlink(missing_ok=True)
            made = normalized_weights(weights)
        out, problems = other.communicate()
    assert (other.returncode, out, problems) == (0, "", "")
    assert measured
    assert same(replace(made, kernels=torch.load(kernels)), made)
    assert only(cache).suffix == ".safetensors"
    means = activation_means(weights, calibration._photographs())
    assert same(made, normalized(weights, means))


# The network of a recipe


def test_a_recipe_gets_its_normalised_network(
    weights_file: Path,
    random_weights: Weights,
    measured: list[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    numbers = recipe("premamayudu")
    network = load_network(numbers, weights=weights_file, device="cpu")
    assert network.name == "vgg19-normalised"
    means = activation_means(random_weights, calibration._photographs())
    for layer, (kernel, bias) in normalized(random_weights, means).kernels.items():
        if layer != "conv1_1":  # into which the input's scale is folded
            assert torch.equal(network.get_buffer(f"{layer}_weight"), kernel)
        assert torch.equal(network.get_buffer(f"{layer}_bias"), bias)
    # And the next time the constants are there.
    monkeypatch.setenv("ARTIST_NST_WEIGHTS", str(weights_file))
    again = load_network(numbers, device="cpu", offline=True)
    for (name, one), other in zip(
        network.named_buffers(), again.buffers(), strict=True
    ):
        assert torch.equal(one, other), name
    assert measured == [random_weights.sha256]


def test_other_networks_are_not_measured(
    weights_file: Path, cache: Path, measured: list[str]
) -> None:
    assert load_network(recipe(), weights=weights_file, device="cpu").name == "vgg19"
    assert not measured
    assert not cache.exists()
