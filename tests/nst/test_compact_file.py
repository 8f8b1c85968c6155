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
from artist_nst.nst.compact import (
    FORMAT_KEY,
    load_compact,
    pack_weights,
    read_training_record,
)
from artist_nst.nst.weights.checkpoint import Weights
from artist_nst.recipes.layers import layer_names

RECORD = {"seed": 3, "pictures": "Käthe"}

Change = Callable[[dict[str, Tensor], dict[str, str]], Any]


@pytest.fixture
def file(compact_weights: Weights, tmp_path: Path) -> Path:
    path = tmp_path / "compact.safetensors"
    path.write_bytes(pack_weights(compact_weights, RECORD))
    return path


def check_refused(path: Path, reason: str | None = None) -> str:
    with pytest.raises(ArtistNstError, match=reason) as caught:
        load_compact(path)
    message = str(caught.value)
    assert "\n" not in message
    assert str(path) in message
    return message


def change_file(file: Path, change: Change) -> Path:
    """Save it again with other tensors or metadata."""
    with safe_open(file, framework="pt") as archive:
        metadata = dict(archive.metadata())
        tensors = {name: archive.get_tensor(name) for name in archive.keys()}  # noqa: SIM118
    change(tensors, metadata)
    path = file.with_name("changed.safetensors")
    save_file(tensors, path, metadata)
    return path


def test_round_trip(compact_weights: Weights, file: Path) -> None:
    loaded = load_compact(file)
    assert (loaded.network, loaded.input) == ("compact", "oxford")
    assert loaded.sha256 == hashlib.sha256(file.read_bytes()).hexdigest()
    assert loaded.source == str(file)
    assert [*loaded.kernels] == [*layer_names("compact")]
    for layer, pair in compact_weights.kernels.items():
        root = loaded.projection_roots[layer]
        expected = compact_weights.projection_roots[layer]
        assert root.filters == expected.filters
        tensors = *loaded.kernels[layer], root.matrix
        for one, other in zip(tensors, (*pair, expected.matrix), strict=True):
            assert one.dtype == torch.float32
            assert torch.equal(one, other.half().float())
            assert torch.allclose(one, other, rtol=2**-11, atol=2**-24)
    assert read_training_record(file) == RECORD
    assert pack_weights(compact_weights, RECORD) == file.read_bytes()


def test_numbers_beyond_16_bits_are_not_written(compact_weights: Weights) -> None:
    weight, bias = compact_weights.kernels["conv1_1"]
    kernels = {**compact_weights.kernels, "conv1_1": (weight, bias + 7e4)}
    with pytest.raises(AssertionError):
        pack_weights(replace(compact_weights, kernels=kernels), RECORD)


def test_unreadable_files(file: Path, tmp_path: Path, weights_file: Path) -> None:
    check_refused(tmp_path / "nowhere.safetensors")
    check_refused(tmp_path)
    content = file.read_bytes()
    header = bytearray(content)
    header[40] ^= 0xFF
    truncated = [content[:end] for end in (0, 5, 8, 200, -1000, -1)]
    others = [b"no network\n", b"PK\x03\x04" + bytes(60), bytes(64), b"\xff" * 64]
    for damaged in (*truncated, *others, bytes(header)):
        file.write_bytes(damaged)
        check_refused(file)
    check_refused(weights_file, "holds no compact network")


def test_other_formats(file: Path) -> None:
    changes: list[Change] = [
        lambda _, metadata: metadata.clear(),
        lambda _, metadata: metadata.update(
            {"artist-nst compact 2": metadata.pop(FORMAT_KEY)}
        ),
    ]
    for change in changes:
        check_refused(change_file(file, change), "holds no compact network")


def test_missing_and_misshapen_tensors(file: Path) -> None:
    changes: list[Change] = [
        lambda tensors, _: tensors.pop("conv3_4.weight"),
        lambda tensors, _: tensors.pop("conv3_4.bias"),
        lambda tensors, _: tensors.pop("conv5_1.root"),
        lambda tensors, _: tensors.update({"conv2_1.bias": torch.zeros(3)}),
        lambda tensors, _: tensors.update({"conv2_1.bias": torch.zeros(())}),
        lambda tensors, _: tensors.update({"conv2_1.root": torch.zeros(8, 7)}),
        lambda tensors, _: tensors.update(
            {"conv1_1.weight": tensors["conv1_1.weight"][:, :2].contiguous()}
        ),
        lambda tensors, _: tensors.update({"conv4_1.weight": torch.zeros(4, 5, 3, 3)}),
    ]
    for change in changes:
        check_refused(change_file(file, change), "missing or misshapen")


def test_numbers_that_are_not_finite(file: Path) -> None:
    for name in ("conv1_1.weight", "conv3_2.bias", "conv5_1.root"):
        for value in (float("nan"), float("inf")):

            def spoil(
                tensors: dict[str, Tensor],
                _: object,
                name: str = name,
                value: float = value,
            ) -> None:
                tensors[name].view(-1)[-1] = value

            message = check_refused(change_file(file, spoil), "not finite")
            assert name.partition(".")[0] in message


def test_unusable_filter_counts(file: Path, compact_weights: Weights) -> None:
    roots = compact_weights.projection_roots
    counts = {layer: root.filters for layer, root in roots.items()}
    wrong = ("many", None, float("inf"), -128, 0)
    values = ["", [64], 7, "null", '{"conv1_1": 64}']
    for filters in (None, *values, *({**counts, "conv2_1": x} for x in wrong)):

        def spoil(_: object, metadata: dict[str, str], filters: Any = filters) -> None:
            about = json.loads(metadata[FORMAT_KEY])
            about["filters"] = filters
            if filters is None:
                del about["filters"]
            metadata[FORMAT_KEY] = json.dumps(about)

        check_refused(change_file(file, spoil))
