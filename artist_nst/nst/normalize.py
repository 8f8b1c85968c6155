"""VGG rescaled so that every filter is equally loud on photographs.

Gatys, Ecker and Bethge, "Image style transfer using convolutional neural networks",
2016, section 2: the weights are scaled such that the mean activation of each filter
over images and positions is one. ReLU and pooling pass factors on, so the network
computes what it did; only its layers and filters become comparable.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace

import torch
from torch import Tensor

from artist_nst.nst.vgg import VGG
from artist_nst.nst.weights import Weights

Means = Mapping[str, Tensor]


@torch.no_grad()
def activation_means(weights: Weights, images: Iterable[Tensor]) -> dict[str, Tensor]:
    """Each filter's mean activation over images and positions, all images alike.

    Args:
        images: ``(1, 3, H, W)`` on 0–255, photographs of at least 16 pixels a side.

    Returns:
        ``{layer: (N,)}`` float64, for every layer of the weights.
    """
    network = VGG(weights)
    sums: dict[str, Tensor] = {}
    count = 0
    for image in images:
        count += 1
        for layer, features in network(image, network.layers).items():
            mean = features.double().mean(dim=(1, 2))
            sums[layer] = sums[layer] + mean if layer in sums else mean
    return {layer: total / count for layer, total in sums.items()}


def normalized(weights: Weights, means: Means) -> Weights:
    """The weights with every filter's mean activation brought to one.

    Filter i of a layer is divided by its own mean m_i, and multiplied by m_j where it
    listens to filter j of the layer before. A filter that no photograph wakes (m = 0)
    is left as it is.
    """
    kernels = {}
    before: Tensor | None = None
    for layer, (kernel, bias) in weights.kernels.items():
        scale = means[layer].where(means[layer] > 0, 1.0)
        heard = kernel.double() if before is None else kernel.double() * before
        kernels[layer] = (
            (heard / scale.view(-1, 1, 1, 1)).float(),
            (bias.double() / scale).float(),
        )
        before = scale.view(1, -1, 1, 1)
    return replace(weights, network="vgg19-normalised", kernels=kernels)
