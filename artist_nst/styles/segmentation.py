"""Regions of a photo and of works that show alike things, sky and sky say.

Superpixels of all pictures are described by what a network sees in them, their color
and where they are, and clustered together. A photo's features differ from a painting's
everywhere, so each side is compared with its own mean.

Source:
    Achanta et al., "SLIC superpixels compared to state-of-the-art superpixel methods",
    2012, for the superpixels; Gatys et al., "Controlling perceptual factors in neural
    style transfer", 2017, section 4, for the use of such masks.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import cycle

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from artist_nst._types import Pixels
from artist_nst.nst.features import extract_features
from artist_nst.nst.tensors import to_pixels
from artist_nst.nst.vgg import VGG
from artist_nst.recipes.layers import minimum_side

SIDE = 384  # pixels of the longer side, at which pictures are compared
SUPERPIXELS = 250
COMPACTNESS = 12.0
LAYERS = ("conv4_1", "conv5_1")
DIMENSIONS = 12  # of each layer, its principal components

# How much each part of a description counts, in units of its deviation; a layer has 1.
# In 15 trials of a photo and three works, with points marked by what they show, 81 % of
# paired points show the like; 67 % without the height, 77 % without the distance from
# the middle column, 76 % if pictures are merely cut into thirds.
LIGHTNESS, COLOR, HEIGHT, ECCENTRICITY = 0.3, 0.4, 0.9, 0.5
MIN_DEVIATION = 5.0  # of color, in CIELAB; less is noise

# Smaller regions are merged with the one most similar.
MIN_PHOTO_SHARE, MIN_WORKS_SHARE = 0.03, 0.02
FLAT = 2.0  # deviation in CIELAB of a picture that shows nothing
EDGE = 1.5  # pixels at ``SIDE``, the deviation of the masks' blur

# Okabe and Ito's, which the color-blind can tell apart.
COLORS = {
    "blue": (0.0, 0.45, 0.7),
    "orange": (0.9, 0.62, 0.0),
    "green": (0.0, 0.62, 0.45),
    "pink": (0.8, 0.47, 0.65),
    "yellow": (0.94, 0.89, 0.26),
    "light blue": (0.34, 0.71, 0.91),
}
TINT = 0.6

Array = NDArray[np.float64]
Labels = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Segmentation:
    """Regions of a photo, and those of the works that show alike things.

    Attributes:
        photo_masks: ``(K, H, W)`` in [0, 1], float32 on the CPU, with soft edges; their
            sum is 1 everywhere. The largest region is first.
        work_masks: For each work ``(K, h, w)``, likewise. A work may lack a region that
            others have; its mask is then 0.
    """

    photo_masks: Tensor
    work_masks: tuple[Tensor, ...]


def segment_alike(
    network: VGG, photo: Tensor, works: Sequence[Tensor], count: int = 3
) -> Segmentation:
    """Divide a photo and works into regions that correspond to each other.

    There are fewer regions than ``count`` where the photo or the works have too little
    of one, and a single one if the photo or all works are flat. The same pictures give
    the same regions. The compact network finds as good ones as VGG-19.

    Args:
        network: With the layers conv4_1 and conv5_1.
        photo: ``(1, C, H, W)`` on 0–255, of 1 or 3 channels.
        works: At least one, likewise, of any sizes.
        count: The most regions, from 1 to 6; 2 to 4 are sensible.
    """
    images = photo, *works
    small = [_resize(image.detach().float().cpu()) for image in images]
    colors = [_convert_to_lab(image) for image in small]
    is_flat = [np.sqrt(lab.var((0, 1)).sum()) < FLAT for lab in colors]
    if count == 1 or is_flat[0] or all(is_flat[1:]):
        labels = [np.zeros(lab.shape[:2], np.int64) for lab in colors]
    else:
        labels = _label_pixels(network, small, colors, count)
    regions = 1 + max(int(map_.max()) for map_ in labels)
    masks = [
        _draw_masks(map_, regions, image.shape[-2:])
        for map_, image in zip(labels, images, strict=True)
    ]
    return Segmentation(masks[0], tuple(masks[1:]))


def tint_regions(pixels: Pixels, masks: Sequence[Pixels]) -> Pixels:
    """Draw a picture in gray, each region in a color of its own.

    Args:
        pixels: ``(H, W, C)`` in [0, 1].
        masks: ``(H, W)`` in [0, 1]; of more than six regions, some share a color.

    Returns:
        ``(H, W, 3)`` in [0, 1].
    """
    gray = pixels.mean(2, keepdims=True)
    colors = [color for color, _ in zip(cycle(COLORS.values()), masks, strict=False)]
    tints = np.tensordot(np.stack(masks), colors, (0, 0))
    share = TINT * np.sum(masks, axis=0)[..., None].clip(0, 1)
    return np.asarray((1 - share) * gray + TINT * tints)


def _resize(image: Tensor) -> Tensor:
    scale = SIDE / max(image.shape[-2:])
    size = [max(minimum_side(LAYERS), round(n * scale)) for n in image.shape[-2:]]
    color = image.expand(-1, 3, -1, -1)
    return functional.interpolate(color, size, mode="bilinear", antialias=True)


def _clip(image: Tensor) -> Pixels:
    """Convert to pixels; resampling goes beyond the range."""
    return to_pixels(image).clip(0, 1)


def _convert_to_lab(image: Tensor) -> Array:
    from skimage.color import rgb2lab

    return np.asarray(rgb2lab(_clip(image)))


def _label_pixels(
    network: VGG, images: Sequence[Tensor], colors: Sequence[Array], count: int
) -> list[Labels]:
    """Label the pixels of the photo, which is first, and of the works by region."""
    from skimage.segmentation import slic

    parts = [
        slic(_clip(image), SUPERPIXELS, COMPACTNESS, sigma=1, start_label=0)
        for image in images
    ]
    shares = [np.bincount(part.ravel()) / part.size for part in parts]
    # The photo counts as much as the works, which count alike.
    weights = [shares[0], *(share / (len(shares) - 1) for share in shares[1:])]
    maps = _compute_maps(network, images, colors)
    columns = [
        _average(part, picture) for part, picture in zip(parts, maps, strict=True)
    ]
    scaled = _scale(columns, weights, _list_groups(maps[0].shape[2]))
    labels = _cluster(scaled, weights, count)
    return [label[part] for label, part in zip(labels, parts, strict=True)]


def _compute_maps(
    network: VGG, images: Sequence[Tensor], colors: Sequence[Array]
) -> list[Array]:
    """Describe the pixels of each picture by color, place and layers: ``(h, w, D)``."""
    features: list[dict[str, Tensor]] = []
    for image in images:
        with torch.no_grad():
            on_device = image.to(network.mean.device, network.mean.dtype)
            features.append(extract_features(network, on_device, LAYERS, ())[0])
    maps = [[lab, _measure_places(*lab.shape[:2])] for lab in colors]
    for layer in LAYERS:
        components = _project([picture[layer].cpu().double() for picture in features])
        for picture, planes in zip(maps, components, strict=True):
            size = picture[0].shape[:2]
            planes = functional.interpolate(planes[None], size, mode="bilinear")[0]
            picture.append(planes.permute(1, 2, 0).numpy())
    return [np.concatenate(picture, axis=2) for picture in maps]


def _measure_places(height: int, width: int) -> Array:
    """Return each pixel's height and its distance from the middle column, in [0, 1]."""
    rows, columns = (np.arange(side) + 0.5 for side in (height, width))
    places = np.meshgrid(rows / height, np.abs(2 * columns / width - 1), indexing="ij")
    return np.stack(places, axis=2)


def _project(features: Sequence[Tensor]) -> list[Tensor]:
    """Project the directions of features ``(N, h, w)`` to their principal components.

    The photo, which is first, is centered at its own mean, the works at theirs.
    """
    directions = [
        functional.normalize(picture.flatten(1), dim=0) for picture in features
    ]
    works = torch.stack([picture.mean(1) for picture in directions[1:]]).mean(0)
    means = [directions[0].mean(1), *[works] * (len(directions) - 1)]
    centered = [
        picture - mean[:, None] for picture, mean in zip(directions, means, strict=True)
    ]
    moments = torch.stack([x @ x.T / x.shape[1] for x in centered]).mean(0)
    basis = torch.linalg.eigh(moments).eigenvectors[:, -DIMENSIONS:]
    return [
        (basis.T @ x).unflatten(1, picture.shape[1:])
        for x, picture in zip(centered, features, strict=True)
    ]


def _average(part: Labels, values: Array) -> Array:
    """Average ``(h, w, D)`` over superpixels, ``(n, D)``."""
    flat = part.ravel()
    sums = [np.bincount(flat, plane.ravel()) for plane in np.moveaxis(values, 2, 0)]
    return np.stack(sums, axis=1) / np.bincount(flat)[:, None]


def _list_groups(size: int) -> list[tuple[slice, float, float]]:
    """List the columns that are scaled together, their weight and least deviation."""
    layers = (size - 5) // len(LAYERS)
    return [
        (slice(0, 1), LIGHTNESS, MIN_DEVIATION),
        (slice(1, 3), COLOR, MIN_DEVIATION),
        (slice(3, 4), HEIGHT, 0.1),
        (slice(4, 5), ECCENTRICITY, 0.1),
        *((slice(x, x + layers), 1.0, 1e-6) for x in range(5, size, layers)),
    ]


def _scale(
    columns: Sequence[Array],
    weights: Sequence[Array],
    groups: Iterable[tuple[slice, float, float]],
) -> list[Array]:
    """Center the photo and the works, and give each group of columns its weight."""
    photo = weights[0] @ columns[0]
    works = sum(w @ c for w, c in zip(weights[1:], columns[1:], strict=True))
    centered = [columns[0] - photo, *(picture - works for picture in columns[1:])]
    squares: Array = np.sum(
        [w @ c**2 for w, c in zip(weights, centered, strict=True)], axis=0
    )
    scales = np.ones(columns[0].shape[1])
    for group, weight, least in groups:
        scales[group] = weight / max(np.sqrt(squares[group].sum() / 2), least)
    return [picture * scales for picture in centered]


def _cluster(
    columns: Sequence[Array], weights: Sequence[Array], count: int
) -> list[Labels]:
    """Cluster all superpixels, and merge what the photo or the works have little of."""
    from sklearn.cluster import KMeans
    from threadpoolctl import threadpool_limits

    points = np.concatenate(columns)
    count = min(count, len(np.unique(points, axis=0)))
    # Threads would add in any order.
    with threadpool_limits(1):
        clusters = KMeans(count, n_init=10, random_state=0).fit(
            points, sample_weight=np.concatenate(weights)
        )
    ends = np.cumsum([len(picture) for picture in columns])[:-1]
    labels = np.split(clusters.labels_, ends)
    shares = np.stack(
        [
            np.bincount(label, weight, count)
            for label, weight in zip(labels, weights, strict=True)
        ]
    )
    regions = _merge(clusters.cluster_centers_, shares[0], shares[1:].sum(0))
    return [regions[label] for label in labels]


def _merge(centers: Array, photo: Array, works: Array) -> Labels:
    """Merge clusters with small shares of the photo or the works.

    Returns:
        The region of each cluster, numbered from the photo's largest.
    """
    centers, photo, works = centers.copy(), photo.copy(), works.copy()
    regions = np.arange(len(centers))
    while len(left := np.unique(regions)) > 1:
        sizes = np.minimum(photo / MIN_PHOTO_SHARE, works / MIN_WORKS_SHARE)[left]
        if sizes.min() >= 1:
            break
        small = left[sizes.argmin()]
        others = left[left != small]
        distances = np.square(centers[others] - centers[small]).sum(1)
        near = others[distances.argmin()]
        pair, both = [near, small], photo + works
        centers[near] = np.average(centers[pair], 0, both[pair])
        photo[near], works[near] = photo[pair].sum(), works[pair].sum()
        regions[regions == small] = near
    order = sorted(left, key=lambda region: -photo[region])
    return np.array([order.index(region) for region in regions])


def _draw_masks(labels: Labels, count: int, size: Sequence[int]) -> Tensor:
    """Draw soft masks ``(K, H, W)`` of labels ``(h, w)``, at a picture's own size."""
    from scipy.ndimage import gaussian_filter

    hard = labels == np.arange(count)[:, None, None]
    soft = gaussian_filter(hard.astype(np.float32), (0, EDGE, EDGE), mode="nearest")
    masks = functional.interpolate(
        torch.from_numpy(soft)[None], tuple(size), mode="bilinear", antialias=True
    )[0]
    return masks / masks.sum(0)
