"""Losses: against loops and sums in NumPy, and figures of the real weights."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor

from artist_nst.nst import losses
from artist_nst.nst.vgg import VGG
from artist_nst.nst.weights.checkpoint import Weights

STYLE_LAYERS = ("conv1_1", "conv2_1", "conv3_1", "conv4_1", "conv5_1")
LAYERS = (*STYLE_LAYERS, "conv4_2")
Formula = Callable[[Tensor, Tensor], Tensor]
Array = NDArray[Any]


def content(formula: Formula) -> Formula:
    """A content loss of features and their target."""
    return lambda f, p: formula(losses.squared_distance(f, p), p)


HALF_SQUARED, SQUARED, MEAN, QUARTER_MEAN, RELATIVE = map(
    content,
    (
        losses.content_half_squared,
        losses.content_squared,
        losses.content_mean,
        losses.content_quarter_mean,
        losses.content_relative,
    ),
)


def tensor(*shape: int, seed: int = 0) -> Tensor:
    """Seeded float64 numbers from 0 to 1."""
    source = torch.Generator().manual_seed(seed)
    return torch.rand(shape, generator=source, dtype=torch.float64)


def test_gram_is_the_sum_over_positions() -> None:
    features = tensor(3, 4, 5)
    f = features.numpy()
    expected = np.zeros((3, 3))
    for i in range(3):
        for j in range(3):
            for y in range(4):
                for x in range(5):
                    expected[i, j] += f[i, y, x] * f[j, y, x]
    np.testing.assert_allclose(losses.gram(features), expected / 20, rtol=1e-12)


def test_gram_is_the_same_for_a_tiling() -> None:
    features = tensor(6, 5, 7)
    tiled = features.repeat(1, 2, 2)
    torch.testing.assert_close(losses.gram(tiled), losses.gram(features))


def squared(f: Array, p: Array) -> float:
    return float(sum((a - b) ** 2 for a, b in zip(f.flat, p.flat, strict=True)))


def quarter_mean(f: Array, p: Array) -> float:
    """Σ (F − P)² / (4 n_H n_W n_C)."""
    n_c, n_h, n_w = f.shape
    return squared(f, p) / (4 * n_h * n_w * n_c)


def gatys(g: Array, a: Array) -> float:
    """Eq. 4 with Gram matrices that are sums: Σ (G' − A')² / (4 N² M²), at M of 35."""
    n, m = len(g), 35
    return float(np.sum((g * m - a * m) ** 2) / (4 * n**2 * m**2))


def mean_over_dhw(g: Array, a: Array) -> float:
    """Mean (G' − A')² / (d h w) with matrices that are sums, at 5 × 7 positions."""
    n, m = len(g), 5 * 7
    return float(np.mean((g * m - a * m) ** 2) / (n * m))


def style_mean_at_35(g: Tensor, a: Tensor) -> Tensor:
    return losses.style_mean(g, a, 35)


FEATURES, GRAMS = (4, 5, 7), (6, 6)
FORMULAS: list[tuple[Formula, Callable[[Array, Array], float], tuple[int, ...]]] = [
    (HALF_SQUARED, lambda f, p: squared(f, p) / 2, FEATURES),
    (SQUARED, squared, FEATURES),
    (MEAN, lambda f, p: squared(f, p) / (4 * 5 * 7), FEATURES),
    (QUARTER_MEAN, quarter_mean, FEATURES),
    (RELATIVE, lambda f, p: float(np.mean((f - p) ** 2) / np.mean(p**2) / 2), FEATURES),
    (losses.style_gatys, gatys, GRAMS),
    (style_mean_at_35, mean_over_dhw, GRAMS),
    (
        losses.style_relative,
        lambda g, a: float(np.linalg.norm(g - a) ** 2 / np.linalg.norm(a) ** 2),
        GRAMS,
    ),
]


@pytest.mark.parametrize(("formula", "reference", "shape"), FORMULAS)
def test_formulas(
    formula: Formula, reference: Callable[[Array, Array], float], shape: tuple[int, ...]
) -> None:
    candidate, target = tensor(*shape, seed=1), tensor(*shape, seed=2)
    expected = reference(candidate.numpy(), target.numpy())
    assert float(formula(candidate, target)) == pytest.approx(expected, rel=1e-10)
    assert float(formula(target, target)) == 0
    # A target of zeros has finite losses and gradients.
    zeros = torch.zeros(4, 4)
    for start in (tensor(4, 4).float(), zeros.clone()):
        leaf = start.requires_grad_()
        loss = formula(leaf, zeros)
        (gradient,) = torch.autograd.grad(loss, leaf)
        assert bool(loss.isfinite())
        assert bool(gradient.isfinite().all())
        assert (loss.item() > 0) == bool(start.any())


@pytest.mark.parametrize("shape", [(1, 3, 5, 7), (1, 1, 4, 6), (1, 3, 1, 5)])
def test_total_variation(shape: tuple[int, ...]) -> None:
    image = 255 * tensor(*shape)
    steps = []
    _, channels, height, width = shape
    for c in range(channels):
        for y in range(height):
            for x in range(width):
                value = float(image[0, c, y, x])
                if x + 1 < width:
                    steps.append(abs(float(image[0, c, y, x + 1]) - value))
                if y + 1 < height:
                    steps.append(abs(float(image[0, c, y + 1, x]) - value))
    assert losses.count_neighbor_pairs(image) == len(steps)
    expected = pytest.approx(np.mean(steps), rel=1e-10)
    assert float(losses.total_variation(image)) == expected


def test_total_variation_of_a_plain_image_is_zero() -> None:
    for shape in ((1, 3, 6, 9), (1, 3, 1, 1), (1, 1, 1, 1)):
        plain = torch.full(shape, 77.0, requires_grad=True)
        variation = losses.total_variation(plain)
        assert variation.item() == 0
        (gradient,) = torch.autograd.grad(variation, plain)
        assert bool(gradient.eq(0).all())


def test_total_variation_of_a_line_of_pixels() -> None:
    for shape in ((1, 3, 8, 1), (1, 3, 1, 8), (1, 1, 2, 1)):
        line = torch.arange(shape[-1] * shape[-2]).view(1, 1, *shape[-2:]).float() * 3
        assert float(losses.total_variation(line.expand(shape))) == pytest.approx(3)


@pytest.mark.parametrize(
    ("formula", "shape", "at_zero"),
    [(RELATIVE, FEATURES, 0.5), (losses.style_relative, GRAMS, 1.0)],
)
def test_relative_losses_are_independent_of_scale(
    formula: Formula, shape: tuple[int, ...], at_zero: float
) -> None:
    candidate, target = tensor(*shape, seed=1), tensor(*shape, seed=2)
    expected = pytest.approx(float(formula(candidate, target)))
    for factor in (1e-4, 3.0, 1e5):
        assert float(formula(factor * candidate, factor * target)) == expected
    zeros = torch.zeros_like(target)
    assert float(formula(zeros, target)) == pytest.approx(at_zero)


@pytest.mark.shared
def test_real_losses(
    real_weights: Weights, oracle: dict[str, Any], oracle_images: dict[str, Tensor]
) -> None:
    figures, network = oracle["objective"], VGG(real_weights)
    photo, styles, features = (
        {layer: one.double() for layer, one in network(image, LAYERS).items()}
        for image in oracle_images.values()
    )
    for formula, name in (
        (HALF_SQUARED, "content_conv4_2_half_sum_squares"),
        (SQUARED, "content_conv4_2_sum_squares"),
        (QUARTER_MEAN, "content_conv4_2_premamayudu_1_over_4nHnWnC"),
    ):
        loss = float(formula(features["conv4_2"], photo["conv4_2"]))
        assert loss == pytest.approx(figures[name], 1e-6)
    per_position, raw = {}, {}
    for layer in STYLE_LAYERS:
        matrix, target = losses.gram(features[layer]), losses.gram(styles[layer])
        per_position[layer] = float(losses.style_gatys(matrix, target))
        ratio = styles[layer][0].numel() / features[layer][0].numel()
        raw[layer] = float(losses.style_gatys(matrix, target * ratio))
    expected = figures["style_E_l_each_gram_over_its_own_positions"]
    assert per_position == pytest.approx(expected, rel=1e-6)
    expected = figures["style_E_l_raw_grams_over_candidate_positions"]
    assert raw == pytest.approx(expected, rel=1e-6)
    candidate = oracle_images["candidate"].double()
    variation = float(losses.total_variation(candidate))
    total = variation * losses.count_neighbor_pairs(candidate)
    expected = figures["total_variation_absolute_0_255"]
    assert total == pytest.approx(expected, rel=1e-12)
