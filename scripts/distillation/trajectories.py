"""Intermediate images of style transfer runs, to train on.

An optimizer follows the gradient to images unlike any picture, where a network that was
trained on pictures alone is wrong.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from artist_nst._types import Precision
from artist_nst.nst.minimize import NotFiniteError
from artist_nst.nst.pyramid import Step, run_pyramid
from artist_nst.nst.vgg import VGG
from artist_nst.recipes.published import RECIPES
from distillation.dataset import ByteImage, Dataset, random_crop

# Iterations whose images are kept: the first ones change most.
KEPT = 1, 2, 4, 8, 16, 32, 60
RATIOS = 2.0, 5.0, 15.0


def run_trajectories(
    network: VGG,
    dataset: Dataset,
    count: int,
    side: int,
    seed: Sequence[int],
    precision: Precision,
) -> Iterator[list[ByteImage]]:
    """Yield the frames ``(side, side, 3)`` of each of ``count`` runs.

    Each run paints a crop of a photo or painting in the style of a painting's crop by
    the recipe `gram`, at one size, from the content or sometimes from noise.
    """
    for index in range(count):
        rng = np.random.default_rng([*seed, index])
        subjects = dataset.photos if rng.random() < 0.6 else dataset.paintings
        content = random_crop(rng, subjects, side)
        style = random_crop(rng, dataset.paintings, side)
        recipe = replace(
            RECIPES["gram"],
            levels=((1.0, KEPT[-1]),),
            init="rand" if rng.random() < 0.2 else "content",
            ratio=float(rng.choice(RATIOS)),
        )
        frames: list[ByteImage] = []

        def keep(step: Step, frames: list[ByteImage] = frames) -> None:
            if step.iteration in KEPT:
                frames.append(_to_bytes(step.image))

        device = network.mean.device
        try:
            result = run_pyramid(
                network,
                recipe,
                content.to(device),
                [(style.to(device), 1.0)],
                seed=int(rng.integers(2**31)),
                precision=precision,
                on_step=keep,
            )
            if result.interrupted:
                # The frames of an incomplete run would be kept and trained on.
                raise KeyboardInterrupt
        except NotFiniteError:
            frames.clear()
        yield frames


def _to_bytes(image: Tensor) -> ByteImage:
    pixels = image[0].permute(1, 2, 0).round().to(torch.uint8)
    return np.asarray(pixels.cpu().numpy())
