"""Strips: the features, losses and gradients of the whole image."""

from dataclasses import replace
from typing import Any, get_args

import pytest
import torch
from torch import Tensor

from artist_nst.nst.objective import Losses, Objective, targets
from artist_nst.nst.strips import look, strips
from artist_nst.nst.vgg import VGG, Part
from artist_nst.nst.weights import Weights
from artist_nst.recipes.published import recipe
from artist_nst.recipes.recipe import ContentLoss, Padding, Pool, Recipe, StyleLoss
from tests.conftest import picture

LAYERS = ("conv1_1", "conv2_2", "conv4_2", "conv5_1")
# One strip is checkpointing by block.
ROWS = (1000, 32, 13, 2, 1)
SIZES = ((48, 40), (53, 35), (33, 64), (16, 17))
NUMBERS = recipe(
    content_layers=(("conv4_2", 0.5), ("conv2_1", 0.5)), tv=0.01, ratio=7.0
)


def image(height: int, width: int, seed: int = 0) -> Tensor:
    rgb = torch.from_numpy(picture(height, width, seed))
    return rgb.permute(2, 0, 1)[None].double()


@pytest.fixture(scope="module")
def network(thin_weights: Weights) -> VGG:
    return VGG(thin_weights, dtype=torch.float64)


def evaluated(
    network: VGG, numbers: Recipe, size: tuple[int, int], **how: Any
) -> tuple[Losses, Tensor]:
    content, style = image(*size, 1), image(40, 37, 2)
    wanted = targets(network, numbers, content, [(style, 1.0)])
    return Objective(network, numbers, wanted, **how)(image(*size, 3))


def check_same(
    found: tuple[Losses, Tensor], expected: tuple[Losses, Tensor], rel: float = 1e-9
) -> None:
    for field in ("total", "content", "style", "tv", "smoothness"):
        right = getattr(expected[0], field)
        assert getattr(found[0], field) == pytest.approx(right, rel=rel), field
    assert found[0].content_layers == pytest.approx(expected[0].content_layers, rel=rel)
    assert found[0].style_layers == pytest.approx(expected[0].style_layers, rel=rel)
    steepest = float(expected[1].abs().max())
    assert steepest > 0
    assert float((found[1] - expected[1]).abs().max()) <= rel * steepest


@pytest.mark.parametrize("rows", ROWS)
@pytest.mark.parametrize("size", SIZES)
def test_features_are_those_of_the_whole(
    network: VGG, rows: int, size: tuple[int, int]
) -> None:
    photo = image(*size)
    with torch.no_grad():
        expected = network(photo, LAYERS)
    pieces: dict[str, list[Tensor]] = {layer: [] for layer in LAYERS}
    for layer, where, features in look(network, photo, LAYERS, rows):
        assert where.start == sum(piece.shape[1] for piece in pieces[layer])
        assert not features.requires_grad
        pieces[layer].append(features)
    for layer, right in expected.items():
        torch.testing.assert_close(torch.cat(pieces[layer], 1), right)
    if rows <= size[0] // 3:
        assert len(pieces["conv1_1"]) >= 3


@pytest.mark.parametrize("rows", ROWS)
@pytest.mark.parametrize("size", SIZES)
def test_losses_and_gradient_are_those_of_the_whole(
    network: VGG, rows: int, size: tuple[int, int]
) -> None:
    expected = evaluated(network, NUMBERS, size)
    check_same(evaluated(network, NUMBERS, size, rows=rows), expected)


@pytest.mark.parametrize("pool", get_args(Pool))
@pytest.mark.parametrize("padding", get_args(Padding))
def test_for_any_network(thin_weights: Weights, pool: Pool, padding: Padding) -> None:
    network = VGG(thin_weights, pool=pool, padding=padding, dtype=torch.float64)
    expected = evaluated(network, NUMBERS, (37, 30))
    check_same(evaluated(network, NUMBERS, (37, 30), rows=8), expected)


@pytest.mark.parametrize("content_loss", get_args(ContentLoss))
@pytest.mark.parametrize("style_loss", get_args(StyleLoss))
def test_for_any_loss(
    network: VGG, content_loss: ContentLoss, style_loss: StyleLoss
) -> None:
    numbers = replace(NUMBERS, content_loss=content_loss, style_loss=style_loss)
    expected = evaluated(network, numbers, (37, 30))
    check_same(evaluated(network, numbers, (37, 30), rows=8), expected)


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
    numbers = replace(NUMBERS, **changes)
    expected = evaluated(network, numbers, (37, 30))
    check_same(evaluated(network, numbers, (37, 30), rows=8), expected)


def test_of_one_channel(network: VGG) -> None:
    photo, candidate = image(37, 30)[:, :1], image(37, 30, 3)[:, :1]
    wanted = targets(network, NUMBERS, photo, [(image(20, 20, 2)[:, :1], 1.0)])
    whole, tiled = (
        Objective(network, NUMBERS, wanted, rows=rows)(candidate) for rows in (None, 8)
    )
    assert tiled[1].shape == candidate.shape
    check_same(tiled, whole)


def test_in_bfloat16(thin_weights: Weights) -> None:
    """Only sums are rounded otherwise."""
    network = VGG(thin_weights)
    content, style = image(53, 40, 1).float(), image(40, 37, 2).float()
    wanted = targets(network, NUMBERS, content, [(style, 1.0)])
    found = {}
    for rows in (None, 1000, 16):
        evaluate = Objective(network, NUMBERS, wanted, precision="bfloat16", rows=rows)
        found[rows] = evaluate(image(53, 40, 3).float())
    for rows in (1000, 16):
        assert found[rows][0].total == pytest.approx(found[None][0].total, rel=1e-3)
        apart = found[rows][1] - found[None][1]
        assert float(apart.norm()) < 0.05 * float(found[None][1].norm())
        assert found[rows][1].dtype == torch.float32


def test_the_candidate_is_left_alone(network: VGG) -> None:
    candidate = image(37, 30, 3)
    before = candidate.clone()
    wanted = targets(network, NUMBERS, image(37, 30, 1), [(image(20, 20, 2), 1.0)])
    evaluate = Objective(network, NUMBERS, wanted, rows=8)
    first, second = evaluate(candidate), evaluate(candidate)
    assert torch.equal(candidate, before)
    assert not candidate.requires_grad
    assert torch.equal(first[1], second[1])
    assert not first[1].requires_grad


@pytest.mark.parametrize("pooled", [True, False])
@pytest.mark.parametrize("height", [2, 3, 16, 17, 31])
@pytest.mark.parametrize("rows", [None, 1, 2, 5, 8, 100])
def test_every_row_is_computed_once(
    height: int, rows: int | None, pooled: bool
) -> None:
    part = Part(("conv3_1", "conv3_2", "conv3_3"), pooled)
    computed, below = [], []
    for strip in strips(height, rows, part):
        seen = range(height)[strip.seen]
        assert list(seen[strip.core]) == list(range(height)[strip.rows])
        # Three layers see three rows farther, where there are any.
        assert seen[0] == max(0, strip.rows.start - 3)
        assert seen[-1] == min(height, strip.rows.stop + 3) - 1
        computed += range(height)[strip.rows]
        below += range(height // 2)[strip.pooled]
    assert computed == list(range(height))
    if pooled:
        assert below == list(range(height // 2))
