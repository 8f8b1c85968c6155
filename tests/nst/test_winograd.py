"""Winograd's convolutions, compared with direct ones in float64."""

import pytest
import torch
from torch import Tensor
from torch.nn import functional

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


def test_many_channels_lose_no_more() -> None:
    image, kernel = noise(1, 256, 44, 48).relu(), noise(256, 256, 3, 3, seed=1)
    bias = torch.zeros(256)
    exact = functional.conv2d(image.double(), kernel.double(), padding=1)
    result = convolve(image, WinogradKernel(kernel), bias)
    assert relative_error(result, exact) < 1e-5


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


def test_other_types_and_few_channels_are_left_to_torch() -> None:
    large = noise(1, 256, 64, 64)
    for kernel in (
        noise(256, 256, 3, 3).double(),
        noise(256, 256, 3, 3).bfloat16(),
        noise(64, 64, 3, 3),
    ):
        assert not is_faster(large, kernel)
        assert count_bytes(kernel) == 0


def test_counted_bytes_are_those_taken() -> None:
    kernel = noise(256, 128, 3, 3)
    if not is_faster(noise(1, 128, 64, 64), kernel):
        pytest.skip("this processor's convolutions are not by oneDNN")
    made = WinogradKernel(kernel)
    assert made.forward.nbytes == made.backward.nbytes == count_bytes(kernel)
