"""Between pictures and tensors: sizes and colours of photo, styles and painting."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from artist_nst.errors import UsageError
from artist_nst.image import color
from artist_nst.image.files import resize
from artist_nst.nst.objective import Style
from artist_nst.nst.pyramid import Result, Step, resized, run
from artist_nst.nst.recipe import Recipe
from artist_nst.nst.vgg import VGG, minimum_side
from artist_nst.sources import Source

log = logging.getLogger(__name__)

Pixels = NDArray[np.float64]


class Canvas:
    """The photo and the styles at their sizes, in the colours to be painted.

    Args:
        recipe: its ``width`` is the painting's.
        photo: ``(H, W, 3)`` sRGB in [0, 1].
        styles: like ``photo``, with what they are and their weights.

    Colour methods either recolour the styles to the photo before anything is looked
    at, or paint brightness alone and lay it under the photo's colours.

    Raises:
        UsageError: a picture is too narrow for the recipe's layers at its size.
    """

    def __init__(
        self, recipe: Recipe, photo: Pixels, styles: Sequence[tuple[Source, Pixels]]
    ) -> None:
        self.recipe = recipe
        height, width = _size(photo, recipe.width)
        if width > photo.shape[1]:
            old = f"{photo.shape[1]}×{photo.shape[0]}"
            log.info("the photo is %s: enlarged to %d×%d", old, width, height)
        self.photo = resize(photo, height, width)
        sources = [source for source, _ in styles]
        scaled = [_scaled_style(recipe, *style) for style in styles]
        _check_sides(recipe, self.photo, "the photo")
        for source, pixels in zip(sources, scaled, strict=True):
            _check_sides(recipe, pixels, str(source.path))
        self.content, in_colors = self._colored(scaled)
        self.styles = [
            (pixels, source.weight)
            for pixels, source in zip(in_colors, sources, strict=True)
        ]

    def paint(self, network: VGG, seed: int, on_step: Callable[[Step], None]) -> Result:
        """Run the recipe; see :func:`artist_nst.nst.pyramid.run`."""
        device = network.mean.device
        styles: list[Style] = [
            (_to_tensor(pixels, device), weight) for pixels, weight in self.styles
        ]
        content = _to_tensor(self.content, device)
        return run(network, self.recipe, content, styles, seed=seed, on_step=on_step)

    def finished(self, image: Tensor) -> Pixels:
        """A candidate of any level as ``(H, W, 3)`` sRGB in [0, 1], full size."""
        height, width = self.photo.shape[:2]
        full = resized(image, height, width)[0].permute(1, 2, 0)
        painted = full.double().cpu().numpy() / 255
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
        if method not in color.PLANES:
            recolored = [
                color.recolor(style, self.photo, method, strength) for style in styles
            ]
            return self.photo, recolored
        bright = color.plane(self.photo, method)
        planes = [
            color.match_plane(color.plane(style, method), bright) for style in styles
        ]
        if strength == 1:
            return bright, planes
        # Part of the way, the colours fade by as much as the photo's are laid over.
        faded = [
            (1 - strength) * style + strength * gray
            for style, gray in zip(styles, planes, strict=True)
        ]
        return (1 - strength) * self.photo + strength * bright, faded


def _scaled_style(recipe: Recipe, source: Source, pixels: Pixels) -> Pixels:
    wanted = max(1, round(recipe.width * recipe.style_scale))
    width = pixels.shape[1]
    if wanted > width:
        log.info(
            "%s is %d pixels wide: enlarged to %d, as --style-scale %g asks",
            source.path.name,
            width,
            wanted,
            recipe.style_scale,
        )
    return resize(pixels, *_size(pixels, wanted))


def _size(pixels: Pixels, width: int) -> tuple[int, int]:
    return max(1, round(pixels.shape[0] * width / pixels.shape[1])), width


def _check_sides(recipe: Recipe, pixels: Pixels, name: str) -> None:
    layers = [layer for layer, _ in (*recipe.content_layers, *recipe.style_layers)]
    least = minimum_side(layers)
    height, width = pixels.shape[:2]
    if min(height, width) < least:
        raise UsageError(
            f"{name} comes to {width}×{height} pixels, and {max(layers)} needs "
            f"{least} on each side: choose a larger --width, or another picture"
        )


def _to_tensor(pixels: Pixels, device: torch.device) -> Tensor:
    planes = np.ascontiguousarray(pixels.transpose(2, 0, 1)[None] * 255)
    return torch.from_numpy(planes).to(torch.float32).to(device)
