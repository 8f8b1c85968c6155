"""Losses: against loops and sums in numpy, and figures of the real weights."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from artist_nst.nst import losses
from artist_nst.nst.vgg import VGG

STYLE_LAYERS = ("conv1_1", "conv2_1", "conv3_1", "conv4_1", "conv5_1")
Formula = Callable[[Tensor, Tensor], Tensor]


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


def half_squared(f: NDArray[Any], p: NDArray[Any]) -> float:
    return 0.5 * sum((a - b) ** 2 for a, b in zip(f.flat, p.flat, strict=True))


def squared(f: NDArray[Any], p: NDArray[Any]) -> float:
    return sum((a - b) ** 2 for a, b in zip(f.flat, p.flat, strict=True))


def content_mean(f: NDArray[Any], p: NDArray[Any]) -> float:
    return squared(f, p) / (4 * 5 * 7)


def quarter_mean(f: NDArray[Any], p: NDArray[Any]) -> float:
    """Σ (F − P)² / (4 n_H n_W n_C)."""
    n_c, n_h, n_w = f.shape
    return squared(f, p) / (4 * n_h * n_w * n_c)


def content_relative(f: NDArray[Any], p: NDArray[Any]) -> float:
    return 0.5 * np.mean((f - p) ** 2) / np.mean(p**2)


def gatys(g: NDArray[Any], a: NDArray[Any]) -> float:
    """Eq. 4 with Grams G' that are sums: Σ (G' − A')² / (4 N² M²), here at M of 35."""
    n, m = len(g), 35
    return np.sum((g * m - a * m) ** 2) / (4 * n**2 * m**2)


def mean_over_dhw(g: NDArray[Any], a: NDArray[Any]) -> float:
    """mean (G' − A')² / (d h w) with Grams that are sums, at 5 × 7 positions."""
    n, m = len(g), 5 * 7
    return np.mean((g * m - a * m) ** 2) / (n * m)


def style_relative(g: NDArray[Any], a: NDArray[Any]) -> float:
    return np.linalg.norm(g - a) ** 2 / np.linalg.norm(a) ** 2


def at_35_positions(g: Tensor, a: Tensor) -> Tensor:
    return losses.style_mean(g, a, 35)


@pytest.mark.parametrize(
    ("formula", "reference", "shape"),
    [
        (HALF_SQUARED, half_squared, (4, 5, 7)),
        (SQUARED, squared, (4, 5, 7)),
        (MEAN, content_mean, (4, 5, 7)),
        (QUARTER_MEAN, quarter_mean, (4, 5, 7)),
        (RELATIVE, content_relative, (4, 5, 7)),
        (losses.style_gatys, gatys, (6, 6)),
        (at_35_positions, mean_over_dhw, (6, 6)),
        (losses.style_relative, style_relative, (6, 6)),
    ],
)
def test_formulas(
    formula: Formula,
    reference: Callable[[NDArray[Any], NDArray[Any]], float],
    shape: tuple[int, ...],
) -> None:
    candidate, target = tensor(*shape, seed=1), tensor(*shape, seed=2)
    expected = reference(candidate.numpy(), target.numpy())
    assert float(formula(candidate, target)) == pytest.approx(expected, rel=1e-10)
    assert float(formula(target, target)) == 0


@pytest.mark.parametrize("shape", [(1, 3, 5, 7), (1, 1, 4, 6), (1, 3, 1, 5)])
def test_total_variation(shape: tuple[int, ...]) -> None:
    image = 255 * tensor(*shape)
    steps = []
    _, channels, height, width = shape
    for c in range(channels):
        for y in range(height):
            for x in range(width):
                here = float(image[0, c, y, x])
                if x + 1 < width:
                    steps.append(abs(float(image[0, c, y, x + 1]) - here))
                if y + 1 < height:
                    steps.append(abs(float(image[0, c, y + 1, x]) - here))
    assert losses.neighbours(image) == len(steps)
    found = float(losses.total_variation(image))
    assert found == pytest.approx(np.mean(steps), rel=1e-10)


@pytest.mark.parametrize("shape", [(1, 3, 6, 9), (1, 3, 1, 1), (1, 1, 1, 1)])
def test_total_variation_of_a_plain_image_is_zero(shape: tuple[int, ...]) -> None:
    plain = torch.full(shape, 77.0, requires_grad=True)
    variation = losses.total_variation(plain)
    assert variation.item() == 0
    (gradient,) = torch.autograd.grad(variation, plain)
    assert bool(gradient.eq(0).all())


@pytest.mark.parametrize("shape", [(1, 3, 8, 1), (1, 3, 1, 8), (1, 1, 2, 1)])
def test_total_variation_of_a_line_of_pixels(shape: tuple[int, ...]) -> None:
    line = torch.arange(shape[-1] * shape[-2]).view(1, 1, *shape[-2:]).float() * 3
    variation = losses.total_variation(line.expand(shape))
    assert float(variation) == pytest.approx(3)


@pytest.mark.parametrize(
    ("formula", "shape"),
    [(RELATIVE, (4, 5, 7)), (losses.style_relative, (6, 6))],
)
@pytest.mark.parametrize("factor", [1e-4, 3.0, 1e5])
def test_relative_losses_have_no_scale(
    formula: Formula, shape: tuple[int, ...], factor: float
) -> None:
    candidate, target = tensor(*shape, seed=1), tensor(*shape, seed=2)
    once = float(formula(candidate, target))
    assert float(formula(factor * candidate, factor * target)) == pytest.approx(once)


@pytest.mark.parametrize(
    ("formula", "at_nothing"),
    [(RELATIVE, 0.5), (losses.style_relative, 1.0)],
)
def test_relative_losses_of_no_activation(formula: Formula, at_nothing: float) -> None:
    target = tensor(5, 5)
    assert float(formula(torch.zeros_like(target), target)) == pytest.approx(at_nothing)


@pytest.mark.parametrize(
    "formula",
    [
        HALF_SQUARED,
        SQUARED,
        MEAN,
        QUARTER_MEAN,
        RELATIVE,
        losses.style_gatys,
        at_35_positions,
        losses.style_relative,
    ],
)
def test_a_target_of_zeros_is_finite(formula: Formula) -> None:
    nothing = torch.zeros(4, 4)
    for start in (tensor(4, 4).float(), nothing.clone()):
        candidate = start.requires_grad_()
        loss = formula(candidate, nothing)
        (gradient,) = torch.autograd.grad(loss, candidate)
        assert bool(loss.isfinite())
        assert bool(gradient.isfinite().all())
        assert (loss.item() > 0) == bool(start.any())


@pytest.fixture(scope="module")
def oracle(shared: Path) -> dict[str, Any]:
    text = (shared / "oracles" / "vgg19_oxford.json").read_text("utf-8")
    figures: dict[str, Any] = json.loads(text)["objective"]
    return figures


def load(shared: Path, name: str) -> Tensor:
    rgb = np.array(Image.open(shared / "oracles" / f"{name}.png").convert("RGB"))
    return torch.from_numpy(rgb).permute(2, 0, 1)[None].double()


@pytest.mark.shared
def test_real_losses(real_network: VGG, shared: Path, oracle: dict[str, Any]) -> None:
    photo = real_network(load(shared, "content"), ["conv4_2"])["conv4_2"]
    style = real_network(load(shared, "style"), STYLE_LAYERS)
    features = real_network(load(shared, "candidate"), [*STYLE_LAYERS, "conv4_2"])
    loss = float(HALF_SQUARED(features["conv4_2"], photo))
    assert loss == pytest.approx(oracle["content_conv4_2_half_sum_squares"], 1e-6)
    loss = float(SQUARED(features["conv4_2"], photo))
    assert loss == pytest.approx(oracle["content_conv4_2_sum_squares"], 1e-6)
    loss = float(QUARTER_MEAN(features["conv4_2"], photo))
    expected = oracle["content_conv4_2_premamayudu_1_over_4nHnWnC"]
    assert loss == pytest.approx(expected, 1e-6)
    own, raw = {}, {}
    for layer in STYLE_LAYERS:
        candidate, target = losses.gram(features[layer]), losses.gram(style[layer])
        own[layer] = float(losses.style_gatys(candidate, target))
        larger = style[layer][0].numel() / features[layer][0].numel()
        raw[layer] = float(losses.style_gatys(candidate, target * larger))
    expected = oracle["style_E_l_each_gram_over_its_own_positions"]
    assert own == pytest.approx(expected, rel=1e-6)
    expected = oracle["style_E_l_raw_grams_over_candidate_positions"]
    assert raw == pytest.approx(expected, rel=1e-6)


@pytest.mark.shared
def test_real_total_variation(shared: Path, oracle: dict[str, Any]) -> None:
    candidate = load(shared, "candidate")
    total = float(losses.total_variation(candidate)) * losses.neighbours(candidate)
    assert total == pytest.approx(oracle["total_variation_absolute_0_255"], rel=1e-12)
