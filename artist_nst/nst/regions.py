"""Parts of a painting that are after styles of their own."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

from artist_nst.nst.masks import resize_mask


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
