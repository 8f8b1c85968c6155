"""Between pictures and tensors: sizes and colours of photo, styles and painting."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable

import numpy as np
import torch
from torch import Tensor

from artist_nst._types import Pixels
from artist_nst.errors import UsageError
from artist_nst.image import color
from artist_nst.image.files import MAX_PIXELS, resize
from artist_nst.nst.distance import Distances, distances
from artist_nst.nst.features import Features
from artist_nst.nst.level import resized
from artist_nst.nst.objective import Style
from artist_nst.nst.precision import Precision
from artist_nst.nst.pyramid import Result, Step, run
from artist_nst.nst.vgg import VGG, minimum_side
from artist_nst.painting.style_sources import Source
from artist_nst.recipes.recipe import Recipe

log = logging.getLogger(__name__)


class Canvas:
    """The photo and the styles at their sizes, in the colours to be painted.

    Args:
        recipe: its ``width`` is the painting's.
        photo: ``(H, W, 3)`` sRGB in [0, 1].
        styles: like ``photo``, with what they are and their weights. One at a time is
            asked for, and kept at the painting's size: many works are no more than
            that.

    Colour methods either recolour the styles to the photo before anything is looked
    at, or paint brightness alone and lay it under the photo's colours.

    Raises:
        UsageError: a picture is too narrow for the recipe's layers at its size.
    """

    def __init__(
        self,
        recipe: Recipe,
        photo: Pixels,
        styles: Iterable[tuple[Source, Pixels]],
        max_pixels: int = MAX_PIXELS,
    ) -> None:
        self.recipe = recipe
        height, width = _size(
            recipe, photo.shape[:2], recipe.width, "the photo", max_pixels
        )
        if width > photo.shape[1]:
            old = f"{photo.shape[1]}×{photo.shape[0]}"
            log.info("the photo is %s: enlarged to %d×%d", old, width, height)
        self.photo = resize(photo, height, width)
        weights, scaled = [], []
        self.given: list[tuple[Pixels, float]] = []
        for source, pixels in styles:
            one = _scaled(recipe, source, pixels, max_pixels, (height, width))
            whole = _size_at(pixels, width)
            # Mostly the same size: a picture is kept once then.
            own = one if one.shape[:2] == whole else _no_larger(pixels, whole)
            self.given.append((own, source.weight))
            weights.append(source.weight)
            scaled.append(one)
        self.content, in_colors = self._colored(scaled)
        self.styles = list(zip(in_colors, weights, strict=True))

    def paint(
        self,
        network: VGG,
        seed: int,
        features: Features,
        on_step: Callable[[Step], None],
        precision: Precision = "float32",
        max_memory: int | None = None,
        draft: VGG | None = None,
    ) -> Result:
        """Run the recipe; see :func:`artist_nst.nst.pyramid.run`."""
        device = network.mean.device
        content = _to_tensor(self.content, device)
        styles: list[Style] = [
            (_to_tensor(pixels, device), weight) for pixels, weight in self.styles
        ]
        return run(
            network,
            self.recipe,
            content,
            styles,
            draft=draft,
            seed=seed,
            features=features,
            precision=precision,
            max_memory=max_memory,
            on_step=on_step,
        )

    def distances(
        self, network: VGG, features: Features, painted: Pixels | None = None
    ) -> Distances:
        """How far a finished painting, or the photo, is from photo and styles as they
        are: in their own colours and aspects, at the style scale 1, whatever the
        recipe makes of them."""
        device = network.mean.device
        width = self.photo.shape[1]
        styles: list[Style] = [
            (_to_tensor(resize(pixels, *_size_at(pixels, width)), device), weight)
            for pixels, weight in self.given
        ]
        photo = _to_tensor(self.photo, device)
        candidate = photo if painted is None else _to_tensor(painted, device)
        return distances(network, candidate, photo, styles, features)

    def finished(self, image: Tensor) -> Pixels:
        """A candidate of any level as ``(H, W, 3)`` sRGB in [0, 1], full size."""
        height, width = self.photo.shape[:2]
        full = resized(image, height, width)[0].permute(1, 2, 0)
        painted = full.cpu().double().numpy() / 255
        method, strength = self.recipe.color, self.recipe.color_strength
        if method not in color.PLANES or strength == 0:
            return painted
        if painted.shape[2] == 1:
            return color.with_chroma_of(self.photo, painted, method)
        gray = color.plane(painted, method)
        kept = color.with_chroma_of(self.photo, gray, method)
        return (1 - strength) * painted + strength * kept

    def _colored(self, styles: list[Pixels]) -> tuple[Pixels, list[Pixels]]:
        """Photo and styles in the colours that the network is to see."""
        method, strength = self.recipe.color, self.recipe.color_strength
        if method == "none" or strength == 0:
            return self.photo, styles
        if method in color.PLANES and strength < 1:
            # Painted in full colour, to be blended with the photo's when finished.
            return self.photo, styles
        if method not in color.PLANES:
            recolored = [
                color.recolor(style, self.photo, method, strength) for style in styles
            ]
            return self.photo, recolored
        bright = color.plane(self.photo, method)
        planes = [
            color.match_plane(color.plane(style, method), bright) for style in styles
        ]
        return bright, planes


def _scaled(
    recipe: Recipe,
    source: Source,
    pixels: Pixels,
    max_pixels: int,
    photo: tuple[int, int],
) -> Pixels:
    """A style at the size that the recipe wants, beside a photo of that size."""
    aspect = photo if recipe.style_size == "content" else pixels.shape[:2]
    wanted = max(1, round(recipe.width * recipe.style_scale))
    size = _size(recipe, aspect, wanted, str(source.path), max_pixels)
    if wanted > pixels.shape[1]:
        log.info(
            "%s is %d pixels wide: enlarged to %d, as --style-scale %g asks",
            source.path.name,
            pixels.shape[1],
            wanted,
            recipe.style_scale,
        )
    return resize(pixels, *size)


def _no_larger(pixels: Pixels, size: tuple[int, int]) -> Pixels:
    """``pixels`` at that size, or as they are where that would be larger: a strip's
    could be larger than memory."""
    height, width = size
    larger = height * width > pixels.shape[0] * pixels.shape[1]
    return pixels if larger else resize(pixels, height, width)


def _size_at(pixels: Pixels, width: int) -> tuple[int, int]:
    """Height and width of a picture at ``width``, in its own aspect."""
    return max(1, round(pixels.shape[0] * width / pixels.shape[1])), width


def _size(
    recipe: Recipe, aspect: tuple[int, ...], width: int, name: str, max_pixels: int
) -> tuple[int, int]:
    """Height and width of a picture at ``width``, in the aspect of a height and width;
    checked first, for a strip can come to nothing, or to more than memory holds."""
    height = max(1, round(aspect[0] * width / aspect[1]))
    layers = [layer for layer, _ in (*recipe.content_layers, *recipe.style_layers)]
    least = minimum_side(layers)
    more = "" if name == "the photo" else " or --style-scale"
    if min(height, width) < least:
        raise UsageError(
            f"{name} comes to {width}×{height} pixels, and {max(layers)} needs "
            f"{least} on each side: choose a larger --width{more}, or another picture"
        )
    if height * width > max_pixels:
        raise UsageError(
            f"{name} comes to {width}×{height} pixels: choose a smaller --width, or "
            "--long-side, or raise --max-pixels"
        )
    return height, width


def _to_tensor(pixels: Pixels, device: torch.device) -> Tensor:
    planes = np.ascontiguousarray(pixels.transpose(2, 0, 1)[None] * 255)
    return torch.from_numpy(planes).to(torch.float32).to(device)
