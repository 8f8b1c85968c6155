"""Strips: the features, losses and gradients of the whole image."""

from dataclasses import replace
from itertools import product
from typing import Any, get_args

import pytest
import torch
from torch import Tensor

from artist_nst.nst.neighbors import NeighborFinder
from artist_nst.nst.objective import Losses, Objective, Targets, compute_targets
from artist_nst.nst.strips import forward_strips, split_rows
from artist_nst.nst.vgg import VGG, Block
from artist_nst.nst.weights.checkpoint import Weights
from artist_nst.recipes.published import RECIPES, recipe
from artist_nst.recipes.recipe import ContentLoss, Padding, Pool, Recipe, StyleLoss
from tests.nst.conftest import image

LAYERS = ("conv1_1", "conv2_2", "conv4_2", "conv5_1")
# One strip is checkpointing by block.
ROWS = (1000, 32, 13, 2, 1)
EACH_SIZE = pytest.mark.parametrize("size", [(48, 40), (53, 35), (33, 64), (16, 17)])
LAYER_PAIR = (("conv4_2", 0.5), ("conv2_1", 0.5))
RECIPE = recipe("gram", content_layers=LAYER_PAIR, tv=0.01, ratio=7.0)
WITH_NEIGHBORS = recipe(content_layers=LAYER_PAIR, tv=0.01, ratio=7.0)


@pytest.fixture(scope="module")
def network(thin_weights: Weights) -> VGG:
    return VGG(thin_weights, dtype=torch.float64)


def make_targets(
    network: VGG, settings: Recipe, content: Tensor, style: Tensor
) -> Targets:
    targets = compute_targets(network, settings, content, [(style, 1.0)])
    if layers := [*settings.neighbor_weights]:
        neighbors = NeighborFinder(network, layers, [style]).find(content)
        targets = targets.with_neighbors([neighbors])
    return targets


def evaluate(
    network: VGG,
    settings: Recipe,
    size: tuple[int, int] = (37, 30),
    channels: int = 3,
    **how: Any,
) -> tuple[Losses, Tensor]:
    images = image(*size, 1), image(40, 37, 2), image(*size, 3)
    content, style, candidate = (one[:, :channels].double() for one in images)
    targets = make_targets(network, settings, content, style)
    return Objective(network, settings, targets, **how)(candidate)


def check_same(
    result: tuple[Losses, Tensor], expected: tuple[Losses, Tensor], rel: float = 1e-9
) -> None:
    losses, gradient = result
    for field in ("total", "content", "style", "neighbors", "tv", "smoothness"):
        right = getattr(expected[0], field)
        assert getattr(losses, field) == pytest.approx(right, rel=rel), field
    assert losses.content_layers == pytest.approx(expected[0].content_layers, rel=rel)
    assert losses.style_layers == pytest.approx(expected[0].style_layers, rel=rel)
    assert losses.neighbor_layers == pytest.approx(expected[0].neighbor_layers, rel=rel)
    largest = float(expected[1].abs().max())
    assert largest > 0
    assert float((gradient - expected[1]).abs().max()) <= rel * largest


def check_strips(network: VGG, settings: Recipe, **how: Any) -> None:
    expected = evaluate(network, settings, **how)
    check_same(evaluate(network, settings, rows=8, **how), expected)


@EACH_SIZE
def test_features_are_the_whole_images(network: VGG, size: tuple[int, int]) -> None:
    photo = image(*size).double()
    with torch.no_grad():
        expected = network(photo, LAYERS)
    for rows in ROWS:
        strips: dict[str, list[Tensor]] = {layer: [] for layer in LAYERS}
        for layer, where, features in forward_strips(network, photo, LAYERS, rows):
            assert where.start == sum(strip.shape[1] for strip in strips[layer])
            assert not features.requires_grad
            strips[layer].append(features)
        for layer, right in expected.items():
            torch.testing.assert_close(torch.cat(strips[layer], 1), right)
        if rows <= size[0] // 3:
            assert len(strips["conv1_1"]) >= 3


@EACH_SIZE
def test_losses_and_gradient_are_the_whole_images(
    network: VGG, size: tuple[int, int]
) -> None:
    expected = evaluate(network, RECIPE, size)
    for rows in ROWS:
        check_same(evaluate(network, RECIPE, size, rows=rows), expected)


@pytest.mark.parametrize("size", [(48, 40), (53, 35), (33, 64), (50, 19), (16, 17)])
def test_neighbors_are_the_whole_images(network: VGG, size: tuple[int, int]) -> None:
    # Of 50 rows, strips of 12, 16 and 32 leave a last one without a place for conv1_1.
    for settings in (WITH_NEIGHBORS, RECIPES["nnst"]):
        expected = evaluate(network, settings, size)
        assert expected[0].neighbors > 0.01
        # A strip has whole places.
        for rows in (1000, 32, 16, 12, 4):
            check_same(evaluate(network, settings, size, rows=rows), expected)


def test_for_any_network(thin_weights: Weights) -> None:
    for pool, padding in product(get_args(Pool), get_args(Padding)):
        network = VGG(thin_weights, pool=pool, padding=padding, dtype=torch.float64)
        check_strips(network, RECIPE)
        check_strips(network, WITH_NEIGHBORS)


def test_for_any_loss(network: VGG) -> None:
    for content_loss in get_args(ContentLoss):
        check_strips(network, replace(RECIPE, content_loss=content_loss))
    for style_loss in get_args(StyleLoss):
        check_strips(network, replace(RECIPE, style_loss=style_loss))


@pytest.mark.parametrize(
    "changes",
    [
        {"style_layers": ()},
        {"content_layers": ()},
        {"content_layers": (), "style_layers": (), "tv": 1.0},
        {"tv": 0.0},
        {"ratio": 0.0},
        {"content_layers": (("conv3_1", 1.0),), "style_layers": (("conv3_1", 1.0),)},
    ],
)
def test_for_any_terms(network: VGG, changes: dict[str, Any]) -> None:
    check_strips(network, replace(RECIPE, **changes))


def test_for_one_channel(network: VGG) -> None:
    check_strips(network, RECIPE, channels=1)
    check_strips(network, WITH_NEIGHBORS, channels=1)


@pytest.mark.parametrize("settings", [RECIPE, WITH_NEIGHBORS], ids=lambda it: it.name)
def test_in_bfloat16(thin_weights: Weights, settings: Recipe) -> None:
    """Only sums are rounded differently."""
    network = VGG(thin_weights)
    content, style, candidate = image(53, 40, 1), image(40, 37, 2), image(53, 40, 3)
    targets = make_targets(network, settings, content, style)
    (expected, gradient), *results = (
        Objective(network, settings, targets, precision="bfloat16", rows=rows)(
            candidate
        )
        for rows in (None, 1000, 16)
    )
    for losses, strip_gradient in results:
        assert losses.total == pytest.approx(expected.total, rel=1e-3)
        difference = float((strip_gradient - gradient).norm())
        assert difference < 0.05 * float(gradient.norm())
        assert strip_gradient.dtype == torch.float32


def test_the_candidate_is_left_as_it_is(network: VGG) -> None:
    candidate = image(37, 30, 3).double()
    copy = candidate.clone()
    content, styles = image(37, 30, 1).double(), [(image(20, 20, 2).double(), 1.0)]
    targets = compute_targets(network, RECIPE, content, styles)
    objective = Objective(network, RECIPE, targets, rows=8)
    (_, first), (_, second) = objective(candidate), objective(candidate)
    assert torch.equal(candidate, copy)
    assert not candidate.requires_grad
    assert torch.equal(first, second)
    assert not first.requires_grad


@pytest.mark.parametrize("pooled", [True, False])
def test_every_row_is_computed_once(pooled: bool) -> None:
    block = Block(("conv3_1", "conv3_2", "conv3_3"), pooled)
    for height, rows in product((2, 3, 16, 17, 31), (None, 1, 2, 5, 8, 100)):
        computed, below = [], []
        for strip in split_rows(height, rows, block):
            padded = range(height)[strip.padded]
            assert list(padded[strip.core]) == list(range(height)[strip.rows])
            # Three layers depend on three more rows, where there are any.
            assert padded[0] == max(0, strip.rows.start - 3)
            assert padded[-1] == min(height, strip.rows.stop + 3) - 1
            computed += range(height)[strip.rows]
            below += range(height // 2)[strip.pooled]
        assert computed == list(range(height))
        assert not pooled or below == list(range(height // 2))
