"""Features of photos and Gram matrices of styles, computed once and kept."""

import hashlib
from collections import OrderedDict
from collections.abc import Collection, Iterable

import torch
from torch import Tensor

from artist_nst.nst.strips import look
from artist_nst.nst.vgg import VGG, positions

# A photo of 2048×1536 pixels has 100 MB of features at conv4_2; Gram matrices have
# 1 MB at most.
LIMIT_BYTES = 1 << 28

# Of a part of the network at once; more would hardly be faster.
ROWS = 256

Key = tuple[object, ...]


class Features:
    """What the network sees in images that do not change; the least recently asked
    for are forgotten beyond ``limit_bytes``.

    Images are told apart by their pixels, networks by their weights and settings, so
    that paintings of one photo after one work share what they have in common.

    Attributes:
        passes: how often a network was run.
    """

    def __init__(self, limit_bytes: int = LIMIT_BYTES) -> None:
        self.limit_bytes = limit_bytes
        self.passes = 0
        self._kept: OrderedDict[Key, Tensor] = OrderedDict()

    def content(
        self, network: VGG, image: Tensor, layers: Iterable[str]
    ) -> dict[str, Tensor]:
        """Features P ``(N, H_l, W_l)`` of ``image`` ``(1, C, H, W)`` on 0–255."""
        return self._of("content", network, image, layers)

    def grams(
        self, network: VGG, image: Tensor, layers: Iterable[str]
    ) -> dict[str, Tensor]:
        """Gram matrices A ``(N, N)``, each over its own positions."""
        return self._of("gram", network, image, layers)

    def _of(
        self, kind: str, network: VGG, image: Tensor, layers: Iterable[str]
    ) -> dict[str, Tensor]:
        common = (kind, *_of_network(network), *_of_image(image))
        keys = {layer: (*common, layer) for layer in layers}
        missing = [layer for layer, key in keys.items() if key not in self._kept]
        if missing:
            self.passes += 1
            looked_at = ([], missing) if kind == "gram" else (missing, [])
            content, grams = survey(network, image, *looked_at)
            for layer, one in {**content, **grams}.items():
                self._kept[keys[layer]] = one
        found = {layer: self._kept[key] for layer, key in keys.items()}
        for key in keys.values():
            self._kept.move_to_end(key)
        self._forget()
        return found

    def _forget(self) -> None:
        held = sum(one.nbytes for one in self._kept.values())
        while held > self.limit_bytes:
            held -= self._kept.popitem(last=False)[1].nbytes


def survey(
    network: VGG, image: Tensor, content: Collection[str], style: Collection[str]
) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """Features F of ``image`` at the layers ``content``, and Gram matrices at
    ``style``, in one pass that needs little memory."""
    pieces: dict[str, list[Tensor]] = {layer: [] for layer in content}
    grams: dict[str, Tensor] = {}
    for layer, _, features in look(network, image, {*content, *style}, ROWS):
        if layer in content:
            pieces[layer].append(network.compared(layer, features))
        if layer in style:
            of_all = features[0].numel() / positions(layer, image)
            share = network.gram(layer, features) * of_all
            grams[layer] = grams[layer] + share if layer in grams else share
    # Put together so that they lie in memory as they came.
    whole = {
        layer: torch.cat([piece.permute(1, 2, 0) for piece in found]).permute(2, 0, 1)
        for layer, found in pieces.items()
    }
    return whole, grams


def _of_network(network: VGG) -> Key:
    return (
        network.sha256,
        network.name,
        network.input,
        network.pool,
        network.padding,
        network.mean.device,
        network.mean.dtype,
    )


def _of_image(image: Tensor) -> Key:
    pixels = image.detach().cpu().contiguous().numpy()
    return image.shape, image.dtype, hashlib.blake2b(pixels.data).digest()
