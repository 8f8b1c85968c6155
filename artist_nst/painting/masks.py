"""Masks of a painting's regions, as pixels: read, combined, and made into tensors."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

import numpy as np
import torch
from torch import Tensor

from artist_nst._files import format_path
from artist_nst._types import PathLike, Pixels
from artist_nst.errors import ArtistNstError, UsageError, format_count
from artist_nst.image.color import LUMA
from artist_nst.image.faces import Face, find_faces, scale_face
from artist_nst.image.files import MAX_PIXELS, read_picture, resize
from artist_nst.nst.regions import Region
from artist_nst.nst.tensors import to_tensor
from artist_nst.painting.regions import MaskedStyle, RegionPlan
from artist_nst.styles.descriptors import descriptor_network

log = logging.getLogger(__name__)

MIN_SHARE = 1e-4  # of a photo; a smaller part is none
MIN_WHITE = 0.1  # of a mask's brightest place; labels 0 and 1 are no gray
MAX_STRETCH = 1.02  # of a mask's sides, before it is worth a word
# Two masks drawn in 8 bits add up to 1 only to a few levels.
ROUNDING = 4 / 255


@dataclass(frozen=True, slots=True)
class PaintedRegion:
    """A part of a painting as pixels.

    Attributes:
        name: For people: the mask's file, say.
        mask: ``(H, W)`` in [0, 1].
        weights: Of each of the painting's styles; 0 for those that it is not after.
        style_masks: ``(h, w)`` in [0, 1] of any size, by the style's index.
        strength: Of the style, relative to the recipe's.
    """

    name: str
    mask: Pixels
    weights: tuple[float, ...]
    style_masks: dict[int, Pixels]
    strength: float = 1.0

    def to_tensors(
        self, style_sizes: Sequence[tuple[int, int]], device: torch.device
    ) -> Region:
        """Convert to what the mathematics takes, for styles of those sizes."""
        style_masks = {
            index: _to_tensor(resize(mask, *style_sizes[index]), device)
            for index, mask in self.style_masks.items()
        }
        mask = _to_tensor(self.mask, device)
        return Region(mask, self.weights, style_masks, self.strength)


@dataclass(frozen=True, slots=True)
class RegionLayout:
    """How a painting is divided.

    Attributes:
        regions: The parts that are painted; none if all is after all styles.
        kept: How much of each place stays as photographed, ``(H, W)`` in [0, 1]; None
            for nothing.
    """

    regions: list[PaintedRegion]
    kept: Pixels | None = None

    def kept_tensor(self, device: torch.device) -> Tensor | None:
        """Convert ``kept`` to a tensor."""
        return None if self.kept is None else _to_tensor(self.kept, device)


def make_layout(
    plan: RegionPlan, size: tuple[int, int], max_pixels: int
) -> RegionLayout:
    """Read the masks of a plan, and divide a painting by them.

    What is done about masks that overlap, leave holes or have another shape is logged.

    Args:
        plan: Which part is after what; segments are found by :func:`find_segments`.
        size: Height and width of the painting.
        max_pixels: Larger masks are refused.

    Raises:
        ArtistNstError: A mask cannot be read, or covers nothing.
        UsageError: No part is left to be painted.
    """
    weights = tuple(source.weight for source in plan.sources)
    request = plan.request
    regions: list[PaintedRegion] = []
    kept = np.zeros(size)
    masks = _combine(request.masks, size, max_pixels)
    for part, indices, mask in zip(request.masks, plan.indices, masks, strict=True):
        if part.style is None:
            kept += mask
        elif mask.mean() < MIN_SHARE:
            log.info("nothing is left for %s: its style is not used", part.name)
        else:
            own = tuple(
                weight if index in indices else 0.0
                for index, weight in enumerate(weights)
            )
            style_masks: dict[int, Pixels] = {}
            if part.style_mask is not None:
                path = cast(PathLike, part.style_mask)
                # A style is hardly larger than the painting.
                side = 2 * max(size)
                style_mask = read_mask(path, max_pixels=max_pixels, width=side)
                style_masks = dict.fromkeys(indices, style_mask)
            regions.append(
                PaintedRegion(part.name, mask, own, style_masks, part.strength)
            )
    if request.masks and not regions:
        raise UsageError("--mask: no part of the photo is left to be painted")
    return RegionLayout(regions, kept if kept.any() else None)


def find_protected(photo: Pixels, size: tuple[int, int]) -> list[Face]:
    """Find the faces of a photo of any size, in pixels of a painting of ``size``."""
    faces = find_faces(photo)
    found = format_count(len(faces), "face") if faces else "no face is found"
    log.info("protected: %s", found)
    height, width = photo.shape[:2]
    return [scale_face(face, size[1] / width, size[0] / height) for face in faces]


def find_segments(
    photo: Pixels, styles: Sequence[Pixels], weights: Sequence[float]
) -> RegionLayout:
    """Divide a painting by segments of photo and styles that show alike things.

    Args:
        photo: ``(H, W, 3)`` sRGB in [0, 1].
        styles: Likewise, of any sizes.
        weights: Of the styles.
    """
    # Late, with scikit-learn: most paintings need neither.
    from artist_nst.styles.segmentation import segment_alike

    # What shows nothing but in a style of weight 0 would be after nothing.
    used = [index for index, weight in enumerate(weights) if weight]
    segmentation = segment_alike(
        descriptor_network(),
        to_tensor(photo),
        [to_tensor(styles[index]) for index in used],
    )
    log.info("found %s", format_count(len(segmentation.photo_masks), "region"))
    regions = []
    for number, photo_mask in enumerate(segmentation.photo_masks):
        style_masks = {
            index: _to_pixels(masks[number])
            for index, masks in zip(used, segmentation.work_masks, strict=True)
        }
        own = tuple(
            weight if index in used and style_masks[index].mean() >= MIN_SHARE else 0.0
            for index, weight in enumerate(weights)
        )
        name = f"region {number + 1}"
        regions.append(PaintedRegion(name, _to_pixels(photo_mask), own, style_masks))
    return RegionLayout(regions)


def read_mask(
    path: PathLike,
    size: tuple[int, int] | None = None,
    max_pixels: int = MAX_PIXELS,
    width: int | None = None,
) -> Pixels:
    """Read any picture as a mask ``(H, W)`` in [0, 1].

    It is the opacity of one that is transparent anywhere, otherwise the luma of its
    values: 128 of 255 is a half.

    Args:
        path: The picture.
        size: Height and width to stretch it to; its own if None.
        max_pixels: Larger pictures are refused.
        width: About what it is wanted at, if no size is given.

    Raises:
        ArtistNstError: It cannot be read, or is black everywhere.
    """
    width = width if size is None else size[1]
    picture = read_picture(path, max_pixels=max_pixels, width=width)
    mask = picture.alpha
    if mask is None:
        mask = picture.pixels @ LUMA
    if size is not None:
        log_stretch(format_path(path), picture.size, size, "the photo")
        mask = resize(np.asarray(mask), *size)
    if mask.max() < MIN_WHITE:
        brightest = round(255 * float(mask.max()))
        raise ArtistNstError(
            f"{format_path(path)} covers nothing as a mask: its brightest value is "
            f"{brightest} of 255; paint white what it is to cover"
        )
    return np.asarray(np.clip(mask, 0, 1))


def log_stretch(
    name: str, size: tuple[int, ...], other: tuple[int, ...], what: str
) -> None:
    """Log that a mask of one height and width is stretched to another's shape."""
    stretch = other[0] * size[1] / (other[1] * size[0])
    if max(stretch, 1 / stretch) > MAX_STRETCH:
        log.info(
            "%s is %d×%d, of another shape than %s: it is stretched",
            name,
            size[1],
            size[0],
            what,
        )


def _combine(
    parts: Sequence[MaskedStyle], size: tuple[int, int], max_pixels: int
) -> list[Pixels]:
    """Read the masks of parts, and make them add up to 1 at each place.

    Where they overlap, each gets its share; the rest is what none of them covers.
    """
    masks: dict[int, Pixels] = {}
    for index, part in enumerate(parts):
        if part.mask is not None:
            masks[index] = read_mask(cast(PathLike, part.mask), size, max_pixels)
    total: Pixels = sum(masks.values(), start=np.zeros(size))
    overlap = 100 * float((total > 1 + ROUNDING).mean())
    if overlap >= 0.05:
        log.info("the masks overlap on %.1f%% of the photo: it is shared", overlap)
    rest = np.where(total > 1 - ROUNDING, 0, 1 - total)
    hole = 100 * float(rest.mean())
    if hole >= 0.05 and parts and parts[-1].mask is None and parts[-1].style is None:
        log.info("%.1f%% of the photo is in no mask, and stays as photographed", hole)
    scale = total + rest
    return [masks.get(index, rest) / scale for index in range(len(parts))]


def _to_pixels(mask: Tensor) -> Pixels:
    return np.asarray(mask.numpy(), dtype=np.float64)


def _to_tensor(mask: Pixels, device: torch.device) -> Tensor:
    # Through float32 on the host: some devices have no float64.
    return torch.from_numpy(np.ascontiguousarray(mask, dtype=np.float32)).to(device)
