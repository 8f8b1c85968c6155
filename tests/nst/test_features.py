"""Target cache: each image is computed once, and nothing is mistaken for another."""

import weakref
from collections.abc import Callable, Collection
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor

from artist_nst.nst.features import TargetCache
from artist_nst.nst.losses import gram
from artist_nst.nst.objective import WeightedImage, compute_targets
from artist_nst.nst.pyramid import run_pyramid
from artist_nst.nst.vgg import VGG, Block
from artist_nst.nst.weights.checkpoint import Weights
from artist_nst.recipes.published import RECIPES, recipe
from artist_nst.recipes.recipe import StyleLoss
from tests.nst.conftest import image

LAYERS = ("conv1_1", "conv2_1")
KINDS = pytest.mark.parametrize("kind", ["content_features", "style_grams"])


class RecordingVGG(VGG):
    """A VGG that records each image's size and the layers asked for."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self.calls: list[tuple[tuple[int, ...], set[str]]] = []

    def run_block(
        self, block: Block, x: Tensor, layers: Collection[str], *more: Any
    ) -> tuple[dict[str, Tensor], Tensor]:
        if block.layers[0] == "conv1_1":
            self.calls.append((tuple(x.shape[-2:]), set(layers)))
        return super().run_block(block, x, layers, *more)


@pytest.fixture
def network(thin_weights: Weights) -> RecordingVGG:
    return RecordingVGG(thin_weights)


# Values ------------------------------------------------------------------------------


def test_values_are_the_networks(network: RecordingVGG) -> None:
    cache, photo = TargetCache(), image(20, 24).requires_grad_()
    with torch.no_grad():
        expected = network(photo, LAYERS)
    for _ in range(2):
        content = cache.content_features(network, photo, LAYERS)
        grams = cache.style_grams(network, photo, LAYERS)
        assert content.keys() == grams.keys() == set(LAYERS)
        for layer, right in expected.items():
            assert torch.equal(content[layer], right)
            assert torch.equal(grams[layer], gram(right))
            assert not content[layer].requires_grad
            assert not grams[layer].requires_grad
    assert network(photo, ["conv1_1"])["conv1_1"].requires_grad


# What is computed again --------------------------------------------------------------


@KINDS
def test_the_same_image_is_computed_once(network: RecordingVGG, kind: str) -> None:
    cache, photo = TargetCache(), image(20, 24)
    get = getattr(cache, kind)
    first, again = get(network, photo, LAYERS), get(network, photo, LAYERS)
    # Identified by its pixels, whatever their memory layout.
    wide = torch.stack((photo, photo), dim=-1)
    for copy in (photo.clone(), wide[..., 0]):
        assert get(network, copy, LAYERS).keys() == set(LAYERS)
    assert network.calls == [((20, 24), set(LAYERS))]
    assert cache.forward_passes == 1
    assert all(first[layer] is again[layer] for layer in LAYERS)


@KINDS
def test_only_missing_layers_are_computed(network: RecordingVGG, kind: str) -> None:
    cache, photo = TargetCache(), image(20, 24)
    get = getattr(cache, kind)
    assert get(network, photo, ()) == {}
    assert cache.forward_passes == 0
    get(network, photo, ["conv1_1", "conv2_1"])
    assert get(network, photo, ["conv3_1", "conv2_1"]).keys() == {"conv2_1", "conv3_1"}
    assert network.calls[1:] == [((20, 24), {"conv3_1"})]
    assert len(get(network, photo, ["conv1_1", "conv3_1", "conv2_1"])) == 3
    assert len(network.calls) == cache.forward_passes == 2


def test_images_are_distinguished(network: RecordingVGG) -> None:
    photo = image(8, 16)
    other = photo.clone()
    other[0, 2, 7, 15] += 0.001
    cache = TargetCache()
    images = [photo, other, photo.reshape(1, 3, 16, 8), photo[:, :1], photo[..., :8]]
    plain = torch.zeros(1, 3, 8, 16), torch.zeros(1, 3, 16, 8), torch.zeros(1, 1, 8, 48)
    for count, one in enumerate((*images, *plain), start=1):
        result = cache.content_features(network, one, ["conv1_1"])["conv1_1"]
        assert cache.forward_passes == count
        with torch.no_grad():
            assert torch.equal(result, network(one, ["conv1_1"])["conv1_1"])


def test_an_image_that_changes_is_another(network: RecordingVGG) -> None:
    cache, photo = TargetCache(), image(8, 8)
    before = cache.content_features(network, photo, ["conv1_1"])["conv1_1"].clone()
    photo += 1
    after = cache.content_features(network, photo, ["conv1_1"])["conv1_1"]
    assert not torch.equal(before, after)
    photo -= 1
    again = cache.content_features(network, photo, ["conv1_1"])["conv1_1"]
    assert cache.forward_passes == 2
    assert torch.equal(before, again)


OTHER_NETWORKS: dict[str, Callable[[Weights], VGG]] = {
    "weights": lambda weights: VGG(replace(weights, sha256="others")),
    "network": lambda weights: VGG(replace(weights, network="vgg19-normalised")),
    "input": lambda weights: VGG(replace(weights, input="oxford")),
    "pool": lambda weights: VGG(weights, pool="average"),
    "plain pool": lambda weights: VGG(weights, pool="average-plain"),
    "padding": lambda weights: VGG(weights, padding="replicate"),
    "precision": lambda weights: VGG(weights, dtype=torch.float64),
}


def test_networks_are_distinguished(thin_weights: Weights) -> None:
    cache, photo = TargetCache(), image(12, 16)
    networks = [VGG(thin_weights), VGG(thin_weights)]
    networks += [make(thin_weights) for make in OTHER_NETWORKS.values()]
    for _ in range(2):
        for network in networks:
            content = cache.content_features(network, photo, LAYERS)
            grams = cache.style_grams(network, photo, LAYERS)
            with torch.no_grad():
                expected = network(photo, LAYERS)
            for layer, right in expected.items():
                assert torch.equal(content[layer], right)
                assert torch.equal(grams[layer], gram(right))
        # Two with the same weights and settings are one.
        assert cache.forward_passes == 2 * (1 + len(OTHER_NETWORKS))


@pytest.mark.gpu
def test_devices_are_distinguished(thin_weights: Weights) -> None:
    cache, photo = TargetCache(), image(12, 16)
    for device in ("cpu", "cuda", "cpu", "cuda"):
        network = VGG(thin_weights).to(device)
        features = cache.content_features(network, photo.to(device), LAYERS)
        assert {one.device.type for one in features.values()} == {device}
    assert cache.forward_passes == 2


# The limit ---------------------------------------------------------------------------

# conv1_1 of 16 × 16 pixels: 8 filters of float32.
TENSOR_BYTES = 8 * 16 * 16 * 4


def is_computed(cache: TargetCache, network: VGG, seed: int) -> bool:
    before = cache.forward_passes
    cache.content_features(network, image(16, 16, seed), ["conv1_1"])
    return cache.forward_passes > before


def test_the_least_recently_used_is_dropped(network: RecordingVGG) -> None:
    cache = TargetCache(limit_bytes=3 * TENSOR_BYTES)
    for seed, expected in (
        *((1, True), (2, True), (3, True)),
        # Used again, though the first to have come.
        *((1, False), (4, True), (1, False), (3, False), (4, False)),
        *((2, True), (3, False), (4, False), (2, False), (1, True)),
    ):
        assert is_computed(cache, network, seed) == expected


@pytest.mark.parametrize("limit", [3 * TENSOR_BYTES, 4 * TENSOR_BYTES - 1])
def test_the_limit_is_kept(network: RecordingVGG, limit: int) -> None:
    cache = TargetCache(limit)
    references: list[weakref.ref[Tensor]] = []
    source = torch.Generator().manual_seed(0)
    most = 0
    for _ in range(60):
        seed, size = (int(torch.randint(4, (), generator=source)) for _ in range(2))
        side = (8, 16, 16, 24)[size]
        features = cache.content_features(network, image(side, side, seed), ["conv1_1"])
        references += [weakref.ref(one) for one in features.values()]
        del features
        alive = {id(one): one for ref in references if (one := ref()) is not None}
        total = sum(one.nbytes for one in alive.values())
        del alive
        assert total <= limit
        most = max(most, total)
    assert most > limit - TENSOR_BYTES


@pytest.mark.parametrize("limit", [0, TENSOR_BYTES - 1])
def test_a_tensor_beyond_the_limit_is_returned(
    network: RecordingVGG, limit: int
) -> None:
    cache, photo = TargetCache(limit), image(16, 16)
    with torch.no_grad():
        expected = network(photo, ["conv1_1", "conv1_2"])
    for count in (1, 2):
        features = cache.content_features(network, photo, ["conv1_1", "conv1_2"])
        assert cache.forward_passes == count
        for layer, right in expected.items():
            assert torch.equal(features[layer], right)


# Use by paintings --------------------------------------------------------------------


@pytest.mark.parametrize("style_loss", ["relative", "gatys-raw"])
def test_targets_are_the_same(network: RecordingVGG, style_loss: StyleLoss) -> None:
    settings = recipe(style_loss=style_loss)
    photo = image(32, 40)
    styles: list[WeightedImage] = [(image(40, 32, 1), 1.0), (image(48, 33, 2), 3.0)]
    expected = compute_targets(network, settings, photo, styles)
    expected_grams = expected.styles[0].grams
    cache = TargetCache()
    for _ in range(2):
        targets = compute_targets(network, settings, photo, styles, cache)
        assert targets.content.keys() == expected.content.keys()
        grams = targets.styles[0].grams
        assert grams.keys() == expected_grams.keys()
        for layer, right in expected.content.items():
            assert torch.equal(targets.content[layer], right)
        for layer, right in expected_grams.items():
            assert torch.equal(grams[layer], right)
    assert cache.forward_passes == 3
    # What is made of the cached tensors does not change them.
    style = styles[0][0]
    with torch.no_grad():
        features = network(style, expected_grams)
    for layer, matrix in cache.style_grams(network, style, expected_grams).items():
        assert torch.equal(matrix, gram(features[layer]))


def test_twelve_equal_levels_are_two_passes(network: RecordingVGG) -> None:
    settings = RECIPES["patel"].with_iterations(12)
    assert len(settings.levels) == 12
    cache = TargetCache()
    photo, style = image(48, 64), image(40, 64, 1)
    result = run_pyramid(network, settings, photo, [(style, 1.0)], cache=cache)
    assert len(result.reasons) == 12
    assert cache.forward_passes == 2
    # The others are of candidates, for content and style at once.
    layers = {layer for layer, _ in (*settings.content_layers, *settings.style_layers)}
    assert [size for size, _ in network.calls[:2]] == [(40, 64), (48, 64)]
    assert network.calls[2:] == [((48, 64), layers)] * result.evaluations


def test_a_second_painting_uses_the_first_ones_targets(network: RecordingVGG) -> None:
    settings = recipe(levels=((0.5, 1), (1.0, 1)))
    photo, style, other = image(96, 96), image(48, 48, 1), image(40, 48, 2)
    cache = TargetCache()
    expected = run_pyramid(network, settings, photo, [(style, 1.0)])
    for _ in range(2):
        result = run_pyramid(network, settings, photo, [(style, 1.0)], cache=cache)
        # Two levels, each with its own size of both.
        assert cache.forward_passes == 4
        assert torch.equal(result.image, expected.image)
        assert result.losses == expected.losses
    run_pyramid(network, settings, photo, [(other, 1.0)], cache=cache)
    assert cache.forward_passes == 6
