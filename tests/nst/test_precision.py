"""bfloat16: near float32, with Gram matrices and losses that are float32."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from artist_nst.errors import UsageError
from artist_nst.nst import precision
from artist_nst.nst.losses import gram
from artist_nst.nst.objective import Objective, targets
from artist_nst.nst.precision import choose_precision
from artist_nst.nst.vgg import VGG
from artist_nst.nst.weights import Weights
from artist_nst.recipes.published import RECIPES, recipe
from tests.conftest import picture

CPU = torch.device("cpu")


def image(height: int, width: int, seed: int = 0) -> Tensor:
    rgb = torch.from_numpy(picture(height, width, seed))
    return rgb.permute(2, 0, 1)[None].float()


class TestChoice:
    @pytest.mark.parametrize("name", ["float32", "bfloat16"])
    def test_what_is_asked_for(self, name: precision.Precision) -> None:
        assert choose_precision(name, CPU) == name

    @pytest.mark.parametrize(
        ("gain", "expected"), [(0.1, "float32"), (1.0, "float32"), (1.9, "bfloat16")]
    )
    def test_auto_takes_what_is_faster(
        self, gain: float, expected: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        precision.bfloat16_pays.cache_clear()
        monkeypatch.setattr(precision, "bfloat16_gain", lambda: gain)
        monkeypatch.setattr(
            torch.ops.mkldnn, "_is_mkldnn_bf16_supported", lambda: True, raising=False
        )
        monkeypatch.setattr(torch.backends.mkldnn, "is_available", lambda: True)
        assert choose_precision("auto", CPU) == expected
        precision.bfloat16_pays.cache_clear()

    def test_auto_is_float32_where_it_was_never_tried(self) -> None:
        assert choose_precision("auto", torch.device("mps")) == "float32"

    def test_auto_is_float32_without_the_library_that_is_fast_in_it(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        precision.bfloat16_pays.cache_clear()
        monkeypatch.setattr(torch.backends.mkldnn, "is_available", lambda: False)
        assert choose_precision("auto", CPU) == "float32"
        precision.bfloat16_pays.cache_clear()

    def test_it_is_measured_once(self) -> None:
        assert precision.bfloat16_gain() == precision.bfloat16_gain() > 0

    def test_an_unknown_one(self) -> None:
        with pytest.raises(UsageError, match=r"--precision.*did you mean 'bfloat16'"):
            choose_precision("bfloat", CPU)  # type: ignore[arg-type]


class TestFeatures:
    def test_they_are_near(self, thin_weights: Weights) -> None:
        network, photo = VGG(thin_weights), image(48, 64)
        layers = ("conv1_1", "conv3_1", "conv5_1")
        exact, coarse = network(photo, layers), network(photo, layers, torch.bfloat16)
        for layer in layers:
            assert coarse[layer].dtype == torch.bfloat16
            apart = (coarse[layer].float() - exact[layer]).norm() / exact[layer].norm()
            assert 0 < float(apart) < 0.02, layer

    def test_pixels_are_not_rounded_to_eight_bits(self, thin_weights: Weights) -> None:
        """A grain of 0.3 levels about 200, which bfloat16 would round to none."""
        kernel, bias = thin_weights.kernels["conv1_1"]
        edges = kernel - kernel.mean(dim=(2, 3), keepdim=True)
        kernels = {**thin_weights.kernels, "conv1_1": (edges, torch.zeros_like(bias))}
        network = VGG(replace(thin_weights, kernels=kernels), padding="replicate")
        grain = torch.rand((1, 3, 16, 16), generator=torch.Generator().manual_seed(0))
        photo = 200 + 0.3 * grain
        exact = network(photo, ["conv1_1"])["conv1_1"]
        coarse = network(photo, ["conv1_1"], torch.bfloat16)["conv1_1"].float()
        assert float((coarse - exact).norm()) < 0.02 * float(exact.norm())

    def test_float32_stays_as_it_was(self, thin_weights: Weights) -> None:
        network, photo = VGG(thin_weights), image(16, 16)
        before = network(photo, ["conv2_1"])["conv2_1"]
        network(photo, ["conv2_1"], torch.bfloat16)
        assert torch.equal(network(photo, ["conv2_1"])["conv2_1"], before)


class TestGram:
    @pytest.mark.parametrize("positions", [(3, 5), (32, 32), (50, 67)])
    def test_of_bfloat16_is_float32(self, positions: tuple[int, int]) -> None:
        source = torch.Generator().manual_seed(0)
        features = torch.rand((6, *positions), generator=source).bfloat16()
        found, exact = gram(features), gram(features.double())
        assert found.dtype == torch.float32
        # A sum of thousands in eight bits would be off by parts in a hundred.
        assert float((found - exact).abs().max()) < 4e-3 * float(exact.max())
        apart = float((found.double().sum() - exact.sum()) / exact.sum())
        assert abs(apart) < 1e-3

    def test_its_gradient(self) -> None:
        source = torch.Generator().manual_seed(0)
        features = torch.rand((4, 3, 5), generator=source, dtype=torch.float64)
        assert torch.autograd.gradcheck(gram, features.requires_grad_())

    def test_its_gradient_in_bfloat16(self) -> None:
        source = torch.Generator().manual_seed(0)
        exact = torch.rand((4, 30, 50), generator=source).bfloat16().requires_grad_()
        fine = exact.detach().double().requires_grad_()
        slope = torch.rand((4, 4), generator=source)
        (found,) = torch.autograd.grad((gram(exact) * slope).sum(), exact)
        (expected,) = torch.autograd.grad((gram(fine) * slope.double()).sum(), fine)
        assert found.dtype == torch.bfloat16
        assert float((found - expected).norm()) < 0.01 * float(expected.norm())


@pytest.mark.parametrize("channels", [3, 1])
def test_losses_and_gradient_are_near(thin_weights: Weights, channels: int) -> None:
    network = VGG(thin_weights)
    numbers = recipe(tv=0.003)
    photo, candidate = image(48, 64)[:, :channels], image(48, 64, 3)[:, :channels]
    wanted = targets(network, numbers, photo, [(image(40, 40, 2)[:, :channels], 1.0)])
    exact, slope = Objective(network, numbers, wanted)(candidate)
    coarse = Objective(network, numbers, wanted, precision="bfloat16")
    found, gradient = coarse(candidate)
    assert gradient.dtype == torch.float32
    assert found.total == pytest.approx(exact.total, rel=0.01)
    assert found.total != exact.total
    assert found.tv == exact.tv
    alike = torch.nn.functional.cosine_similarity(gradient.ravel(), slope.ravel(), 0)
    assert float(alike) > 0.9


@pytest.mark.shared
def test_of_the_real_network(real_weights: Weights, shared: Path) -> None:
    network, numbers = VGG(real_weights), RECIPES["default"]

    def load(name: str) -> Tensor:
        rgb = np.array(Image.open(shared / "oracles" / f"{name}.png").convert("RGB"))
        return torch.from_numpy(rgb).permute(2, 0, 1)[None].float()

    wanted = targets(network, numbers, load("content"), [(load("style"), 1.0)])
    exact, slope = Objective(network, numbers, wanted)(load("candidate"))
    coarse = Objective(network, numbers, wanted, precision="bfloat16")
    found, gradient = coarse(load("candidate"))
    assert found.total == pytest.approx(exact.total, rel=5e-3)
    alike = torch.nn.functional.cosine_similarity(gradient.ravel(), slope.ravel(), 0)
    assert float(alike) > 0.98
