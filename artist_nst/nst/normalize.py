"""VGG rescaled so that every filter has the same mean activation on photographs.

Gatys, Ecker and Bethge, "Image style transfer using convolutional neural networks",
2016, section 2: the weights are scaled such that the mean activation of each filter
over images and positions is one. ReLU and pooling commute with positive factors, so the
network computes the same function; only its layers and filters become comparable.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace

import torch
from torch import Tensor

from artist_nst.nst.vgg import VGG
from artist_nst.nst.weights.checkpoint import Weights


@torch.no_grad()
def measure_activation_means(
    weights: Weights, images: Iterable[Tensor]
) -> dict[str, Tensor]:
    """Measure each filter's mean activation over positions, then over images.

    The images are photographs, ``(1, 3, H, W)`` on 0–255, of at least 16 pixels a side.

    Returns:
        ``{layer: (N,)}`` float64, for every layer of the weights.
    """
    # In float32 the means of filters that are hardly ever active differ by 1e-4 between
    # processors.
    network = VGG(weights, dtype=torch.float64)
    sums: dict[str, Tensor] = {}
    count = 0
    for image in images:
        count += 1
        for layer, features in network(image.double(), network.layers).items():
            mean = features.mean(dim=(1, 2))
            sums[layer] = sums[layer] + mean if layer in sums else mean
    return {layer: total / count for layer, total in sums.items()}


def normalize_weights(weights: Weights, means: Mapping[str, Tensor]) -> Weights:
    """Scale the weights so that every filter's mean activation becomes one.

    Filter i of a layer is divided by its own mean m_i, and its weight for filter j of
    the previous layer multiplied by m_j. A filter that is never active (m = 0) is left
    as it is.
    """
    kernels = {}
    input_scale: Tensor | None = None
    for layer, (kernel, bias) in weights.kernels.items():
        scale = means[layer].where(means[layer] > 0, 1.0)
        scaled = kernel.double()
        if input_scale is not None:
            scaled = scaled * input_scale
        kernels[layer] = (
            (scaled / scale.view(-1, 1, 1, 1)).float(),
            (bias.double() / scale).float(),
        )
        input_scale = scale.view(1, -1, 1, 1)
    return replace(weights, network="vgg19-normalised", kernels=kernels)
