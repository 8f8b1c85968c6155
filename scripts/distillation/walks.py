"""Half-finished paintings to learn from: where a painter walks, a network must see."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from artist_nst.nst.minimize import NotFiniteError
from artist_nst.nst.precision import Precision
from artist_nst.nst.pyramid import Step, run
from artist_nst.nst.vgg import VGG
from artist_nst.recipes.published import RECIPES
from distillation.pictures import Levels, Pictures, crop

# Iterations that are kept of a run: the first ones move most.
KEPT = 1, 2, 4, 8, 16, 32, 60
RATIOS = 2.0, 5.0, 15.0


def walks(
    network: VGG,
    pictures: Pictures,
    count: int,
    side: int,
    seed: Sequence[int],
    precision: Precision,
) -> Iterator[list[Levels]]:
    """Frames ``(side, side, 3)`` of each of ``count`` runs of the default recipe.

    Each paints a crop of a photo or painting after one of a painting, at one size,
    from the crop itself or, now and then, from noise.
    """
    for nth in range(count):
        source = np.random.default_rng([*seed, nth])
        subjects = pictures.photos if source.random() < 0.6 else pictures.paintings
        content = crop(source, subjects, side)
        style = crop(source, pictures.paintings, side)
        recipe = replace(
            RECIPES["default"],
            levels=((1.0, KEPT[-1]),),
            init="rand" if source.random() < 0.2 else "content",
            ratio=float(source.choice(RATIOS)),
        )
        frames: list[Levels] = []

        def keep(step: Step, frames: list[Levels] = frames) -> None:
            if step.iteration in KEPT:
                frames.append(_levels(step.image))

        device = network.mean.device
        try:
            result = run(
                network,
                recipe,
                content.to(device),
                [(style.to(device), 1.0)],
                seed=int(source.integers(2**31)),
                precision=precision,
                on_step=keep,
            )
            if result.interrupted:
                # Or the rest would learn from half a walk, without a word.
                raise KeyboardInterrupt
        except NotFiniteError:
            frames.clear()
        yield frames


def _levels(image: Tensor) -> Levels:
    pixels = image[0].permute(1, 2, 0).round().to(torch.uint8)
    return np.asarray(pixels.cpu().numpy())
