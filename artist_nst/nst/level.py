"""One level of the pyramid: targets, memory, precision, minimization."""

import logging
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace

import torch
from torch import Tensor
from torch.nn import functional

from artist_nst.errors import ArtistNstError
from artist_nst.nst.features import TargetCache
from artist_nst.nst.lbfgs import StopReason
from artist_nst.nst.machine import free_memory, retain_heap, trim_heap, used_memory
from artist_nst.nst.memory import MemoryEstimator, MemoryStrategy, format_gigabytes
from artist_nst.nst.minimize import (
    MinimizeResult,
    NotFiniteError,
    OnIteration,
    minimize,
)
from artist_nst.nst.objective import (
    Losses,
    Objective,
    Targets,
    WeightedImage,
    compute_targets,
)
from artist_nst.nst.precision import Precision
from artist_nst.nst.vgg import VGG, minimum_side
from artist_nst.recipes.recipe import Network, Optimizer, Recipe

log = logging.getLogger(__name__)

# Of the memory that is free when a level begins; the rest is for other programs.
FREE_MEMORY_SHARE = 0.9

# A noisy-content start is this share of noise, ±20 levels about the photo's mean, and
# the rest of the photo.
NOISE_SHARE = 0.6
NOISE_LEVELS = 20.0


@dataclass(frozen=True, slots=True)
class Level:
    """One size of the pyramid in pixels, and how many iterations to do at it.

    The compact network paints a draft in place of the recipe's own.
    """

    height: int
    width: int
    iterations: int
    draft: bool = False


@dataclass(frozen=True, slots=True)
class LevelInfo:
    """How a level was computed, which determines the last digits of its pixels.

    ``rows`` is that of strips, None where the image was computed as a whole; precision,
    optimizer and L-BFGS's history are those used, whatever was asked for.
    """

    width: int
    height: int
    network: Network
    precision: Precision
    optimizer: Optimizer
    rows: int | None
    history: int


@dataclass(frozen=True, slots=True)
class LevelPainter:
    """Painter of one painting's levels; the fields are :func:`.run_pyramid`'s.

    The recipe's optimizer is the one that ``auto`` resolves to.
    """

    network: VGG
    recipe: Recipe
    content: Tensor
    styles: Sequence[WeightedImage]
    seed: int
    cache: TargetCache
    precision: Precision
    max_memory: int | None

    def iteration_cost(self, level: Level) -> float:
        """Return the cost of an iteration, relative to other levels'."""
        layers = (*self.recipe.content_layers, *self.recipe.style_layers)
        active = [layer for layer, weight in layers if weight > 0]
        per_pixel = self.network.multiplications_per_pixel(active)
        return (1 + per_pixel) * level.height * level.width

    def check_memory(self, level: Level) -> None:
        """Raise ArtistNstError if there is not enough memory for a level."""
        self.choose_strategy(level, self.precision)

    def choose_strategy(self, level: Level, precision: Precision) -> MemoryStrategy:
        """Choose how to fit a level into the memory that is free now.

        Raises:
            ArtistNstError: There is not enough.
        """
        channels = self.content.shape[1]
        estimator = MemoryEstimator(self.network, self.recipe, precision, channels)
        limits = self.memory_limits()
        return estimator.choose_strategy(level.height, level.width, *limits)

    def memory_limits(self) -> tuple[int, int]:
        """Return the bytes that a level may take on the device, and on the host."""
        device = self.content.device
        limit = int(FREE_MEMORY_SHARE * free_memory(device))
        if self.max_memory is not None:
            limit = max(0, min(limit, self.max_memory - used_memory(device)))
        return limit, int(FREE_MEMORY_SHARE * free_memory(torch.device("cpu")))

    def paint_level(
        self, level: Level, previous: Tensor | None, on_iteration: OnIteration
    ) -> tuple[MinimizeResult, LevelInfo]:
        """Paint one level from the previous one's image, or as the recipe starts.

        Raises:
            ArtistNstError: It would take more memory than there is.
            NotFiniteError: The loss is not a number at the first image.
            KeyboardInterrupt: Before there was anything to keep.
        """
        photo = resize_image(self.content, level.height, level.width)
        scale = level.width / self.content.shape[-1]
        styles = _scale_styles(self.recipe, self.styles, scale)
        if previous is None:
            start = _make_start(self.recipe, photo, styles, self.seed)
        else:
            start = resize_image(previous, level.height, level.width)
        targets = compute_targets(self.network, self.recipe, photo, styles, self.cache)
        return _LevelRun(self, level, targets, on_iteration).run(start)


@dataclass(frozen=True, slots=True)
class _LevelRun:
    """Minimization of one level, in bfloat16 as far as that goes, then in float32."""

    painter: LevelPainter
    level: Level
    targets: Targets
    on_iteration: OnIteration

    def run(self, start: Tensor) -> tuple[MinimizeResult, LevelInfo]:
        """Minimize in the requested precision, or in float32 where that fails."""
        if self.painter.precision == "float32":
            return self._minimize("float32", start)
        with suppress(NotFiniteError):
            result, info = self._minimize(self.painter.precision, start)
            if result.reason in (StopReason.ALL_DONE, StopReason.INTERRUPTED):
                return result, info
            log.info("bfloat16 gets no further: continuing in float32")
            return self._continue_in_float32(result, info)
        log.warning("not finite in bfloat16: computed in float32")
        return self._minimize("float32", start)

    def _continue_in_float32(
        self, first: MinimizeResult, info: LevelInfo
    ) -> tuple[MinimizeResult, LevelInfo]:
        """Do the remaining iterations; return ``first`` where that is impossible."""
        try:
            second, second_info = self._minimize(
                "float32", first.image, first.iterations
            )
        except KeyboardInterrupt:
            return replace(first, reason=StopReason.INTERRUPTED), info
        except NotFiniteError:
            return replace(first, reason=StopReason.NOT_FINITE), info
        except (ArtistNstError, torch.OutOfMemoryError) as error:
            log.warning("not continued in float32: %s", error)
            return first, info
        total = replace(
            second,
            iterations=first.iterations + second.iterations,
            evaluations=first.evaluations + second.evaluations,
        )
        return total, second_info

    def _minimize(
        self, precision: Precision, start: Tensor, done: int = 0
    ) -> tuple[MinimizeResult, LevelInfo]:
        """Minimize from ``start``, after ``done`` of the level's iterations."""
        painter, level = self.painter, self.level
        strategy = self._fit_memory(precision)
        rows, history = strategy.rows, strategy.history
        recipe = replace(painter.recipe, history=history)
        objective = Objective(
            painter.network, recipe, self.targets, precision=precision, rows=rows
        )

        def on_iteration(count: int, losses: Losses, image: Tensor) -> None:
            self.on_iteration(done + count, losses, image)

        remaining = level.iterations - done
        result = minimize(objective, start, recipe, remaining, on_iteration)
        size, name = (level.width, level.height), painter.network.name
        log.debug("%d×%d: %d evaluations", *size, result.evaluations)
        return result, LevelInfo(
            *size, name, precision, recipe.optimizer, rows, history
        )

    def _fit_memory(self, precision: Precision) -> MemoryStrategy:
        """Choose the memory strategy, apply and log it."""
        trim_heap()
        strategy = self.painter.choose_strategy(self.level, precision)
        retain_heap(strategy.rows is None)
        recipe = self.painter.recipe
        log.debug(
            "%d×%d: %s, %s, about %s%s",
            self.level.width,
            self.level.height,
            precision,
            recipe.optimizer,
            format_gigabytes(strategy.device_bytes + strategy.host_bytes),
            "" if strategy.rows is None else f" in strips of {strategy.rows} rows",
        )
        if strategy.history < recipe.history:
            log.warning(
                "L-BFGS remembers %d steps instead of %d, because memory is short",
                strategy.history,
                recipe.history,
            )
        return strategy


def resize_image(image: Tensor, height: int, width: int) -> Tensor:
    """Resize ``(1, C, H, W)`` on 0–255 with anti-aliasing.

    Returns:
        The image itself if it has that size.
    """
    if image.shape[-2:] == (height, width):
        return image
    # On the CPU: some backends lack anti-aliasing, and one resize per level is cheap.
    resized = functional.interpolate(
        image.cpu(), (height, width), mode="bicubic", antialias=True
    )
    return resized.clamp(0, 255).to(image.device)


def _scale_styles(
    recipe: Recipe, styles: Sequence[WeightedImage], scale: float
) -> list[WeightedImage]:
    """Resize the styles to a level's scale, but not too small for the layers."""
    min_side = minimum_side(layer for layer, _ in recipe.style_layers)
    scaled = []
    for image, weight in styles:
        sides = image.shape[-2:]
        factor = max(scale, min(1.0, min_side / min(sides)))
        height, width = (max(1, round(side * factor)) for side in sides)
        scaled.append((resize_image(image, height, width), weight))
    return scaled


def _make_start(
    recipe: Recipe, photo: Tensor, styles: Sequence[WeightedImage], seed: int
) -> Tensor:
    """Make the first candidate, of the photo's shape."""
    if recipe.init == "content":
        return photo.clone()
    if recipe.init == "style":
        image = max(styles, key=lambda style: style[1])[0]
        return _resize_to_cover(image, *photo.shape[-2:])
    # On the CPU, so that a seed gives the same noise on every device.
    generator = torch.Generator().manual_seed(seed)
    noise = torch.rand(photo.shape, generator=generator).to(photo.device)
    if recipe.init == "rand":
        return noise * 255
    noise = photo.mean() + (2 * noise - 1) * NOISE_LEVELS
    return NOISE_SHARE * noise + (1 - NOISE_SHARE) * photo


def _resize_to_cover(image: Tensor, height: int, width: int) -> Tensor:
    """Scale ``image`` to cover ``height`` × ``width``, and crop the center."""
    scale = max(height / image.shape[-2], width / image.shape[-1])
    h = max(height, round(image.shape[-2] * scale))
    w = max(width, round(image.shape[-1] * scale))
    top, left = (h - height) // 2, (w - width) // 2
    return resize_image(image, h, w)[..., top : top + height, left : left + width]
