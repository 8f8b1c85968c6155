"""Between pictures and tensors: sizes and colors of photo, styles and painting."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Iterable

import numpy as np
from torch import Tensor

from artist_nst._types import Pixels, Precision
from artist_nst.errors import UsageError
from artist_nst.image import color
from artist_nst.image.details import restore_details
from artist_nst.image.faces import Face, protect_faces
from artist_nst.image.files import MAX_PIXELS, resize
from artist_nst.image.srgb import remove_white
from artist_nst.nst.distance import Distances, measure_distances
from artist_nst.nst.features import TargetCache
from artist_nst.nst.level import resize_image
from artist_nst.nst.neighbors import check_share
from artist_nst.nst.pyramid import PyramidResult, Step, run_pyramid
from artist_nst.nst.tensors import to_pixels, to_tensor
from artist_nst.nst.vgg import VGG
from artist_nst.painting.masks import (
    RegionLayout,
    find_protected,
    find_segments,
    log_stretch,
    make_layout,
)
from artist_nst.painting.regions import RegionPlan
from artist_nst.painting.sources import Source
from artist_nst.recipes.layers import minimum_image_side
from artist_nst.recipes.recipe import Recipe

log = logging.getLogger(__name__)


class Canvas:
    """The photo and the styles at their sizes, in the colors to be painted.

    Color methods either recolor the styles to the photo before the network sees them,
    or paint brightness alone and combine it with the photo's colors afterwards.

    Args:
        recipe: Its ``width`` is the painting's.
        photo: ``(H, W, 3)`` sRGB in [0, 1].
        styles: The sources and their pixels, like ``photo``. They are read one at a
            time and kept at the painting's size, so that many works fit into memory.
        max_pixels: Larger pictures at their size are refused.
        size: Height and width of the photo's file, whose aspect the painting has, if
            the photo was reduced.
        alpha: ``(H, W)``, the photo's opacity: colors are taken from what is visible.
        plan: Which part of the photo is after which styles.

    Raises:
        ArtistNstError: A mask cannot be read.
        UsageError: A picture is too narrow for the recipe's layers at its size, or the
            styles are too few for the recipe's ``max_share``.
    """

    def __init__(
        self,
        recipe: Recipe,
        photo: Pixels,
        styles: Iterable[tuple[Source, Pixels]],
        max_pixels: int = MAX_PIXELS,
        *,
        size: tuple[int, int] | None = None,
        alpha: Pixels | None = None,
        plan: RegionPlan | None = None,
    ) -> None:
        self.recipe = recipe
        old_height, old_width = size or photo.shape[:2]
        height, width = _fit_width(
            recipe, (old_height, old_width), recipe.width, "the photo", max_pixels
        )
        if width > old_width:
            old = f"{old_width}×{old_height}"
            log.info("the photo is %s: enlarged to %d×%d", old, width, height)
        self.photo = resize(photo, height, width)
        self.alpha = None if alpha is None else resize(alpha, height, width)
        self.layout = RegionLayout([])
        if plan is not None:
            self.layout = make_layout(plan, (height, width), max_pixels)
        self.faces: list[Face] = []
        if plan is not None and plan.request.protect_faces:
            self.faces = find_protected(photo, (height, width))
        # The styles as they are, to measure distances by.
        self.originals: list[tuple[Pixels, float]] = []
        weights: list[float] = []
        scaled_styles: list[Pixels] = []
        for source, pixels in styles:
            scaled = _scale_style(recipe, source, pixels, max_pixels, (height, width))
            size = _size_at_width(pixels, width)
            # Mostly both have one size: the picture is kept once then.
            original = scaled if scaled.shape[:2] == size else _shrink(pixels, size)
            self.originals.append((original, source.weight))
            for region in self.layout.regions:
                if (mask := region.style_masks.get(len(weights))) is not None:
                    name = f"the style's mask of {region.name}"
                    log_stretch(name, mask.shape, pixels.shape, source.path.name)
            weights.append(source.weight)
            scaled_styles.append(scaled)
        if plan is not None and plan.request.segmented:
            self.layout = find_segments(self.photo, scaled_styles, weights)
        if recipe.neighbor_weights and not self.layout.regions:
            check_share(recipe.max_share, sum(weight > 0 for weight in weights))
        self.content, colored_styles = self._apply_color(scaled_styles)
        self.styles = list(zip(colored_styles, weights, strict=True))

    @property
    def has_original_colors(self) -> bool:
        """Whether ``styles`` are in their own colors."""
        method, strength = self.recipe.color, self.recipe.color_strength
        is_blended = method in color.PLANES and strength < 1
        return method == "none" or strength == 0 or is_blended

    def paint(
        self,
        network: VGG,
        seed: int,
        cache: TargetCache,
        on_step: Callable[[Step], None],
        precision: Precision = "float32",
        max_memory: int | None = None,
        draft: VGG | None = None,
    ) -> PyramidResult:
        """Run the recipe; see :func:`artist_nst.nst.pyramid.run_pyramid`."""
        device = network.mean.device
        sizes = [pixels.shape[:2] for pixels, _ in self.styles]
        return run_pyramid(
            network,
            self.recipe,
            to_tensor(self.content, device),
            [(to_tensor(pixels, device), weight) for pixels, weight in self.styles],
            draft=draft,
            seed=seed,
            cache=cache,
            precision=precision,
            max_memory=max_memory,
            on_step=on_step,
            regions=[
                region.to_tensors(sizes, device) for region in self.layout.regions
            ],
            kept=self.layout.kept_tensor(device),
        )

    def measure_distances(
        self, network: VGG, cache: TargetCache, painting: Pixels | None = None
    ) -> Distances:
        """Measure how far a painting, or the photo, is from photo and styles.

        They are compared in their own colors and aspects, at the style scale 1,
        whatever the recipe makes of them.
        """
        device = network.mean.device
        width = self.photo.shape[1]
        styles = [
            (to_tensor(resize(pixels, *_size_at_width(pixels, width)), device), weight)
            for pixels, weight in self.originals
        ]
        photo = to_tensor(self.photo, device)
        candidate = photo if painting is None else to_tensor(painting, device)
        return measure_distances(network, candidate, photo, styles, cache)

    def to_painting(self, image: Tensor) -> Pixels:
        """Convert a candidate of any level to ``(H, W, 3)`` in [0, 1], full size.

        What is kept is the photo's, and so are the features of protected faces, and
        what is finer than the recipe's ``detail_scale``.
        """
        painted = self._to_colors(self._compose(image))
        if self.recipe.detail_scale:
            wavelength = self.recipe.detail_scale * max(self.photo.shape[:2])
            painted = restore_details(painted, self.photo, wavelength)
        painted = protect_faces(painted, self.photo, self.faces)
        return self._keep(painted, self.photo)

    def _compose(self, image: Tensor) -> Pixels:
        """Convert a candidate to pixels, at full size, with what is kept of the photo.

        Under a kept part, a candidate means nothing.
        """
        height, width = self.photo.shape[:2]
        return self._keep(to_pixels(resize_image(image, height, width)), self.content)

    def _keep(self, painted: Pixels, photo: Pixels) -> Pixels:
        if self.layout.kept is None:
            return painted
        kept = self.layout.kept[..., None]
        return np.asarray((1 - kept) * painted + kept * photo)

    def _to_colors(self, painted: Pixels) -> Pixels:
        method, strength = self.recipe.color, self.recipe.color_strength
        if method not in color.PLANES or strength == 0:
            return painted
        if painted.shape[2] == 1:
            return color.replace_plane(self.photo, painted, method)
        gray = color.extract_plane(painted, method)
        kept = color.replace_plane(self.photo, gray, method)
        return (1 - strength) * painted + strength * kept

    def _apply_color(self, styles: list[Pixels]) -> tuple[Pixels, list[Pixels]]:
        """Return photo and styles in the colors that the network is to see."""
        method, strength = self.recipe.color, self.recipe.color_strength
        if self.has_original_colors:
            # A plane of a strength below 1 is blended with the photo's colors in
            # to_painting.
            return self.photo, styles
        if method not in color.PLANES:
            recolored = [
                color.recolor(style, self._get_colors(index), method, strength)
                for index, style in enumerate(styles)
            ]
            return self.photo, recolored
        planes = [
            color.match_plane(
                color.extract_plane(style, method),
                color.extract_plane(self._get_colors(index), method),
            )
            for index, style in enumerate(styles)
        ]
        return color.extract_plane(self.photo, method), planes

    def _get_colors(self, style: int) -> Pixels:
        """Return the photo's colors that a style is to have.

        Those of the photo, or ``(1, M, 3)`` of what is visible of it and after that
        style.
        """
        masks = [region.mask for region in self.layout.regions if region.weights[style]]
        counts = np.sum(masks, axis=0) if masks else np.ones(self.photo.shape[:2])
        colors = self.photo
        if self.alpha is not None:
            counts = counts * self.alpha
            colors = remove_white(self.photo, self.alpha)
        if counts.min() == 1:
            return colors
        selected: Pixels = colors[counts >= min(0.5, counts.max())]
        return selected[None]


def _scale_style(
    recipe: Recipe,
    source: Source,
    pixels: Pixels,
    max_pixels: int,
    photo_size: tuple[int, int],
) -> Pixels:
    """Resize a style as the recipe asks, for a photo of that height and width."""
    aspect = photo_size if recipe.style_size == "content" else pixels.shape[:2]
    width = max(1, round(recipe.width * recipe.style_scale))
    least = minimum_image_side(recipe)
    height = max(1, round(aspect[0] * width / aspect[1]))
    if min(height, width) < least <= max(height, width):
        # A scroll: its short side decides.
        width = math.ceil(max(least, least * aspect[1] / aspect[0]))
        name = source.path.name
        log.info("%s is a narrow strip: it is taken %d pixels wide", name, width)
    size = _fit_width(recipe, aspect, width, str(source.path), max_pixels)
    if width > pixels.shape[1]:
        log.info(
            "%s is %d pixels wide: enlarged to %d, as --style-scale %g asks",
            source.path.name,
            pixels.shape[1],
            width,
            recipe.style_scale,
        )
    return resize(pixels, *size)


def _shrink(pixels: Pixels, size: tuple[int, int]) -> Pixels:
    """Resize unless that enlarges: a narrow strip's could be larger than memory."""
    height, width = size
    is_larger = height * width > pixels.shape[0] * pixels.shape[1]
    return pixels if is_larger else resize(pixels, height, width)


def _size_at_width(pixels: Pixels, width: int) -> tuple[int, int]:
    """Return the height and width of a picture at ``width``, in its own aspect."""
    return max(1, round(pixels.shape[0] * width / pixels.shape[1])), width


def _fit_width(
    recipe: Recipe, aspect: tuple[int, ...], width: int, name: str, max_pixels: int
) -> tuple[int, int]:
    """Return the height and width at ``width`` in the aspect of a height and width.

    Raises:
        UsageError: It is too small for the layers, or too large for memory.
    """
    height = max(1, round(aspect[0] * width / aspect[1]))
    layers = recipe.compared_layers
    least = minimum_image_side(recipe)
    other_option = "" if name == "the photo" else " or --style-scale"
    if min(height, width) < least:
        raise UsageError(
            f"{name} comes to {width}×{height} pixels, and {max(layers)} needs "
            f"{least} on each side: choose a larger --width{other_option}, or another "
            "picture"
        )
    if height * width > max_pixels:
        raise UsageError(
            f"{name} comes to {width}×{height} pixels: choose a smaller --width, or "
            "--long-side, or raise --max-pixels"
        )
    return height, width
