"""Features: each image is looked at once, and nothing is taken for something else."""

import weakref
from collections.abc import Callable, Collection
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor

from artist_nst.nst.features import Features
from artist_nst.nst.losses import gram
from artist_nst.nst.objective import Style, targets
from artist_nst.nst.pyramid import run
from artist_nst.nst.vgg import VGG, Part
from artist_nst.nst.weights import Weights
from artist_nst.recipes.published import RECIPES, recipe
from artist_nst.recipes.recipe import StyleLoss
from tests.conftest import picture

LAYERS = ("conv1_1", "conv2_1")


def image(height: int, width: int, seed: int = 0) -> Tensor:
    return torch.from_numpy(picture(height, width, seed)).permute(2, 0, 1)[None].float()


class Watched(VGG):
    """A VGG that notes what it was asked for: the image's size and the layers."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self.asked: list[tuple[tuple[int, ...], set[str]]] = []

    def run(
        self, part: Part, x: Tensor, layers: Collection[str], *more: Any
    ) -> tuple[dict[str, Tensor], Tensor]:
        if part.layers[0] == "conv1_1":
            self.asked.append((tuple(x.shape[-2:]), set(layers)))
        return super().run(part, x, layers, *more)


@pytest.fixture
def network(thin_weights: Weights) -> Watched:
    return Watched(thin_weights)


# What is given


def test_what_the_network_sees(network: Watched) -> None:
    features, photo = Features(), image(20, 24)
    with torch.no_grad():
        expected = network(photo, LAYERS)
    for _ in range(2):
        content = features.content(network, photo, LAYERS)
        grams = features.grams(network, photo, LAYERS)
        assert content.keys() == grams.keys() == set(LAYERS)
        for layer, right in expected.items():
            assert torch.equal(content[layer], right)
            assert torch.equal(grams[layer], gram(right))


def test_no_gradient_is_kept(network: Watched) -> None:
    photo = image(12, 12).requires_grad_()
    features = Features()
    for found in (features.content, features.grams):
        for one in found(network, photo, LAYERS).values():
            assert not one.requires_grad
    assert network(photo, ["conv1_1"])["conv1_1"].requires_grad


# How often it is looked


@pytest.mark.parametrize("kind", ["content", "grams"])
def test_the_same_image_is_looked_at_once(network: Watched, kind: str) -> None:
    features, photo = Features(), image(20, 24)
    ask = getattr(features, kind)
    first = ask(network, photo, LAYERS)
    again = ask(network, photo, LAYERS)
    # Told by its pixels, wherever they lie.
    wide = torch.stack((photo, photo), dim=-1)
    for copy in (photo.clone(), wide[..., 0]):
        assert ask(network, copy, LAYERS).keys() == set(LAYERS)
    assert network.asked == [((20, 24), set(LAYERS))]
    assert features.passes == 1
    for layer in LAYERS:
        assert first[layer] is again[layer]


@pytest.mark.parametrize("kind", ["content", "grams"])
def test_another_layer_is_all_that_is_computed(network: Watched, kind: str) -> None:
    features, photo = Features(), image(20, 24)
    ask = getattr(features, kind)
    ask(network, photo, ["conv1_1", "conv2_1"])
    found = ask(network, photo, ["conv3_1", "conv2_1"])
    assert found.keys() == {"conv2_1", "conv3_1"}
    assert network.asked[1:] == [((20, 24), {"conv3_1"})]
    assert ask(network, photo, ["conv1_1", "conv3_1", "conv2_1"]).keys() == {
        "conv1_1",
        "conv2_1",
        "conv3_1",
    }
    assert len(network.asked) == features.passes == 2


def test_no_layers_are_no_pass(network: Watched) -> None:
    features = Features()
    assert features.content(network, image(4, 4), ()) == {}
    assert features.grams(network, image(4, 4), ()) == {}
    assert features.passes == 0
    assert not network.asked


def test_features_are_not_taken_for_grams(network: Watched) -> None:
    features, photo = Features(), image(8, 8)
    content = features.content(network, photo, LAYERS)
    grams = features.grams(network, photo, LAYERS)
    assert content["conv1_1"].dim() == 3
    assert grams["conv1_1"].dim() == 2


# What is kept apart


def test_images_are_told_apart(network: Watched) -> None:
    photo = image(8, 16)
    other = photo.clone()
    other[0, 2, 7, 15] += 0.001
    features = Features()
    images = [photo, other, photo.reshape(1, 3, 16, 8), photo[:, :1], photo[..., :8]]
    plain = torch.zeros(1, 3, 8, 16), torch.zeros(1, 3, 16, 8), torch.zeros(1, 1, 8, 48)
    for count, one in enumerate((*images, *plain), start=1):
        found = features.content(network, one, ["conv1_1"])["conv1_1"]
        assert features.passes == count
        with torch.no_grad():
            assert torch.equal(found, network(one, ["conv1_1"])["conv1_1"])


def test_an_image_that_changes_is_another(network: Watched) -> None:
    features, photo = Features(), image(8, 8)
    before = features.content(network, photo, ["conv1_1"])["conv1_1"].clone()
    photo += 1
    after = features.content(network, photo, ["conv1_1"])["conv1_1"]
    assert features.passes == 2
    assert not torch.equal(before, after)
    photo -= 1
    again = features.content(network, photo, ["conv1_1"])["conv1_1"]
    assert features.passes == 2
    assert torch.equal(before, again)


OTHERS: dict[str, Callable[[Weights], VGG]] = {
    "weights": lambda weights: VGG(replace(weights, sha256="others")),
    "network": lambda weights: VGG(replace(weights, network="vgg19-normalised")),
    "input": lambda weights: VGG(replace(weights, input="oxford")),
    "pool": lambda weights: VGG(weights, pool="average"),
    "plain pool": lambda weights: VGG(weights, pool="average-plain"),
    "padding": lambda weights: VGG(weights, padding="replicate"),
    "precision": lambda weights: VGG(weights, dtype=torch.float64),
}


@pytest.mark.parametrize("kind", ["content", "grams"])
@pytest.mark.parametrize("which", OTHERS)
def test_networks_are_kept_apart(thin_weights: Weights, which: str, kind: str) -> None:
    one, other = VGG(thin_weights), OTHERS[which](thin_weights)
    features = Features()
    photo = image(12, 16)
    for asked in range(2):
        for network in (one, other):
            found = getattr(features, kind)(network, photo, LAYERS)
            with torch.no_grad():
                right = network(photo, LAYERS)
            for layer, expected in right.items():
                if kind == "grams":
                    expected = gram(expected)
                assert torch.equal(found[layer], expected)
        assert features.passes == 2, asked


def test_the_same_network_loaded_again_is_no_other(thin_weights: Weights) -> None:
    features, photo = Features(), image(12, 16)
    for _ in range(2):
        features.content(VGG(thin_weights), photo, LAYERS)
    assert features.passes == 1


@pytest.mark.gpu
def test_devices_are_kept_apart(thin_weights: Weights) -> None:
    features, photo = Features(), image(12, 16)
    for device in ("cpu", "cuda", "cpu", "cuda"):
        network = VGG(thin_weights).to(device)
        found = features.content(network, photo.to(device), LAYERS)
        assert {one.device.type for one in found.values()} == {device}
    assert features.passes == 2


# How much is kept

# Of 16 × 16 pixels: conv1_1 has 8 filters of float32.
ONE = 8 * 16 * 16 * 4


def ask(features: Features, network: VGG, seed: int) -> bool:
    """Whether the image of that seed had to be looked at."""
    before = features.passes
    features.content(network, image(16, 16, seed), ["conv1_1"])
    return features.passes > before


def test_the_least_recently_asked_for_goes_first(network: Watched) -> None:
    features = Features(limit_bytes=3 * ONE)
    assert [ask(features, network, seed) for seed in (1, 2, 3)] == [True] * 3
    # Asked for again, though the first to have come.
    assert not ask(features, network, 1)
    assert ask(features, network, 4)
    assert [ask(features, network, seed) for seed in (1, 3, 4)] == [False] * 3
    assert ask(features, network, 2)
    # And now the first is the longest ago.
    assert [ask(features, network, seed) for seed in (3, 4, 2)] == [False] * 3
    assert ask(features, network, 1)


@pytest.mark.parametrize("limit", [3 * ONE, 3 * ONE + 1, 4 * ONE - 1])
def test_the_limit_is_kept(network: Watched, limit: int) -> None:
    features = Features(limit)
    alive: list[weakref.ref[Tensor]] = []
    source = torch.Generator().manual_seed(0)
    most = 0
    for _ in range(60):
        seed, size = (int(torch.randint(4, (), generator=source)) for _ in range(2))
        side = (8, 16, 16, 24)[size]
        found = features.content(network, image(side, side, seed), ["conv1_1"])
        alive += [weakref.ref(one) for one in found.values()]
        del found
        there = {id(one): one for ref in alive if (one := ref()) is not None}
        held = sum(one.nbytes for one in there.values())
        del there
        assert held <= limit
        most = max(most, held)
    assert most > limit - ONE


@pytest.mark.parametrize("limit", [0, ONE - 1])
def test_what_is_larger_than_the_limit_is_given_all_the_same(
    network: Watched, limit: int
) -> None:
    features, photo = Features(limit), image(16, 16)
    with torch.no_grad():
        expected = network(photo, ["conv1_1", "conv1_2"])
    for count in (1, 2):
        found = features.content(network, photo, ["conv1_1", "conv1_2"])
        assert features.passes == count
        for layer, right in expected.items():
            assert torch.equal(found[layer], right)


# What it is for


@pytest.mark.parametrize("style_loss", ["relative", "gatys", "gatys-raw", "mean"])
def test_targets_are_the_same(network: Watched, style_loss: StyleLoss) -> None:
    numbers = recipe(style_loss=style_loss)
    photo = image(32, 40)
    styles: list[Style] = [(image(40, 32, 1), 1.0), (image(48, 33, 2), 3.0)]
    alone = targets(network, numbers, photo, styles)
    features = Features()
    for _ in range(2):
        shared = targets(network, numbers, photo, styles, features)
        assert shared.content.keys() == alone.content.keys()
        assert shared.grams.keys() == alone.grams.keys()
        for layer, right in alone.content.items():
            assert torch.equal(shared.content[layer], right)
        for layer, right in alone.grams.items():
            assert torch.equal(shared.grams[layer], right)
    assert features.passes == 3
    # What was made of them is not what is kept.
    for layer, found in features.grams(network, styles[0][0], alone.grams).items():
        with torch.no_grad():
            seen = network(styles[0][0], [layer])[layer]
        assert torch.equal(found, gram(seen))


def test_twelve_equal_levels_are_two_passes(thin_weights: Weights) -> None:
    network = Watched(thin_weights)
    numbers = RECIPES["patel"].with_iterations(12)
    assert len(numbers.levels) == 12
    features = Features()
    photo, style = image(48, 64), image(40, 64, 1)
    result = run(network, numbers, photo, [(style, 1.0)], features=features)
    assert len(result.reasons) == 12
    assert features.passes == 2
    # The rest were looks at candidates, for content and style at once.
    wanted = {layer for layer, _ in (*numbers.content_layers, *numbers.style_layers)}
    assert [size for size, _ in network.asked[:2]] == [(40, 64), (48, 64)]
    assert network.asked[2:] == [((48, 64), wanted)] * result.evaluations


def test_a_second_painting_needs_no_look_at_what_is_known(
    network: Watched,
) -> None:
    numbers = recipe(levels=((0.5, 1), (1.0, 1)))
    photo, style, other = image(96, 100), image(80, 60, 1), image(70, 90, 2)
    features = Features()
    alone = run(network, numbers, photo, [(style, 1.0)])
    first = run(network, numbers, photo, [(style, 1.0)], features=features)
    # Two levels, each with its own size of both.
    assert features.passes == 4
    second = run(network, numbers, photo, [(style, 1.0)], features=features)
    assert features.passes == 4
    for result in (first, second):
        assert torch.equal(result.image, alone.image)
        assert result.losses == alone.losses
    run(network, numbers, photo, [(other, 1.0)], features=features)
    assert features.passes == 6
