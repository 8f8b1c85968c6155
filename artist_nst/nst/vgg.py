"""VGG-11/13/16/19 as a feature extractor; layers by the papers' names (conv4_2).

Simonyan and Zisserman, "Very deep convolutional networks for large-scale image
recognition", 2014, in torchvision's definitions (configurations A, B, D, E).
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby

import torch
from torch import Tensor, nn
from torch.nn import functional

from artist_nst.nst.losses import Window, gram, guided_grams
from artist_nst.nst.weights.checkpoint import Weights
from artist_nst.nst.winograd import WinogradKernel, convolve, count_bytes, is_faster
from artist_nst.recipes.recipe import Padding, Pool

# Of the images that the weights were trained on, RGB.
TORCHVISION_MEAN = (0.485, 0.456, 0.406)
TORCHVISION_STD = (0.229, 0.224, 0.225)
OXFORD_MEAN = (123.68, 116.779, 103.939)

# An average is smaller than a maximum; multiplied by this, features of photographs
# keep about the mean activation that max pooling gives: measured on six, 0.8 to 1.2
# of it up to conv4_1, and 0.5 to 0.9 at conv5_1.
AVERAGE_GAIN = 1.35

Kernel = tuple[Tensor, Tensor]
"""Weight and bias."""


@dataclass(frozen=True, slots=True)
class Block:
    """Consecutive layers of one size, and whether pooling follows the last.

    Each output depends on inputs at most ``len(layers)`` rows away.
    """

    layers: tuple[str, ...]
    pooled: bool


class VGG(nn.Module):
    """Feature extractor for named layers, after their ReLU.

    The image's range is always 0–255 and its order RGB: the input convention of the
    weights is folded into the first layer, where that is exact, and one mean is
    subtracted.

    Args:
        weights: Kernels and the input convention they were trained with.
        pool: ``max``; ``average`` (2×2, scaled to max pooling's activations);
            ``average-plain`` (2×2 unscaled: Gatys et al. 2015).
        padding: Of the first layer; ``replicate`` avoids the frame that zeros draw.
        dtype: Of the kernels; float64 for checking gradients.
    """

    mean: Tensor

    def __init__(
        self,
        weights: Weights,
        *,
        pool: Pool = "max",
        padding: Padding = "zeros",
        dtype: torch.dtype = torch.float32,
    ) -> None:
        super().__init__()
        self.name = weights.network
        self.sha256 = weights.sha256
        self.input = weights.input
        self.pool = pool
        self.padding = padding
        mean, kernels = _fold_input_convention(weights)
        self.register_buffer("mean", mean.to(dtype).view(1, 3, 1, 1))
        for layer, (kernel, bias) in kernels.items():
            filters = kernel.to(dtype, memory_format=torch.channels_last)
            self.register_buffer(f"{layer}_weight", filters)
            self.register_buffer(f"{layer}_bias", bias.to(dtype))
        self.layers = tuple(kernels)
        self._filter_counts = {layer: len(bias) for layer, (_, bias) in kernels.items()}
        for layer, root in weights.projection_roots.items():
            self.register_buffer(f"{layer}_root", root.matrix.to(dtype))
            self._filter_counts[layer] = root.filters
        self._projected = frozenset(weights.projection_roots)
        self._low_precision: dict[tuple[str, torch.dtype, torch.device], Kernel] = {}
        self._winograd: dict[tuple[str, torch.dtype], WinogradKernel] = {}

    def forward(
        self, image: Tensor, layers: Iterable[str], dtype: torch.dtype | None = None
    ) -> dict[str, Tensor]:
        """Compute features at ``layers``, and nothing after the deepest of them.

        Args:
            image: ``(1, 3, H, W)`` or ``(1, 1, H, W)`` on 0–255, at least
                :func:`minimum_side` pixels on each side.
            layers: Names of layers.
            dtype: Of the convolutions and of their outputs; bfloat16 is faster where
                the hardware supports it. The kernels' own if not given.

        Returns:
            ``{layer: (N, H_l, W_l)}``, N filters; values are never negative.
        """
        features: dict[str, Tensor] = {}
        layers = set(layers)
        for block in self.blocks(layers):
            outputs, image = self.run_block(block, image, layers, dtype)
            features.update(outputs)
        return features

    def blocks(self, layers: Iterable[str]) -> list[Block]:
        """List the blocks to run for ``layers``, in order."""
        last = max((self.layers.index(layer) for layer in set(layers)), default=-1)
        groups = groupby(self.layers[: last + 1], key=lambda layer: layer[4])
        blocks = [tuple(group) for _, group in groups]
        return [Block(block, block is not blocks[-1]) for block in blocks]

    def run_block(
        self,
        block: Block,
        x: Tensor,
        layers: Collection[str],
        dtype: torch.dtype | None = None,
        rows: slice = slice(None),
    ) -> tuple[dict[str, Tensor], Tensor]:
        """Compute the features of one block, and the next block's input.

        Args:
            block: From :meth:`blocks`.
            x: The image for the first block, else the previous block's output.
            layers: Where to take features, if they are in this block.
            dtype: As in :meth:`forward`.
            rows: Which of ``x``'s rows to return results for; the others only serve as
                their surroundings.
        """
        features: dict[str, Tensor] = {}
        for layer in block.layers:
            x = self._convolve(layer, x, dtype).relu_()
            if layer in layers:
                features[layer] = x[..., rows, :].squeeze(0)
        x = x[..., rows, :]
        return features, self._apply_pool(x) if block.pooled else x

    def filter_count(self, layer: str) -> int:
        """Return N, by which losses are scaled; a compact network's is the larger's."""
        return self._filter_counts[layer]

    def project_features(self, layer: str, features: Tensor) -> Tensor:
        """Return what content losses compare of a layer's ``features`` ``(k, H, W)``.

        The features themselves, or R F where they stand in for a larger network's
        (:class:`~artist_nst.nst.weights.checkpoint.ProjectionRoot`).
        """
        if layer not in self._projected:
            return features
        root = self.get_buffer(f"{layer}_root")
        channels_last = features.permute(1, 2, 0).to(root.dtype)
        return (channels_last @ root.T).permute(2, 0, 1)

    def gram(self, layer: str, features: Tensor) -> Tensor:
        """Return what style losses compare: F Fᵀ / M ``(k, k)``, or R F Fᵀ Rᵀ / M."""
        return self._project_gram(layer, gram(features))

    def guided_grams(
        self, layer: str, features: Tensor, windows: Sequence[Window]
    ) -> list[Tensor]:
        """Return the same of each window (:func:`.guided_grams`)."""
        matrices = guided_grams(features, windows)
        return [self._project_gram(layer, matrix) for matrix in matrices]

    def _project_gram(self, layer: str, matrix: Tensor) -> Tensor:
        if layer not in self._projected:
            return matrix
        root = self.get_buffer(f"{layer}_root")
        return root @ matrix @ root.T

    def multiplications_per_pixel(self, layers: Iterable[str]) -> float:
        """Return the cost of computing ``layers``, per pixel of the image."""
        return sum(
            self.get_buffer(f"{layer}_weight").numel() / (1 << 2 * (int(layer[4]) - 1))
            for block in self.blocks(layers)
            for layer in block.layers
        )

    def count_transformed_bytes(
        self, layers: Iterable[str], dtype: torch.dtype | None = None
    ) -> int:
        """Count the bytes that the transformed kernels of ``layers`` may take.

        For features in ``dtype`` (:mod:`artist_nst.nst.winograd`), not their gradients.
        """
        return sum(
            count_bytes(self.get_buffer(f"{layer}_weight"), dtype or self.mean.dtype)
            for block in self.blocks(layers)
            for layer in block.layers
        )

    @property
    def memory_format(self) -> torch.memory_format:
        """How features are stored: channels last, which the fastest kernels need.

        Except on Apple's GPUs, where the gradient of pooling then fails (PyTorch's
        issue 175190).
        """
        is_mps = self.mean.device.type == "mps"
        return torch.contiguous_format if is_mps else torch.channels_last

    def _convolve(self, layer: str, x: Tensor, dtype: torch.dtype | None) -> Tensor:
        weight, bias = self._get_kernel(layer, dtype)
        padding = 1
        if layer == self.layers[0]:
            x = self._prepare_input(x, weight.dtype)
            padding = 0 if self.padding == "replicate" else 1
        elif is_faster(x, weight):
            key = layer, weight.dtype
            if key not in self._winograd:
                kernel = self.get_buffer(f"{layer}_weight")
                self._winograd[key] = WinogradKernel(kernel, weight.dtype)
            return convolve(x, self._winograd[key], bias)
        return functional.conv2d(x, weight, bias, padding=padding)

    def _get_kernel(self, layer: str, dtype: torch.dtype | None) -> Kernel:
        weight = self.get_buffer(f"{layer}_weight")
        bias = self.get_buffer(f"{layer}_bias")
        if dtype in (None, weight.dtype):
            return weight.contiguous(memory_format=self.memory_format), bias
        key = layer, dtype, weight.device
        if key not in self._low_precision:
            rounded = weight.to(dtype)
            if layer == self.layers[0]:
                # Matches the three copies that _prepare_input makes of the image.
                rest = (weight - rounded).to(dtype)
                rounded = torch.cat((rounded, rounded, rest), 1)
            rounded = rounded.contiguous(memory_format=self.memory_format)
            self._low_precision[key] = rounded, bias.to(dtype)
        return self._low_precision[key]

    def _prepare_input(self, image: Tensor, dtype: torch.dtype) -> Tensor:
        """Make the first layer's input: pixels minus the mean, padded if necessary."""
        x = image.expand(-1, 3, -1, -1) - self.mean
        if dtype.itemsize < x.dtype.itemsize:
            # Eight bits hold neither a pixel nor a weight exactly: the rounding errors
            # are extra channels, (x + δx) w + x δw.
            rounded = x.to(dtype)
            rest = (x.detach() - rounded.detach()).to(dtype)
            x = torch.cat((rounded, rest, rounded), 1)
        if self.padding == "replicate":
            # By slices: the gradient of torch's pad() is not deterministic on CUDA.
            x = torch.cat((x[..., :1], x, x[..., -1:]), dim=-1)
            x = torch.cat((x[..., :1, :], x, x[..., -1:, :]), dim=-2)
        return x.contiguous(memory_format=self.memory_format)

    def _apply_pool(self, x: Tensor) -> Tensor:
        if self.pool == "max":
            return functional.max_pool2d(x, 2)
        averages = functional.avg_pool2d(x, 2)
        return averages * AVERAGE_GAIN if self.pool == "average" else averages


def count_positions(layer: str, image: Tensor) -> int:
    """Return M, the number of positions that a layer has for an image ``(…, H, W)``."""
    pools = int(layer[4]) - 1
    # Pooling drops odd rows and columns.
    height, width = (side >> pools for side in image.shape[-2:])
    return height * width


def _fold_input_convention(weights: Weights) -> tuple[Tensor, dict[str, Kernel]]:
    """Return the mean to subtract from RGB 0–255, and kernels for that input."""
    kernel, bias = weights.kernels["conv1_1"]
    # In float64, to round only once, to the network's own dtype.
    if weights.input == "oxford":
        mean = torch.tensor(OXFORD_MEAN, dtype=torch.float64)
        first = kernel.flip(1), bias
    else:
        mean = 255 * torch.tensor(TORCHVISION_MEAN, dtype=torch.float64)
        std = 255 * torch.tensor(TORCHVISION_STD, dtype=torch.float64)
        first = kernel / std.view(1, 3, 1, 1), bias
    return mean, {**weights.kernels, "conv1_1": first}
