"""VGG: against figures of its real weights, torchvision's network and arithmetic."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from skimage.data import astronaut
from torch import Tensor
from torch.nn import functional
from torchvision.models.vgg import cfgs, make_layers

from artist_nst.errors import UsageError
from artist_nst.nst.vgg import AVERAGE_GAIN, VGG, check_layers, minimum_side
from artist_nst.nst.weights import Weights, layer_names
from artist_nst.recipes.recipe import Architecture, Pool
from tests.conftest import picture

LAYERS = layer_names("vgg19")


def image(height: int, width: int, seed: int = 0) -> Tensor:
    return torch.from_numpy(picture(height, width, seed)).permute(2, 0, 1)[None].float()


def apart(one: Tensor, other: Tensor) -> float:
    """Relative distance."""
    assert one.shape == other.shape
    return float((one - other).norm() / other.norm())


def poisoned(weights: Weights, *layers: str) -> Weights:
    """The same weights with no number left in ``layers``."""
    nan = {
        layer: tuple(torch.full_like(one, torch.nan) for one in weights.kernels[layer])
        for layer in layers
    }
    return replace(weights, kernels={**weights.kernels, **nan})


@pytest.mark.shared
@pytest.mark.parametrize(
    ("pool", "section"), [("max", "astronaut_max"), ("average-plain", "astronaut_avg")]
)
def test_real_activations(
    real_weights: Weights, shared: Path, pool: Pool, section: str
) -> None:
    oracle = json.loads((shared / "oracles" / "vgg19_oxford.json").read_text("utf-8"))
    rgb = torch.from_numpy(astronaut().copy()).permute(2, 0, 1)[None].float()
    with torch.no_grad():
        features = VGG(real_weights, pool=pool)(rgb, LAYERS)
    assert features.keys() == oracle[section].keys()
    for layer, expected in oracle[section].items():
        found = features[layer]
        flat = found.flatten(1)
        measured = {
            "mean": float(found.mean()),
            "std": float(found.std(correction=0)),
            "max": float(found.max()),
            "gram_frobenius": float((flat @ flat.T).norm()),
        }
        assert [1, *found.shape] == expected.pop("shape"), layer
        assert measured == pytest.approx(expected, rel=1e-3), layer


def test_agrees_with_torchvision(random_weights: Weights) -> None:
    theirs = make_layers(cfgs["E"])
    convolutions = [one for one in theirs if isinstance(one, torch.nn.Conv2d)]
    for one, kernel in zip(convolutions, random_weights.kernels.values(), strict=True):
        one.weight.data, one.bias.data = kernel
    rgb = image(35, 42)
    x = (rgb / 255 - torch.tensor((0.485, 0.456, 0.406)).view(3, 1, 1)) / torch.tensor(
        (0.229, 0.224, 0.225)
    ).view(3, 1, 1)
    expected = []
    with torch.no_grad():
        for step in theirs:
            x = step(x)
            if isinstance(step, torch.nn.ReLU):
                expected.append(x[0])
        features = VGG(random_weights)(rgb, LAYERS)
    assert tuple(features) == LAYERS
    for layer, right in zip(LAYERS, expected, strict=True):
        assert apart(features[layer], right) < 1e-4, layer


def test_oxford_is_bgr_minus_mean(random_weights: Weights) -> None:
    weights = replace(random_weights, input="oxford")
    rgb = image(12, 15)
    bgr = rgb[:, [2, 1, 0]] - torch.tensor((103.939, 116.779, 123.68)).view(3, 1, 1)
    expected = functional.conv2d(bgr, *weights.kernels["conv1_1"], padding=1).relu()[0]
    found = VGG(weights)(rgb, ["conv1_1"])["conv1_1"]
    assert apart(found, expected) < 1e-5
    assert apart(VGG(random_weights)(rgb, ["conv1_1"])["conv1_1"], expected) > 0.1


def test_float64_rounds_nothing_to_float32(random_weights: Weights) -> None:
    network = VGG(replace(random_weights, input="oxford"), dtype=torch.float64)
    assert network.mean.flatten().tolist() == [123.68, 116.779, 103.939]
    features = network(image(8, 8).double(), ["conv1_2"])
    assert features["conv1_2"].dtype == torch.float64


def test_stops_after_the_deepest_wanted_layer(random_weights: Weights) -> None:
    after = LAYERS[LAYERS.index("conv2_1") + 1 :]
    network = VGG(poisoned(random_weights, *after))
    # Too small for all pools: computing further would fail.
    small = image(2, 20)
    features = network(small, ["conv2_1", "conv1_1"])
    assert features.keys() == {"conv1_1", "conv2_1"}
    assert features["conv2_1"].shape == (128, 1, 10)
    assert all(bool(one.isfinite().all()) for one in features.values())
    assert bool(network(small, ["conv2_2"])["conv2_2"].isnan().any())


def test_no_layers_are_no_work(random_weights: Weights) -> None:
    assert VGG(poisoned(random_weights, *LAYERS))(image(1, 1), ()) == {}


@pytest.mark.parametrize("height", [20, 33])
def test_gray_is_the_same_in_three_channels(
    random_weights: Weights, height: int
) -> None:
    network = VGG(random_weights)
    gray = image(height, 24)[:, :1]
    layers = ["conv1_1", "conv3_1"]
    one, three = network(gray, layers), network(gray.repeat(1, 3, 1, 1), layers)
    for layer in layers:
        torch.testing.assert_close(one[layer], three[layer], rtol=1e-6, atol=1e-4)


@pytest.mark.parametrize(
    ("pool", "gain"), [("max", 1), ("average", AVERAGE_GAIN), ("average-plain", 1)]
)
def test_pools_of_two_by_two(random_weights: Weights, pool: Pool, gain: float) -> None:
    features = VGG(random_weights, pool=pool)(image(17, 22), ["conv1_2", "conv2_1"])
    even = features["conv1_2"][:, :16].unflatten(2, (11, 2)).unflatten(1, (8, 2))
    smaller = even.amax((2, 4)) if pool == "max" else even.mean((2, 4)) * gain
    kernel, bias = random_weights.kernels["conv2_1"]
    expected = functional.conv2d(smaller[None], kernel, bias, padding=1).relu()[0]
    assert apart(features["conv2_1"], expected) < 1e-5


def test_average_is_average_plain_times_the_gain(random_weights: Weights) -> None:
    # The random weights have no biases: a gain goes through to the features.
    plain, gained = (
        VGG(random_weights, pool=pool)(image(16, 16), ["conv1_2", "conv2_1", "conv3_1"])
        for pool in ("average-plain", "average")
    )
    torch.testing.assert_close(gained["conv1_2"], plain["conv1_2"])
    for layer, gain in (("conv2_1", AVERAGE_GAIN), ("conv3_1", AVERAGE_GAIN**2)):
        assert apart(gained[layer], gain * plain[layer]) < 1e-5


@pytest.mark.shared
def test_the_gain_gives_max_poolings_loudness(real_weights: Weights) -> None:
    rgb = torch.from_numpy(astronaut()[::2, ::2].copy()).permute(2, 0, 1)[None].float()
    layers = ["conv2_1", "conv3_1", "conv4_1", "conv5_1"]
    with torch.no_grad():
        loudest, average, plain = (
            VGG(real_weights, pool=pool)(rgb, layers)
            for pool in ("max", "average", "average-plain")
        )
    for layer in layers:
        # On a photograph, about; without the gain it is down to a fifth at conv5_1.
        gained, bare = (
            float(one[layer].mean() / loudest[layer].mean()) for one in (average, plain)
        )
        assert 0.6 < gained < 1.2, layer
        assert bare < 0.85, layer


def test_replicate_changes_the_border_only(random_weights: Weights) -> None:
    zeros, replicate = (
        VGG(random_weights, padding=padding)(image(14, 19), ["conv1_1"])["conv1_1"]
        for padding in ("zeros", "replicate")
    )
    torch.testing.assert_close(zeros[:, 1:-1, 1:-1], replicate[:, 1:-1, 1:-1])
    for edge in (0, -1):
        assert apart(zeros[:, edge], replicate[:, edge]) > 0.01
        assert apart(zeros[:, :, edge], replicate[:, :, edge]) > 0.01


def test_replicate_draws_no_frame_on_a_plain_image(random_weights: Weights) -> None:
    plain = torch.tensor((200.0, 90.0, 30.0)).view(1, 3, 1, 1).expand(1, 3, 9, 11)
    zeros, replicate = (
        VGG(random_weights, padding=padding)(plain, ["conv1_1"])["conv1_1"]
        for padding in ("zeros", "replicate")
    )
    middle = replicate[:, 4:5, 5:6]
    torch.testing.assert_close(replicate, middle.expand_as(replicate))
    assert apart(zeros, middle.expand_as(zeros)) > 0.01


@pytest.mark.parametrize(
    ("layers", "side"),
    [
        ((), 1),
        (("conv1_2",), 1),
        (("conv2_1",), 2),
        (("conv1_1", "conv4_2", "conv3_1"), 8),
        (("conv5_4",), 16),
    ],
)
def test_minimum_side(
    random_weights: Weights, layers: tuple[str, ...], side: int
) -> None:
    assert minimum_side(layers) == side
    network = VGG(random_weights)
    assert network(image(side, side), layers).keys() == set(layers)
    if side > 1:
        with pytest.raises(RuntimeError):
            network(image(side, side - 1), layers)


def test_an_unknown_layer_is_told_its_nearest() -> None:
    check_layers("vgg19", LAYERS, "style-layer")
    with pytest.raises(UsageError) as caught:
        check_layers("vgg19", ["conv1_1", "conv42"], "style-layer")
    line = str(caught.value)
    assert "--style-layer" in line
    assert "'conv42'" in line
    assert "did you mean 'conv4_2'" in line
    assert "\n" not in line


@pytest.mark.parametrize("layers", [(), ("conv1_1",), ("conv4_2", "conv2_1"), LAYERS])
def test_the_cost_of_layers(thin_weights: Weights, layers: tuple[str, ...]) -> None:
    """All multiplications up to the deepest, a quarter as many after each pooling."""
    network = VGG(thin_weights)
    seen = LAYERS[: max((LAYERS.index(one) + 1 for one in layers), default=0)]
    expected = sum(
        thin_weights.kernels[layer][0].numel() / 4 ** (int(layer[4]) - 1)
        for layer in seen
    )
    assert network.cost(layers) == pytest.approx(expected, rel=1e-12)
    assert network.cost(reversed(layers)) == network.cost(layers)


def test_what_the_compact_network_saves(
    random_weights: Weights, compact_weights: Weights
) -> None:
    """Its own filters count, not those that it stands for."""
    layers = ["conv5_1"]
    small, large = VGG(compact_weights), VGG(random_weights)
    assert small.cost(layers) < large.cost(layers) / 100


def test_layers_depend_on_the_network() -> None:
    with pytest.raises(UsageError, match="vgg11 has no 'conv1_2'"):
        check_layers("vgg11", ["conv1_2"], "content-layer")


def test_the_normalised_network_has_vgg19s_layers() -> None:
    check_layers("vgg19-normalised", LAYERS, "style-layer")
    with pytest.raises(UsageError, match=r"vgg19-normalised has no 'conv6_1'"):
        check_layers("vgg19-normalised", ["conv6_1"], "style-layer")


@pytest.mark.parametrize(
    ("network", "convolutions"),
    [("vgg11", 8), ("vgg13", 10), ("vgg16", 13), ("vgg19", 16)],
)
def test_every_network_has_the_papers_layers(
    weights_of: Callable[[Architecture], Weights],
    network: Architecture,
    convolutions: int,
) -> None:
    """All that recipes use, shallow to deep, each of half the size of the last."""
    made = VGG(weights_of(network))
    assert made.name == network
    assert made.layers == layer_names(network)
    assert len(made.layers) == convolutions
    assert set(made.layers) <= set(LAYERS)
    layers = ["conv1_1", "conv2_1", "conv3_1", "conv4_1", "conv4_2", "conv5_1"]
    features = made(image(35, 48), layers)
    assert [tuple(features[layer].shape) for layer in layers] == [
        (64, 35, 48),
        (128, 17, 24),
        (256, 8, 12),
        (512, 4, 6),
        (512, 4, 6),
        (512, 2, 3),
    ]
    for found in features.values():
        assert bool(found.isfinite().all())
        assert float(found.max()) > 0
