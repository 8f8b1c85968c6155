"""Distances: against sums in NumPy, at zero, and where an image is too small."""

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor

from artist_nst.nst.distance import Distances, measure_distances
from artist_nst.nst.features import TargetCache
from artist_nst.nst.normalize import measure_activation_means, normalize_weights
from artist_nst.nst.objective import Objective, WeightedImage, compute_targets
from artist_nst.nst.vgg import VGG
from artist_nst.nst.weights.checkpoint import Weights
from artist_nst.recipes.published import RECIPES, recipe
from tests.nst.conftest import image

STYLE = ("conv1_1", "conv2_1", "conv3_1", "conv4_1", "conv5_1")
Array = NDArray[np.float64]


@pytest.fixture(scope="module")
def network(thin_weights: Weights) -> VGG:
    return VGG(thin_weights)


@pytest.fixture
def images() -> tuple[Tensor, Tensor, Tensor]:
    """A painting, a photo and a style."""
    return image(32, 40, 2), image(32, 40), image(40, 32, 1)


def measure(
    network: VGG, painting: Tensor, photo: Tensor, *styles: WeightedImage | Tensor
) -> Distances:
    pairs = [(style, 1.0) if isinstance(style, Tensor) else style for style in styles]
    return measure_distances(network, painting, photo, pairs, TargetCache())


@torch.no_grad()
def features(network: VGG, picture: Tensor, layer: str) -> Array:
    return np.asarray(network(picture, [layer])[layer].double().numpy())


def gram(features: Array) -> Array:
    flat = features.reshape(len(features), -1)
    return np.einsum("ik,jk->ij", flat, flat) / flat.shape[1]


@pytest.mark.parametrize("channels", [3, 1])
@pytest.mark.parametrize("sizes", [[(64, 33)], [(40, 56), (31, 90)]], ids=str)
def test_by_hand(network: VGG, sizes: list[tuple[int, int]], channels: int) -> None:
    painting, photo = (image(48, 40, seed)[:, :channels] for seed in (1, 2))
    styles = [
        (image(*size, 3 + index)[:, :channels], 1.0 + 2 * index)
        for index, size in enumerate(sizes)
    ]
    result = measure(network, painting, photo, *styles)
    f, p = (features(network, one, "conv4_2") for one in (painting, photo))
    assert result.content == pytest.approx(
        0.5 * np.mean((f - p) ** 2) / np.mean(p**2), rel=1e-4
    )
    expected = {}
    total = sum(weight for _, weight in styles)
    for layer in STYLE:
        g = gram(features(network, painting, layer))
        a = sum(w / total * gram(features(network, one, layer)) for one, w in styles)
        expected[layer] = float(np.sum((g - a) ** 2) / np.sum(a**2))
    assert result.grams == pytest.approx(expected, rel=1e-4)
    assert list(result.grams) == list(STYLE)
    assert result.style == pytest.approx(np.mean(list(expected.values())), rel=1e-4)
    assert min(result.content or 0, *result.grams.values()) > 1e-4


def test_zero_at_the_photo_and_at_the_style(network: VGG) -> None:
    photo, style = image(48, 40), image(48, 40, 1)
    at_photo = measure(network, photo, photo, style)
    assert at_photo.content == 0
    assert (at_photo.style or 0) > 0.01
    at_style = measure(network, style, photo, style)
    assert set(at_style.grams.values()) == {at_style.style} == {0.0}
    assert (at_style.content or 0) > 0.01
    twice = measure(network, style, style, (style, 0.2), (style, 5.0))
    assert twice.style == pytest.approx(0, abs=1e-9)


def test_as_far_as_an_image_reaches(network: VGG) -> None:
    for painting, style, has_content, layers in (
        ((16, 16), (16, 16), True, 5),
        ((15, 40), (40, 40), True, 4),
        ((40, 40), (40, 15), True, 4),
        ((8, 40), (40, 40), True, 4),
        ((7, 40), (40, 40), False, 3),
        ((40, 40), (3, 40), True, 2),
        ((1, 9), (40, 40), False, 1),
        ((1, 1), (1, 1), False, 1),
    ):
        photo = image(*painting, 2)
        result = measure(network, image(*painting, 1), photo, image(*style, 3))
        assert (result.content is not None) == has_content
        assert list(result.grams) == list(STYLE[:layers])
        assert result.style == pytest.approx(sum(result.grams.values()) / layers)
        assert np.isfinite(list(result.grams.values())).all()


def test_the_smallest_style_decides(network: VGG) -> None:
    photo, large, small = image(40, 40), image(40, 40, 1), image(5, 40, 2)
    assert len(measure(network, photo, photo, large, small).grams) == 3


def test_without_a_style(network: VGG) -> None:
    result = measure(network, image(20, 20, 1), image(20, 20))
    assert (result.style, result.grams) == (None, {})
    assert (result.content or 0) > 0


def test_known_targets_are_not_computed_again(
    network: VGG, images: tuple[Tensor, Tensor, Tensor]
) -> None:
    painting, photo, style = images
    cache = TargetCache()
    copies = [one.clone() for one in images]
    first = measure_distances(network, painting, photo, [(style, 1.0)], cache)
    assert cache.forward_passes == 3
    again = measure_distances(network, painting, photo, [(style, 1.0)], cache)
    assert cache.forward_passes == 4
    assert first == again == measure(network, *images)
    assert all(map(torch.equal, images, copies))


# The same measure for all recipes ----------------------------------------------------


def test_other_recipes_targets_change_nothing(
    network: VGG, images: tuple[Tensor, Tensor, Tensor]
) -> None:
    painting, photo, style = images
    expected = measure(network, *images)
    for name, settings in RECIPES.items():
        cache = TargetCache()
        compute_targets(network, settings, photo, [(style, 1.0)], cache)
        result = measure_distances(network, painting, photo, [(style, 1.0)], cache)
        assert result == expected, name


def test_they_are_the_losses_of_gram(
    network: VGG, images: tuple[Tensor, Tensor, Tensor]
) -> None:
    settings = recipe("gram", tv=0.0)
    painting, photo, style = images
    targets = compute_targets(network, settings, photo, [(style, 1.0)])
    losses, _ = Objective(network, settings, targets)(painting)
    result = measure(network, *images)
    assert result.content == pytest.approx(losses.content, rel=1e-6)
    assert result.style == pytest.approx(losses.style, rel=1e-6)
    assert result.grams == pytest.approx(losses.style_layers, rel=1e-6)


@pytest.mark.parametrize("factor", [1e-3, 1e3])
def test_the_scale_of_the_activations_does_not_matter(
    thin_weights: Weights,
    network: VGG,
    images: tuple[Tensor, Tensor, Tensor],
    factor: float,
) -> None:
    """As between torchvision's weights and Oxford's."""
    means = {
        layer: torch.full_like(bias, factor, dtype=torch.float64)
        for layer, (_, bias) in thin_weights.kernels.items()
    }
    scaled = measure(VGG(normalize_weights(thin_weights, means)), *images)
    expected = measure(network, *images)
    assert scaled.content == pytest.approx(expected.content, rel=1e-4)
    assert scaled.grams == pytest.approx(expected.grams, rel=1e-4)


def test_the_network_does_matter(
    thin_weights: Weights, network: VGG, images: tuple[Tensor, Tensor, Tensor]
) -> None:
    plain = measure(network, *images)
    pooled = measure(VGG(thin_weights, pool="average"), *images)
    means = measure_activation_means(thin_weights, [images[1]])
    normalized = measure(VGG(normalize_weights(thin_weights, means)), *images)
    for other in (pooled, normalized):
        assert other.content != pytest.approx(plain.content, rel=1e-3)
        assert other.style != pytest.approx(plain.style, rel=1e-3)
