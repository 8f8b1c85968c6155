"""The normalized network: a mean activation of one, and no other difference."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import get_args

import pytest
import torch
from torch import Tensor

from artist_nst.nst.normalize import measure_activation_means, normalize_weights
from artist_nst.nst.vgg import VGG
from artist_nst.nst.weights.checkpoint import InputConvention, Weights
from artist_nst.painting import calibration
from artist_nst.recipes.layers import layer_names
from artist_nst.recipes.recipe import Padding, Pool
from tests.nst.conftest import image, read_rgb

LAYERS = layer_names("vgg19")
DEAD = ("conv1_2", 3), ("conv3_1", 0), ("conv4_2", 63), ("conv5_4", 7)


def photographs() -> list[Tensor]:
    """Of three sizes: each counts as much as the others."""
    return [image(48, 64, 1), image(90, 40, 2), image(33, 35, 3)]


@pytest.fixture(scope="module")
def weights(thin_weights: Weights) -> Weights:
    """Random, with a few filters that are never active."""
    kernels = {
        layer: (kernel.clone(), bias.clone())
        for layer, (kernel, bias) in thin_weights.kernels.items()
    }
    for layer, filter in DEAD:
        kernels[layer][1][filter] = -1e6
    return replace(thin_weights, kernels=kernels)


@pytest.fixture(scope="module")
def means(weights: Weights) -> dict[str, Tensor]:
    return measure_activation_means(weights, photographs())


def features(
    weights: Weights, image: Tensor, pool: Pool = "max", padding: Padding = "zeros"
) -> dict[str, Tensor]:
    with torch.no_grad():
        return VGG(weights, pool=pool, padding=padding, dtype=image.dtype)(
            image, LAYERS
        )


def test_means_are_over_positions_then_images(
    weights: Weights, means: dict[str, Tensor]
) -> None:
    assert tuple(means) == LAYERS
    images = [features(weights, one.double()) for one in photographs()]
    for layer, mean in means.items():
        assert mean.dtype == torch.float64
        assert mean.shape == weights.kernels[layer][1].shape
        each = [one[layer].flatten(1).mean(dim=1) for one in images]
        torch.testing.assert_close(mean, torch.stack(each).mean(dim=0))


def test_every_filter_that_is_ever_active_has_a_mean_of_one(
    weights: Weights, means: dict[str, Tensor]
) -> None:
    after = measure_activation_means(normalize_weights(weights, means), photographs())
    dead = set()
    for layer, mean in after.items():
        active = means[layer] > 0
        assert float((mean[active] - 1).abs().max()) < 1e-4, layer
        assert bool(mean[~active].eq(0).all())
        dead |= {(layer, int(filter)) for filter in torch.nonzero(~active)}
    assert set(DEAD) <= dead
    assert len(dead) < 0.05 * sum(map(len, means.values()))
    # Before, they differed as those of a network do.
    before = torch.cat([mean[mean > 0] for mean in means.values()])
    assert before.max() > 10 * before.min()


def check_scaled(
    normalized: dict[str, Tensor],
    plain: dict[str, Tensor],
    means: dict[str, Tensor],
    layers: Sequence[str] = LAYERS,
) -> None:
    """The normalized features are the plain ones, divided by the means.

    Filter by filter in float64, else layer by layer.
    """
    for layer in layers:
        scale = means[layer].where(means[layer] > 0, 1.0).view(-1, 1, 1)
        expected = plain[layer].double() / scale
        dim = (1, 2) if plain[layer].dtype == torch.float64 else None
        difference = (normalized[layer] - expected).norm(dim=dim)
        assert bool((difference <= 1e-4 * expected.norm(dim=dim)).all()), layer


@pytest.mark.parametrize("input", get_args(InputConvention))
@pytest.mark.parametrize("padding", get_args(Padding))
@pytest.mark.parametrize("pool", get_args(Pool))
def test_features_are_the_plain_networks_over_the_means(
    weights: Weights, pool: Pool, padding: Padding, input: InputConvention
) -> None:
    """Also of an image that was not measured, and however it is pooled."""
    weights = replace(weights, input=input)
    means = measure_activation_means(weights, photographs())
    # In float64: the formula is compared, not float32's rounding.
    other = image(50, 61, 9).double()
    plain = features(weights, other, pool, padding)
    scaled = features(normalize_weights(weights, means), other, pool, padding)
    assert scaled.keys() == plain.keys()
    check_scaled(scaled, plain, means)


def test_a_filter_without_activation_is_not_scaled(
    weights: Weights, means: dict[str, Tensor]
) -> None:
    """Another image may activate it; the layers after it then get it unscaled."""
    changed = {layer: mean.clone() for layer, mean in means.items()}
    changed["conv3_1"][5] = 0.0
    other = image(50, 61, 9)
    plain = features(weights, other)
    scaled = features(normalize_weights(weights, changed), other)
    assert float(plain["conv3_1"][5].mean()) > 0.01
    torch.testing.assert_close(
        scaled["conv3_1"][5], plain["conv3_1"][5], rtol=1e-4, atol=1e-5
    )
    check_scaled(scaled, plain, changed, ("conv3_1", "conv3_2", "conv5_1"))
    after = normalize_weights(weights, means)
    for layer, filter in DEAD:
        assert float(means[layer][filter]) == 0
        assert float(after.kernels[layer][1][filter]) == -1e6


def test_only_the_kernels_differ(weights: Weights, means: dict[str, Tensor]) -> None:
    copies = {
        layer: tuple(one.clone() for one in pair)
        for layer, pair in weights.kernels.items()
    }
    normalized = normalize_weights(weights, means)
    for field in ("input", "sha256", "source"):
        assert getattr(normalized, field) == getattr(weights, field)
    assert VGG(normalized).name == normalized.network == "vgg19-normalised"
    assert tuple(normalized.kernels) == tuple(weights.kernels)
    for layer, pair in normalized.kernels.items():
        for tensor, original in zip(pair, weights.kernels[layer], strict=True):
            assert (tensor.dtype, tensor.shape) == (torch.float32, original.shape)
        assert all(map(torch.equal, copies[layer], weights.kernels[layer]))


def test_twice_is_the_same_as_once(weights: Weights, means: dict[str, Tensor]) -> None:
    once = normalize_weights(weights, means)
    twice = normalize_weights(once, measure_activation_means(once, photographs()))
    for layer, (kernel, bias) in twice.kernels.items():
        torch.testing.assert_close(kernel, once.kernels[layer][0], rtol=1e-4, atol=1e-6)
        torch.testing.assert_close(bias, once.kernels[layer][1], rtol=1e-4, atol=1e-6)


@pytest.mark.shared
def test_the_real_network(
    real_weights: Weights, shared: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before, conv4_1 is twenty times as active as conv1_1."""
    monkeypatch.setattr(calibration, "LONG_SIDE", 96)
    photos = list(calibration.load_photographs())
    means = measure_activation_means(real_weights, photos)
    normalized = normalize_weights(real_weights, means)
    # In float64, so that only the rounding of the measured means is left.
    scaled_photos = [features(normalized, photo.double()) for photo in photos]
    for layer in LAYERS:
        each = [one[layer].mean(dim=(1, 2)) for one in scaled_photos]
        active = means[layer] > 0
        assert int(active.sum()) > 0.9 * len(active)
        after = torch.stack(each).mean(dim=0)[active]
        assert float((after - 1).abs().max()) < 1e-4, layer
    assert means["conv4_1"].mean() > 15 * means["conv1_1"].mean()
    # About one on a photograph that was not measured.
    other = read_rgb(shared / "oracles" / "content.png", side=96)
    plain, scaled = features(real_weights, other), features(normalized, other)
    assert plain["conv4_1"].mean() > 15 * plain["conv1_1"].mean()
    layers = "conv1_1", "conv2_1", "conv3_1", "conv4_1", "conv4_2", "conv5_1"
    for layer in layers:
        assert 0.4 < float(scaled[layer].mean()) < 2.5, layer
    check_scaled(scaled, plain, means, layers)
