"""Style descriptors: how a picture is painted, in a few thousand numbers.

They are computed once for each file, with the compact network, which comes with the
package: every machine computes the same. Distances between them rank works as VGG-19's
do (docs/compact.md).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from math import prod
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

from artist_nst._types import PathLike, Pixels
from artist_nst.errors import ArtistNstError
from artist_nst.image.files import read_picture, read_scaled, resize_long_side
from artist_nst.image.srgb import remove_white
from artist_nst.nst.compact import load_compact
from artist_nst.nst.features import extract_features
from artist_nst.nst.sketch import SKETCH_SIZE, sketch_gram
from artist_nst.nst.tensors import to_tensor
from artist_nst.nst.vgg import VGG
from artist_nst.recipes.layers import minimum_side
from artist_nst.recipes.recipe import STYLE_LAYERS
from artist_nst.styles.cache import FeatureCache
from artist_nst.styles.palette import BINS, SMOOTHING, color_histogram

Vector = NDArray[np.float32]

GRAM_LAYERS = tuple(layer for layer, _ in STYLE_LAYERS)
DEEPEST_LAYER = GRAM_LAYERS[-1]
LONG_SIDE = 256  # pixels, at which all pictures are compared
LAYOUT_SIDE = 4  # fields along each side of a layout
TINY = np.finfo(np.float32).tiny


@dataclass(frozen=True, slots=True, eq=False)
class StyleDescriptor:
    """How a picture is painted, and what is on it.

    Attributes:
        grams: ``(5, 1024)``: by layer of ``GRAM_LAYERS`` the sketch of its Gram matrix
            (:func:`artist_nst.nst.sketch.sketch_gram`), at a longer side of 256 pixels.
        layout: ``(D,)``, of length 1: the features of conv5_1 averaged in 4 × 4 fields.
        palette: ``(800,)``: :func:`artist_nst.styles.palette.color_histogram`.
    """

    grams: Vector
    layout: Vector
    palette: Vector

    def to_vector(self) -> Vector:
        """Concatenate all numbers."""
        return np.concatenate((self.grams.ravel(), self.layout, self.palette))

    @classmethod
    def from_vector(cls, vector: Vector) -> StyleDescriptor:
        """Restore a descriptor from :meth:`to_vector`."""
        shape = len(GRAM_LAYERS), SKETCH_SIZE
        grams, layout, palette = np.split(vector, (prod(shape), -prod(BINS)))
        return cls(grams.reshape(shape), layout, palette)


def describe(pixels: Pixels, alpha: Pixels | None = None) -> StyleDescriptor:
    """Compute the descriptor of a picture.

    Args:
        pixels: ``(H, W, 3)`` sRGB in [0, 1].
        alpha: ``(H, W)``, how visible each pixel is, in [0, 1]. What is not visible
            has no part in the palette, and the network sees the mean color there.
    """
    side = minimum_side(GRAM_LAYERS)
    small = resize_long_side(pixels, LONG_SIDE, minimum=side)
    weights = None
    if alpha is not None and alpha.any():
        weights = resize_long_side(alpha, LONG_SIDE, minimum=side)
        mean = np.average(small, (0, 1), np.repeat(weights[..., None], 3, axis=2))
        small = small * weights[..., None] + mean * (1 - weights[..., None])
    features, grams = extract_features(
        descriptor_network(), to_tensor(small), [DEEPEST_LAYER], GRAM_LAYERS
    )
    fields = functional.adaptive_avg_pool2d(features[DEEPEST_LAYER][None], LAYOUT_SIDE)
    return StyleDescriptor(
        torch.stack([sketch_gram(grams[layer]) for layer in GRAM_LAYERS]).numpy(),
        functional.normalize(fields.flatten(), dim=0).numpy(),
        color_histogram(small, weights),
    )


def describe_file(path: PathLike) -> StyleDescriptor:
    """Compute the descriptor of a work's file, over white where it is transparent.

    Raises:
        ArtistNstError: it can't be read.
    """
    return describe(read_scaled(path, 2 * LONG_SIDE))


def describe_photo(path: PathLike) -> StyleDescriptor:
    """Compute the descriptor of what is visible of a photo.

    Raises:
        ArtistNstError: it can't be read.
    """
    photo = read_picture(path, width=2 * LONG_SIDE)
    if photo.alpha is None:
        return describe(photo.pixels)
    return describe(remove_white(photo.pixels, photo.alpha), photo.alpha)


def describe_files(
    paths: Sequence[Path],
    name: str,
    on_progress: Callable[[int, int], None] | None = None,
) -> list[StyleDescriptor | ArtistNstError]:
    """Get the descriptors of picture files, computed if they are not in the cache.

    Args:
        paths: the files.
        name: of their corpus.
        on_progress: told how many are computed, of how many.

    Returns:
        In the order of ``paths``; the error in place of a file that can't be read.
    """
    sizes = f"{LONG_SIDE} {SKETCH_SIZE} {LAYOUT_SIDE} {BINS} {SMOOTHING}"
    cache = FeatureCache(f"styles {name}", f"{sizes} {descriptor_network().sha256}")
    vectors = cache.get_or_compute(
        paths, lambda path: describe_file(path).to_vector(), on_progress
    )
    return [
        vector
        if isinstance(vector, ArtistNstError)
        else StyleDescriptor.from_vector(vector)
        for vector in vectors
    ]


def style_embedding(
    works: Sequence[StyleDescriptor], others: Sequence[StyleDescriptor] = ()
) -> Vector:
    """Compute vectors of how works are painted.

    Their squared Euclidean distances are the mean over layers of ‖G − A‖², relative to
    the works' own mean ‖A‖².

    Args:
        works: those that set the scale.
        others: measured by the works' scale; paintings, say.

    Returns:
        ``(n, 5120)``, of the works and then of the others.
    """
    grams = np.stack([descriptor.grams for descriptor in (*works, *others)])
    squared = np.square(grams[: len(works)]).sum(2, keepdims=True)
    scaled = grams / np.maximum(np.sqrt(squared.mean(0, keepdims=True)), TINY)
    return np.asarray(scaled.reshape(len(grams), -1) / len(GRAM_LAYERS) ** 0.5)


def content_embedding(works: Sequence[StyleDescriptor]) -> Vector:
    """Compute vectors of what works show and in which colors, ``(n, D)``.

    Two portraits are similar, whoever painted them.
    """
    return np.stack([np.concatenate((work.layout, work.palette)) for work in works])


def gram_distance(
    candidates: NDArray[np.floating], targets: NDArray[np.floating]
) -> NDArray[np.float64]:
    """Compute ‖G − A‖² / ‖A‖² of each candidate to each target, averaged over layers.

    It is the default recipe's style loss.

    Args:
        candidates: ``(n, L, K)``: G, sketched (:attr:`StyleDescriptor.grams`).
        targets: ``(m, L, K)``: A.

    Returns:
        ``(n, m)``.
    """
    first, second = candidates.astype(np.float64), targets.astype(np.float64)
    products = np.einsum("nlk,mlk->nml", first, second, optimize=True)
    sizes = np.square(second).sum(2)
    squared = np.square(first).sum(2)[:, None] + sizes - 2 * products
    return np.asarray((np.maximum(squared, 0) / np.maximum(sizes, TINY)).mean(2))


@cache
def descriptor_network() -> VGG:
    """Load the compact network, on the CPU, that descriptors are computed with."""
    return VGG(load_compact())
