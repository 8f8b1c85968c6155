"""The objective: figures of the real weights, finite differences, several styles."""

from dataclasses import replace
from typing import Any, get_args

import pytest
import torch
from torch import Tensor

from artist_nst.nst.objective import (
    CONTENT_LOSSES,
    Objective,
    WeightedImage,
    compute_targets,
)
from artist_nst.nst.vgg import VGG
from artist_nst.nst.weights.checkpoint import Weights
from artist_nst.recipes.published import recipe
from artist_nst.recipes.recipe import ContentLoss, Recipe, StyleLoss
from tests.nst import conftest

STYLE: tuple[StyleLoss, ...] = get_args(StyleLoss)
SMALL = recipe(
    "gram",
    content_layers=(("conv1_2", 0.3), ("conv2_1", 0.7)),
    style_layers=(("conv1_1", 0.5), ("conv2_1", 0.2), ("conv3_1", 0.3)),
    pool="average",
    tv=0.01,
)


@pytest.fixture(scope="module")
def network(random_weights: Weights) -> VGG:
    return VGG(random_weights, pool="average", dtype=torch.float64)


@pytest.fixture(scope="module")
def thin_network(thin_weights: Weights) -> VGG:
    return VGG(thin_weights, pool="average", dtype=torch.float64)


def image(height: int, width: int, seed: int = 0) -> Tensor:
    return conftest.image(height, width, seed).double()


def make_objective(
    network: VGG, settings: Recipe, content: Tensor, *styles: WeightedImage
) -> Objective:
    targets = compute_targets(network, settings, content, styles)
    return Objective(network, settings, targets)


@pytest.mark.shared
@pytest.mark.parametrize(
    ("dtype", "loss_error", "gradient_error"),
    [(torch.float64, 1e-6, 1e-6), (torch.float32, 1e-6, 1e-4)],
)
def test_real_total_and_gradient(
    real_weights: Weights,
    oracle: dict[str, Any],
    oracle_images: dict[str, Tensor],
    dtype: torch.dtype,
    loss_error: float,
    gradient_error: float,
) -> None:
    figures = oracle["objective"]
    settings = recipe("art.py", style_loss="gatys", ratio=figures["ratio"])
    assert {weight for _, weight in settings.style_layers} == {figures["style_weights"]}
    content, style, candidate = (one.to(dtype) for one in oracle_images.values())
    network = VGG(real_weights, dtype=dtype)
    evaluate = make_objective(network, settings, content, (style, 1.0))
    losses, gradient = evaluate(candidate)
    assert gradient.dtype == dtype
    assert losses.total == pytest.approx(figures["total"], rel=loss_error)
    expected = figures["content_conv4_2_half_sum_squares"]
    assert losses.content == pytest.approx(expected, rel=loss_error)
    expected = figures["gradient_wrt_rgb_0_255"]
    norm, largest = float(gradient.norm()), float(gradient.abs().max())
    assert norm == pytest.approx(expected["norm"], rel=gradient_error)
    assert largest == pytest.approx(expected["max_abs"], rel=gradient_error)
    for place, value in expected["at_[row,col,channel]"].items():
        row, column, channel = map(int, place.split(","))
        entry = float(gradient[0, channel, row, column])
        assert entry == pytest.approx(value, rel=gradient_error), place


def test_every_content_loss_has_a_formula() -> None:
    assert set(CONTENT_LOSSES) == set(get_args(ContentLoss))


@pytest.mark.parametrize("channels", [3, 1])
def test_gradient_against_differences(thin_network: VGG, channels: int) -> None:
    for name in CONTENT_LOSSES:
        check_gradient(thin_network, channels, content_loss=name)
    for name in STYLE:
        check_gradient(thin_network, channels, style_loss=name)


def check_gradient(network: VGG, channels: int, **changes: Any) -> None:
    settings = replace(SMALL, **changes)
    content, style = image(12, 14, 1)[:, :channels], image(16, 10, 2)[:, :channels]
    source = torch.Generator().manual_seed(3)

    def noise() -> Tensor:
        return torch.rand(content.shape, generator=source, dtype=torch.float64)

    evaluate = make_objective(network, settings, content, (style, 1.0))
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
    settings = replace(SMALL, **changes)
    evaluate = make_objective(network, settings, image(12, 15), (image(9, 9, 2), 1.0))
    losses, _ = evaluate(image(12, 15, 3))
    assert min(losses.content, losses.style, losses.tv) > 0
    pairs = 3 * (12 * 14 + 11 * 15)
    expected = losses.content + settings.ratio * losses.style
    expected += settings.tv * losses.tv + settings.tv_sum * pairs * losses.tv
    assert losses.total == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("channels", [3, 1])
def test_sums_of_differences_grow_with_the_image(network: VGG, channels: int) -> None:
    """What a paper's weight of a sum asks for, and a mean does not."""
    settings = replace(SMALL, tv=0.0, tv_sum=2.0, content_layers=(), style_layers=())
    stripes = torch.arange(24, dtype=torch.float64) % 2 * 10
    for height, width in ((6, 8), (12, 24)):
        candidate = stripes[:width].expand(1, channels, height, width)
        evaluate = make_objective(network, settings, candidate, (candidate, 1.0))
        losses, gradient = evaluate(candidate)
        assert losses.total == 2 * channels * height * (width - 1) * 10
        assert losses.tv == pytest.approx(losses.total / 2 / pairs_of(candidate))
        # One neighbor at either end contributes 2, two between them 4.
        assert gradient.abs().unique().tolist() == [2, 4]


def pairs_of(image: Tensor) -> int:
    height, width = image.shape[-2:]
    return image.shape[1] * (height * (width - 1) + (height - 1) * width)


def test_each_layers_term_is_before_its_weight(network: VGG) -> None:
    content, style, candidate = image(12, 12), (image(9, 9, 2), 1.0), image(12, 12, 3)
    losses, _ = make_objective(network, SMALL, content, style)(candidate)
    assert losses.content_layers.keys() == {"conv1_2", "conv2_1"}
    assert losses.style_layers.keys() == {"conv1_1", "conv2_1", "conv3_1"}
    for kind, terms in (
        ("content", losses.content_layers),
        ("style", losses.style_layers),
    ):
        pairs = getattr(SMALL, f"{kind}_layers")
        total = sum(weight * terms[layer] for layer, weight in pairs)
        assert getattr(losses, kind) == pytest.approx(total, rel=1e-12)
        for layer, alone in terms.items():
            single = replace(SMALL, **{f"{kind}_layers": ((layer, 1.0),)})
            one, _ = make_objective(network, single, content, style)(candidate)
            assert getattr(one, kind) == pytest.approx(alone, rel=1e-12)
            assert alone > 0


def test_layer_weights(network: VGG) -> None:
    content, style, candidate = image(12, 12), image(9, 9, 2), image(12, 12, 3)

    def sums(**layers: Any) -> tuple[float, float]:
        evaluate = make_objective(
            network, replace(SMALL, **layers), content, (style, 1.0)
        )
        one, _ = evaluate(candidate)
        return one.content, one.style

    single = [
        sums(content_layers=((layer, 1.0),), style_layers=((layer, 1.0),))
        for layer in ("conv1_1", "conv2_2")
    ]
    pairs = (("conv1_1", 0.3), ("conv2_2", 2.0))
    both = sums(content_layers=pairs, style_layers=pairs)
    expected = [0.3 * a + 2.0 * b for a, b in zip(*single, strict=True)]
    assert both == pytest.approx(expected, rel=1e-12)


def test_nothing_is_lost_at_the_photo_in_its_own_style(network: VGG) -> None:
    photo = image(16, 16)
    evaluate = make_objective(network, replace(SMALL, tv=0.0), photo, (photo, 1.0))
    losses, gradient = evaluate(photo)
    assert (losses.total, losses.content, losses.style) == (0, 0, 0)
    assert bool(gradient.eq(0).all())


def test_the_candidate_is_left_as_it_is(network: VGG) -> None:
    candidate = image(12, 12, 3)
    before = candidate.clone()
    evaluate = make_objective(network, SMALL, image(12, 12), (image(9, 9, 2), 1.0))
    _, gradient = evaluate(candidate)
    assert torch.equal(candidate, before)
    assert candidate.grad is None
    assert not candidate.requires_grad
    assert not gradient.requires_grad


@pytest.mark.parametrize("style_loss", STYLE)
def test_styles_are_mixed_by_relative_weights(
    network: VGG, style_loss: StyleLoss
) -> None:
    settings = replace(SMALL, style_loss=style_loss)
    content, first, second = image(12, 12), image(9, 14, 1), image(20, 8, 2)

    def grams(one: float, other: float) -> dict[str, Tensor]:
        pairs = [(first, one), (second, other)]
        return compute_targets(network, settings, content, pairs).styles[0].grams

    alone = compute_targets(network, settings, content, [(first, 1.0)]).styles[0].grams
    mixed, again = grams(1, 3), grams(2, 6)
    ones, others = grams(1, 0), grams(0, 1)
    equal, twice = grams(1, 1), grams(2, 2)
    assert mixed.keys() == {"conv1_1", "conv2_1", "conv3_1"}
    for layer in mixed:
        expected = 0.25 * ones[layer] + 0.75 * others[layer]
        torch.testing.assert_close(mixed[layer], expected)
        torch.testing.assert_close(mixed[layer], again[layer])
        torch.testing.assert_close(alone[layer], ones[layer])
        torch.testing.assert_close(equal[layer], twice[layer])
        assert not torch.allclose(mixed[layer], equal[layer], rtol=1e-3)


def test_the_mean_gram_minimizes_the_mean_loss(network: VGG) -> None:
    settings = replace(SMALL, style_loss="gatys", tv=0.0, content_layers=())
    content, first, second = image(12, 12), image(12, 12, 1), image(12, 12, 2)
    mixed, one, other = (
        make_objective(network, settings, content, *pairs)
        for pairs in ([(first, 1.0), (second, 1.0)], [(first, 1.0)], [(second, 1.0)])
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
    settings = replace(SMALL, style_loss=style_loss, style_layers=layers)
    content, style = image(16, 16), image(48, 48, 1)
    once = compute_targets(network, settings, content, [(style, 1.0)]).styles[0].grams
    pairs = [(style.repeat(1, 1, 2, 2), 1.0)]
    tiled = compute_targets(network, settings, content, pairs).styles[0].grams
    for layer, gram in once.items():
        # Not exactly: a tiling has half the border for its area.
        difference = (tiled[layer] - growth * gram).norm() / (growth * gram).norm()
        assert float(difference) < 0.15, layer


def test_raw_grams_are_sums_over_the_candidates_positions(network: VGG) -> None:
    content, style = image(13, 15), image(21, 10, 1)
    raw, own = (
        compute_targets(
            network, replace(SMALL, style_loss=loss), content, [(style, 1.0)]
        )
        .styles[0]
        .grams
        for loss in ("gatys-raw", "gatys")
    )
    # Pooling leaves out odd rows and columns.
    sizes = {
        "conv1_1": (21 * 10) / (13 * 15),
        "conv2_1": (10 * 5) / (6 * 7),
        "conv3_1": (5 * 2) / (3 * 3),
    }
    for layer, larger in sizes.items():
        torch.testing.assert_close(raw[layer], larger * own[layer])


def test_layers_without_weight_are_not_computed(random_weights: Weights) -> None:
    nan = tuple(
        torch.full_like(one, torch.nan) for one in random_weights.kernels["conv3_1"]
    )
    kernels = {**random_weights.kernels, "conv3_1": nan}
    network = VGG(replace(random_weights, kernels=kernels), dtype=torch.float64)
    idle = (("conv1_1", 1.0), ("conv3_1", 0.0))
    content, style = image(12, 12), (image(9, 9, 1), 1.0)
    settings = replace(SMALL, content_layers=idle, style_layers=idle)
    made = compute_targets(network, settings, content, [style])
    assert made.content.keys() == made.styles[0].grams.keys() == {"conv1_1"}
    losses, gradient = Objective(network, settings, made)(image(12, 12, 3))
    assert losses.is_finite
    assert bool(gradient.isfinite().all())
    busy = replace(settings, style_layers=(("conv3_1", 1.0),))
    assert not make_objective(network, busy, content, style)(content)[0].is_finite


@pytest.mark.parametrize("missing", ["content_layers", "style_layers"])
def test_a_term_without_layers_is_zero(network: VGG, missing: str) -> None:
    # Of 5 pixels: no network could be computed to its end.
    settings = replace(SMALL, **{missing: ()})
    evaluate = make_objective(network, settings, image(5, 5), (image(5, 5, 1), 1.0))
    losses, _ = evaluate(image(5, 5, 2))
    gone, kept = losses.content, losses.style
    if missing == "style_layers":
        gone, kept = kept, gone
    assert gone == 0
    assert kept > 0
