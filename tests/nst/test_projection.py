"""Losses of a compact network are those of features U times its own."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, get_args

import numpy as np
import pytest
import torch
from torch import Tensor

from artist_nst.nst.features import extract_features
from artist_nst.nst.objective import (
    CONTENT_LOSSES,
    Objective,
    WeightedImage,
    compute_targets,
)
from artist_nst.nst.vgg import VGG
from artist_nst.nst.weights.checkpoint import ProjectionRoot, Weights
from artist_nst.recipes.layers import layer_names
from artist_nst.recipes.published import recipe
from artist_nst.recipes.recipe import Recipe, StyleLoss
from tests.conftest import picture

STYLE_LOSSES: tuple[StyleLoss, ...] = get_args(StyleLoss)
FILTERS = {"1": 20, "2": 40, "3": 70, "4": 130, "5": 130}
RECIPE = recipe(
    "gram",
    content_layers=(("conv2_2", 0.3), ("conv3_2", 0.7)),
    style_layers=(("conv1_1", 0.5), ("conv2_1", 0.2), ("conv3_1", 0.3)),
    ratio=3.0,
    tv=0.01,
)

Maps = dict[str, Tensor]


@pytest.fixture(scope="module")
def maps(thin_weights: Weights) -> Maps:
    """U by layer, float64: more features than the thin network has filters."""
    rng = torch.Generator().manual_seed(6)
    return {
        layer: torch.randn(
            FILTERS[layer[4]],
            len(thin_weights.kernels[layer][1]),
            generator=rng,
            dtype=torch.float64,
        )
        for layer in layer_names("compact")
    }


@pytest.fixture(scope="module")
def weights(thin_weights: Weights, maps: Maps) -> Weights:
    roots = {
        layer: ProjectionRoot(torch.linalg.cholesky(u.T @ u).T, len(u))
        for layer, u in maps.items()
    }
    kernels = {layer: thin_weights.kernels[layer] for layer in maps}
    return Weights("compact", kernels, "oxford", "compact", "", roots)


@pytest.fixture(scope="module")
def network(weights: Weights) -> VGG:
    return VGG(weights, pool="average", dtype=torch.float64)


def image(height: int, width: int, seed: int) -> Tensor:
    """``(1, 3, H, W)`` on 0–255, float64."""
    return (
        torch.from_numpy(picture(height, width, seed)).permute(2, 0, 1)[None].double()
    )


CONTENT, STYLE, CANDIDATE = image(48, 39, 1), image(41, 36, 2), image(48, 39, 3)


def make_objective(
    network: VGG, recipe: Recipe, rows: int | None = None, *more: WeightedImage
) -> Objective:
    targets = compute_targets(network, recipe, CONTENT, [(STYLE, 1.0), *more])
    return Objective(network, recipe, targets, rows=rows)


def relative(difference: Tensor, reference: Tensor) -> float:
    return float(difference.double().norm() / reference.double().norm())


def project(network: VGG, maps: Maps, seen: Tensor, layer: str) -> Any:
    """U f, ``(N, M)``."""
    features = network(seen, [layer])[layer].numpy()
    return maps[layer].numpy() @ features.reshape(len(features), -1)


def test_norms_and_distances(network: VGG, maps: Maps) -> None:
    first, second = (network(image(32, 40, seed), maps) for seed in (1, 2))
    for layer, u in maps.items():
        f, p = first[layer], second[layer]
        assert network.filter_count(layer) == len(u)
        features = [network.project_features(layer, x) for x in (f, p)]
        assert features[0].shape == f.shape
        expected = [u @ x.flatten(1) for x in (f, p)]
        grams = [network.gram(layer, x) for x in (f, p)]
        expected_grams = [x @ x.T / f[0].numel() for x in expected]
        for values, references in ((features, expected), (grams, expected_grams)):
            size, reference = values[1].norm(), references[1].norm()
            assert float(size) == pytest.approx(float(reference), rel=1e-9)
            distance = (values[0] - values[1]).norm()
            reference = (references[0] - references[1]).norm()
            assert float(distance) == pytest.approx(float(reference), rel=1e-9)


def test_networks_without_roots_project_nothing(thin_weights: Weights) -> None:
    network = VGG(thin_weights)
    features = network(image(32, 32, 1).float(), ["conv2_1"])["conv2_1"]
    assert network.filter_count("conv2_1") == len(features)
    assert network.project_features("conv2_1", features) is features
    flat = features.flatten(1)
    expected = flat @ flat.T / flat.shape[1]
    assert relative(network.gram("conv2_1", features) - expected, expected) < 1e-6


def test_projections_of_bfloat16_are_float32(weights: Weights) -> None:
    network, photo = VGG(weights), image(32, 32, 1).float()
    fine = network(photo, ["conv2_1"])["conv2_1"]
    coarse = network(photo, ["conv2_1"], torch.bfloat16)["conv2_1"]
    for method in (network.project_features, network.gram):
        one, other = method("conv2_1", fine), method("conv2_1", coarse)
        assert one.dtype == other.dtype == torch.float32
        assert 0 < relative(other - one, one) < 0.02


@pytest.mark.parametrize("side", [(600, 17), (31, 33)])
def test_features_in_strips(
    network: VGG, side: tuple[int, int], maps: Maps, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("artist_nst.nst.features.FEATURE_ROWS", 16)
    photo, layers = image(*side, 3), ("conv1_1", "conv3_2")
    content, grams = extract_features(network, photo, layers, layers)
    for layer, features in network(photo, layers).items():
        expected = network.project_features(layer, features)
        assert content[layer].shape == expected.shape
        assert relative(content[layer] - expected, expected) < 1e-12
        large = maps[layer] @ features.flatten(1)
        size = float((large @ large.T / features[0].numel()).norm())
        assert float(grams[layer].norm()) == pytest.approx(size, rel=1e-9)


def expected_content_loss(kind: str, f: Any, p: Any) -> float:
    squares = (f - p) ** 2
    return float(
        {
            "relative": squares.mean() / (p**2).mean() / 2,
            "half-squared": squares.sum() / 2,
            "squared": squares.sum(),
            "mean": squares.mean(),
            "quarter-mean": squares.mean() / 4,
        }[kind]
    )


def expected_style_loss(kind: str, f: Any, a: Any) -> float:
    """Of features ``(N, M)`` and ``(N, M')``."""
    filters, positions = f.shape
    g, target = f @ f.T, a @ a.T
    mean_gram, mean_target = g / positions, target / a.shape[1]
    squares = float(((mean_gram - mean_target) ** 2).sum())
    if kind == "relative":
        return squares / float((mean_target**2).sum())
    if kind == "mean":
        difference = g - mean_target * positions
        return float((difference**2).mean() / (filters * positions))
    if kind == "gatys":
        return squares / (4 * filters**2)
    return float(((g - target) ** 2).sum() / (4 * filters**2 * positions**2))


def test_losses(network: VGG, maps: Maps) -> None:
    def features(seen: Tensor, layer: str) -> Any:
        return project(network, maps, seen, layer)

    for kind in CONTENT_LOSSES:
        objective = make_objective(network, replace(RECIPE, content_loss=kind))
        for layer, loss in objective(CANDIDATE)[0].content_layers.items():
            f, p = features(CANDIDATE, layer), features(CONTENT, layer)
            assert loss == pytest.approx(expected_content_loss(kind, f, p), rel=1e-9)
    for kind in STYLE_LOSSES:
        objective = make_objective(network, replace(RECIPE, style_loss=kind))
        for layer, loss in objective(CANDIDATE)[0].style_layers.items():
            f, a = features(CANDIDATE, layer), features(STYLE, layer)
            assert loss == pytest.approx(expected_style_loss(kind, f, a), rel=1e-9)


def test_several_styles(network: VGG, maps: Maps) -> None:
    """Their mean is that of the projected Gram matrices, too."""
    other = image(36, 36, 4)
    settings = replace(RECIPE, style_loss="gatys")
    losses, _ = make_objective(network, settings, None, (other, 3.0))(CANDIDATE)
    for layer, loss in losses.style_layers.items():
        grams = []
        for seen in (CANDIDATE, STYLE, other):
            features = project(network, maps, seen, layer)
            grams.append(features @ features.T / features.shape[1])
        difference = grams[0] - grams[1] / 4 - grams[2] * 3 / 4
        expected = np.sum(difference**2) / (4 * len(difference) ** 2)
        assert loss == pytest.approx(float(expected), rel=1e-9)


def test_strips_give_the_same_losses_and_gradients(network: VGG) -> None:
    for content_loss in CONTENT_LOSSES:
        for style_loss in STYLE_LOSSES:
            settings = replace(RECIPE, content_loss=content_loss, style_loss=style_loss)
            whole, expected = make_objective(network, settings)(CANDIDATE)
            losses, gradient = make_objective(network, settings, 16)(CANDIDATE)
            assert losses.total == pytest.approx(whole.total, rel=1e-11)
            assert relative(gradient - expected, expected) < 1e-11


@pytest.mark.parametrize(
    ("content_loss", "style_loss"),
    [("relative", "relative"), ("mean", "gatys"), ("quarter-mean", "mean")],
)
def test_gradients_match_finite_differences(
    network: VGG, content_loss: Any, style_loss: Any
) -> None:
    settings = replace(RECIPE, content_loss=content_loss, style_loss=style_loss)
    objective = make_objective(network, settings)
    rng = torch.Generator().manual_seed(3)

    def noise() -> Tensor:
        return torch.rand(1, 3, 48, 39, generator=rng, dtype=torch.float64)

    candidate = 255 * noise()
    _, gradient = objective(candidate)
    for _ in range(2):
        # Small, so that hardly any feature changes its sign.
        step = 1e-5 * (2 * noise() - 1)
        after, before = objective(candidate + step)[0], objective(candidate - step)[0]
        expected = 2 * float((gradient * step).sum())
        assert after.total - before.total == pytest.approx(expected, rel=1e-4)


def test_the_loss_of_the_content_in_its_own_style_is_zero(network: VGG) -> None:
    settings = replace(RECIPE, tv=0.0)
    targets = compute_targets(network, settings, CONTENT, [(CONTENT, 1.0)])
    losses, gradient = Objective(network, settings, targets)(CONTENT)
    assert losses.total == pytest.approx(0.0, abs=1e-20)
    assert float(gradient.abs().max()) < 1e-12
