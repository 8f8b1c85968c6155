"""The objective: figures of the real weights, finite differences, several styles."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from artist_nst.nst.objective import CONTENT, Objective, Style, targets
from artist_nst.nst.vgg import VGG
from artist_nst.nst.weights import Weights
from artist_nst.recipes.published import recipe
from artist_nst.recipes.recipe import ContentLoss, Recipe, StyleLoss
from tests.conftest import picture

STYLE: tuple[StyleLoss, ...] = get_args(StyleLoss)
SMALL = recipe(
    content_layers=(("conv1_2", 0.3), ("conv2_1", 0.7)),
    style_layers=(("conv1_1", 0.5), ("conv2_1", 0.2), ("conv3_1", 0.3)),
    pool="average",
    tv=0.01,
)


@pytest.fixture(scope="module")
def network(random_weights: Weights) -> VGG:
    return VGG(random_weights, pool="average", dtype=torch.float64)


def image(height: int, width: int, seed: int = 0) -> Tensor:
    rgb = torch.from_numpy(picture(height, width, seed))
    return rgb.permute(2, 0, 1)[None].double()


def objective(
    network: VGG, numbers: Recipe, content: Tensor, *styles: Style
) -> Objective:
    return Objective(network, numbers, targets(network, numbers, content, styles))


@pytest.mark.shared
@pytest.mark.parametrize(
    ("dtype", "rel"), [(torch.float64, 1e-6), (torch.float32, 1e-3)]
)
def test_real_total_and_gradient(
    real_weights: Weights, shared: Path, dtype: torch.dtype, rel: float
) -> None:
    text = (shared / "oracles" / "vgg19_oxford.json").read_text("utf-8")
    oracle: dict[str, Any] = json.loads(text)["objective"]

    def load(name: str) -> Tensor:
        rgb = np.array(Image.open(shared / "oracles" / f"{name}.png").convert("RGB"))
        return torch.from_numpy(rgb).permute(2, 0, 1)[None].to(dtype)

    numbers = recipe("art.py", style_loss="gatys", ratio=oracle["ratio"])
    assert {weight for _, weight in numbers.style_layers} == {oracle["style_weights"]}
    network = VGG(real_weights, dtype=dtype)
    evaluate = objective(network, numbers, load("content"), (load("style"), 1.0))
    found, gradient = evaluate(load("candidate"))
    assert gradient.dtype == dtype
    assert found.total == pytest.approx(oracle["total"], rel=rel)
    content = oracle["content_conv4_2_half_sum_squares"]
    assert found.content == pytest.approx(content, rel=rel)
    slope = oracle["gradient_wrt_rgb_0_255"]
    assert float(gradient.norm()) == pytest.approx(slope["norm"], rel=rel)
    assert float(gradient.abs().max()) == pytest.approx(slope["max_abs"], rel=rel)
    for place, expected in slope["at_[row,col,channel]"].items():
        row, column, channel = map(int, place.split(","))
        found_there = float(gradient[0, channel, row, column])
        assert found_there == pytest.approx(expected, rel=rel), place


def test_every_content_loss_has_a_formula() -> None:
    assert set(CONTENT) == set(get_args(ContentLoss))


@pytest.mark.parametrize("channels", [3, 1])
@pytest.mark.parametrize("style_loss", STYLE)
@pytest.mark.parametrize("content_loss", CONTENT)
def test_gradient_against_differences(
    network: VGG, content_loss: Any, style_loss: Any, channels: int
) -> None:
    numbers = replace(SMALL, content_loss=content_loss, style_loss=style_loss)
    content, style = image(12, 14, 1)[:, :channels], image(16, 10, 2)[:, :channels]
    source = torch.Generator().manual_seed(3)

    def noise() -> Tensor:
        return torch.rand(content.shape, generator=source, dtype=torch.float64)

    evaluate = objective(network, numbers, content, (style, 1.0))
    candidate = 255 * noise()
    _, gradient = evaluate(candidate)
    assert gradient.shape == candidate.shape
    for _ in range(3):
        # Small, so that hardly a filter's sign changes on the way.
        step = 1e-5 * (2 * noise() - 1)
        after, before = evaluate(candidate + step)[0], evaluate(candidate - step)[0]
        expected = float((gradient * step).sum()) * 2
        assert after.total - before.total == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"ratio": 0.0},
        {"tv": 0.0},
        {"tv": 3.0},
        {"tv_sum": 0.5},
        {"tv": 0.0, "tv_sum": 2.0},
    ],
)
def test_total_is_the_weighted_sum(network: VGG, changes: dict[str, Any]) -> None:
    numbers = replace(SMALL, **changes)
    evaluate = objective(network, numbers, image(12, 15), (image(9, 9, 2), 1.0))
    found, _ = evaluate(image(12, 15, 3))
    assert min(found.content, found.style, found.tv) > 0
    pairs = 3 * (12 * 14 + 11 * 15)
    expected = found.content + numbers.ratio * found.style
    expected += numbers.tv * found.tv + numbers.tv_sum * pairs * found.tv
    assert found.total == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("channels", [3, 1])
def test_sums_of_differences_grow_with_the_image(network: VGG, channels: int) -> None:
    """What a paper's weight of a sum asks for, and a mean does not."""
    numbers = replace(SMALL, tv=0.0, tv_sum=2.0, content_layers=(), style_layers=())
    stripes = torch.arange(24, dtype=torch.float64) % 2 * 10
    for height, width in ((6, 8), (12, 24)):
        candidate = stripes[:width].expand(1, channels, height, width)
        evaluate = objective(network, numbers, candidate, (candidate, 1.0))
        found, gradient = evaluate(candidate)
        assert found.total == 2 * channels * height * (width - 1) * 10
        assert found.tv == pytest.approx(found.total / 2 / pairs_of(candidate))
        # At either end one neighbour pulls by 2, between them two do by 4.
        assert gradient.abs().unique().tolist() == [2, 4]


def pairs_of(image: Tensor) -> int:
    height, width = image.shape[-2:]
    return image.shape[1] * (height * (width - 1) + (height - 1) * width)


def test_each_layer_is_told_before_its_weight(network: VGG) -> None:
    content, style, candidate = image(12, 12), (image(9, 9, 2), 1.0), image(12, 12, 3)
    found, _ = objective(network, SMALL, content, style)(candidate)
    assert found.content_layers.keys() == {"conv1_2", "conv2_1"}
    assert found.style_layers.keys() == {"conv1_1", "conv2_1", "conv3_1"}
    for kind, told in (
        ("content", found.content_layers),
        ("style", found.style_layers),
    ):
        pairs = getattr(SMALL, f"{kind}_layers")
        whole = sum(weight * told[layer] for layer, weight in pairs)
        assert getattr(found, kind) == pytest.approx(whole, rel=1e-12)
        for layer, alone in told.items():
            single = replace(SMALL, **{f"{kind}_layers": ((layer, 1.0),)})
            one, _ = objective(network, single, content, style)(candidate)
            assert getattr(one, kind) == pytest.approx(alone, rel=1e-12)
            assert alone > 0


def test_layer_weights(network: VGG) -> None:
    content, style, candidate = image(12, 12), image(9, 9, 2), image(12, 12, 3)

    def found(**layers: Any) -> tuple[float, float]:
        evaluate = objective(network, replace(SMALL, **layers), content, (style, 1.0))
        one, _ = evaluate(candidate)
        return one.content, one.style

    single = [
        found(content_layers=((layer, 1.0),), style_layers=((layer, 1.0),))
        for layer in ("conv1_1", "conv2_2")
    ]
    pairs = (("conv1_1", 0.3), ("conv2_2", 2.0))
    both = found(content_layers=pairs, style_layers=pairs)
    expected = [0.3 * a + 2.0 * b for a, b in zip(*single, strict=True)]
    assert both == pytest.approx(expected, rel=1e-12)


def test_nothing_is_lost_at_the_photo_in_its_own_style(network: VGG) -> None:
    photo = image(16, 16)
    evaluate = objective(network, replace(SMALL, tv=0.0), photo, (photo, 1.0))
    found, gradient = evaluate(photo)
    assert (found.total, found.content, found.style) == (0, 0, 0)
    assert bool(gradient.eq(0).all())


def test_the_candidate_is_left_alone(network: VGG) -> None:
    candidate = image(12, 12, 3)
    before = candidate.clone()
    evaluate = objective(network, SMALL, image(12, 12), (image(9, 9, 2), 1.0))
    _, gradient = evaluate(candidate)
    assert torch.equal(candidate, before)
    assert candidate.grad is None
    assert not candidate.requires_grad
    assert not gradient.requires_grad


@pytest.mark.parametrize("style_loss", STYLE)
def test_one_of_two_styles(network: VGG, style_loss: StyleLoss) -> None:
    numbers = replace(SMALL, style_loss=style_loss)
    content, first, second = image(12, 12), image(9, 14, 1), image(20, 8, 2)
    alone = targets(network, numbers, content, [(first, 1.0)])
    both = targets(network, numbers, content, [(first, 1.0), (second, 0.0)])
    for layer, expected in alone.grams.items():
        torch.testing.assert_close(both.grams[layer], expected)


@pytest.mark.parametrize("style_loss", STYLE)
def test_styles_are_mixed_by_relative_weights(
    network: VGG, style_loss: StyleLoss
) -> None:
    numbers = replace(SMALL, style_loss=style_loss)
    content, first, second = image(12, 12), image(9, 14, 1), image(20, 8, 2)

    def grams(one: float, other: float) -> dict[str, Tensor]:
        pairs = [(first, one), (second, other)]
        return targets(network, numbers, content, pairs).grams

    mixed, again = grams(1, 3), grams(2, 6)
    ones, others = grams(1, 0), grams(0, 1)
    equal, twice = grams(1, 1), grams(2, 2)
    assert mixed.keys() == {"conv1_1", "conv2_1", "conv3_1"}
    for layer in mixed:
        expected = 0.25 * ones[layer] + 0.75 * others[layer]
        torch.testing.assert_close(mixed[layer], expected)
        torch.testing.assert_close(mixed[layer], again[layer])
        torch.testing.assert_close(equal[layer], twice[layer])
        assert not torch.allclose(mixed[layer], equal[layer], rtol=1e-3)


def test_the_mean_gram_minimises_the_mean_loss(network: VGG) -> None:
    numbers = replace(SMALL, style_loss="gatys", tv=0.0, content_layers=())
    content, first, second = image(12, 12), image(12, 12, 1), image(12, 12, 2)
    mixed, one, other = (
        objective(network, numbers, content, *pairs)
        for pairs in (
            [(first, 1.0), (second, 1.0)],
            [(first, 1.0)],
            [(second, 1.0)],
        )
    )
    candidate = image(12, 12, 3)
    expected = (one(candidate)[1] + other(candidate)[1]) / 2
    torch.testing.assert_close(mixed(candidate)[1], expected)


@pytest.mark.parametrize(
    ("style_loss", "growth"),
    [("relative", 1), ("gatys", 1), ("gatys-raw", 4), ("mean", 1)],
)
def test_tiling_the_style(network: VGG, style_loss: StyleLoss, growth: float) -> None:
    layers = (("conv1_1", 1.0), ("conv2_1", 1.0))
    numbers = replace(SMALL, style_loss=style_loss, style_layers=layers)
    content, style = image(16, 16), image(48, 48, 1)
    once = targets(network, numbers, content, [(style, 1.0)]).grams
    pairs = [(style.repeat(1, 1, 2, 2), 1.0)]
    tiled = targets(network, numbers, content, pairs).grams
    for layer, gram in once.items():
        # Not exactly: a tiling has half the border for its area.
        difference = (tiled[layer] - growth * gram).norm() / (growth * gram).norm()
        assert float(difference) < 0.15, layer


def test_raw_grams_are_sums_over_the_candidates_positions(network: VGG) -> None:
    content, style = image(13, 15), image(21, 10, 1)
    raw, own = (
        targets(network, replace(SMALL, style_loss=loss), content, [(style, 1.0)])
        for loss in ("gatys-raw", "gatys")
    )
    # Pooling leaves out odd rows and columns.
    sizes = {
        "conv1_1": (21 * 10) / (13 * 15),
        "conv2_1": (10 * 5) / (6 * 7),
        "conv3_1": (5 * 2) / (3 * 3),
    }
    for layer, larger in sizes.items():
        torch.testing.assert_close(raw.grams[layer], larger * own.grams[layer])


def test_layers_without_weight_are_not_computed(random_weights: Weights) -> None:
    nan = tuple(
        torch.full_like(one, torch.nan) for one in random_weights.kernels["conv3_1"]
    )
    kernels = {**random_weights.kernels, "conv3_1": nan}
    network = VGG(replace(random_weights, kernels=kernels), dtype=torch.float64)
    idle = (("conv1_1", 1.0), ("conv3_1", 0.0))
    content, style = image(12, 12), (image(9, 9, 1), 1.0)
    numbers = replace(SMALL, content_layers=idle, style_layers=idle)
    made = targets(network, numbers, content, [style])
    assert made.content.keys() == made.grams.keys() == {"conv1_1"}
    found, gradient = Objective(network, numbers, made)(image(12, 12, 3))
    assert found.finite
    assert bool(gradient.isfinite().all())
    busy = replace(numbers, style_layers=(("conv3_1", 1.0),))
    assert not objective(network, busy, content, style)(content)[0].finite


@pytest.mark.parametrize("missing", ["content_layers", "style_layers"])
def test_a_term_without_layers_is_zero(network: VGG, missing: str) -> None:
    # Of 5 pixels: no network could be computed to its end.
    numbers = replace(SMALL, **{missing: ()})
    evaluate = objective(network, numbers, image(5, 5), (image(5, 5, 1), 1.0))
    found, _ = evaluate(image(5, 5, 2))
    gone, kept = found.content, found.style
    if missing == "style_layers":
        gone, kept = kept, gone
    assert gone == 0
    assert kept > 0
