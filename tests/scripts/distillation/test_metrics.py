"""A network with metrics is measured as one whose features are U times its own."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, get_args

import numpy as np
import pytest
import torch
from torch import Tensor

from artist_nst.nst.features import survey
from artist_nst.nst.objective import CONTENT, Objective, Style, targets
from artist_nst.nst.vgg import VGG
from artist_nst.nst.weights import Metric, Weights, layer_names
from artist_nst.recipes.published import recipe
from artist_nst.recipes.recipe import Recipe, StyleLoss
from tests.scripts.distillation.conftest import image, relative

STYLE: tuple[StyleLoss, ...] = get_args(StyleLoss)
FILTERS = {"1": 20, "2": 40, "3": 70, "4": 130, "5": 130}
RECIPE = recipe(
    content_layers=(("conv2_2", 0.3), ("conv3_2", 0.7)),
    style_layers=(("conv1_1", 0.5), ("conv2_1", 0.2), ("conv3_1", 0.3)),
    ratio=3.0,
    tv=0.01,
)

Maps = dict[str, Tensor]


@pytest.fixture(scope="module")
def maps(teacher: Weights) -> Maps:
    """U by layer, float64: rather more features than there are filters."""
    source = torch.Generator().manual_seed(6)
    return {
        layer: torch.randn(
            FILTERS[layer[4]],
            len(teacher.kernels[layer][1]),
            generator=source,
            dtype=torch.float64,
        )
        for layer in layer_names("compact")
    }


@pytest.fixture(scope="module")
def weights(teacher: Weights, maps: Maps) -> Weights:
    metrics = {
        layer: Metric(torch.linalg.cholesky(own.T @ own).T, len(own))
        for layer, own in maps.items()
    }
    kernels = {layer: teacher.kernels[layer] for layer in maps}
    return Weights("compact", kernels, "oxford", "compact", "", metrics)


@pytest.fixture(scope="module")
def network(weights: Weights) -> VGG:
    return VGG(weights, pool="average", dtype=torch.float64)


def photo(height: int, width: int, seed: int) -> Tensor:
    return image(height, width, seed).double()


def made(
    network: VGG, numbers: Recipe, rows: int | None = None, *more: Style
) -> Objective:
    style = (photo(41, 36, 2), 1.0)
    wanted = targets(network, numbers, photo(48, 39, 1), [style, *more])
    return Objective(network, numbers, wanted, rows=rows)


def test_distances_are_those_of_the_larger_features(network: VGG, maps: Maps) -> None:
    one, other = (network(photo(32, 40, seed), maps) for seed in (1, 2))
    for layer, own in maps.items():
        f, p = one[layer], other[layer]
        assert network.filters(layer) == len(own)
        apart = network.compared(layer, f) - network.compared(layer, p)
        assert apart.shape == f.shape
        expected = (own @ (f - p).flatten(1)).norm()
        assert float(apart.norm()) == pytest.approx(float(expected), rel=1e-10)
        size = network.compared(layer, p).norm()
        expected = (own @ p.flatten(1)).norm()
        assert float(size) == pytest.approx(float(expected), rel=1e-10)
        positions = f[0].numel()
        grams = [
            own @ g.flatten(1) @ g.flatten(1).T @ own.T / positions for g in (f, p)
        ]
        apart = network.gram(layer, f) - network.gram(layer, p)
        expected = (grams[0] - grams[1]).norm()
        assert float(apart.norm()) == pytest.approx(float(expected), rel=1e-9)
        size = network.gram(layer, p).norm()
        assert float(size) == pytest.approx(float(grams[1].norm()), rel=1e-10)


def test_without_metrics_all_is_as_it_was(teacher: Weights) -> None:
    network = VGG(teacher)
    features = network(image(32, 32), ["conv2_1"])["conv2_1"]
    assert network.filters("conv2_1") == len(features)
    assert network.compared("conv2_1", features) is features
    flat = features.flatten(1)
    expected = flat @ flat.T / flat.shape[1]
    assert relative(network.gram("conv2_1", features) - expected, expected) < 1e-6


def test_in_bfloat16_losses_are_float32(weights: Weights) -> None:
    network = VGG(weights)
    fine = network(image(32, 32), ["conv2_1"])["conv2_1"]
    coarse = network(image(32, 32), ["conv2_1"], torch.bfloat16)["conv2_1"]
    for method in (network.compared, network.gram):
        one, other = method("conv2_1", fine), method("conv2_1", coarse)
        assert one.dtype == other.dtype == torch.float32
        assert 0 < relative(other - one, one) < 0.02


@pytest.mark.parametrize("side", [(600, 17), (31, 33)])
def test_surveys_in_pieces(
    network: VGG, side: tuple[int, int], maps: Maps, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("artist_nst.nst.features.ROWS", 16)
    one, layers = photo(*side, 3), ("conv1_1", "conv3_2")
    content, grams = survey(network, one, layers, layers)
    for layer, features in network(one, layers).items():
        expected = network.compared(layer, features)
        assert content[layer].shape == expected.shape
        assert relative(content[layer] - expected, expected) < 1e-12
        larger = maps[layer] @ features.flatten(1)
        size = (larger @ larger.T / features[0].numel()).norm()
        assert float(grams[layer].norm()) == pytest.approx(float(size), rel=1e-9)


@pytest.mark.parametrize("style_loss", STYLE)
@pytest.mark.parametrize("content_loss", CONTENT)
def test_strips_are_the_whole(network: VGG, content_loss: Any, style_loss: Any) -> None:
    numbers = replace(RECIPE, content_loss=content_loss, style_loss=style_loss)
    candidate = photo(48, 39, 3)
    whole, gradient = made(network, numbers)(candidate)
    found, slope = made(network, numbers, 16)(candidate)
    assert found.total == pytest.approx(whole.total, rel=1e-11)
    assert found.content_layers == pytest.approx(whole.content_layers, rel=1e-11)
    assert found.style_layers == pytest.approx(whole.style_layers, rel=1e-11)
    assert relative(slope - gradient, gradient) < 1e-11


def larger(network: VGG, maps: Maps, seen: Tensor, layer: str) -> Any:
    """U f, ``(N, M)`` in NumPy."""
    features = network(seen, [layer])[layer].numpy()
    return maps[layer].numpy() @ features.reshape(len(features), -1)


def content_by_hand(kind: str, f: Any, p: Any) -> float:
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


def style_by_hand(kind: str, f: Any, a: Any) -> float:
    """Of features ``(N, M)`` and ``(N, M')`` of the larger network."""
    filters, here = f.shape
    there = a.shape[1]
    g, wanted = f @ f.T, a @ a.T
    if kind == "relative":
        apart = g / here - wanted / there
        return float((apart**2).sum() / ((wanted / there) ** 2).sum())
    if kind == "mean":
        return float(((g - wanted / there * here) ** 2).mean() / (filters * here))
    if kind == "gatys":
        return float(((g / here - wanted / there) ** 2).sum() / (4 * filters**2))
    return float(((g - wanted) ** 2).sum() / (4 * filters**2 * here**2))


@pytest.mark.parametrize("content_loss", CONTENT)
def test_content_losses_are_those_of_the_larger_network(
    network: VGG, maps: Maps, content_loss: Any
) -> None:
    candidate = photo(48, 39, 3)
    evaluate = made(network, replace(RECIPE, content_loss=content_loss))
    found, _ = evaluate(candidate)
    for layer, told in found.content_layers.items():
        f, p = (
            larger(network, maps, one, layer) for one in (candidate, photo(48, 39, 1))
        )
        assert told == pytest.approx(content_by_hand(content_loss, f, p), rel=1e-9)


@pytest.mark.parametrize("style_loss", STYLE)
def test_style_losses_are_those_of_the_larger_network(
    network: VGG, maps: Maps, style_loss: Any
) -> None:
    candidate = photo(48, 39, 3)
    evaluate = made(network, replace(RECIPE, style_loss=style_loss))
    found, _ = evaluate(candidate)
    for layer, told in found.style_layers.items():
        f, a = (
            larger(network, maps, one, layer) for one in (candidate, photo(41, 36, 2))
        )
        assert told == pytest.approx(style_by_hand(style_loss, f, a), rel=1e-9)


def test_several_styles_are_blended_before_the_root(network: VGG, maps: Maps) -> None:
    """The mean of the larger network's Gram matrices, too."""
    candidate, second = photo(48, 39, 3), photo(36, 36, 4)
    evaluate = made(network, replace(RECIPE, style_loss="gatys"), None, (second, 3.0))
    found, _ = evaluate(candidate)
    for layer, told in found.style_layers.items():
        grams = []
        for one in (candidate, photo(41, 36, 2), second):
            features = larger(network, maps, one, layer)
            grams.append(features @ features.T / features.shape[1])
        apart = grams[0] - grams[1] / 4 - grams[2] * 3 / 4
        expected = np.sum(apart**2) / (4 * len(apart) ** 2)
        assert told == pytest.approx(float(expected), rel=1e-9)


@pytest.mark.parametrize("rows", [None, 16])
@pytest.mark.parametrize(
    ("content_loss", "style_loss"),
    [("relative", "relative"), ("mean", "gatys"), ("quarter-mean", "mean")],
)
def test_gradient_against_differences(
    network: VGG, content_loss: Any, style_loss: Any, rows: int | None
) -> None:
    numbers = replace(RECIPE, content_loss=content_loss, style_loss=style_loss)
    evaluate = made(network, numbers, rows)
    source = torch.Generator().manual_seed(3)

    def noise() -> Tensor:
        return torch.rand(1, 3, 48, 39, generator=source, dtype=torch.float64)

    candidate = 255 * noise()
    _, gradient = evaluate(candidate)
    assert gradient.shape == candidate.shape
    assert gradient.dtype == torch.float64
    for _ in range(2):
        # Small, so that hardly a filter's sign changes on the way.
        step = 1e-5 * (2 * noise() - 1)
        after, before = evaluate(candidate + step)[0], evaluate(candidate - step)[0]
        expected = 2 * float((gradient * step).sum())
        assert after.total - before.total == pytest.approx(expected, rel=1e-4)


def test_nothing_is_lost_at_the_photo_in_its_own_style(network: VGG) -> None:
    same = photo(32, 32, 1)
    numbers = replace(RECIPE, tv=0.0)
    evaluate = Objective(
        network, numbers, targets(network, numbers, same, [(same, 1.0)])
    )
    found, gradient = evaluate(same)
    assert found.total == pytest.approx(0.0, abs=1e-20)
    assert float(gradient.abs().max()) < 1e-12
