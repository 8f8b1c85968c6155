"""The compact network that the package has: what it is, and what it is worth."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from hashlib import sha256
from importlib import import_module
from itertools import combinations
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch
from safetensors import safe_open
from scipy.stats import spearmanr
from torch import Tensor

from artist_nst.image.files import read_picture, resize
from artist_nst.nst.compact import PACKAGED, load_compact, training_record
from artist_nst.nst.features import survey
from artist_nst.nst.losses import style_relative
from artist_nst.nst.vgg import VGG
from artist_nst.nst.weights import Weights, layer_names

SCRIPTS = Path(__file__).resolve().parents[2] / "scripts"
STYLE = tuple(f"conv{block}_1" for block in range(1, 6))
RANKED_WIDTH, WIDTH = 128, 160
# The first of its folder.
HELD_OUT = Path("images/content/avila-walls.jpg")

# Relative, of a photo's Gram matrices; see the tests.
MOST_APART = {
    "conv1_1": 0.1,
    "conv2_1": 0.15,
    "conv3_1": 0.25,
    "conv4_1": 0.25,
    "conv5_1": 0.6,
}


@pytest.fixture(scope="module")
def packaged() -> Weights:
    return load_compact()


@pytest.fixture(scope="module")
def record() -> dict[str, Any]:
    return dict(training_record())


@pytest.fixture
def training(monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    """The script that made it."""
    monkeypatch.syspath_prepend(str(SCRIPTS))
    yield import_module("train_compact")
    for name in [*sys.modules]:
        if name.partition(".")[0] in ("distillation", "train_compact"):
            del sys.modules[name]


# What it is --------------------------------------------------------------------------


def test_it_is_small() -> None:
    assert 1e6 < PACKAGED.stat().st_size <= 7e6


def test_its_layers(packaged: Weights) -> None:
    """As far as the default recipe looks; no other tensors are carried about."""
    names = layer_names("vgg19")
    layers = names[: names.index("conv5_1") + 1]
    assert tuple(packaged.kernels) == tuple(packaged.metrics) == layers
    with safe_open(PACKAGED, framework="pt") as archive:
        found = {*archive.keys()}
        dtypes = {archive.get_tensor(name).dtype for name in found}
    parts = "weight", "bias", "root"
    assert found == {f"{layer}.{part}" for layer in layers for part in parts}
    assert dtypes == {torch.float16}


def test_it_stands_for_vgg19s_filters(
    packaged: Weights, random_weights: Weights
) -> None:
    for layer, metric in packaged.metrics.items():
        assert metric.filters == len(random_weights.kernels[layer][1]), layer
        assert len(packaged.kernels[layer][1]) < metric.filters, layer


def test_every_number_is_finite(packaged: Weights) -> None:
    for layer, (weight, bias) in packaged.kernels.items():
        for values in (weight, bias, packaged.metrics[layer].root):
            assert bool(values.isfinite().all()), layer
            assert float(values.abs().max()) > 0, layer


def test_its_record_says_how_to_make_it(record: dict[str, Any]) -> None:
    assert record["script"] == "scripts/train_compact.py"
    assert (SCRIPTS.parent / record["script"]).is_file()
    for name in ("teacher_sha256", "pictures_sha256"):
        assert len(record[name]) == 64
        assert {*record[name]} <= {*"0123456789abcdef"}


def test_it_is_what_the_script_makes(
    record: dict[str, Any], packaged: Weights, training: ModuleType
) -> None:
    """By its defaults: what is told of the network is told of that one."""
    assert tuple(record["widths"]) == training.WIDTHS
    assert record["steps"] == training.STEPS
    assert (record["side"], record["crops"]) == (training.SIDE, training.CROPS)
    assert record["rounds"] == training.ROUNDS
    for layer, (_, bias) in packaged.kernels.items():
        assert len(bias) == training.WIDTHS[int(layer[4]) - 1], layer


@pytest.mark.shared
def test_its_teacher(record: dict[str, Any], shared: Path) -> None:
    path = shared / "weights" / "vgg19-oxford.safetensors"
    assert record["teacher_sha256"] == sha256(path.read_bytes()).hexdigest()


# What it is worth --------------------------------------------------------------------


def tensor(path: Path, width: int) -> Tensor:
    """``(1, 3, H, W)`` on 0–255."""
    pixels = read_picture(path).pixels
    height = round(pixels.shape[0] * width / pixels.shape[1])
    planes = resize(pixels, height, width).transpose(2, 0, 1)[None] * 255
    return torch.from_numpy(np.ascontiguousarray(planes, dtype=np.float32))


@pytest.fixture(scope="module")
def networks(packaged: Weights, real_weights: Weights) -> tuple[VGG, VGG]:
    """The compact one and its teacher."""
    return VGG(packaged), VGG(real_weights)


Grams = dict[str, Tensor]


def seen_by(networks: tuple[VGG, VGG], image: Tensor) -> tuple[Grams, Grams]:
    """By the compact network R g Rᵀ, and by its teacher G, at the style layers."""
    with torch.no_grad():
        small, large = (survey(one, image, (), STYLE)[1] for one in networks)
    return small, large


def spectra_apart(small: Tensor, large: Tensor) -> float:
    """‖λ(R g Rᵀ) − λ(G)‖ / ‖λ(G)‖, both from the largest down, zeros for the rest."""
    found, wanted = (
        torch.linalg.eigvalsh(one.double()).flip(0) for one in (small, large)
    )
    apart = wanted.clone()
    apart[: len(found)] -= found
    return float(apart.norm() / wanted.norm())


@torch.no_grad()
def style_distances(network: VGG, images: list[Tensor]) -> list[float]:
    """Of all pairs, by the default recipe's style loss."""
    grams = [survey(network, image, (), STYLE)[1] for image in images]
    return [
        sum(float(style_relative(one[layer], other[layer])) for layer in STYLE)
        for one, other in combinations(grams, 2)
    ]


@pytest.mark.shared
def test_styles_are_ranked_as_vgg19_does(
    networks: tuple[VGG, VGG], shared: Path
) -> None:
    """Paintings of many hands; of two artists', some that were held out."""
    paths = sorted((shared / "images" / "style").iterdir())
    for artist in ("katsushika-hokusai", "vincent-van-gogh"):
        paths += sorted((shared / "artists" / artist).glob("*.jpg"))[:7:3]
    assert len(paths) == 12
    images = [tensor(path, RANKED_WIDTH) for path in paths]
    small, large = (style_distances(network, images) for network in networks)
    assert len(small) == 66
    assert spearmanr(small, large).statistic > 0.95


@pytest.mark.shared
def test_it_sees_a_photo_as_vgg19_does(networks: tuple[VGG, VGG], shared: Path) -> None:
    """Of a photo that nothing was learnt from: the Gram matrices' eigenvalues, for the
    map that takes one network's filters to the other's is not in the file. They are
    not farther apart than the matrices (Hoffman and Wielandt 1953)."""
    small, large = seen_by(networks, tensor(shared / HELD_OUT, WIDTH))
    apart = {layer: spectra_apart(small[layer], large[layer]) for layer in STYLE}
    for layer, most in MOST_APART.items():
        assert apart[layer] < most, apart


@pytest.mark.shared
def test_it_is_as_far_from_styles_as_for_vgg19(
    networks: tuple[VGG, VGG], shared: Path
) -> None:
    """The same photo and two paintings: ‖R (g − a) Rᵀ‖ beside ‖G − A‖, which needs no
    map either."""
    photo = seen_by(networks, tensor(shared / HELD_OUT, WIDTH))
    for name in ("hokusai-fuji", "the-scream"):
        style = tensor(shared / "images" / "style" / f"{name}.jpg", WIDTH)
        targets = seen_by(networks, style)
        small, large = (
            {layer: float((own[layer] - one).norm()) for layer, one in wanted.items()}
            for own, wanted in zip(photo, targets, strict=True)
        )
        apart = {layer: abs(small[layer] / large[layer] - 1) for layer in STYLE}
        for layer, most in MOST_APART.items():
            assert apart[layer] < most, (name, apart)


def test_its_record_says_what_it_is_worth(record: dict[str, Any]) -> None:
    """On all that was held out, and after tuning better than before."""
    before, after = (record[stage] for stage in ("closed_form", "held_out"))
    assert after["pictures"] == before["pictures"] >= 40
    assert after["rank_agreement"] > 0.95
    for layer, most in MOST_APART.items():
        assert 0 < after["gram_error"][layer] < most, layer
    assert sum(after["gram_error"].values()) < sum(before["gram_error"].values())
