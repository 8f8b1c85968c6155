"""Distances: against sums in NumPy, at nothing, and where there is nothing to see."""

from collections.abc import Sequence

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor

from artist_nst.nst.distance import Distances, distances
from artist_nst.nst.features import Features
from artist_nst.nst.normalize import activation_means, normalized
from artist_nst.nst.objective import Objective, Style, targets
from artist_nst.nst.vgg import VGG
from artist_nst.nst.weights import Weights
from artist_nst.recipes.published import RECIPES, recipe
from tests.conftest import picture

STYLE = ("conv1_1", "conv2_1", "conv3_1", "conv4_1", "conv5_1")
Array = NDArray[np.float64]


def image(height: int, width: int, seed: int = 0) -> Tensor:
    return torch.from_numpy(picture(height, width, seed)).permute(2, 0, 1)[None].float()


@pytest.fixture(scope="module")
def network(thin_weights: Weights) -> VGG:
    return VGG(thin_weights)


def apart(
    network: VGG, one: Tensor, content: Tensor, *styles: Style | Tensor
) -> Distances:
    pairs: Sequence[Style] = [
        (style, 1.0) if isinstance(style, Tensor) else style for style in styles
    ]
    return distances(network, one, content, pairs, Features())


def seen(network: VGG, one: Tensor, layer: str) -> Array:
    with torch.no_grad():
        found = network(one, [layer])[layer].double().numpy()
    return np.asarray(found)


def gram_of(features: Array) -> Array:
    flat = features.reshape(len(features), -1)
    return np.einsum("ik,jk->ij", flat, flat) / flat.shape[1]


def expected_content(network: VGG, one: Tensor, photo: Tensor) -> float:
    f, p = seen(network, one, "conv4_2"), seen(network, photo, "conv4_2")
    return float(0.5 * np.mean((f - p) ** 2) / np.mean(p**2))


def expected_grams(
    network: VGG, one: Tensor, styles: Sequence[Style]
) -> dict[str, float]:
    found = {}
    whole = sum(weight for _, weight in styles)
    for layer in STYLE:
        g = gram_of(seen(network, one, layer))
        a = sum(
            weight / whole * gram_of(seen(network, style, layer))
            for style, weight in styles
        )
        found[layer] = float(np.sum((g - a) ** 2) / np.sum(a**2))
    return found


@pytest.mark.parametrize("channels", [3, 1])
@pytest.mark.parametrize(
    "sizes", [[(40, 56)], [(64, 33)], [(40, 56), (31, 90)]], ids=str
)
def test_by_hand(network: VGG, sizes: list[tuple[int, int]], channels: int) -> None:
    one, photo = (image(48, 40, seed)[:, :channels] for seed in (1, 2))
    styles = [
        (image(*size, 3 + index)[:, :channels], 1.0 + 2 * index)
        for index, size in enumerate(sizes)
    ]
    found = apart(network, one, photo, *styles)
    assert found.content == pytest.approx(
        expected_content(network, one, photo), rel=1e-4
    )
    expected = expected_grams(network, one, styles)
    assert found.grams == pytest.approx(expected, rel=1e-4)
    assert list(found.grams) == list(STYLE)
    assert found.style == pytest.approx(np.mean(list(expected.values())), rel=1e-4)
    assert min(found.content or 0, *found.grams.values()) > 1e-4


def test_nothing_at_the_photo(network: VGG) -> None:
    photo, style = image(48, 40), image(50, 60, 1)
    found = apart(network, photo, photo, style)
    assert found.content == 0
    assert found.style is not None
    assert found.style > 0.01


def test_nothing_at_the_style(network: VGG) -> None:
    photo, style = image(48, 40), image(48, 40, 1)
    found = apart(network, style, photo, style)
    assert found.style == 0
    assert set(found.grams.values()) == {0.0}
    assert found.content is not None
    assert found.content > 0.01


def test_nearly_nothing_at_the_mean_of_one_style(network: VGG) -> None:
    style = image(48, 40, 1)
    twice = apart(network, style, style, (style, 0.2), (style, 5.0))
    assert twice.style == pytest.approx(0, abs=1e-9)


@pytest.mark.parametrize(
    ("one", "style", "content", "layers"),
    [
        ((16, 16), (16, 16), True, 5),
        ((15, 40), (40, 40), True, 4),
        ((40, 40), (40, 15), True, 4),
        ((8, 40), (40, 40), True, 4),
        ((7, 40), (40, 40), False, 3),
        ((40, 40), (3, 40), True, 2),
        ((2, 2), (2, 2), False, 2),
        ((1, 9), (40, 40), False, 1),
        ((1, 1), (1, 1), False, 1),
    ],
)
def test_as_far_as_an_image_reaches(
    network: VGG,
    one: tuple[int, int],
    style: tuple[int, int],
    content: bool,
    layers: int,
) -> None:
    found = apart(network, image(*one, 1), image(*one, 2), image(*style, 3))
    assert (found.content is not None) == content
    assert list(found.grams) == list(STYLE[:layers])
    assert found.style == pytest.approx(sum(found.grams.values()) / layers)
    assert np.isfinite(list(found.grams.values())).all()


def test_the_smallest_of_the_styles_decides(network: VGG) -> None:
    photo, large, small = image(40, 40), image(40, 40, 1), image(5, 40, 2)
    assert len(apart(network, photo, photo, large, small).grams) == 3


def test_without_a_style(network: VGG) -> None:
    found = apart(network, image(20, 20, 1), image(20, 20))
    assert found.style is None
    assert found.grams == {}
    assert found.content is not None
    assert found.content > 0


def test_the_images_are_left_alone(network: VGG) -> None:
    one, photo, style = (image(20, 20, seed) for seed in range(3))
    apart(network, one, photo, style)
    for seed, kept in enumerate((one, photo, style)):
        assert torch.equal(kept, image(20, 20, seed))


def test_what_is_known_is_not_looked_at_again(network: VGG) -> None:
    features = Features()
    photo, style = image(32, 40), image(40, 32, 1)
    first = distances(network, image(32, 40, 2), photo, [(style, 1.0)], features)
    assert features.passes == 3
    again = distances(network, image(32, 40, 2), photo, [(style, 1.0)], features)
    assert features.passes == 4
    assert again == first
    assert (
        distances(network, image(32, 40, 2), photo, [(style, 1.0)], Features()) == first
    )


# Whatever was painted with


@pytest.mark.parametrize("name", RECIPES)
def test_what_a_recipe_left_behind_changes_nothing(network: VGG, name: str) -> None:
    """The targets of any recipe may be known already; the measure stays the same."""
    one, photo, style = image(32, 40, 2), image(32, 40), image(40, 32, 1)
    features = Features()
    targets(network, RECIPES[name], photo, [(style, 1.0)], features)
    known = distances(network, one, photo, [(style, 1.0)], features)
    assert known == apart(network, one, photo, style)


def test_it_is_the_default_recipes_losses(network: VGG) -> None:
    numbers = recipe(tv=0.0)
    one, photo, style = image(32, 40, 2), image(32, 40), image(40, 32, 1)
    pairs = [(style, 1.0)]
    goal = targets(network, numbers, photo, pairs)
    losses, _ = Objective(network, numbers, goal)(one)
    found = apart(network, one, photo, style)
    assert found.content == pytest.approx(losses.content, rel=1e-6)
    assert found.style == pytest.approx(losses.style, rel=1e-6)
    assert found.grams == pytest.approx(losses.style_layers, rel=1e-6)


@pytest.mark.parametrize("factor", [1e-3, 1e3])
def test_how_loud_the_weights_are_does_not_matter(
    thin_weights: Weights, network: VGG, factor: float
) -> None:
    """As between torchvision's and Oxford's."""
    means = {
        layer: torch.full_like(bias, factor, dtype=torch.float64)
        for layer, (_, bias) in thin_weights.kernels.items()
    }
    louder = VGG(normalized(thin_weights, means))
    images = image(32, 40, 2), image(32, 40), image(40, 32, 1)
    one, other = apart(network, *images), apart(louder, *images)
    assert other.content == pytest.approx(one.content, rel=1e-4)
    assert other.grams == pytest.approx(one.grams, rel=1e-4)


def test_the_network_does_matter(thin_weights: Weights, network: VGG) -> None:
    """Distances are of what a network sees, so that its settings belong to them."""
    images = image(32, 40, 2), image(32, 40), image(40, 32, 1)
    plain = apart(network, *images)
    pooled = apart(VGG(thin_weights, pool="average"), *images)
    means = activation_means(thin_weights, [images[1]])
    leveled = apart(VGG(normalized(thin_weights, means)), *images)
    for other in (pooled, leveled):
        assert other.content != pytest.approx(plain.content, rel=1e-3)
        assert other.style != pytest.approx(plain.style, rel=1e-3)
