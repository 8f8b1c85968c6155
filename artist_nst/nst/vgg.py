"""VGG-11/13/16/19 as a feature extractor; layers by the papers' names (conv4_2).

Simonyan and Zisserman, "Very deep convolutional networks for large-scale image
recognition", 2014, in torchvision's definitions (configurations A, B, D, E).
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from itertools import groupby

import torch
from torch import Tensor, nn
from torch.nn import functional

from artist_nst.errors import UsageError, nearest
from artist_nst.nst.losses import gram
from artist_nst.nst.weights import Weights, layer_names
from artist_nst.recipes.recipe import Network, Padding, Pool

# Of the images the weights were trained on, RGB.
TORCHVISION_MEAN = (0.485, 0.456, 0.406)
TORCHVISION_STD = (0.229, 0.224, 0.225)
OXFORD_MEAN = (123.68, 116.779, 103.939)

# An average is smaller than a maximum; multiplied by this, features of photographs
# keep about the mean activation that max pooling gives: measured on six, 0.8 to 1.2
# of it up to conv4_1, and 0.5 to 0.9 at conv5_1.
AVERAGE_GAIN = 1.35

Kernel = tuple[Tensor, Tensor]


@dataclass(frozen=True, slots=True)
class Part:
    """Neighboring layers of one size, and whether they are pooled after the last.

    Each output depends on inputs at most ``len(layers)`` rows away.
    """

    layers: tuple[str, ...]
    pooled: bool


class VGG(nn.Module):
    """Features of an image at named layers, after their ReLU.

    Args:
        weights: kernels and the input they were trained on.
        pool: ``max``; ``average`` (2×2, scaled to max pooling's activations);
            ``average-plain`` (2×2 as it is: Gatys et al. 2015).
        padding: of the first layer; ``replicate`` avoids the frame that zeros draw.
        dtype: of the kernels; float64 for checking gradients.

    The image's range is always 0–255 and its order RGB: what the weights expect is
    folded into the first layer, where that is exact, and one mean is subtracted.
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
        mean, kernels = _for_rgb_255(weights)
        self.register_buffer("mean", mean.to(dtype).view(1, 3, 1, 1))
        for layer, (kernel, bias) in kernels.items():
            filters = kernel.to(dtype, memory_format=torch.channels_last)
            self.register_buffer(f"{layer}_weight", filters)
            self.register_buffer(f"{layer}_bias", bias.to(dtype))
        self.layers = tuple(kernels)
        self._filters = {layer: len(bias) for layer, (_, bias) in kernels.items()}
        for layer, metric in weights.metrics.items():
            self.register_buffer(f"{layer}_root", metric.root.to(dtype))
            self._filters[layer] = metric.filters
        self._small = frozenset(weights.metrics)
        self._coarse: dict[tuple[str, torch.dtype, torch.device], Kernel] = {}

    def forward(
        self, image: Tensor, layers: Iterable[str], dtype: torch.dtype | None = None
    ) -> dict[str, Tensor]:
        """Features at ``layers``; nothing after the deepest of them is computed.

        Args:
            image: ``(1, 3, H, W)`` or ``(1, 1, H, W)`` on 0–255, at least
                :func:`minimum_side` pixels on each side.
            dtype: of the convolutions and of what they give; bfloat16 is faster where
                the machine knows it. The kernels' own if not given.

        Returns:
            ``{layer: (N, H_l, W_l)}``, N filters; values are never negative.
        """
        features: dict[str, Tensor] = {}
        x, wanted = image, set(layers)
        for part in self.parts(wanted):
            found, x = self.run(part, x, wanted, dtype)
            features.update(found)
        return features

    def parts(self, layers: Iterable[str]) -> list[Part]:
        """What has to be run for ``layers``, in order."""
        wanted = set(layers)
        last = max((self.layers.index(layer) for layer in wanted), default=-1)
        blocks = groupby(self.layers[: last + 1], key=lambda layer: layer[4])
        found = [tuple(block) for _, block in blocks]
        return [Part(block, block is not found[-1]) for block in found]

    def run(
        self,
        part: Part,
        x: Tensor,
        layers: Collection[str],
        dtype: torch.dtype | None = None,
        rows: slice = slice(None),
    ) -> tuple[dict[str, Tensor], Tensor]:
        """One part: those of ``layers`` that are in it, and what the next part gets.

        Args:
            x: the image for the first part, else what the part before gave.
            rows: which of ``x``'s rows are wanted of the results; the others are there
                for what the wanted ones see of them.
        """
        features: dict[str, Tensor] = {}
        for layer in part.layers:
            weight, bias = self._kernel(layer, dtype)
            if layer == self.layers[0]:
                x = self._entered(x, weight.dtype)
            x = functional.conv2d(x, weight, bias, padding=self._pad(layer)).relu_()
            if layer in layers:
                features[layer] = x[..., rows, :].squeeze(0)
        x = x[..., rows, :]
        return features, self._pooled(x) if part.pooled else x

    def filters(self, layer: str) -> int:
        """N: how many features the losses take a layer to have; those of the larger
        network, where this one stands in for it."""
        return self._filters[layer]

    def compared(self, layer: str, features: Tensor) -> Tensor:
        """What content losses compare of a layer's ``features`` ``(k, H, W)``: these,
        or R F in place of a larger network's (:class:`Metric`)."""
        if layer not in self._small:
            return features
        root = self.get_buffer(f"{layer}_root")
        along = features.permute(1, 2, 0).to(root.dtype)
        return (along @ root.T).permute(2, 0, 1)

    def gram(self, layer: str, features: Tensor) -> Tensor:
        """What style losses compare: F Fᵀ / M, ``(k, k)``, or R F Fᵀ Rᵀ / M in place
        of a larger network's."""
        own = gram(features)
        if layer not in self._small:
            return own
        root = self.get_buffer(f"{layer}_root")
        return root @ own @ root.T

    def cost(self, layers: Iterable[str]) -> float:
        """Multiplications per pixel of an image, to see it at ``layers``."""
        there = (layer for part in self.parts(layers) for layer in part.layers)
        return sum(
            self.get_buffer(f"{layer}_weight").numel() / (1 << 2 * (int(layer[4]) - 1))
            for layer in there
        )

    @property
    def layout(self) -> torch.memory_format:
        """How features lie in memory: channels last, which the fastest kernels want.
        Not on Apple's GPUs, where the gradient of pooling fails then (PyTorch's issue
        175190)."""
        if self.mean.device.type == "mps":
            return torch.contiguous_format
        return torch.channels_last

    def _kernel(self, layer: str, dtype: torch.dtype | None) -> Kernel:
        weight = self.get_buffer(f"{layer}_weight")
        bias = self.get_buffer(f"{layer}_bias")
        if dtype in (None, weight.dtype):
            return weight.contiguous(memory_format=self.layout), bias
        key = layer, dtype, weight.device
        if key not in self._coarse:
            coarse = weight.to(dtype)
            if layer == self.layers[0]:
                # For what _entered makes of the image.
                coarse = torch.cat((coarse, coarse, (weight - coarse).to(dtype)), 1)
            coarse = coarse.contiguous(memory_format=self.layout)
            self._coarse[key] = coarse, bias.to(dtype)
        return self._coarse[key]

    def _entered(self, image: Tensor, dtype: torch.dtype) -> Tensor:
        """What the first layer hears of the image: its pixels less the mean, framed."""
        x = image.expand(-1, 3, -1, -1) - self.mean
        if dtype.itemsize < x.dtype.itemsize:
            # Eight bits hold neither a pixel nor a weight: what they leave of each
            # goes in beside them, (x + δx) w + x δw.
            coarse = x.to(dtype)
            rest = (x.detach() - coarse.detach()).to(dtype)
            x = torch.cat((coarse, rest, coarse), 1)
        if self.padding == "replicate":
            # By slices: the gradient of pad()'s own is not repeatable on CUDA.
            x = torch.cat((x[..., :1], x, x[..., -1:]), dim=-1)
            x = torch.cat((x[..., :1, :], x, x[..., -1:, :]), dim=-2)
        return x.contiguous(memory_format=self.layout)

    def _pad(self, layer: str) -> int:
        return 0 if layer == self.layers[0] and self.padding == "replicate" else 1

    def _pooled(self, x: Tensor) -> Tensor:
        if self.pool == "max":
            return functional.max_pool2d(x, 2)
        averaged = functional.avg_pool2d(x, 2)
        return averaged * AVERAGE_GAIN if self.pool == "average" else averaged


def minimum_side(layers: Iterable[str]) -> int:
    """The least width and height in pixels of an image that reaches ``layers``."""
    return int(2 ** max((int(layer[4]) - 1 for layer in layers), default=0))


def positions(layer: str, image: Tensor) -> int:
    """M: how many positions ``layer`` has for ``image`` ``(…, H, W)``; pooling drops
    odd rows and columns."""
    pools = int(layer[4]) - 1
    height, width = (side >> pools for side in image.shape[-2:])
    return height * width


def check_layers(network: Network, layers: Iterable[str], option: str) -> None:
    """Raises UsageError, naming ``option``, for a layer that ``network`` lacks."""
    known = layer_names(network)
    for layer in layers:
        if layer not in known:
            hint = nearest(layer, known)
            name = "vgg19" if network == "auto" else network
            raise UsageError(f"--{option}: {name} has no {layer!r}; {hint}")


def _for_rgb_255(weights: Weights) -> tuple[Tensor, dict[str, tuple[Tensor, Tensor]]]:
    """The mean to subtract from RGB 0–255, and the kernels that then fit."""
    kernels = dict(weights.kernels)
    first, bias = kernels["conv1_1"]
    # In float64: rounded once only, to the network's own type.
    if weights.input == "oxford":
        kernels["conv1_1"] = (first.flip(1), bias)
        return torch.tensor(OXFORD_MEAN, dtype=torch.float64), kernels
    std = 255 * torch.tensor(TORCHVISION_STD, dtype=torch.float64).view(1, 3, 1, 1)
    kernels["conv1_1"] = (first / std, bias)
    return 255 * torch.tensor(TORCHVISION_MEAN, dtype=torch.float64), kernels
