"""The packaged compact network: its file, and how well it replaces VGG-19."""

from __future__ import annotations

from hashlib import sha256
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors import safe_open
from scipy.stats import spearmanr
from torch import Tensor

from artist_nst.image.files import read_picture, resize
from artist_nst.nst.compact import PACKAGED_FILE, load_compact, read_training_record
from artist_nst.nst.features import extract_features
from artist_nst.nst.losses import style_relative
from artist_nst.nst.tensors import to_tensor
from artist_nst.nst.vgg import VGG
from artist_nst.nst.weights.checkpoint import Weights
from artist_nst.recipes.layers import layer_names

SCRIPTS = Path(__file__).resolve().parents[2] / "scripts"
STYLE = tuple(f"conv{block}_1" for block in range(1, 6))
RANKED_WIDTH, WIDTH = 128, 160
# The first of its folder.
HELD_OUT = Path("images/content/avila-walls.jpg")

# Relative, of a photo's Gram matrices; see the tests.
MAX_DISTANCE = {
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
    return dict(read_training_record())


# Its file ----------------------------------------------------------------------------


def test_it_is_small() -> None:
    assert 1e6 < PACKAGED_FILE.stat().st_size <= 7e6


def test_its_layers(packaged: Weights) -> None:
    """Those of the default recipe, and no other tensors."""
    layers = layer_names("vgg19")
    layers = layers[: layers.index("conv5_1") + 1]
    assert tuple(packaged.kernels) == tuple(packaged.projection_roots) == layers
    with safe_open(PACKAGED_FILE, framework="pt") as archive:
        names = {*archive.keys()}
        dtypes = {archive.get_tensor(name).dtype for name in names}
    parts = "weight", "bias", "root"
    assert names == {f"{layer}.{part}" for layer in layers for part in parts}
    assert dtypes == {torch.float16}


def test_its_filters_and_numbers(packaged: Weights, random_weights: Weights) -> None:
    for layer, (weight, bias) in packaged.kernels.items():
        root = packaged.projection_roots[layer]
        assert len(bias) < root.filters == len(random_weights.kernels[layer][1]), layer
        for values in (weight, bias, root.matrix):
            assert bool(values.isfinite().all()), layer
            assert float(values.abs().max()) > 0, layer


def test_its_record_names_script_and_data(record: dict[str, Any]) -> None:
    assert record["script"] == "scripts/train_compact.py"
    assert (SCRIPTS.parent / record["script"]).is_file()
    for name in ("teacher_sha256", "pictures_sha256"):
        assert len(record[name]) == 64
        assert {*record[name]} <= {*"0123456789abcdef"}


@pytest.mark.shared
def test_its_teacher(record: dict[str, Any], shared: Path) -> None:
    path = shared / "weights" / "vgg19-oxford.safetensors"
    assert record["teacher_sha256"] == sha256(path.read_bytes()).hexdigest()


# Against VGG-19 ----------------------------------------------------------------------


def tensor(path: Path, width: int) -> Tensor:
    """``(1, 3, H, W)`` on 0–255."""
    pixels = read_picture(path).pixels
    height = round(pixels.shape[0] * width / pixels.shape[1])
    return to_tensor(resize(pixels, height, width))


@pytest.fixture(scope="module")
def networks(packaged: Weights, real_weights: Weights) -> tuple[VGG, VGG]:
    """The compact one and its teacher."""
    return VGG(packaged), VGG(real_weights)


Grams = dict[str, Tensor]


def grams_by(networks: tuple[VGG, VGG], image: Tensor) -> tuple[Grams, Grams]:
    """R g Rᵀ by the compact network, and G by its teacher, at the style layers."""
    small, large = (extract_features(one, image, (), STYLE)[1] for one in networks)
    return small, large


def spectral_distance(small: Tensor, large: Tensor) -> float:
    """‖λ(R g Rᵀ) − λ(G)‖ / ‖λ(G)‖, in descending order, padded with zeros."""
    values, expected = (
        torch.linalg.eigvalsh(matrix.double()).flip(0) for matrix in (small, large)
    )
    difference = expected.clone()
    difference[: len(values)] -= values
    return float(difference.norm() / expected.norm())


@torch.no_grad()
def style_distances(network: VGG, images: list[Tensor]) -> list[float]:
    """All pairs' distances by the default recipe's style loss."""
    grams = [extract_features(network, image, (), STYLE)[1] for image in images]
    return [
        sum(float(style_relative(first[layer], second[layer])) for layer in STYLE)
        for first, second in combinations(grams, 2)
    ]


@pytest.mark.shared
def test_styles_are_ranked_as_vgg19_does(
    networks: tuple[VGG, VGG], shared: Path
) -> None:
    """Paintings by many artists; by two of them, some that were held out."""
    paths = sorted((shared / "images" / "style").iterdir())
    for artist in ("katsushika-hokusai", "vincent-van-gogh"):
        paths += sorted((shared / "artists" / artist).glob("*.jpg"))[:7:3]
    assert len(paths) == 12
    images = [tensor(path, RANKED_WIDTH) for path in paths]
    small, large = (style_distances(network, images) for network in networks)
    assert len(small) == 66
    assert spearmanr(small, large).statistic > 0.95


@pytest.mark.shared
def test_grams_are_near_vgg19s(networks: tuple[VGG, VGG], shared: Path) -> None:
    """Of a held-out photo, and its distances to two paintings.

    The file does not hold the map from one network's filters to the other's. Therefore
    eigenvalues are compared, which are not farther apart than the matrices (Hoffman and
    Wielandt 1953), and ‖R (g − a) Rᵀ‖ with ‖G − A‖.
    """
    small, large = grams_by(networks, tensor(shared / HELD_OUT, WIDTH))
    for layer, limit in MAX_DISTANCE.items():
        assert spectral_distance(small[layer], large[layer]) < limit, layer
    for name in ("hokusai-fuji", "the-scream"):
        style = tensor(shared / "images" / "style" / f"{name}.jpg", WIDTH)
        small_style, large_style = grams_by(networks, style)
        for layer, limit in MAX_DISTANCE.items():
            distance = float((small[layer] - small_style[layer]).norm())
            expected = float((large[layer] - large_style[layer]).norm())
            assert abs(distance / expected - 1) < limit, (name, layer)


def test_its_record_says_how_good_it_is(record: dict[str, Any]) -> None:
    """On all held-out pictures, and better after tuning than before."""
    before, after = (record[stage] for stage in ("closed_form", "held_out"))
    assert after["pictures"] == before["pictures"] >= 40
    assert after["rank_agreement"] > 0.95
    for layer, limit in MAX_DISTANCE.items():
        assert 0 < after["gram_error"][layer] < limit, layer
    assert sum(after["gram_error"].values()) < sum(before["gram_error"].values())
