"""Features of photos and Gram matrices of styles, computed once and cached."""

import hashlib
from collections import OrderedDict
from collections.abc import Collection, Iterable, Mapping

import torch
from torch import Tensor

from artist_nst.nst.masks import LayerMask
from artist_nst.nst.strips import FEATURE_ROWS, forward_strips
from artist_nst.nst.vgg import VGG, count_positions

# A photo of 2048×1536 pixels has 100 MB of features at conv4_2; a Gram matrix has at
# most 1 MB.
LIMIT_BYTES = 1 << 28

Key = tuple[object, ...]


class TargetCache:
    """Least-recently-used cache of content features and style Gram matrices.

    Keys are the image's pixels and the network's weights and settings, so paintings of
    one photo after one work share what they have in common.

    Args:
        limit_bytes: Beyond this, the least recently used tensors are dropped.

    Attributes:
        forward_passes: How often a network was run.
    """

    def __init__(self, limit_bytes: int = LIMIT_BYTES) -> None:
        self.limit_bytes = limit_bytes
        self.forward_passes = 0
        self._tensors: OrderedDict[Key, Tensor] = OrderedDict()

    def content_features(
        self, network: VGG, image: Tensor, layers: Iterable[str]
    ) -> dict[str, Tensor]:
        """Get features P ``(N, H_l, W_l)`` of ``image`` ``(1, C, H, W)`` on 0–255."""
        return self._get_or_compute("content", network, image, layers)

    def style_grams(
        self,
        network: VGG,
        image: Tensor,
        layers: Iterable[str],
        masks: Mapping[str, LayerMask] | None = None,
    ) -> dict[str, Tensor]:
        """Get Gram matrices A ``(N, N)``, each averaged over its layer's positions.

        With masks by layer, over what they cover.
        """
        return self._get_or_compute("gram", network, image, layers, masks)

    def _get_or_compute(
        self,
        kind: str,
        network: VGG,
        image: Tensor,
        layers: Iterable[str],
        masks: Mapping[str, LayerMask] | None = None,
    ) -> dict[str, Tensor]:
        common = (kind, *_network_key(network), *_image_key(image))
        for layer, mask in (masks or {}).items():
            common += layer, *_image_key(mask.values)
        keys = {layer: (*common, layer) for layer in layers}
        missing = [layer for layer, key in keys.items() if key not in self._tensors]
        if missing:
            self.forward_passes += 1
            layer_sets = ([], missing) if kind == "gram" else (missing, [])
            features, grams = extract_features(network, image, *layer_sets, masks)
            for layer, tensor in {**features, **grams}.items():
                self._tensors[keys[layer]] = tensor
        tensors = {layer: self._tensors[key] for layer, key in keys.items()}
        for key in keys.values():
            self._tensors.move_to_end(key)
        self._evict()
        return tensors

    def _evict(self) -> None:
        total = sum(tensor.nbytes for tensor in self._tensors.values())
        while total > self.limit_bytes:
            total -= self._tensors.popitem(last=False)[1].nbytes


def extract_features(
    network: VGG,
    image: Tensor,
    content_layers: Collection[str],
    style_layers: Collection[str],
    masks: Mapping[str, LayerMask] | None = None,
) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """Compute features F and Gram matrices G of an image in one pass, in little memory.

    Args:
        network: On the image's device.
        image: ``(1, C, H, W)`` on 0–255.
        content_layers: Where to take F ``(N, H_l, W_l)``.
        style_layers: Where to take G ``(N, N)``.
        masks: Of what G is taken, by style layer; all if not given.

    Returns:
        F and G by layer, as the losses compare them: projected for a compact network.
    """
    strips: dict[str, list[Tensor]] = {layer: [] for layer in content_layers}
    grams: dict[str, Tensor] = {}
    layers = {*content_layers, *style_layers}
    for layer, rows, strip in forward_strips(network, image, layers, FEATURE_ROWS):
        if layer in content_layers:
            strips[layer].append(network.project_features(layer, strip))
        if layer in style_layers:
            if masks is None:
                share = strip[0].numel() / count_positions(layer, image)
                gram = network.gram(layer, strip) * share
            else:
                window = masks[layer].get_window(rows)
                (gram,) = network.guided_grams(layer, strip, [window])
            grams[layer] = grams[layer] + gram if layer in grams else gram
    # Concatenated channels last, to keep the strips' memory format.
    features = {
        layer: torch.cat([strip.permute(1, 2, 0) for strip in parts]).permute(2, 0, 1)
        for layer, parts in strips.items()
    }
    return features, grams


def _network_key(network: VGG) -> Key:
    return (
        network.sha256,
        network.name,
        network.input,
        network.pool,
        network.padding,
        network.mean.device,
        network.mean.dtype,
    )


def _image_key(image: Tensor) -> Key:
    pixels = image.detach().cpu().contiguous().numpy()
    return image.shape, image.dtype, hashlib.blake2b(pixels.data).digest()
