"""VGG-11/13/16/19 as a feature extractor; layers by the papers' names (conv4_2).

Simonyan and Zisserman, "Very deep convolutional networks for large-scale image
recognition", 2014, in torchvision's definitions (configurations A, B, D, E).
"""

from collections.abc import Iterable

import torch
from torch import Tensor, nn
from torch.nn import functional

from artist_nst.errors import UsageError, nearest
from artist_nst.nst.recipe import Network, Padding, Pool
from artist_nst.nst.weights import Weights, layer_names

# Of the images the weights were trained on, RGB.
TORCHVISION_MEAN = (0.485, 0.456, 0.406)
TORCHVISION_STD = (0.229, 0.224, 0.225)
OXFORD_MEAN = (123.68, 116.779, 103.939)

# An average is smaller than a maximum; multiplied by this, features of photographs
# keep about the mean activation that max pooling gives: measured on six, 0.8 to 1.2
# of it up to conv4_1, and 0.5 to 0.9 at conv5_1.
AVERAGE_GAIN = 1.35


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
            self.register_buffer(f"{layer}_weight", kernel.to(dtype))
            self.register_buffer(f"{layer}_bias", bias.to(dtype))
        self.layers = tuple(kernels)

    def forward(self, image: Tensor, layers: Iterable[str]) -> dict[str, Tensor]:
        """Features at ``layers``; nothing after the deepest of them is computed.

        Args:
            image: ``(1, 3, H, W)`` or ``(1, 1, H, W)`` on 0–255, at least
                :func:`minimum_side` pixels on each side.

        Returns:
            ``{layer: (N, H_l, W_l)}``, N filters; values are never negative.
        """
        wanted = set(layers)
        features: dict[str, Tensor] = {}
        if not wanted:
            return features
        x = image.expand(-1, 3, -1, -1) - self.mean
        block = "1"
        for layer in self.layers:
            if layer[4] != block:
                block, x = layer[4], self._pooled(x)
            x = self._convolved(x, layer)
            if layer in wanted:
                features[layer] = x.squeeze(0)
                if len(features) == len(wanted):
                    break
        return features

    def _convolved(self, x: Tensor, layer: str) -> Tensor:
        weight = self.get_buffer(f"{layer}_weight")
        bias = self.get_buffer(f"{layer}_bias")
        if layer == "conv1_1" and self.padding == "replicate":
            # By slices: the gradient of pad()'s own is not repeatable on CUDA.
            x = torch.cat((x[..., :1], x, x[..., -1:]), dim=-1)
            x = torch.cat((x[..., :1, :], x, x[..., -1:, :]), dim=-2)
            return functional.conv2d(x, weight, bias).relu_()
        return functional.conv2d(x, weight, bias, padding=1).relu_()

    def _pooled(self, x: Tensor) -> Tensor:
        if self.pool == "max":
            return functional.max_pool2d(x, 2)
        averaged = functional.avg_pool2d(x, 2)
        return averaged * AVERAGE_GAIN if self.pool == "average" else averaged


def minimum_side(layers: Iterable[str]) -> int:
    """The least width and height in pixels of an image that reaches ``layers``."""
    return int(2 ** max((int(layer[4]) - 1 for layer in layers), default=0))


def check_layers(network: Network, layers: Iterable[str], option: str) -> None:
    """Raises UsageError, naming ``option``, for a layer that ``network`` lacks."""
    known = layer_names(network)
    for layer in layers:
        if layer not in known:
            hint = nearest(layer, known)
            raise UsageError(f"--{option}: {network} has no {layer!r}; {hint}")


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
