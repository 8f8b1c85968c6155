"""bfloat16: near float32, with Gram matrices and losses that are float32."""

import platform
from collections.abc import Iterator
from dataclasses import replace

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from artist_nst.errors import UsageError
from artist_nst.nst import precision
from artist_nst.nst.losses import gram
from artist_nst.nst.neighbors import NeighborFinder
from artist_nst.nst.objective import Objective, Targets, compute_targets
from artist_nst.nst.precision import choose_precision
from artist_nst.nst.vgg import VGG
from artist_nst.nst.weights.checkpoint import Weights
from artist_nst.recipes.published import RECIPES, recipe
from artist_nst.recipes.recipe import Recipe
from tests.nst.conftest import image

CPU = torch.device("cpu")
EACH_RECIPE = pytest.mark.parametrize("name", ["gram", "default"])


class TestChoice:
    @pytest.fixture(autouse=True)
    def no_cache(self) -> Iterator[None]:
        functions = (
            precision.prefers_bfloat16,
            precision.supports_bfloat16,
            precision.has_amx,
        )
        for function in functions:
            function.cache_clear()
        yield
        for function in functions:
            function.cache_clear()

    @pytest.mark.parametrize("name", ["float32", "bfloat16"])
    def test_the_requested_one(self, name: precision.Precision) -> None:
        assert choose_precision(name, CPU) == name

    @pytest.mark.parametrize(
        ("vendor", "instructions", "expected"),
        [
            ("AuthenticAMD", {"avx512_bf16"}, "bfloat16"),
            ("AuthenticAMD", {"avx512f"}, "float32"),
            ("GenuineIntel", {"avx512_bf16"}, "float32"),
            ("GenuineIntel", {"avx512_bf16", "amx_bf16"}, "bfloat16"),
            ("", set(), "float32"),
        ],
    )
    def test_auto_goes_by_the_processor(
        self,
        vendor: str,
        instructions: set[str],
        expected: str,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        processor = vendor, instructions
        monkeypatch.setattr(precision, "_identify_processor", lambda: processor)
        monkeypatch.setattr(
            torch.ops.mkldnn, "_is_mkldnn_bf16_supported", lambda: True, raising=False
        )
        monkeypatch.setattr(torch.backends.mkldnn, "is_available", lambda: True)
        assert choose_precision("auto", CPU) == expected

    def test_auto_is_float32_on_mps_and_without_mkldnn(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        assert choose_precision("auto", torch.device("mps")) == "float32"
        monkeypatch.setattr(torch.backends.mkldnn, "is_available", lambda: False)
        assert choose_precision("auto", CPU) == "float32"

    def test_the_processor_is_read(self) -> None:
        vendor, instructions = precision._identify_processor()
        if platform.system() == "Linux" and platform.machine() == "x86_64":
            assert vendor
            assert "sse2" in instructions

    def test_an_unknown_one(self) -> None:
        with pytest.raises(UsageError, match=r"--precision.*'bfloat16'"):
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
    def test_of_bfloat16_is_float32(self) -> None:
        source = torch.Generator().manual_seed(0)
        for positions in ((3, 5), (32, 32), (50, 67)):
            features = torch.rand((6, *positions), generator=source).bfloat16()
            result, exact = gram(features), gram(features.double())
            assert result.dtype == torch.float32
            # A sum of thousands in eight bits would be off by percents.
            assert float((result - exact).abs().max()) < 4e-3 * float(exact.max())
            assert float(result.double().sum() / exact.sum()) == pytest.approx(1, 1e-3)

    def test_its_gradient(self) -> None:
        source = torch.Generator().manual_seed(0)
        features = torch.rand((4, 3, 5), generator=source, dtype=torch.float64)
        assert torch.autograd.gradcheck(gram, features.requires_grad_())

    def test_its_gradient_in_bfloat16(self) -> None:
        source = torch.Generator().manual_seed(0)
        exact = torch.rand((4, 30, 50), generator=source).bfloat16().requires_grad_()
        fine = exact.detach().double().requires_grad_()
        weights = torch.rand((4, 4), generator=source)
        (gradient,) = torch.autograd.grad((gram(exact) * weights).sum(), exact)
        (expected,) = torch.autograd.grad((gram(fine) * weights.double()).sum(), fine)
        assert gradient.dtype == torch.bfloat16
        assert float((gradient - expected).norm()) < 0.01 * float(expected.norm())


def cosine(first: Tensor, second: Tensor) -> float:
    return float(functional.cosine_similarity(first.ravel(), second.ravel(), 0))


def make_targets(
    network: VGG, settings: Recipe, photo: Tensor, style: Tensor
) -> Targets:
    targets = compute_targets(network, settings, photo, [(style, 1.0)])
    if layers := [*settings.neighbor_weights]:
        neighbors = NeighborFinder(network, layers, [style]).find(photo)
        targets = targets.with_neighbors([neighbors])
    return targets


@pytest.mark.parametrize("channels", [3, 1])
@EACH_RECIPE
def test_losses_and_gradient_are_near(
    thin_weights: Weights, channels: int, name: str
) -> None:
    network, settings = VGG(thin_weights), recipe(name, tv=0.003)
    photo, style, candidate = (
        one[:, :channels] for one in (image(48, 64), image(40, 40, 2), image(48, 64, 3))
    )
    targets = make_targets(network, settings, photo, style)
    expected, expected_gradient = Objective(network, settings, targets)(candidate)
    objective = Objective(network, settings, targets, precision="bfloat16")
    losses, gradient = objective(candidate)
    assert (losses.neighbors > 0) == (name == "default")
    assert losses.neighbors == pytest.approx(expected.neighbors, rel=0.01)
    assert gradient.dtype == torch.float32
    assert losses.total == pytest.approx(expected.total, rel=0.01)
    assert losses.total != expected.total
    assert losses.tv == expected.tv
    assert cosine(gradient, expected_gradient) > 0.9


@pytest.mark.shared
@EACH_RECIPE
def test_of_the_real_network(
    real_weights: Weights, oracle_images: dict[str, Tensor], name: str
) -> None:
    network, settings = VGG(real_weights), RECIPES[name]
    # Parts of them: many processors only emulate bfloat16.
    photo, style, candidate = (one[..., :128, :128] for one in oracle_images.values())
    targets = make_targets(network, settings, photo, style)
    expected, expected_gradient = Objective(network, settings, targets)(candidate)
    objective = Objective(network, settings, targets, precision="bfloat16")
    losses, gradient = objective(candidate)
    assert losses.total == pytest.approx(expected.total, rel=5e-3)
    assert cosine(gradient, expected_gradient) > 0.98
