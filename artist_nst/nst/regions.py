"""Parts of a painting that are after styles of their own."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import torch
from torch import Tensor

from artist_nst.nst.masks import resize_mask


@dataclass(frozen=True, slots=True)
class Region:
    """A part of a painting, and what it is after.

    Attributes:
        mask: m ``(H, W)`` in [0, 1], of the painting's size; None for all of it.
        weights: Of each of the painting's styles, relative to their sum; 0 for those
            that the region is not after.
        style_masks: Which part of a style counts, ``(h, w)`` in [0, 1] of its size, by
            the style's index; styles that are not named count as a whole.
        strength: Of the style here, relative to that of the recipe.
    """

    mask: Tensor | None
    weights: tuple[float, ...]
    style_masks: Mapping[int, Tensor] = field(default_factory=dict)
    strength: float = 1.0

    @property
    def weight(self) -> float:
        """What its loss counts: its share of the painting, times its strength."""
        share = 1.0 if self.mask is None else float(self.mask.mean())
        return self.strength * share

    def resize(
        self, size: tuple[int, int], style_sizes: Sequence[torch.Size]
    ) -> "Region":
        """Return the region for a painting of ``size``, and styles of those sizes."""
        return replace(
            self,
            mask=None if self.mask is None else resize_mask(self.mask, *size),
            style_masks={
                index: resize_mask(mask, *style_sizes[index])
                for index, mask in self.style_masks.items()
            },
        )


def make_whole(styles: Sequence[tuple[Tensor, float]]) -> Region:
    """Make the region that is all of a painting, after ``(image, weight)`` styles."""
    return Region(None, tuple(weight for _, weight in styles))
