"""Parts of a painting that are after styles of their own, and their masks at layers.

Source:
    Gatys, Ecker, Bethge, Hertzmann and Shechtman, "Controlling perceptual factors in
    neural style transfer", CVPR 2017, section 4: guided Gram matrices. Their T_r²,
    which sums to 1, is here m_r / Σ m_r.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor
from torch.nn import functional

from artist_nst.nst.neighbors import Places, pool_masks
from artist_nst.nst.vgg import VGG
from artist_nst.recipes.recipe import MaskPropagation, Recipe


@dataclass(frozen=True, slots=True)
class Region:
    """A part of a painting, and what it is after.

    Attributes:
        mask: m ``(H, W)`` in [0, 1], of the painting's size.
        weights: Of each of the painting's styles, relative to their sum; 0 for those
            that the region is not after.
        style_masks: Which part of a style counts, ``(h, w)`` in [0, 1] of its size, by
            the style's index; styles that are not named count as a whole.
        strength: Of the style here, relative to that of the recipe.
    """

    mask: Tensor
    weights: tuple[float, ...]
    style_masks: Mapping[int, Tensor] = field(default_factory=dict)
    strength: float = 1.0

    def resize(
        self, size: tuple[int, int], style_sizes: Sequence[torch.Size]
    ) -> "Region":
        """Return the region for a painting of ``size``, and styles of those sizes."""
        return Region(
            resize_mask(self.mask, *size),
            self.weights,
            {
                index: resize_mask(mask, *style_sizes[index])
                for index, mask in self.style_masks.items()
            },
            self.strength,
        )


@dataclass(frozen=True, slots=True)
class LayerMasks:
    """A mask at the layers of a network.

    Attributes:
        layers: m at each layer's positions, ``(H_l, W_l)``.
        grids: m at the places of each layer that neighbors are found by, ``(h, w)``.
    """

    layers: dict[str, Tensor]
    grids: Places


def make_layer_masks(network: VGG, recipe: Recipe, mask: Tensor) -> LayerMasks:
    """Carry a mask ``(H, W)`` down to the layers that a recipe's style compares."""
    neighbors = recipe.neighbor_weights
    layers = {*recipe.gram_weights, *neighbors}
    masks = propagate_mask(network, mask, layers, recipe.mask_propagation)
    return LayerMasks(masks, pool_masks(masks, [*neighbors]))


def propagate_mask(
    network: VGG, mask: Tensor, layers: Collection[str], way: MaskPropagation
) -> dict[str, Tensor]:
    """Carry a mask ``(H, W)`` down to the positions of layers.

    ``simple`` averages it as the image gets smaller. ``inside`` keeps the positions
    that see nothing but the region, ``all`` takes those that see any of it. Where no
    position sees only the region, ``inside`` is ``simple``.

    Returns:
        ``{layer: (H_l, W_l)}``.
    """
    masks: dict[str, Tensor] = {}
    x = mask[None]
    for block in network.blocks(layers):
        for layer in block.layers:
            x = _pool(x, way, 3, stride=1, padding=1)
            if layer in layers:
                masks[layer] = x[0]
        if block.pooled:
            x = _pool(x, way, 2, stride=2)
    empty = [layer for layer, values in masks.items() if not float(values.sum())]
    if empty and way == "inside":
        masks.update(propagate_mask(network, mask, empty, "simple"))
    return masks


def _pool(
    x: Tensor, way: MaskPropagation, size: int, stride: int, padding: int = 0
) -> Tensor:
    """Pool over what a position sees; beyond the image there is nothing to see."""
    if way == "all":
        return functional.max_pool2d(x, size, stride, padding)
    if way == "inside":
        return -functional.max_pool2d(-x, size, stride, padding)
    return x if stride == 1 else functional.avg_pool2d(x, size)


def resize_mask(mask: Tensor, height: int, width: int) -> Tensor:
    """Resize a mask ``(H, W)`` by averaging: masks that sum to 1 still do."""
    if mask.shape == (height, width):
        return mask
    return functional.interpolate(mask[None, None], (height, width), mode="area")[0, 0]
