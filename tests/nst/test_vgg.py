"""VGG: against figures of its real weights, torchvision's network and arithmetic."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import torch
from skimage.data import astronaut
from torch import Tensor
from torch.nn import functional
from torchvision.models.vgg import cfgs, make_layers

from artist_nst.errors import UsageError
from artist_nst.nst.vgg import AVERAGE_GAIN, VGG
from artist_nst.nst.weights.checkpoint import Weights
from artist_nst.recipes.layers import check_layers, layer_names, minimum_side
from artist_nst.recipes.recipe import Architecture, Pool
from tests.nst.conftest import image

LAYERS = layer_names("vgg19")


def relative_distance(tensor: Tensor, expected: Tensor) -> float:
    assert tensor.shape == expected.shape
    return float((tensor - expected).norm() / expected.norm())


def with_nan(weights: Weights, *layers: str) -> Weights:
    """The same weights with NaN in ``layers``."""
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
    real_weights: Weights, oracle: dict[str, Any], pool: Pool, section: str
) -> None:
    rgb = torch.from_numpy(astronaut().copy()).permute(2, 0, 1)[None].float()
    with torch.no_grad():
        features = VGG(real_weights, pool=pool)(rgb, LAYERS)
    assert features.keys() == oracle[section].keys()
    for layer, expected in oracle[section].items():
        tensor = features[layer]
        flat = tensor.flatten(1)
        measured = {
            "shape": [1, *tensor.shape],
            "mean": float(tensor.mean()),
            "std": float(tensor.std(correction=0)),
            "max": float(tensor.max()),
            "gram_frobenius": float((flat @ flat.T).norm()),
        }
        assert measured.pop("shape") == expected["shape"], layer
        for name, value in measured.items():
            assert value == pytest.approx(expected[name], rel=1e-3), (layer, name)


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
        assert relative_distance(features[layer], right) < 1e-4, layer


def test_oxford_is_bgr_minus_mean(random_weights: Weights) -> None:
    weights = replace(random_weights, input="oxford")
    rgb = image(12, 15)
    bgr = rgb[:, [2, 1, 0]] - torch.tensor((103.939, 116.779, 123.68)).view(3, 1, 1)
    expected = functional.conv2d(bgr, *weights.kernels["conv1_1"], padding=1).relu()[0]
    found = VGG(weights)(rgb, ["conv1_1"])["conv1_1"]
    assert relative_distance(found, expected) < 1e-5
    assert (
        relative_distance(VGG(random_weights)(rgb, ["conv1_1"])["conv1_1"], expected)
        > 0.1
    )


def test_float64_rounds_nothing_to_float32(random_weights: Weights) -> None:
    network = VGG(replace(random_weights, input="oxford"), dtype=torch.float64)
    assert network.mean.flatten().tolist() == [123.68, 116.779, 103.939]
    features = network(image(8, 8).double(), ["conv1_2"])
    assert features["conv1_2"].dtype == torch.float64


def test_stops_after_the_deepest_wanted_layer(random_weights: Weights) -> None:
    after = LAYERS[LAYERS.index("conv2_1") + 1 :]
    network = VGG(with_nan(random_weights, *after))
    # Too small for all pools: computing further would fail.
    small = image(2, 20)
    features = network(small, ["conv2_1", "conv1_1"])
    assert features.keys() == {"conv1_1", "conv2_1"}
    assert features["conv2_1"].shape == (128, 1, 10)
    assert all(bool(one.isfinite().all()) for one in features.values())
    assert bool(network(small, ["conv2_2"])["conv2_2"].isnan().any())


def test_no_layers_are_no_work(random_weights: Weights) -> None:
    assert VGG(with_nan(random_weights, *LAYERS))(image(1, 1), ()) == {}


def test_gray_is_the_same_in_three_channels(random_weights: Weights) -> None:
    network = VGG(random_weights)
    gray = image(33, 24)[:, :1]
    layers = ["conv1_1", "conv3_1"]
    single, triple = network(gray, layers), network(gray.repeat(1, 3, 1, 1), layers)
    for layer in layers:
        torch.testing.assert_close(single[layer], triple[layer], rtol=1e-6, atol=1e-4)


@pytest.mark.parametrize(
    ("pool", "gain"), [("max", 1), ("average", AVERAGE_GAIN), ("average-plain", 1)]
)
def test_pools_of_two_by_two(random_weights: Weights, pool: Pool, gain: float) -> None:
    features = VGG(random_weights, pool=pool)(image(17, 22), ["conv1_2", "conv2_1"])
    even = features["conv1_2"][:, :16].unflatten(2, (11, 2)).unflatten(1, (8, 2))
    smaller = even.amax((2, 4)) if pool == "max" else even.mean((2, 4)) * gain
    kernel, bias = random_weights.kernels["conv2_1"]
    expected = functional.conv2d(smaller[None], kernel, bias, padding=1).relu()[0]
    assert relative_distance(features["conv2_1"], expected) < 1e-5


def test_average_is_average_plain_times_the_gain(random_weights: Weights) -> None:
    # The random weights have no biases: a gain goes through to the features.
    plain, gained = (
        VGG(random_weights, pool=pool)(image(16, 16), ["conv1_2", "conv2_1", "conv3_1"])
        for pool in ("average-plain", "average")
    )
    torch.testing.assert_close(gained["conv1_2"], plain["conv1_2"])
    for layer, gain in (("conv2_1", AVERAGE_GAIN), ("conv3_1", AVERAGE_GAIN**2)):
        assert relative_distance(gained[layer], gain * plain[layer]) < 1e-5


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
        assert relative_distance(zeros[:, edge], replicate[:, edge]) > 0.01
        assert relative_distance(zeros[:, :, edge], replicate[:, :, edge]) > 0.01


def test_replicate_draws_no_frame_on_a_plain_image(random_weights: Weights) -> None:
    plain = torch.tensor((200.0, 90.0, 30.0)).view(1, 3, 1, 1).expand(1, 3, 9, 11)
    zeros, replicate = (
        VGG(random_weights, padding=padding)(plain, ["conv1_1"])["conv1_1"]
        for padding in ("zeros", "replicate")
    )
    middle = replicate[:, 4:5, 5:6]
    torch.testing.assert_close(replicate, middle.expand_as(replicate))
    assert relative_distance(zeros, middle.expand_as(zeros)) > 0.01


def test_minimum_side(thin_weights: Weights) -> None:
    network = VGG(thin_weights)
    cases: list[tuple[tuple[str, ...], int]] = [
        ((), 1),
        (("conv1_2",), 1),
        (("conv2_1",), 2),
        (("conv1_1", "conv4_2", "conv3_1"), 8),
        (("conv5_4",), 16),
    ]
    for layers, side in cases:
        assert minimum_side(layers) == side
        assert network(image(side, side), layers).keys() == set(layers)
        if side > 1:
            with pytest.raises(RuntimeError):
                network(image(side, side - 1), layers)


def test_multiplications_per_pixel(
    thin_weights: Weights, random_weights: Weights, compact_weights: Weights
) -> None:
    """All up to the deepest layer, a quarter as many after each pooling."""
    network = VGG(thin_weights)
    for layers in ((), ("conv1_1",), ("conv4_2", "conv2_1"), LAYERS):
        end = max((LAYERS.index(layer) + 1 for layer in layers), default=0)
        expected = sum(
            thin_weights.kernels[layer][0].numel() / 4 ** (int(layer[4]) - 1)
            for layer in LAYERS[:end]
        )
        for names in (layers, reversed(layers)):
            cost = network.multiplications_per_pixel(names)
            assert cost == pytest.approx(expected, rel=1e-12)
    # The compact network's own filters count, not those that it stands for.
    small, large = (
        VGG(weights).multiplications_per_pixel(["conv5_1"])
        for weights in (compact_weights, random_weights)
    )
    assert small < large / 100


def test_an_unknown_layer_is_refused() -> None:
    for network in ("vgg19", "vgg19-normalised"):
        check_layers(network, LAYERS, "style-layer")
        with pytest.raises(UsageError, match=rf"--style-layer: {network} .*'conv4_2'"):
            check_layers(network, ["conv1_1", "conv42"], "style-layer")
    with pytest.raises(UsageError, match="vgg11 has no 'conv1_2'"):
        check_layers("vgg11", ["conv1_2"], "content-layer")


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
    vgg = VGG(weights_of(network))
    assert vgg.name == network
    assert vgg.layers == layer_names(network)
    assert len(vgg.layers) == convolutions
    assert set(vgg.layers) <= set(LAYERS)
    layers = ["conv1_1", "conv2_1", "conv3_1", "conv4_1", "conv4_2", "conv5_1"]
    features = vgg(image(35, 48), layers)
    assert [tuple(features[layer].shape) for layer in layers] == [
        (64, 35, 48),
        (128, 17, 24),
        (256, 8, 12),
        (512, 4, 6),
        (512, 4, 6),
        (512, 2, 3),
    ]
    for tensor in features.values():
        assert bool(tensor.isfinite().all())
        assert float(tensor.max()) > 0
