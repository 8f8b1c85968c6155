"""Masks at the layers of a network, and at the places that neighbors are found by.

Source:
    Gatys, Ecker, Bethge, Hertzmann and Shechtman, "Controlling perceptual factors in
    neural style transfer", CVPR 2017, section 4: guided Gram matrices. Their T_r²,
    which sums to 1, is here m_r / Σ m_r.
"""

from collections.abc import Collection
from dataclasses import dataclass

from torch import Tensor
from torch.nn import functional

from artist_nst.nst.losses import Window, count_covered
from artist_nst.nst.neighbors import pool_to_grid
from artist_nst.nst.vgg import VGG
from artist_nst.recipes.recipe import MaskPropagation, Recipe


@dataclass(frozen=True, slots=True)
class LayerMask:
    """A mask at the positions of a layer, or at the places of its grid.

    Attributes:
        values: m ``(H_l, W_l)`` in [0, 1].
        top: The first row that it covers any of.
        bottom: The row after the last; ``top`` if it covers nothing.
        total: Σ m, or 1 if it covers nothing.
    """

    values: Tensor
    top: int
    bottom: int
    total: Tensor

    @classmethod
    def make(cls, values: Tensor) -> "LayerMask":
        """Find which rows a mask covers."""
        rows = values.sum(1).nonzero()
        top, bottom = (int(rows[0]), int(rows[-1]) + 1) if len(rows) else (0, 0)
        return cls(values, top, bottom, count_covered(values))

    def get_window(self, rows: slice) -> Window:
        """Return the mask at some rows of the layer, without those that are all 0."""
        start = rows.start or 0
        stop = len(self.values) if rows.stop is None else rows.stop
        first = min(max(start, self.top), stop)
        last = max(first, min(stop, self.bottom))
        return Window(
            slice(first - start, last - start), self.values[first:last], self.total
        )


@dataclass(frozen=True, slots=True)
class LayerMasks:
    """A mask at the layers of a network.

    Attributes:
        layers: At each layer's positions.
        grids: At the places of each layer that neighbors are found by.
    """

    layers: dict[str, LayerMask]
    grids: dict[str, LayerMask]

    def get_places(self) -> dict[str, Tensor]:
        """Return the masks of the grids, ``(h, w)`` by layer."""
        return {layer: mask.values for layer, mask in self.grids.items()}


def make_layer_masks(network: VGG, recipe: Recipe, mask: Tensor) -> LayerMasks:
    """Carry a mask ``(H, W)`` down to the layers that a recipe's style compares."""
    neighbors = recipe.neighbor_weights
    layers = {*recipe.gram_weights, *neighbors}
    masks = propagate_mask(network, mask, layers, recipe.mask_propagation)
    grids = {layer: pool_to_grid(layer, masks[layer][None])[0] for layer in neighbors}
    return LayerMasks(
        *(
            {layer: LayerMask.make(values) for layer, values in given.items()}
            for given in (masks, grids)
        )
    )


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
    # On the CPU: some backends average only whole numbers of pixels.
    planes = functional.interpolate(
        mask.cpu()[None, None], (height, width), mode="area"
    )
    return planes[0, 0].to(mask.device)
