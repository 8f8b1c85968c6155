"""Convolutions of size 3 × 3 with fewer multiplications: Winograd's F(4×4, 3×3).

A tile of 4 × 4 outputs takes 36 multiplications per pair of channels instead of 144:
Y = Aᵀ [(G g Gᵀ) ⊙ (Bᵀ d B)] A for a kernel g and the 6 × 6 inputs d, as in Lavin and
Gray, "Fast algorithms for convolutional neural networks" (2016), section 4.3. Results
differ from an exact convolution's by 2·10⁻⁶ of their size in float32, and by 1.2% in
bfloat16 (a direct one's by 0.2%), with which L-BFGS gets as far in 40 iterations.

Tiles are transformed by matrix products, and multiplied by a 1 × 1 convolution in 36
groups, all by torch. Measured (``docs/benchmarks.md``): 1.5 times as fast as oneDNN's
direct convolution for 256 or 512 channels, in either precision.
"""

from functools import cached_property
from math import sqrt
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from artist_nst.nst.precision import has_amx
from artist_nst.nst.products import has_onednn


def _square(*rows: tuple[float, ...]) -> Tensor:
    """Return M ⊗ M, by which M x Mᵀ of a matrix x is one product."""
    matrix = torch.tensor(rows, dtype=torch.float64)
    return torch.kron(matrix, matrix).float()


# Bᵀ, G and Aᵀ for the points 0, ±1/√2, ±√2 and ∞: in bfloat16 half the error of Lavin
# and Gray's 0, ±1, ±2 and ∞.
_SMALL, _LARGE = 1 / sqrt(2), sqrt(2)
_INPUT_TRANSFORM = _square(
    (1, 0, -5 / 2, 0, 1, 0),
    (0, -_LARGE, -2, _SMALL, 1, 0),
    (0, _LARGE, -2, -_SMALL, 1, 0),
    (0, -_SMALL, -1 / 2, _LARGE, 1, 0),
    (0, _SMALL, -1 / 2, -_LARGE, 1, 0),
    (0, 1, 0, -5 / 2, 0, 1),
)
_KERNEL_TRANSFORM = _square(
    (1, 0, 0),
    (-2 / 3, -2 / 3 * _SMALL, -1 / 3),
    (-2 / 3, 2 / 3 * _SMALL, -1 / 3),
    (1 / 6, 1 / 6 * _LARGE, 1 / 3),
    (1 / 6, -1 / 6 * _LARGE, 1 / 3),
    (0, 0, 1),
)
_OUTPUT_TRANSFORM = _square(
    (1, 1, 1, 1, 1, 0),
    (0, _SMALL, -_SMALL, _LARGE, -_LARGE, 0),
    (0, 1 / 2, 1 / 2, 2, 2, 0),
    (0, _SMALL / 2, -_SMALL / 2, 2 * _LARGE, -2 * _LARGE, 1),
)
_TILE, _INPUTS = 4, 6
_PLANES = _INPUTS**2

# Below, transforms take longer than they save: pairs of channels, and tiles.
_MIN_CHANNEL_PAIRS = 128 * 256
_MIN_TILES = 128


class WinogradKernel:
    """A kernel ``(N, C, 3, 3)`` as it is needed, transformed when it is first used.

    Four times the kernel's memory for the convolution, and again for its gradient.

    Args:
        kernel: In float32, so that it is rounded only once.
        dtype: Of the convolution.
    """

    def __init__(self, kernel: Tensor, dtype: torch.dtype = torch.float32) -> None:
        self.kernel = kernel
        self.dtype = dtype

    @cached_property
    def forward(self) -> Tensor:
        """G g Gᵀ ``(36 N, C, 1, 1)``."""
        return _transform_kernel(self.kernel, self.dtype)

    @cached_property
    def backward(self) -> Tensor:
        """The same of the turned kernel from N to C channels ``(36 C, N, 1, 1)``."""
        turned = self.kernel.flip(2, 3).transpose(0, 1)
        return _transform_kernel(turned, self.dtype)


def is_faster(image: Tensor, kernel: Tensor) -> bool:
    """Return whether Winograd is faster for ``(1, C, H, W)`` and ``(N, C, 3, 3)``."""
    rows, columns = _count_tiles(image)
    return rows * columns >= _MIN_TILES and _may_be_faster(kernel, image.dtype)


def count_bytes(kernel: Tensor, dtype: torch.dtype) -> int:
    """Count the bytes of a kernel as it is needed for one direction; 0 if never."""
    filters, channels = kernel.shape[:2]
    size = _PLANES * filters * channels * dtype.itemsize
    return size if _may_be_faster(kernel, dtype) else 0


def convolve(image: Tensor, kernel: WinogradKernel, bias: Tensor) -> Tensor:
    """Convolve ``(1, C, H, W)``, padded with a zero on each side, to ``(1, N, H, W)``.

    In the kernel's type, with channels last, as the result. Gradients are those of the
    image only.
    """
    result: Tensor = _Convolution.apply(image, kernel, bias)
    return result


class _Convolution(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, image: Tensor, kernel: WinogradKernel, bias: Tensor
    ) -> Tensor:
        ctx.kernel = kernel
        return _convolve(image, kernel.forward, bias)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None, None]:
        return _convolve(gradients[0], ctx.kernel.backward), None, None


def _convolve(image: Tensor, kernel: Tensor, bias: Tensor | None = None) -> Tensor:
    channels, height, width = image.shape[1:]
    filters = len(kernel) // _PLANES
    rows, columns = _count_tiles(image)
    padded = image.new_zeros(rows * _TILE + 2, columns * _TILE + 2, channels)
    padded[1 : height + 1, 1 : width + 1] = image[0].permute(1, 2, 0)
    down, across, _ = padded.stride()
    # Overlapping tiles.
    tiles = padded.as_strided(
        (rows, columns, _INPUTS, _INPUTS, channels),
        (_TILE * down, _TILE * across, down, across, 1),
    ).reshape(rows * columns, _PLANES, channels)
    inputs = _INPUT_TRANSFORM.to(image.dtype) @ tiles
    planes = inputs.view(1, 1, rows * columns, -1).permute(0, 3, 1, 2)
    products = functional.conv2d(planes, kernel, groups=_PLANES)[0, :, 0].T
    outputs = _OUTPUT_TRANSFORM.to(image.dtype) @ products.reshape(-1, _PLANES, filters)
    result = torch.empty(
        (1, filters, rows * _TILE, columns * _TILE),
        dtype=image.dtype,
        memory_format=torch.channels_last,
    )
    # The result with its tiles in order.
    placed = result[0].permute(1, 2, 0).view(rows, _TILE, columns, _TILE, filters)
    ordered = outputs.view(rows, columns, _TILE, _TILE, filters).transpose(1, 2)
    if bias is None:
        placed.copy_(ordered)
    else:
        torch.add(ordered, bias, out=placed)
    if result.shape[-2:] == (height, width):
        return result
    # A copy: what a function of autograd returns may not be a view.
    return result[..., :height, :width].clone(memory_format=torch.channels_last)


def _transform_kernel(kernel: Tensor, dtype: torch.dtype) -> Tensor:
    """G g Gᵀ of ``(N, C, 3, 3)`` as a kernel of 36 groups, ``(36 N, C, 1, 1)``."""
    filters, channels = kernel.shape[:2]
    flat = kernel.permute(2, 3, 0, 1).reshape(9, filters * channels)
    planes = (_KERNEL_TRANSFORM @ flat).to(dtype).view(-1, 1, 1, channels)
    return planes.permute(0, 3, 1, 2)


def _may_be_faster(kernel: Tensor, dtype: torch.dtype) -> bool:
    """Return whether it is for images that are large enough."""
    filters, channels = kernel.shape[:2]
    if filters * channels < _MIN_CHANNEL_PAIRS or not has_onednn(kernel.device):
        return False
    # With AMX products are so fast that the transforms would take longer.
    return dtype == torch.float32 or (dtype == torch.bfloat16 and not has_amx())


def _count_tiles(image: Tensor) -> tuple[int, int]:
    """Count the tiles that cover an image, in rows and columns."""
    height, width = image.shape[-2:]
    return -(-height // _TILE), -(-width // _TILE)
