"""The style of every work of a corpus in a few thousand numbers, computed once."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from math import prod
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

from artist_nst._types import Pixels
from artist_nst.errors import ArtistNstError, TooLargeError
from artist_nst.image.files import read_picture, read_small, resize
from artist_nst.nst.compact import load_compact
from artist_nst.nst.features import survey
from artist_nst.nst.sketch import SIZE, sketch
from artist_nst.nst.vgg import VGG, minimum_side
from artist_nst.recipes.recipe import STYLE_LAYERS
from artist_nst.styles.cache import Kept
from artist_nst.styles.palette import BINS, SPREAD, palette

Vector = NDArray[np.float32]

LAYERS = tuple(layer for layer, _ in STYLE_LAYERS)
DEEPEST = LAYERS[-1]
LONG_SIDE = 256  # pixels, at which all pictures are compared
FIELDS = 4  # along each side


@dataclass(frozen=True, slots=True, eq=False)
class Style:
    """How a picture is painted.

    By the compact network, which comes with the package, so that every machine finds
    the same; distances by it rank works as VGG-19's do (docs/compact.md).

    Attributes:
        grams: ``(5, 1024)``: by layer of ``LAYERS`` the sketch of its Gram matrix
            (:func:`artist_nst.nst.sketch.sketch`) at a longer side of 256 pixels.
        layout: ``(D,)``, of length 1: what is where, the features of conv5_1 averaged
            in 4 × 4 fields.
        palette: ``(800,)``, of length 1: :func:`artist_nst.styles.palette.palette`.
    """

    grams: Vector
    layout: Vector
    palette: Vector

    @property
    def row(self) -> Vector:
        """All in one, to be kept."""
        return np.concatenate((self.grams.ravel(), self.layout, self.palette))


def style_of(pixels: Pixels) -> Style:
    """The style of a picture, ``(H, W, 3)`` sRGB in [0, 1]."""
    height, width = pixels.shape[:2]
    shrink = LONG_SIDE / max(height, width)
    least = minimum_side(LAYERS)
    small = resize(
        pixels, *(max(least, round(side * shrink)) for side in (height, width))
    )
    planes = np.ascontiguousarray(small.transpose(2, 0, 1)[None] * 255)
    image = torch.from_numpy(planes).float()
    features, grams = survey(looking_network(), image, [DEEPEST], LAYERS)
    fields = functional.adaptive_avg_pool2d(features[DEEPEST][None], FIELDS)
    return Style(
        torch.stack([sketch(grams[layer]) for layer in LAYERS]).numpy(),
        functional.normalize(fields.flatten(), dim=0).numpy(),
        palette(small),
    )


def style_of_file(path: str | os.PathLike[str]) -> Style:
    """The style of a picture file.

    Raises:
        ArtistNstError: it can't be read.
    """
    try:
        return style_of(read_small(path, 2 * LONG_SIDE) / 255)
    except TooLargeError:
        # For a look in passing; but it may be read as a whole.
        return style_of(read_picture(path).pixels)


def styles_of(
    paths: Sequence[Path],
    name: str,
    on_progress: Callable[[int, int], None] | None = None,
) -> list[Style | ArtistNstError]:
    """The styles of picture files, computed where they are not kept.

    Args:
        name: of the corpus that they are of.
        on_progress: told how many are computed, of how many.

    Returns:
        In the order of ``paths``; the error in place of a file that can't be read.
    """
    how = f"{LONG_SIDE} {SIZE} {FIELDS} {BINS} {SPREAD} {looking_network().sha256}"
    kept = Kept(f"styles {name}", how)
    rows = kept.rows(paths, lambda path: style_of_file(path).row, on_progress)
    return [row if isinstance(row, ArtistNstError) else _parted(row) for row in rows]


def _parted(row: Vector) -> Style:
    grams, layout, colors = np.split(row, (len(LAYERS) * SIZE, -prod(BINS)))
    return Style(grams.reshape(len(LAYERS), SIZE), layout, colors)


def manners(works: Sequence[Style], others: Sequence[Style] = ()) -> Vector:
    """How works are painted, as vectors, whose squared Euclidean distances are the mean
    over layers of ‖G − A‖², relative to the works' own mean ‖A‖².

    Args:
        others: measured by the works' scale; paintings, say.

    Returns:
        ``(n, 5120)``, of the works and then of the others.
    """
    own = np.stack([style.grams for style in works])
    scale = np.sqrt(np.square(own).sum(2, keepdims=True).mean(0, keepdims=True))
    found = np.stack([style.grams for style in (*works, *others)])
    scaled = found / np.maximum(scale, np.finfo(np.float32).tiny)
    return np.asarray(scaled.reshape(len(found), -1) / len(LAYERS) ** 0.5)


def subjects(works: Sequence[Style]) -> Vector:
    """What is shown where, and in which colors, as vectors ``(n, D)``: alike for two
    portraits, whoever painted them."""
    return np.stack([np.concatenate((one.layout, one.palette)) for one in works])


def apart(candidate: Style, target: Style) -> dict[str, float]:
    """‖G − A‖² / ‖A‖² by layer, as the default recipe's style loss has it."""
    squared = np.square(candidate.grams - target.grams).sum(1)
    size = np.square(target.grams).sum(1)
    found = squared / np.maximum(size, np.finfo(np.float32).tiny)
    return dict(zip(LAYERS, map(float, found), strict=True))


def distance(candidate: Style, target: Style) -> float:
    """The mean of :func:`apart` over the layers."""
    return float(np.mean([*apart(candidate, target).values()]))


@cache
def looking_network() -> VGG:
    """The compact network, on the CPU, that looks at works and at paintings."""
    return VGG(load_compact())
