"""Places of works, and works that together have a neighbor for each place of a photo.

A picture is described by 256 of its places: what the compact network sees there, in 120
numbers. That is enough to say which works a painting would be made of; the painting
itself searches all places (:mod:`artist_nst.nst.neighbors`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from artist_nst._types import PathLike
from artist_nst.errors import ArtistNstError
from artist_nst.image.files import read_scaled, resize_long_side
from artist_nst.nst.neighbors import pool_to_grid
from artist_nst.nst.tensors import to_tensor
from artist_nst.recipes.recipe import NEIGHBOR_LAYERS
from artist_nst.styles.cache import FeatureCache
from artist_nst.styles.descriptors import descriptor_network

Places = NDArray[np.float32]
"""``(256, 120)``."""

LONG_SIDE = 192  # pixels, at which places are compared
PLACE_COUNT = 256
LAYER_DIMENSIONS = 24

# A further work must bring the mean distance to the photo's places down by this share.
MIN_GAIN = 0.01


def describe_places(path: PathLike) -> Places:
    """Describe the places of a picture file.

    Each layer's features are projected to 24 dimensions, which about keeps angles.

    Raises:
        ArtistNstError: It cannot be read.

    Source:
        Johnson and Lindenstrauss, "Extensions of Lipschitz mappings into a Hilbert
        space", 1984.
    """
    network = descriptor_network()
    pixels = resize_long_side(read_scaled(path, 2 * LONG_SIDE), LONG_SIDE, minimum=16)
    layers = [layer for layer, _ in NEIGHBOR_LAYERS]
    with torch.no_grad():
        features = network(to_tensor(pixels), layers)
        columns = [_sample(layer, features[layer]) for layer in layers]
    return np.asarray(torch.cat(columns, 1).numpy(), dtype=np.float32)


def describe_places_of_files(
    paths: Sequence[Path],
    name: str,
    on_progress: Callable[[int, int], None] | None = None,
) -> list[Places | ArtistNstError]:
    """Get the places of picture files, computed if they are not in the cache.

    Args:
        paths: The files.
        name: Of their corpus.
        on_progress: Called with the number computed, and the number in all.

    Returns:
        In the order of ``paths``; the error in place of a file that cannot be read.
    """
    sizes = f"{LONG_SIDE} {PLACE_COUNT} {LAYER_DIMENSIONS}"
    key = f"{sizes} {descriptor_network().sha256}"
    cache_of_places = FeatureCache(f"places {name}", key)
    return cache_of_places.get_or_compute(paths, describe_places, on_progress)


def compare_places(photo: Places, works: Sequence[Places]) -> NDArray[np.float64]:
    """Compute how near each place of a photo comes to each work.

    Returns:
        ``(256, works)``: the largest cosine between the place and one of the work's,
        layers scaled by their root mean square over the works, and both centered.
    """
    keys = np.stack(works).astype(np.float64)
    layers = keys.shape[2] // LAYER_DIMENSIONS
    split = keys.reshape(-1, layers, LAYER_DIMENSIONS)
    scale = np.sqrt(np.square(split).sum(2).mean(0)).repeat(LAYER_DIMENSIONS)
    scale = np.maximum(scale, np.finfo(np.float32).tiny)
    keys = _normalize((keys - keys.mean((0, 1))) / scale)
    queries = _normalize((photo - photo.mean(0, dtype=np.float64)) / scale)
    return np.asarray(np.stack([(queries @ work.T).max(1) for work in keys], axis=1))


def choose_covering(scores: NDArray[np.float64], count: int) -> list[int]:
    """Choose works in which each place of a photo finds a near one.

    One after the other, that which raises the mean of the places' best similarities
    most, until ``count`` are chosen or a further one gains little. The mean is
    submodular: no choice of as many works is better than by a factor of 1 / (1 − 1/e).

    Args:
        scores: Of :func:`compare_places`.
        count: How many works at most.

    Source:
        Nemhauser, Wolsey and Fisher, "An analysis of approximations for maximizing
        submodular set functions", 1978.
    """
    chosen: list[int] = []
    best = np.full(len(scores), -1.0)
    while len(chosen) < min(count, scores.shape[1]):
        means = np.maximum(scores, best[:, None]).mean(0)
        means[chosen] = -2
        work = int(means.argmax())
        gain = means[work] - best.mean()
        if chosen and gain < MIN_GAIN * (1 - best.mean()):
            break
        chosen.append(work)
        best = np.maximum(best, scores[:, work])
    return chosen


def _normalize(columns: NDArray[np.float64]) -> NDArray[np.float64]:
    norms = np.linalg.norm(columns, axis=-1, keepdims=True)
    return np.asarray(columns / np.maximum(norms, np.finfo(np.float32).tiny))


def _sample(layer: str, features: Tensor) -> Tensor:
    """Project the features at 256 places, spread evenly over rows: ``(256, 24)``."""
    pooled = pool_to_grid(layer, features)
    height, width = pooled.shape[1:]
    side = round(PLACE_COUNT**0.5)
    rows = ((torch.arange(side) + 0.5) * height / side).long()
    columns = ((torch.arange(side) + 0.5) * width / side).long()
    places = pooled[:, rows][:, :, columns].flatten(1).T
    projected: Tensor = places @ _projection(len(pooled))
    return projected


@cache
def _projection(filters: int) -> Tensor:
    """Draw the signs of a projection, ``(filters, 24)``, the same on every machine."""
    # NumPy guarantees the numbers of RandomState only.
    generator = np.random.RandomState(filters)
    signs = generator.randint(0, 2, (filters, LAYER_DIMENSIONS)) * 2.0 - 1
    scaled: Tensor = torch.from_numpy(signs).float() / LAYER_DIMENSIONS**0.5
    return scaled
