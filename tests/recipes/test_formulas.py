"""Each named recipe against its source's formulas, written in NumPy."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
import torch
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from artist_nst.nst.neighbors import NeighborFinder
from artist_nst.nst.normalize import measure_activation_means, normalize_weights
from artist_nst.nst.objective import Objective, Targets, compute_targets
from artist_nst.nst.vgg import VGG
from artist_nst.nst.weights.checkpoint import Weights
from artist_nst.recipes.published import RECIPES
from artist_nst.recipes.recipe import (
    Architecture,
    Recipe,
    Weighted,
    get_architecture,
)
from tests.conftest import picture, thin_out

Array = NDArray[np.float64]
Layers = dict[str, Array]

FIRST = ("conv1_1", "conv2_1", "conv3_1", "conv4_1", "conv5_1")
PHOTO = 50, 67  # pixels, odd at several pools

# art.py and the project's recipes compare images of two sizes, and so do neighbors; the
# other papers do not say what they would do then.
OTHER_SIZE = ("default", "gram", "photoreal", "nnst", "art.py", "whole-artist-paper")

# What the mean of k × k features makes a quarter of the image's size.
POOLED = {"conv1": 4, "conv2": 2}


class Inputs(NamedTuple):
    """What formulas are of: features ``(N, H, W)`` and the candidate's pixels.

    ``neighbors`` are T − μ of each place's neighbor T, of any length, and ``means`` μ.
    """

    candidate: Layers
    photo: Layers
    style: Layers
    pixels: Array
    neighbors: Layers
    means: Layers
    original: Array  # the photo's pixels


class Cost(NamedTuple):
    """A source's numbers; ours have α = 1, so ``total`` is divided by ``alpha``."""

    total: float
    alpha: float
    content: float
    style: dict[str, float]
    variation: float = 0.0
    neighbors: dict[str, float] | None = None


# The sources' formulas ---------------------------------------------------------------


def gram_of_sums(features: Array) -> Array:
    """G of Gatys's eq. 3: Σ over positions, not their mean."""
    flat = features.reshape(len(features), -1)
    return np.einsum("ik,jk->ij", flat, flat)


def half_squared(f: Array, p: Array) -> float:
    """½ Σ (F − P)²: Gatys's eq. 1, Technion's eq. 1, Patel's eq. 4."""
    return float(0.5 * np.sum((f - p) ** 2))


def squared_over_4n2m2(f: Array, s: Array) -> float:
    """Σ (G − A)² / (4 N² M²): eq. 4 of Gatys and Technion, 5 of Patel, 2 of
    Premamayudu."""
    n, height, width = f.shape
    difference = gram_of_sums(f) - gram_of_sums(s)
    return float(np.sum(difference**2) / (4 * n**2 * (height * width) ** 2))


def neighbor_differences(pixels: Array) -> Array:
    """Absolute differences of all neighboring pixels, in one row."""
    across = pixels[:, :, 1:] - pixels[:, :, :-1]
    down = pixels[:, 1:] - pixels[:, :-1]
    return np.abs(np.concatenate((across.ravel(), down.ravel())))


def gatys_with(alpha: float, beta: float, inputs: Inputs, *, content: str) -> Cost:
    """α ½ Σ (F − P)² + β Σ_l 1/5 Σ (G − A)² / (4 N² M²)."""
    distance = half_squared(inputs.candidate[content], inputs.photo[content])
    style = {
        layer: squared_over_4n2m2(inputs.candidate[layer], inputs.style[layer])
        for layer in FIRST
    }
    total = alpha * distance + beta * sum(style.values()) / 5
    return Cost(total, alpha, distance, style)


def art_py(inputs: Inputs) -> Cost:
    """On sums whatever the sizes, with the candidate's M."""
    return gatys_with(1.0, 1e4, inputs, content="conv4_2")


def whole_artist_paper(inputs: Inputs) -> Cost:
    """Its eq. 1, α 1 and β 100, with art.py's two losses."""
    return gatys_with(1.0, 100.0, inputs, content="conv4_2")


def gatys_2015(inputs: Inputs) -> Cost:
    """Its eq. 7 at α/β of 10⁻³."""
    return gatys_with(1e-3, 1.0, inputs, content="conv4_2")


def patel(inputs: Inputs) -> Cost:
    """Gatys's losses at α/β of 0.01, and 1.0 times the sum of |differences|."""
    cost = gatys_with(1.0, 100.0, inputs, content="conv3_1")
    variation = float(neighbor_differences(inputs.pixels).sum())
    return cost._replace(total=cost.total + 1.0 * variation, variation=variation)


def technion(inputs: Inputs) -> Cost:
    """Gatys's losses, lower layers weighing more."""
    cost = gatys_with(1.0, 1e4, inputs, content="conv4_2")
    falling = zip(FIRST, (5, 4, 3, 2, 1), strict=True)
    style = sum(weight / 15 * cost.style[layer] for layer, weight in falling)
    return cost._replace(total=cost.content + 1e4 * style)


def premamayudu(inputs: Inputs) -> Cost:
    """Its eqs. 1 to 4 at α 10 and β 40: ten times ours, whose α is 1 and β 4."""
    alpha, beta = 10.0, 40.0
    f, p = inputs.candidate["conv4_2"], inputs.photo["conv4_2"]
    n_c, n_h, n_w = f.shape
    content = float(np.sum((p - f) ** 2) / (4 * n_h * n_w * n_c))
    style = {
        layer: squared_over_4n2m2(inputs.style[layer], inputs.candidate[layer])
        for layer in FIRST
    }
    total = alpha * content + beta * sum(0.2 * loss for loss in style.values())
    return Cost(total, alpha, content, style)


def csce5214(inputs: Inputs) -> Cost:
    """Its listing: means of squares, the style's over d·h·w; both weights are 1."""
    weights = {
        "conv1_1": 1.0,
        "conv1_2": 0.75,
        "conv2_1": 1.0,
        "conv2_2": 0.75,
        "conv3_1": 1.0,
        "conv3_2": 0.75,
    }
    content = np.mean((inputs.candidate["conv4_2"] - inputs.photo["conv4_2"]) ** 2)
    style = {}
    for layer in weights:
        f, s = inputs.candidate[layer], inputs.style[layer]
        d, h, w = f.shape
        style[layer] = np.mean((gram_of_sums(s) - gram_of_sums(f)) ** 2) / (d * h * w)
    total = content + sum(weights[layer] * loss for layer, loss in style.items())
    return Cost(total, 1.0, content, style)


def gram(inputs: Inputs) -> Cost:
    """½ mean (F−P)² / mean P² + 5 · ⅕ Σ ‖G−A‖² / ‖A‖² + 0.003 mean |difference|."""
    f, p = inputs.candidate["conv4_2"], inputs.photo["conv4_2"]
    content = 0.5 * np.mean((f - p) ** 2) / np.mean(p**2)
    style = {}
    for layer in FIRST:
        g, a = (
            gram_of_sums(features) / features[0].size
            for features in (inputs.candidate[layer], inputs.style[layer])
        )
        style[layer] = np.linalg.norm(g - a) ** 2 / np.linalg.norm(a) ** 2
    variation = 0.003 * neighbor_differences(inputs.pixels).mean()
    total = content + sum(style.values()) + variation
    return Cost(total, 1.0, content, style, variation)


def neighbor_distance(inputs: Inputs, layer: str) -> float:
    """1 − cos(F − μ, T − μ), mean over places at a quarter of the image's size."""
    f, k = inputs.candidate[layer], POOLED.get(layer[:5], 1)
    n, height, width = len(f), f.shape[1] // k, f.shape[2] // k
    whole = f[:, : height * k, : width * k]
    places = whole.reshape(n, height, k, width, k).mean((2, 4)).reshape(n, -1)
    ours = places - inputs.means[layer].reshape(n, 1)
    theirs = inputs.neighbors[layer].reshape(n, -1)
    norms = np.linalg.norm(ours, axis=0) * np.linalg.norm(theirs, axis=0)
    return float(np.mean(1 - np.sum(ours * theirs, axis=0) / norms))


def default(inputs: Inputs) -> Cost:
    """``gram`` with 0.3 of its style, and 0.4 · 5 · ⅕ Σ of neighbors' distances."""
    cost = gram(inputs)
    neighbors = {
        layer: neighbor_distance(inputs, layer)
        for layer in ("conv1_1", "conv2_1", "conv3_1", "conv3_2", "conv4_1")
    }
    style = 0.3 * sum(cost.style.values()) + 0.4 * sum(neighbors.values())
    total = cost.content + style + cost.variation
    return cost._replace(total=total, neighbors=neighbors)


def matting_distance(inputs: Inputs) -> float:
    """Levin et al.'s eq. 4 by its definition: the best affine map of every window's
    colors, with ε |a|², and the mean over windows, pixels and channels of what is left.
    """
    windows = (
        sliding_window_view(planes, (3, 3), (1, 2)).transpose(1, 2, 3, 4, 0)
        for planes in (inputs.original / 255, inputs.pixels)
    )
    colors, values = (window.reshape(-1, 9, 3) for window in windows)
    affine = np.concatenate((colors, np.ones_like(colors[..., :1])), 2)
    penalty = np.diag([1e-4, 1e-4, 1e-4, 0])
    transposed = affine.transpose(0, 2, 1)
    maps = np.linalg.solve(transposed @ affine + penalty, transposed @ values)
    squares = np.sum((values - affine @ maps) ** 2, (1, 2))
    squares += 1e-4 * np.sum(maps[:, :3] ** 2, (1, 2))
    return float(np.mean(squares) / 27)


def photoreal(inputs: Inputs) -> Cost:
    """``default``, and 0.1 of the distance from a photo in another light."""
    cost = default(inputs)
    matting = 0.1 * matting_distance(inputs)
    return cost._replace(total=cost.total + matting, variation=cost.variation + matting)


def nnst(inputs: Inputs) -> Cost:
    """The mean over ten layers of neighbors' distances, and nothing else."""
    names = (
        *("conv1_1", "conv1_2", "conv2_1", "conv2_2"),
        *("conv3_1", "conv3_2", "conv3_3", "conv4_1", "conv4_2", "conv4_3"),
    )
    neighbors = {layer: neighbor_distance(inputs, layer) for layer in names}
    total = sum(neighbors.values()) / 10
    return Cost(total, 1.0, 0.0, {}, neighbors=neighbors)


SOURCES: dict[str, Callable[[Inputs], Cost]] = {
    "default": default,
    "gram": gram,
    "photoreal": photoreal,
    "nnst": nnst,
    "art.py": art_py,
    "whole-artist-paper": whole_artist_paper,
    "gatys-2015": gatys_2015,
    "patel": patel,
    "technion": technion,
    "premamayudu": premamayudu,
    "csce5214": csce5214,
}


# Against random weights --------------------------------------------------------------


def image(height: int, width: int, seed: int) -> Tensor:
    rgb = torch.from_numpy(picture(height, width, seed))
    return rgb.permute(2, 0, 1)[None].double()


def noise(like: Tensor, seed: int) -> Tensor:
    """Even noise from 0 to 255."""
    source = torch.Generator().manual_seed(seed)
    return 255 * torch.rand(like.shape, generator=source, dtype=like.dtype)


def network_of(numbers: Recipe, weights: Weights) -> VGG:
    """Make a recipe's network in float64."""
    if numbers.network == "vgg19-normalised":
        photos = [image(48, 64, seed).float() for seed in (11, 12)]
        weights = normalize_weights(weights, measure_activation_means(weights, photos))
    requested = "vgg19" if numbers.network == "auto" else numbers.network
    assert weights.network == requested
    return VGG(weights, pool=numbers.pool, padding=numbers.padding, dtype=torch.float64)


def make_targets(
    network: VGG, numbers: Recipe, photo: Tensor, style: Tensor
) -> Targets:
    targets = compute_targets(network, numbers, photo, [(style, 1.0)])
    if layers := [*numbers.neighbor_weights]:
        neighbors = NeighborFinder(network, layers, [style]).find(photo)
        targets = targets.with_neighbors([neighbors])
    return targets


def compute_inputs(
    network: VGG, photo: Tensor, style: Tensor, candidate: Tensor, goal: Targets
) -> Inputs:
    layers = [layer for layer in network.layers if layer <= "conv5_1"]
    with torch.no_grad():
        candidates, photos, styles = (
            {layer: values.numpy() for layer, values in network(pixels, layers).items()}
            for pixels in (candidate, photo, style)
        )
    neighbors, means = {}, {}
    if (found := goal.styles[0].neighbors) is not None:
        for layer, directions in found.directions.items():
            neighbors[layer] = directions.numpy()
            means[layer] = found.means[layer].numpy()
    pixels = candidate[0].numpy(), photo[0].numpy()
    return Inputs(candidates, photos, styles, pixels[0], neighbors, means, pixels[1])


def test_every_recipe_has_a_formula() -> None:
    assert SOURCES.keys() == RECIPES.keys()


@pytest.mark.parametrize("name", RECIPES)
def test_the_objective_is_the_sources(
    name: str, weights_of: Callable[[Architecture], Weights]
) -> None:
    """With an eighth of the filters; the formulas hold for any number."""
    numbers = RECIPES[name]
    weights = thin_out(weights_of(get_architecture(numbers.network)))
    network = network_of(numbers, weights)
    photo = image(*PHOTO, 1)
    style = image(*((42, 67) if name in OTHER_SIZE else PHOTO), 2)
    candidate = noise(photo, 3)
    goal = make_targets(network, numbers, photo, style)
    expected = SOURCES[name](compute_inputs(network, photo, style, candidate, goal))
    losses, _ = Objective(network, numbers, goal)(candidate)
    assert losses.content == pytest.approx(expected.content, rel=1e-6)
    terms = list(losses.content_layers.values())
    assert terms == ([] if name == "nnst" else [losses.content])
    assert losses.style_layers == pytest.approx(expected.style, rel=1e-6)
    neighbors = pytest.approx(expected.neighbors or {}, rel=1e-6)
    assert losses.neighbor_layers == neighbors
    assert losses.total == pytest.approx(expected.total / expected.alpha, rel=1e-6)
    # The rest is the smoothness, though it is small beside sums.
    weighted = numbers.gram_weight * losses.style
    weighted += numbers.neighbor_weight * losses.neighbors
    variation = losses.total - losses.content - numbers.ratio * weighted
    assert variation == pytest.approx(
        expected.variation, rel=1e-6, abs=1e-9 * losses.total
    )


@pytest.mark.parametrize(
    ("name", "changes"),
    [
        *((name, {}) for name in RECIPES),
        # The other terms would be hidden by a sum over all neighbors.
        ("patel", {"tv_sum": 0.0}),
    ],
)
def test_the_gradient_is_the_objectives(
    name: str,
    changes: dict[str, Any],
    weights_of: Callable[[Architecture], Weights],
) -> None:
    numbers = replace(RECIPES[name], **changes)
    weights = thin_out(weights_of(get_architecture(numbers.network)))
    network = network_of(numbers, weights)
    photo, style = image(32, 48, 1), image(32, 48, 2)
    goal = make_targets(network, numbers, photo, style)
    evaluate = Objective(network, numbers, goal)
    candidate = noise(photo, 3)
    _, gradient = evaluate(candidate)
    for seed in (4, 5, 6):
        # Small, so that hardly any ReLU or maximum switches.
        step = 1e-6 * (noise(photo, seed) / 127.5 - 1)
        after, before = evaluate(candidate + step)[0], evaluate(candidate - step)[0]
        expected = 2 * float((gradient * step).sum())
        assert after.total - before.total == pytest.approx(expected, rel=1e-5)


# Against figures of the real weights -------------------------------------------------


class Real(NamedTuple):
    network: VGG
    photo: Tensor
    style: Tensor
    candidate: Tensor
    figures: dict[str, Any]


@pytest.fixture(scope="module")
def real(real_network: VGG, shared: Path) -> Real:
    def load(name: str) -> Tensor:
        rgb = np.array(Image.open(shared / "oracles" / f"{name}.png").convert("RGB"))
        return torch.from_numpy(rgb).permute(2, 0, 1)[None].double()

    text = (shared / "oracles" / "vgg19_oxford.json").read_text("utf-8")
    images = map(load, ("content", "style", "candidate"))
    return Real(real_network, *images, json.loads(text)["objective"])


def on_figures_layers(numbers: Recipe) -> Recipe:
    """Reduce a recipe to those of its layers, or of VGG-19's, that have figures.

    Neighbors have none.
    """
    kept = tuple(pair for pair in numbers.style_layers if pair[0] in FIRST)
    layers: Weighted = (("conv4_2", 1.0),)
    return replace(
        numbers, content_layers=layers, style_layers=kept, neighbor_weight=0.0
    )


def content_figure(real: Real, loss: str) -> float:
    figures = real.figures
    squared = float(figures["content_conv4_2_sum_squares"])
    target = real.network(real.photo, ["conv4_2"])["conv4_2"]
    return {
        "half-squared": float(figures["content_conv4_2_half_sum_squares"]),
        "quarter-mean": float(figures["content_conv4_2_premamayudu_1_over_4nHnWnC"]),
        "squared": squared,
        "mean": squared / target.numel(),
        "relative": squared / 2 / float(target.square().sum()),
    }[loss]


def style_figures(real: Real, loss: str) -> dict[str, float]:
    gatys = real.figures["style_E_l_each_gram_over_its_own_positions"]
    figures: dict[str, dict[str, float]] = {
        "gatys": gatys,
        "gatys-raw": real.figures["style_E_l_raw_grams_over_candidate_positions"],
        "mean": {},
        "relative": {},
    }
    for layer, figure in gatys.items():
        n, height, width = real.network(real.candidate, [layer])[layer].shape
        figures["mean"][layer] = 4 * figure * height * width / n
        style = real.network(real.style, [layer])[layer].numpy()
        norm = np.linalg.norm(gram_of_sums(style) / style[0].size)
        figures["relative"][layer] = 4 * n**2 * figure / norm**2
    return figures[loss]


@pytest.mark.shared
def test_the_real_weights_figures(real: Real) -> None:
    squared = replace(RECIPES["technion"], content_loss="squared")
    for made in (*RECIPES.values(), squared):
        numbers = on_figures_layers(made)
        pairs = [(real.style, 1.0)]
        goal = compute_targets(real.network, numbers, real.photo, pairs)
        losses, _ = Objective(real.network, numbers, goal)(real.candidate)
        content = content_figure(real, numbers.content_loss)
        assert losses.content == pytest.approx(content, rel=1e-6), made.name
        figures = style_figures(real, numbers.style_loss)
        expected = {layer: figures[layer] for layer, _ in numbers.style_layers}
        assert losses.style_layers == pytest.approx(expected, rel=1e-6), made.name
        style = sum(weight * figures[layer] for layer, weight in numbers.style_layers)
        variation = real.figures["total_variation_absolute_0_255"]
        mean = variation / neighbor_differences(real.candidate[0].numpy()).size
        assert losses.tv == pytest.approx(mean, rel=1e-12)
        total = content + numbers.ratio * numbers.gram_weight * style
        total += numbers.tv_sum * variation + numbers.tv * mean
        total += numbers.matting * losses.matting
        assert losses.total == pytest.approx(total, rel=1e-6), made.name
