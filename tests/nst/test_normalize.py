"""The normalised network: every filter as loud as the others, and nothing else new."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from artist_nst.nst.normalize import activation_means, normalized
from artist_nst.nst.vgg import VGG
from artist_nst.nst.weights import InputConvention, Weights, layer_names
from artist_nst.painting import calibration
from artist_nst.recipes.recipe import Padding, Pool
from tests.conftest import picture

LAYERS = layer_names("vgg19")
DEAD = ("conv1_2", 3), ("conv3_1", 0), ("conv4_2", 63), ("conv5_4", 7)


def image(height: int, width: int, seed: int = 0) -> Tensor:
    return torch.from_numpy(picture(height, width, seed)).permute(2, 0, 1)[None].float()


def photograph(path: Path) -> Tensor:
    """A file at 96 × 96 pixels."""
    small = np.array(Image.open(path).convert("RGB").resize((96, 96)))
    return torch.from_numpy(small).permute(2, 0, 1)[None].float()


def photographs() -> list[Tensor]:
    """Of three sizes: each counts as much as the others."""
    return [image(48, 64, 1), image(90, 40, 2), image(33, 35, 3)]


@pytest.fixture(scope="module")
def weights(thin_weights: Weights) -> Weights:
    """Random, with a few filters that nothing wakes."""
    kernels = {
        layer: (kernel.clone(), bias.clone())
        for layer, (kernel, bias) in thin_weights.kernels.items()
    }
    for layer, filter in DEAD:
        kernels[layer][1][filter] = -1e6
    return replace(thin_weights, kernels=kernels)


@pytest.fixture(scope="module")
def means(weights: Weights) -> dict[str, Tensor]:
    return activation_means(weights, photographs())


def seen(
    weights: Weights,
    image: Tensor,
    pool: Pool = "max",
    padding: Padding = "zeros",
) -> dict[str, Tensor]:
    with torch.no_grad():
        return VGG(weights, pool=pool, padding=padding, dtype=image.dtype)(
            image, LAYERS
        )


def test_means_are_over_positions_then_images(
    weights: Weights, means: dict[str, Tensor]
) -> None:
    assert tuple(means) == LAYERS
    images = [seen(weights, one) for one in photographs()]
    for layer, found in means.items():
        assert found.dtype == torch.float64
        assert found.shape == weights.kernels[layer][1].shape
        each = [one[layer].double().flatten(1).mean(dim=1) for one in images]
        torch.testing.assert_close(found, torch.stack(each).mean(dim=0))


def test_every_filter_that_is_ever_active_has_a_mean_of_one(
    weights: Weights, means: dict[str, Tensor]
) -> None:
    after = activation_means(normalized(weights, means), photographs())
    dead = set()
    for layer, found in after.items():
        awake = means[layer] > 0
        assert float((found[awake] - 1).abs().max()) < 1e-4, layer
        assert bool(found[~awake].eq(0).all())
        dead |= {(layer, int(one)) for one in torch.nonzero(~awake)}
    assert set(DEAD) <= dead
    assert len(dead) < 0.05 * sum(map(len, means.values()))
    # Before, they were as unlike as those of a network are.
    loudest, softest = (
        [float(pick(one[one > 0])) for one in means.values()]
        for pick in (torch.max, torch.min)
    )
    assert max(loudest) > 10 * min(softest)


@pytest.mark.parametrize("input", ["torchvision", "oxford"])
@pytest.mark.parametrize("padding", ["zeros", "replicate"])
@pytest.mark.parametrize("pool", ["max", "average", "average-plain"])
def test_features_are_the_plain_networks_over_the_means(
    weights: Weights, pool: Pool, padding: Padding, input: InputConvention
) -> None:
    """Also of an image that nothing was measured on, and however it is pooled."""
    weights = replace(weights, input=input)
    means = activation_means(weights, photographs())
    # In float64: what is compared is the formula, not float32's rounding.
    other = image(50, 61, 9).double()
    plain = seen(weights, other, pool, padding)
    leveled = seen(normalized(weights, means), other, pool, padding)
    assert leveled.keys() == plain.keys()
    for layer, found in leveled.items():
        scale = means[layer].where(means[layer] > 0, 1.0).view(-1, 1, 1)
        expected = plain[layer].double() / scale
        difference = (found - expected).norm(dim=(1, 2))
        assert bool((difference <= 1e-4 * expected.norm(dim=(1, 2))).all()), layer


def test_a_filter_that_slept_is_as_loud_as_it_was(
    weights: Weights, means: dict[str, Tensor]
) -> None:
    """Another image may wake it; and what hears it hears it as before."""
    asleep = {layer: found.clone() for layer, found in means.items()}
    asleep["conv3_1"][5] = 0.0
    other = image(50, 61, 9)
    plain, leveled = seen(weights, other), seen(normalized(weights, asleep), other)
    assert float(plain["conv3_1"][5].mean()) > 0.01
    torch.testing.assert_close(
        leveled["conv3_1"][5], plain["conv3_1"][5], rtol=1e-4, atol=1e-5
    )
    for layer in ("conv3_1", "conv3_2", "conv5_1"):
        scale = asleep[layer].where(asleep[layer] > 0, 1.0).view(-1, 1, 1)
        expected = plain[layer].double() / scale
        assert float((leveled[layer] - expected).norm()) < 1e-4 * expected.norm()


def test_a_sleeping_filter_keeps_its_bias(
    weights: Weights, means: dict[str, Tensor]
) -> None:
    made = normalized(weights, means)
    for layer, filter in DEAD:
        assert float(means[layer][filter]) == 0
        assert float(made.kernels[layer][1][filter]) == -1e6


def test_only_the_kernels_are_others(
    weights: Weights, means: dict[str, Tensor]
) -> None:
    before = {
        layer: tuple(one.clone() for one in pair)
        for layer, pair in weights.kernels.items()
    }
    made = normalized(weights, means)
    assert made.network == "vgg19-normalised"
    assert (made.input, made.sha256, made.source) == (
        weights.input,
        weights.sha256,
        weights.source,
    )
    assert tuple(made.kernels) == tuple(weights.kernels)
    for layer, pair in made.kernels.items():
        for one, kept, original in zip(
            pair, before[layer], weights.kernels[layer], strict=True
        ):
            assert one.dtype == torch.float32
            assert one.shape == kept.shape
            assert torch.equal(kept, original)
    assert VGG(made).name == "vgg19-normalised"


def test_normalised_twice_is_normalised_once(
    weights: Weights, means: dict[str, Tensor]
) -> None:
    once = normalized(weights, means)
    twice = normalized(once, activation_means(once, photographs()))
    for layer, (kernel, bias) in twice.kernels.items():
        torch.testing.assert_close(kernel, once.kernels[layer][0], rtol=1e-4, atol=1e-6)
        torch.testing.assert_close(bias, once.kernels[layer][1], rtol=1e-4, atol=1e-6)


@pytest.mark.shared
def test_the_real_network_is_leveled(
    real_weights: Weights, shared: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As it comes, conv4_1 is twenty times as loud as conv1_1."""
    monkeypatch.setattr(calibration, "LONG_SIDE", 96)
    photos = list(calibration._photographs())
    means = activation_means(real_weights, photos)
    leveled = normalized(real_weights, means)
    # In float64, so that only the rounding of what was measured is left.
    looks = [seen(leveled, photo.double()) for photo in photos]
    for layer in LAYERS:
        found = torch.stack([one[layer].mean(dim=(1, 2)) for one in looks]).mean(dim=0)
        awake = means[layer] > 0
        assert int(awake.sum()) > 0.9 * len(awake)
        assert float((found[awake] - 1).abs().max()) < 1e-4, layer
    loud, soft = float(means["conv4_1"].mean()), float(means["conv1_1"].mean())
    assert loud > 15 * soft
    # Of a photograph that was not measured, about.
    other = photograph(shared / "oracles" / "content.png")
    plain, now = seen(real_weights, other), seen(leveled, other)
    assert plain["conv4_1"].mean() > 15 * plain["conv1_1"].mean()
    for layer in ("conv1_1", "conv2_1", "conv3_1", "conv4_1", "conv4_2", "conv5_1"):
        assert 0.4 < float(now[layer].mean()) < 2.5, layer
        scale = means[layer].where(means[layer] > 0, 1.0).view(-1, 1, 1)
        expected = plain[layer].double() / scale
        assert float((now[layer] - expected).norm()) < 1e-4 * float(expected.norm())
