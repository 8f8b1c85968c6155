"""Winograd's convolutions, compared with direct ones in float64."""

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from artist_nst.nst import winograd
from artist_nst.nst.winograd import (
    WinogradKernel,
    convolve,
    count_bytes,
    is_faster,
)

CHANNELS_LAST = torch.channels_last


def noise(*shape: int, seed: int = 0) -> Tensor:
    source = torch.Generator().manual_seed(seed)
    values = torch.randn(shape, generator=source)
    return values.contiguous(memory_format=CHANNELS_LAST)


def relative_error(result: Tensor, exact: Tensor) -> float:
    return float((result.detach().double() - exact).norm() / exact.norm())


@pytest.mark.parametrize("size", [(8, 12), (9, 12), (8, 11), (10, 7), (1, 1), (4, 5)])
@pytest.mark.parametrize("channels", [(3, 5), (6, 2)])
def test_outputs_and_gradients(
    size: tuple[int, int], channels: tuple[int, int]
) -> None:
    inputs, outputs = channels
    image = noise(1, inputs, *size).requires_grad_()
    kernel, bias = (
        noise(outputs, inputs, 3, 3, seed=1),
        noise(1, outputs, 1, 1)[0, :, 0, 0],
    )
    exact_image = image.detach().double().requires_grad_()
    exact = functional.conv2d(exact_image, kernel.double(), bias.double(), padding=1)
    result = convolve(image, WinogradKernel(kernel), bias)
    assert result.shape == exact.shape
    assert result.is_contiguous(memory_format=CHANNELS_LAST)
    assert relative_error(result, exact) < 1e-5

    slope = noise(*exact.shape, seed=2)
    (gradient,) = torch.autograd.grad(result, image, slope)
    (exact_gradient,) = torch.autograd.grad(exact, exact_image, slope.double())
    assert gradient.is_contiguous(memory_format=CHANNELS_LAST)
    assert relative_error(gradient, exact_gradient) < 1e-5


@pytest.mark.parametrize(
    ("dtype", "error"), [(torch.float32, 5e-6), (torch.bfloat16, 0.015)]
)
def test_many_channels_lose_no_more(dtype: torch.dtype, error: float) -> None:
    image, kernel = noise(1, 256, 44, 48).relu().to(dtype), noise(128, 256, 3, 3)
    image.requires_grad_()
    bias = torch.ones(128, dtype=dtype)
    exact_image = image.detach().double().requires_grad_()
    exact = functional.conv2d(exact_image, kernel.double(), bias.double(), padding=1)
    result = convolve(image, WinogradKernel(kernel, dtype), bias)
    assert result.dtype == dtype
    assert relative_error(result, exact) < error

    slope = noise(*exact.shape, seed=2)
    (gradient,) = torch.autograd.grad(result, image, slope.to(dtype))
    (exact_gradient,) = torch.autograd.grad(exact, exact_image, slope.double())
    assert relative_error(gradient, exact_gradient) < error


def test_the_output_may_be_modified() -> None:
    """As ``relu_`` does, also where tiles reach beyond the image."""
    for width in (8, 9):
        image = noise(1, 2, 9, width).requires_grad_()
        kernel, bias = noise(2, 2, 3, 3, seed=1), torch.ones(2)
        result = convolve(image, WinogradKernel(kernel), bias).relu_()
        direct = functional.conv2d(image, kernel, bias, padding=1).relu()
        assert torch.allclose(result, direct, atol=1e-4)
        (gradient,) = torch.autograd.grad(result.sum(), image)
        (expected,) = torch.autograd.grad(direct.sum(), image)
        assert torch.allclose(gradient, expected, atol=1e-4)


def test_float64_few_channels_and_amx_are_left_to_torch(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(winograd, "has_amx", lambda: True)
    large, kernel = noise(1, 256, 64, 64), noise(256, 256, 3, 3)
    for dtype in (torch.float64, torch.bfloat16):
        assert not is_faster(large.to(dtype), kernel)
        assert count_bytes(kernel, dtype) == 0
    assert not is_faster(large[:, :64], noise(64, 64, 3, 3))
    assert count_bytes(noise(64, 64, 3, 3), torch.float32) == 0


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_counted_bytes_are_those_taken(dtype: torch.dtype) -> None:
    kernel = noise(256, 128, 3, 3)
    if not is_faster(noise(1, 128, 64, 64).to(dtype), kernel):
        pytest.skip("this processor's convolutions are faster, or not by oneDNN")
    made = WinogradKernel(kernel, dtype)
    expected = count_bytes(kernel, dtype)
    assert made.forward.nbytes == made.backward.nbytes == expected
