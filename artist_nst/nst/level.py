"""One level of the pyramid: targets, memory, precision, minimization."""

import logging
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace

import torch
from torch import Tensor
from torch.nn import functional

from artist_nst.errors import ArtistNstError
from artist_nst.nst.features import Features
from artist_nst.nst.machine import give_back, keep_memory, memory_left, memory_taken
from artist_nst.nst.memory import Budget, Fit, gigabytes
from artist_nst.nst.minimize import (
    CONVERGED,
    INTERRUPTED,
    NOT_FINITE,
    STUCK,
    NotFiniteError,
    OnIteration,
    Outcome,
    choose_optimizer,
    minimize,
)
from artist_nst.nst.objective import Losses, Objective, Style, Targets, targets
from artist_nst.nst.precision import Precision
from artist_nst.nst.vgg import VGG, minimum_side
from artist_nst.recipes.recipe import Network, Optimizer, Recipe

log = logging.getLogger(__name__)

# Of the memory that is free when a level begins; others want some, too.
SHARE = 0.9

# Of a noisy-content start: this share is noise of ±20 levels about the photo's mean,
# the rest the photo.
NOISE_SHARE = 0.6
NOISE_LEVELS = 20.0


@dataclass(frozen=True, slots=True)
class Level:
    """One size of the pyramid, in pixels, its iterations, and whether the compact
    network paints it in place of the recipe's own."""

    height: int
    width: int
    iterations: int
    draft: bool = False


@dataclass(frozen=True, slots=True)
class Computed:
    """How a level was computed, which decides the last digits of its pixels.

    Attributes:
        width, height: of the level.
        network: that painted it.
        precision: of the convolutions; float32 where bfloat16 was too coarse.
        optimizer: what ``auto`` came to.
        rows: of the strips; None where the image was computed as a whole.
        history: L-BFGS's corrections, fewer than the recipe's for want of memory.
    """

    width: int
    height: int
    network: Network
    precision: Precision
    optimizer: Optimizer
    rows: int | None
    history: int


@dataclass(frozen=True, slots=True)
class Task:
    """What all levels of a painting have in common; see :func:`pyramid.run`."""

    network: VGG
    recipe: Recipe
    content: Tensor
    styles: Sequence[Style]
    seed: int
    features: Features
    precision: Precision
    max_memory: int | None

    def cost(self, level: Level) -> float:
        """Of an iteration, relative to other levels'."""
        used = (*self.recipe.content_layers, *self.recipe.style_layers)
        per_pixel = self.network.cost(layer for layer, weight in used if weight > 0)
        return (1 + per_pixel) * level.height * level.width

    def check(self, level: Level) -> None:
        """Raises ArtistNstError where there is not memory enough for a level."""
        device = self.content.device
        optimizer = choose_optimizer(self.recipe.optimizer, device)
        recipe = replace(self.recipe, optimizer=optimizer)
        self.budget(recipe, self.precision).fit(
            level.height, level.width, *self.rooms()
        )

    def budget(self, recipe: Recipe, precision: Precision) -> Budget:
        return Budget(self.network, recipe, precision, self.content.shape[1])

    def rooms(self) -> tuple[int, int]:
        """Bytes that a level may take on the device, and on the host."""
        device = self.content.device
        left = int(SHARE * memory_left(device))
        if self.max_memory is not None:
            left = max(0, min(left, self.max_memory - memory_taken(device)))
        return left, int(SHARE * memory_left(torch.device("cpu")))

    def paint(
        self, level: Level, before: Tensor | None, on_iteration: OnIteration
    ) -> tuple[Outcome, Computed]:
        """One level, from the image of the level before, or the first candidate.

        Raises:
            ArtistNstError: it would take more memory than there is.
            NotFiniteError: the loss is not a number at the first image.
            KeyboardInterrupt: before there was anything to keep.
        """
        photo = resized(self.content, level.height, level.width)
        scale = level.width / self.content.shape[-1]
        styles = _scaled(self.recipe, self.styles, scale)
        if before is None:
            start = _start(self.recipe, photo, styles, self.seed)
        else:
            start = resized(before, level.height, level.width)
        wanted = targets(self.network, self.recipe, photo, styles, self.features)
        attempt = _Attempt(self, level, wanted, on_iteration)
        return attempt.coarse(start)


class _Attempt:
    """Minimizes one level in bfloat16 as far as that goes, and then in float32."""

    def __init__(
        self, task: Task, level: Level, wanted: Targets, on_iteration: OnIteration
    ) -> None:
        self.task = task
        self.level = level
        self.wanted = wanted
        self.on_iteration = on_iteration

    def coarse(self, start: Tensor) -> tuple[Outcome, Computed]:
        """In the precision that was asked for."""
        if self.task.precision == "float32":
            return self.minimized("float32", start)
        with suppress(NotFiniteError):
            first, way = self.minimized(self.task.precision, start)
            return self.checked(first, way)
        log.warning("not finite in bfloat16: computed in float32")
        return self.minimized("float32", start)

    def checked(self, first: Outcome, way: Computed) -> tuple[Outcome, Computed]:
        """Gone on with in float32, where bfloat16 came to its end before the time."""
        if first.reason not in (NOT_FINITE, STUCK, CONVERGED):
            return first, way
        log.info("no further in bfloat16: going on in float32")
        return self.fine(first, way)

    def fine(self, first: Outcome, way: Computed) -> tuple[Outcome, Computed]:
        """The rest in float32, after ``first``."""
        try:
            second, finer = self.minimized("float32", first.image, first.iterations)
        except KeyboardInterrupt:
            return replace(first, reason=INTERRUPTED), way
        except NotFiniteError:
            return replace(first, reason=NOT_FINITE), way
        except (ArtistNstError, torch.OutOfMemoryError) as error:
            log.warning("not gone on with in float32: %s", error)
            return first, way
        iterations = first.iterations + second.iterations
        evaluations = first.evaluations + second.evaluations
        return replace(second, iterations=iterations, evaluations=evaluations), finer

    def minimized(
        self, precision: Precision, start: Tensor, done: int = 0
    ) -> tuple[Outcome, Computed]:
        task, level = self.task, self.level
        optimizer = choose_optimizer(task.recipe.optimizer, start.device)
        recipe = replace(task.recipe, optimizer=optimizer)
        fit = self.fit(recipe, precision, start)
        recipe = replace(recipe, history=fit.history)
        objective = Objective(
            task.network, recipe, self.wanted, precision=precision, rows=fit.rows
        )

        def told(count: int, losses: Losses, image: Tensor) -> None:
            self.on_iteration(done + count, losses, image)

        outcome = minimize(objective, start, recipe, level.iterations - done, told)
        size = f"{level.width}×{level.height}"
        log.debug("%s: %d evaluations", size, outcome.evaluations)
        way = Computed(
            level.width,
            level.height,
            task.network.name,
            precision,
            optimizer,
            fit.rows,
            fit.history,
        )
        return outcome, way

    def fit(self, recipe: Recipe, precision: Precision, image: Tensor) -> Fit:
        """How the level goes into memory; said in the log."""
        task, (height, width) = self.task, image.shape[-2:]
        give_back()
        fit = task.budget(recipe, precision).fit(height, width, *task.rooms())
        keep_memory(fit.rows is None)
        log.debug(
            "%d×%d: %s, %s, about %s%s",
            width,
            height,
            precision,
            recipe.optimizer,
            gigabytes(fit.device + fit.host),
            "" if fit.rows is None else f" in strips of {fit.rows} rows",
        )
        if fit.history < recipe.history:
            log.warning(
                "L-BFGS remembers %d steps instead of %d, for want of memory",
                fit.history,
                recipe.history,
            )
        return fit


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
