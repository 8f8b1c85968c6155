"""Coarse to fine: each level starts from the one before, enlarged."""

import logging
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

from artist_nst.nst.features import Features
from artist_nst.nst.minimize import (
    INTERRUPTED,
    NOT_FINITE,
    NotFiniteError,
    Outcome,
    minimize,
)
from artist_nst.nst.objective import Losses, Objective, Style, targets
from artist_nst.nst.recipe import Recipe
from artist_nst.nst.vgg import VGG, minimum_side

log = logging.getLogger(__name__)

# Below this a level says nothing about the painting (four pools divide by 16).
LEAST_LEVEL_SIDE = 48

# Of a noisy-content start: this share is noise of ±20 levels about the photo's mean,
# the rest the photo.
NOISE_SHARE = 0.6
NOISE_LEVELS = 20.0


@dataclass(frozen=True, slots=True)
class Level:
    """One size of the pyramid, in pixels, and its iterations."""

    height: int
    width: int
    iterations: int


@dataclass(frozen=True, slots=True)
class Step:
    """One accepted iteration, as handed to ``on_step``.

    Attributes:
        level, levels: which level, from 1, of how many.
        iteration, iterations: which iteration over all levels, from 1, of how many.
        losses: of this iteration.
        seconds: that it took; ``remaining``: seconds left, as estimated.
        image: the candidate, ``(1, C, H_l, W_l)`` on 0–255, of its level's size.
    """

    level: int
    levels: int
    iteration: int
    iterations: int
    losses: Losses
    seconds: float
    remaining: float
    image: Tensor


class Moment(NamedTuple):
    """One accepted iteration, counted over all levels; seconds since the start."""

    iteration: int
    losses: Losses
    seconds: float


@dataclass(frozen=True, slots=True)
class Result:
    """A finished or interrupted run.

    Attributes:
        image: the best candidate, always of the full size.
        losses: at the level that ended last.
        history: every iteration.
        starts: the first iteration of each level that was begun.
        reasons: why each level stopped, in words.
    """

    image: Tensor
    losses: Losses
    history: list[Moment]
    starts: list[int]
    evaluations: int
    reasons: list[str]

    @property
    def interrupted(self) -> bool:
        """By Ctrl-C."""
        return self.reasons[-1] == INTERRUPTED


def plan(recipe: Recipe, height: int, width: int) -> list[Level]:
    """The levels of a painting of ``height`` × ``width`` pixels.

    Levels without iterations, or too small to say anything, give theirs to the next.
    """
    levels = []
    carried = 0
    last = len(recipe.levels) - 1
    for index, (scale, count) in enumerate(recipe.levels):
        h, w = max(1, round(height * scale)), max(1, round(width * scale))
        carried += count
        if carried and (index == last or min(h, w) >= LEAST_LEVEL_SIDE):
            levels.append(Level(h, w, carried))
            carried = 0
    return levels


def run(
    network: VGG,
    recipe: Recipe,
    content: Tensor,
    styles: Sequence[Style],
    *,
    seed: int = 0,
    features: Features | None = None,
    on_step: Callable[[Step], None] = lambda _: None,
) -> Result:
    """Paint ``content`` after ``styles``.

    Args:
        network: with all layers of the recipe, on the device to be used.
        content: ``(1, C, H, W)`` on 0–255, of the painting's size; C is 3, or 1 to
            paint brightness alone.
        styles: ``(image, weight)`` pairs of the same C, of sizes of their own.
        seed: of the noise that ``rand`` and ``noisy-content`` start from.
        features: of the photo and the styles, as far as they are known already.
        on_step: called after each iteration.

    Raises:
        NotFiniteError: the loss is not a number at the first image.
        KeyboardInterrupt: before there was anything to keep.
    """
    levels = plan(recipe, *content.shape[-2:])
    features = features or Features()
    clock = _Clock(levels, on_step)
    outcome: Outcome | None = None
    evaluations, reasons = 0, []
    with repeatable():
        for index, level in enumerate(levels):
            try:
                scale = level.width / content.shape[-1]
                photo = resized(content, level.height, level.width)
                scaled = _scaled(recipe, styles, scale)
                if outcome is None:
                    start = _start(recipe, photo, scaled, seed)
                else:
                    start = resized(outcome.image, level.height, level.width)
                wanted = targets(network, recipe, photo, scaled, features)
                outcome = minimize(
                    Objective(network, recipe, wanted),
                    start,
                    recipe,
                    level.iterations,
                    clock.at(index),
                )
            except (KeyboardInterrupt, NotFiniteError) as error:
                # What the level before has painted is kept.
                if outcome is None:
                    raise
                interrupted = isinstance(error, KeyboardInterrupt)
                reasons.append(INTERRUPTED if interrupted else NOT_FINITE)
                log.warning(reasons[-1])
                break
            size = f"{level.width}×{level.height}"
            log.debug("%s: %d evaluations", size, outcome.evaluations)
            evaluations += outcome.evaluations
            reasons.append(outcome.reason)
            if outcome.reason == INTERRUPTED:
                break
    assert outcome is not None
    image = resized(outcome.image, *content.shape[-2:])
    return Result(
        image, outcome.losses, clock.history, clock.starts, evaluations, reasons
    )


@contextmanager
def repeatable() -> Iterator[None]:
    """The same pixels for the same seed on a GPU too: no algorithm found by racing."""
    before = torch.backends.cudnn.deterministic, torch.backends.cudnn.benchmark
    torch.backends.cudnn.deterministic, torch.backends.cudnn.benchmark = True, False
    try:
        yield
    finally:
        torch.backends.cudnn.deterministic, torch.backends.cudnn.benchmark = before


def resized(image: Tensor, height: int, width: int) -> Tensor:
    """``(1, C, H, W)`` on 0–255 at another size, anti-aliased; itself if no other."""
    if image.shape[-2:] == (height, width):
        return image
    # Not every backend has the anti-aliased kernel; a resize per level costs nothing.
    larger = functional.interpolate(
        image.cpu(), (height, width), mode="bicubic", antialias=True
    )
    return larger.clamp(0, 255).to(image.device)


def _scaled(recipe: Recipe, styles: Sequence[Style], scale: float) -> list[Style]:
    """The styles at a level's scale, though never too small for the layers."""
    least = minimum_side(layer for layer, _ in recipe.style_layers)
    scaled = []
    for image, weight in styles:
        sides = image.shape[-2:]
        factor = max(scale, min(1.0, least / min(sides)))
        height, width = (max(1, round(side * factor)) for side in sides)
        scaled.append((resized(image, height, width), weight))
    return scaled


def _start(recipe: Recipe, photo: Tensor, styles: Sequence[Style], seed: int) -> Tensor:
    """The first candidate, of the photo's shape."""
    if recipe.init == "content":
        return photo.clone()
    if recipe.init == "style":
        image = max(styles, key=lambda style: style[1])[0]
        return _cover(image, *photo.shape[-2:])
    # On the CPU, so that a seed means the same on every device.
    source = torch.Generator().manual_seed(seed)
    noise = torch.rand(photo.shape, generator=source).to(photo.device)
    if recipe.init == "rand":
        return noise * 255
    around = photo.mean() + (2 * noise - 1) * NOISE_LEVELS
    return NOISE_SHARE * around + (1 - NOISE_SHARE) * photo


def _cover(image: Tensor, height: int, width: int) -> Tensor:
    """``image`` scaled to cover ``height`` × ``width``, and its middle cut out."""
    scale = max(height / image.shape[-2], width / image.shape[-1])
    h = max(height, round(image.shape[-2] * scale))
    w = max(width, round(image.shape[-1] * scale))
    top, left = (h - height) // 2, (w - width) // 2
    return resized(image, h, w)[..., top : top + height, left : left + width]


class _Clock:
    """Counts iterations over all levels and guesses the time left."""

    def __init__(self, levels: list[Level], on_step: Callable[[Step], None]) -> None:
        self.levels = levels
        self.on_step = on_step
        self.history: list[Moment] = []
        self.starts: list[int] = []
        self.began = time.perf_counter()
        self.total = sum(level.iterations for level in levels)
        self.before = 0.0
        self.seconds_per_pixel = 0.0

    def at(self, index: int) -> Callable[[int, Losses, Tensor], None]:
        """What ``minimize`` is to call at that level, counted from 0."""
        level = self.levels[index]
        start = sum(one.iterations for one in self.levels[:index])
        self.starts.append(start + 1)
        later = sum(
            one.iterations * one.height * one.width for one in self.levels[index + 1 :]
        )
        pixels = level.height * level.width
        self.before = time.perf_counter()

        def on_iteration(count: int, losses: Losses, image: Tensor) -> None:
            now = time.perf_counter()
            seconds, self.before = now - self.before, now
            self.history.append(Moment(start + count, losses, now - self.began))
            new = seconds / pixels
            old = self.seconds_per_pixel or new
            self.seconds_per_pixel = 0.8 * old + 0.2 * new
            left = (level.iterations - count) * pixels + later
            self.on_step(
                Step(
                    level=index + 1,
                    levels=len(self.levels),
                    iteration=start + count,
                    iterations=self.total,
                    losses=losses,
                    seconds=seconds,
                    remaining=left * self.seconds_per_pixel,
                    image=image,
                )
            )

        return on_iteration
