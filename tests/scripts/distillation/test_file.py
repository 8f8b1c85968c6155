"""The compact network's file: written, read, refused."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor

from artist_nst.errors import ArtistNstError
from artist_nst.nst.compact import FORMAT, load_compact, packed, training_record
from artist_nst.nst.vgg import VGG
from artist_nst.nst.weights import Metric, Weights, layer_names
from tests.scripts.distillation.conftest import image, relative

RECORD = {"seed": 3, "pictures": "Käthe"}

Parts = tuple[dict[str, Tensor], dict[str, str]]


@pytest.fixture(scope="module")
def weights(teacher: Weights) -> Weights:
    """Of a sixteenth of VGG-19's filters, with upper triangular roots."""
    source = torch.Generator().manual_seed(9)
    kernels, metrics, heard = {}, {}, 3
    for layer in layer_names("compact"):
        weight, bias = teacher.kernels[layer]
        width = len(bias) // 2
        kernels[layer] = weight[:width, :heard].contiguous(), bias[:width].clone()
        root = torch.randn(width, width, generator=source).triu() * 3
        metrics[layer] = Metric(root, 8 * len(bias))
        heard = width
    return Weights("compact", kernels, "oxford", "made", "made", metrics)


@pytest.fixture
def file(weights: Weights, tmp_path: Path) -> Path:
    path = tmp_path / "compact.safetensors"
    path.write_bytes(packed(weights, RECORD))
    return path


@pytest.fixture
def changed(file: Path, tmp_path: Path) -> Callable[[Callable[..., Any]], Path]:
    """The file with its tensors and metadata changed, under another name."""

    def made(change: Callable[[dict[str, Tensor], dict[str, str]], Any]) -> Path:
        with safe_open(file, framework="pt") as archive:
            metadata = dict(archive.metadata())
            tensors = {name: archive.get_tensor(name) for name in archive.keys()}  # noqa: SIM118
        change(tensors, metadata)
        path = tmp_path / "changed.safetensors"
        save_file(tensors, path, metadata)
        return path

    return made


def refused(path: Path) -> str:
    with pytest.raises(ArtistNstError) as caught:
        load_compact(path)
    told = str(caught.value)
    assert "\n" not in told
    assert str(path) in told
    assert "--weights" in told
    return told


def test_what_is_packed_is_read_again(weights: Weights, file: Path) -> None:
    found = load_compact(file)
    assert (found.network, found.input) == ("compact", "oxford")
    assert found.sha256 == hashlib.sha256(file.read_bytes()).hexdigest()
    assert found.source == str(file)
    assert list(found.kernels) == list(weights.kernels) == [*layer_names("compact")]
    for layer, pair in weights.kernels.items():
        metric, theirs = found.metrics[layer], weights.metrics[layer]
        assert metric.filters == theirs.filters
        ours = *found.kernels[layer], metric.root
        for one, other in zip(ours, (*pair, theirs.root), strict=True):
            assert one.dtype == torch.float32
            assert torch.equal(one, other.half().float())
            # To the 11 bits that 16 have for the digits.
            assert torch.allclose(one, other, rtol=2**-11, atol=2**-24)


def test_it_paints_alike(weights: Weights, file: Path) -> None:
    one, other = VGG(weights), VGG(load_compact(file))
    layers = "conv1_1", "conv4_2", "conv5_1"
    before, after = (network(image(40, 32), layers) for network in (one, other))
    for layer in layers:
        assert relative(after[layer] - before[layer], before[layer]) < 2e-3
        grams = one.gram(layer, before[layer]), other.gram(layer, after[layer])
        assert relative(grams[1] - grams[0], grams[0]) < 4e-3


def test_the_same_bytes_again(weights: Weights) -> None:
    assert packed(weights, RECORD) == packed(weights, RECORD)


def test_the_record_is_kept(file: Path) -> None:
    assert training_record(file) == RECORD


def test_numbers_beyond_16_bits_are_not_written(weights: Weights) -> None:
    weight, bias = weights.kernels["conv1_1"]
    kernels = {**weights.kernels, "conv1_1": (weight, bias + 7e4)}
    with pytest.raises(AssertionError):
        packed(replace(weights, kernels=kernels), RECORD)


# Refused -----------------------------------------------------------------------------


def test_a_missing_file(tmp_path: Path) -> None:
    assert "No such file" in refused(tmp_path / "nowhere.safetensors")
    refused(tmp_path)


@pytest.mark.parametrize("left", [0, 5, 8, 200, -1000, -1])
def test_a_truncated_file(file: Path, left: int) -> None:
    file.write_bytes(file.read_bytes()[:left])
    refused(file)


@pytest.mark.parametrize(
    "content", [b"no network\n", b"PK\x03\x04" + bytes(60), bytes(64), b"\xff" * 64]
)
def test_another_kind_of_file(file: Path, content: bytes) -> None:
    file.write_bytes(content)
    assert "damaged" in refused(file)


def test_a_damaged_header(file: Path) -> None:
    content = bytearray(file.read_bytes())
    content[40] ^= 0xFF
    file.write_bytes(content)
    refused(file)


def test_another_network_s_weights(weights_file: Path) -> None:
    assert "holds no compact network" in refused(weights_file)


@pytest.mark.parametrize(
    "change",
    [
        lambda _, metadata: metadata.clear(),
        lambda _, metadata: metadata.update(
            {"artist-nst compact 2": metadata.pop(FORMAT)}
        ),
    ],
)
def test_another_format(changed: Any, change: Any) -> None:
    assert "holds no compact network" in refused(changed(change))


@pytest.mark.parametrize(
    "change",
    [
        lambda tensors, _: tensors.pop("conv3_4.weight"),
        lambda tensors, _: tensors.pop("conv3_4.bias"),
        lambda tensors, _: tensors.pop("conv5_1.root"),
        lambda tensors, _: tensors.update({"conv2_1.bias": torch.zeros(3)}),
        lambda tensors, _: tensors.update({"conv2_1.bias": torch.zeros(())}),
        lambda tensors, _: tensors.update({"conv2_1.root": torch.zeros(8, 7)}),
        lambda tensors, _: tensors.update(
            {"conv1_1.weight": tensors["conv1_1.weight"][:, :2].contiguous()}
        ),
        lambda tensors, _: tensors.update(
            {"conv4_1.weight": tensors["conv4_2.weight"].clone()}
        ),
    ],
)
def test_something_missing_or_misshapen(changed: Any, change: Any) -> None:
    assert "missing or misshapen" in refused(changed(change))


@pytest.mark.parametrize("name", ["conv1_1.weight", "conv3_2.bias", "conv5_1.root"])
@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_numbers_that_are_none(changed: Any, name: str, value: float) -> None:
    def spoil(tensors: dict[str, Tensor], _: object) -> None:
        tensors[name].view(-1)[-1] = value

    told = refused(changed(spoil))
    assert "not finite" in told
    assert name.partition(".")[0] in told


@pytest.mark.parametrize(
    "filters",
    [
        None,
        "",
        [64],
        7,
        "null",
        '{"conv1_1": 64}',
        {"conv2_1": "many"},
        {"conv2_1": None},
        {"conv2_1": float("inf")},
        {"conv2_1": -128},
        {"conv2_1": 0},
    ],
)
def test_filters_that_are_none(changed: Any, weights: Weights, filters: Any) -> None:
    def spoil(_: object, metadata: dict[str, str]) -> None:
        about = json.loads(metadata[FORMAT])
        whole = {layer: one.filters for layer, one in weights.metrics.items()}
        changes = {**whole, **filters} if isinstance(filters, dict) else filters
        about["filters"] = changes
        if filters is None:
            del about["filters"]
        metadata[FORMAT] = json.dumps(about)

    refused(changed(spoil))
