"""The normalised network's constants: measured on photographs, and kept."""

from __future__ import annotations

import hashlib
import logging
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from platformdirs import user_cache_path
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from artist_nst.image.files import resize
from artist_nst.nst.normalize import activation_means, normalized
from artist_nst.nst.weights import Weights

log = logging.getLogger(__name__)

# Colour photographs that scikit-image ships: a face, a cat, a cup, a workshop, a
# rocket at dusk, stars.
PHOTOGRAPHS = (
    "astronaut",
    "chelsea",
    "coffee",
    "motorcycle_left",
    "rocket",
    "hubble_deep_field",
)
LONG_SIDE = 288  # pixels

# Hardly any of them has green in it, and a filter for green that nothing wakes would
# be made deafening: each is looked at with its channels in three orders.
TURNS = 3


def normalized_weights(weights: Weights) -> Weights:
    """The weights of ``vgg19-normalised``, from VGG-19's.

    The means are kept in the user's cache folder under the weights' hash, so that they
    are measured once; where that folder can't be written to, they are measured anew.
    """
    path = _cache_file(weights)
    means = _read(path, weights)
    if means is None:
        log.info(
            "measuring mean activations on %d photographs, once for these weights",
            len(PHOTOGRAPHS),
        )
        means = activation_means(weights, _photographs())
        _write(path, means)
    return normalized(weights, means)


def _cache_file(weights: Weights) -> Path:
    # What is looked at is part of what the constants are made of.
    seen = hashlib.sha256(repr((PHOTOGRAPHS, LONG_SIDE, TURNS)).encode()).hexdigest()
    name = f"means-{weights.sha256[:32]}-{weights.input}-{seen[:8]}.safetensors"
    return user_cache_path("artist-nst", appauthor=False) / name


def _photographs() -> Iterator[Tensor]:
    for name in PHOTOGRAPHS:
        pixels = _pixels(name)
        shrink = LONG_SIDE / max(pixels.shape[:2])
        height, width = (round(side * shrink) for side in pixels.shape[:2])
        small = resize(pixels, height, width).transpose(2, 0, 1)
        image = torch.from_numpy(np.ascontiguousarray(small[None] * 255)).float()
        for turn in range(TURNS):
            yield image.roll(turn, dims=1)


def _pixels(name: str) -> np.typing.NDArray[np.float64]:
    from importlib.resources import as_file, files

    from artist_nst.image.files import read_picture

    folder = files("skimage.data")
    suffix = "png" if folder.joinpath(f"{name}.png").is_file() else "jpg"
    with as_file(folder.joinpath(f"{name}.{suffix}")) as path:
        return read_picture(path).pixels


def _read(path: Path, weights: Weights) -> dict[str, Tensor] | None:
    """The kept means; None where there are none, or none that can be right."""
    try:
        means = load_file(path)
    except (OSError, SafetensorError):
        return None
    fits = {layer: bias.shape for layer, (_, bias) in weights.kernels.items()}
    found = {layer: mean.shape for layer, mean in means.items()}
    return means if found == fits and all(map(_sound, means.values())) else None


def _sound(mean: Tensor) -> bool:
    """Whether activations, which are never negative, can have such means."""
    finite = bool(mean.isfinite().all()) and bool(mean.ge(0).all())
    return mean.dtype == torch.float64 and finite


def _write(path: Path, means: dict[str, Tensor]) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=path.parent) as folder:
            part = Path(folder) / path.name
            save_file(means, part)
            os.replace(part, path)
    except (OSError, SafetensorError) as error:
        log.debug("the means can't be kept in %s: %s", path.parent, error)
