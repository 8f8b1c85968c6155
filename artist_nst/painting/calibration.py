"""Constants of ``vgg19-normalised``: measured on photographs once, then cached."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Iterator
from importlib.resources import as_file, files
from pathlib import Path

import torch
from platformdirs import user_cache_path
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from artist_nst._files import atomic_write
from artist_nst.image.files import read_picture, resize_long_side
from artist_nst.nst.normalize import measure_activation_means, normalize_weights
from artist_nst.nst.tensors import to_tensor
from artist_nst.nst.weights.checkpoint import Weights

log = logging.getLogger(__name__)

# Color photographs that scikit-image ships: a face, a cat, a cup, a workshop, a rocket
# at dusk, stars.
PHOTOGRAPHS = (
    "astronaut",
    "chelsea",
    "coffee",
    "motorcycle_left",
    "rocket",
    "hubble_deep_field",
)
LONG_SIDE = 288  # pixels

# The photographs contain little green, and a filter that hardly any pixel activates
# would be scaled up enormously: each is used with its channels in three orders.
CHANNEL_ORDERS = 3


def calibrate_weights(weights: Weights) -> Weights:
    """Make the weights of ``vgg19-normalised`` from VGG-19's.

    The mean activations are cached in the user's cache folder under the weights' hash;
    if they cannot be cached, they are measured each time.
    """
    path = _cache_file(weights)
    means = _read_means(path, weights)
    if means is None:
        log.info(
            "measuring mean activations on %d photographs, once for these weights",
            len(PHOTOGRAPHS),
        )
        means = measure_activation_means(weights, load_photographs())
        _write_means(path, means)
    return normalize_weights(weights, means)


def load_photographs() -> Iterator[Tensor]:
    """Load the photographs, ``(1, 3, H, W)`` on 0–255, each in all channel orders."""
    folder = files("skimage.data")
    for name in PHOTOGRAPHS:
        suffix = "png" if folder.joinpath(f"{name}.png").is_file() else "jpg"
        with as_file(folder.joinpath(f"{name}.{suffix}")) as path:
            pixels = read_picture(path).pixels
        image = to_tensor(resize_long_side(pixels, LONG_SIDE))
        for shift in range(CHANNEL_ORDERS):
            yield image.roll(shift, dims=1)


def _cache_file(weights: Weights) -> Path:
    # Other photographs give other constants.
    inputs = repr((PHOTOGRAPHS, LONG_SIDE, CHANNEL_ORDERS)).encode()
    digest = hashlib.sha256(inputs).hexdigest()[:8]
    name = f"means-{weights.sha256[:32]}-{weights.input}-{digest}.safetensors"
    return user_cache_path("artist-nst", appauthor=False) / name


def _read_means(path: Path, weights: Weights) -> dict[str, Tensor] | None:
    """Return the cached means; None if there are none, or they cannot be right."""
    try:
        means = load_file(path)
    except (OSError, SafetensorError):
        return None
    shapes = {layer: mean.shape for layer, mean in means.items()}
    expected = {layer: bias.shape for layer, (_, bias) in weights.kernels.items()}
    is_valid = shapes == expected and all(map(_is_valid_mean, means.values()))
    return means if is_valid else None


def _is_valid_mean(mean: Tensor) -> bool:
    # Activations are never negative.
    is_in_range = bool(mean.isfinite().all()) and bool(mean.ge(0).all())
    return mean.dtype == torch.float64 and is_in_range


def _write_means(path: Path, means: dict[str, Tensor]) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with atomic_write(path) as temporary:
            save_file(means, temporary)
    except (OSError, SafetensorError) as error:
        log.debug("mean activations cannot be cached in %s: %s", path.parent, error)
