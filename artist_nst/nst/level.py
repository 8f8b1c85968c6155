"""One level of the pyramid: targets, memory, precision, minimization."""

import logging
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from math import ceil
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

from artist_nst._types import Precision
from artist_nst.errors import ArtistNstError
from artist_nst.nst.features import TargetCache
from artist_nst.nst.lbfgs import StopReason
from artist_nst.nst.machine import free_memory, retain_heap, trim_heap, used_memory
from artist_nst.nst.masks import make_layer_masks, resize_mask
from artist_nst.nst.memory import MemoryEstimator, MemoryStrategy, format_gigabytes
from artist_nst.nst.minimize import (
    MinimizeResult,
    NotFiniteError,
    OnIteration,
    minimize,
)
from artist_nst.nst.neighbors import COPIES, NeighborFinder, count_places
from artist_nst.nst.objective import (
    KeptPart,
    Losses,
    Objective,
    Targets,
    WeightedImage,
    compute_targets,
)
from artist_nst.nst.precision import DTYPES
from artist_nst.nst.regions import Region
from artist_nst.nst.vgg import VGG
from artist_nst.recipes.layers import minimum_image_side
from artist_nst.recipes.recipe import Network, Optimizer, Recipe

log = logging.getLogger(__name__)

# Of the memory that is free when a level begins; the rest is for other programs.
FREE_MEMORY_SHARE = 0.9

# A noisy-content start is this share of noise, ±20 levels about the photo's mean, and
# the rest of the photo.
NOISE_SHARE = 0.6
NOISE_LEVELS = 20.0

# Of the low frequencies of what neighbors are found for.
PAINTING_SHARE = 0.75


@dataclass(frozen=True, slots=True)
class Level:
    """One size of the pyramid in pixels, and how many iterations to do at it.

    The compact network paints a draft in place of the recipe's own. At the final level
    neighbors are found anew while it is painted.
    """

    height: int
    width: int
    iterations: int
    draft: bool = False
    final: bool = False


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


class PaintedLevel(NamedTuple):
    """A level's result, how it was computed, and which style each place is after.

    ``sources`` are indices of styles, ``(h, w)`` at a quarter of the size; None if the
    recipe has no neighbors.
    """

    result: MinimizeResult
    info: LevelInfo
    sources: Tensor | None


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
    regions: Sequence[Region]
    kept: KeptPart | None

    def iteration_cost(self, level: Level) -> float:
        """Return the cost of an iteration, relative to other levels'."""
        layers = self.recipe.compared_layers
        per_pixel = self.network.multiplications_per_pixel(layers)
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
        estimator = MemoryEstimator(
            self.network,
            self.recipe,
            precision,
            channels,
            self._count_style_places(level),
            len(self.regions),
        )
        limits = self.memory_limits()
        return estimator.choose_strategy(level.height, level.width, *limits)

    def _count_style_places(self, level: Level) -> int:
        """Count the places of works among which a level's neighbors are found."""
        recipe = self.recipe
        if not recipe.neighbor_weights:
            return 0
        images = [image for image, _ in self.styles]
        places = count_places([*recipe.neighbor_weights], images)
        scale = level.width / self.content.shape[-1]
        return ceil(places * COPIES[recipe.turns] * scale**2)

    def memory_limits(self) -> tuple[int, int]:
        """Return the bytes that a level may take on the device, and on the host."""
        device = self.content.device
        limit = int(FREE_MEMORY_SHARE * free_memory(device))
        if self.max_memory is not None:
            limit = max(0, min(limit, self.max_memory - used_memory(device)))
        return limit, int(FREE_MEMORY_SHARE * free_memory(torch.device("cpu")))

    def paint_level(
        self, level: Level, previous: Tensor | None, on_iteration: OnIteration
    ) -> PaintedLevel:
        """Paint one level from the previous one's image, or as the recipe starts.

        Raises:
            ArtistNstError: It would take more memory than there is.
            NotFiniteError: The loss is not a number at the first image.
            KeyboardInterrupt: Before there was anything to keep.
        """
        photo = resize_image(self.content, level.height, level.width)
        scale = level.width / self.content.shape[-1]
        styles = _scale_styles(self.recipe, self.styles, scale)
        sizes = [image.shape[-2:] for image, _ in styles]
        size = level.height, level.width
        regions = [region.resize(size, sizes) for region in self.regions]
        if previous is None:
            start = _make_start(self.recipe, photo, styles, self.seed, regions)
        else:
            start = resize_image(previous, *size)
        kept = None
        if self.kept is not None:
            kept = KeptPart(resize_mask(self.kept.mask, *size), photo)
            start = kept.compose(start)
        targets = compute_targets(
            self.network, self.recipe, photo, styles, self.cache, regions
        )
        finders = self._make_finders(styles, regions)
        sources: Tensor | None = None
        if finders:
            image = photo if previous is None else _mix_frequencies(photo, start)
            targets = find_neighbors(targets, finders, image)
            sources = _combine_sources(targets, regions)
        run = _LevelRun(self, level, targets, finders, kept, on_iteration)
        return PaintedLevel(*run.run(start), sources)

    def _make_finders(
        self, styles: Sequence[WeightedImage], regions: Sequence[Region]
    ) -> list[NeighborFinder]:
        """Prepare each region's search among its works.

        Returns:
            One for each region; none if the recipe has no neighbors.
        """
        recipe = self.recipe
        if not recipe.neighbor_weights:
            return []

        def make_finder(region: Region) -> NeighborFinder:
            indices = [index for index, weight in enumerate(region.weights) if weight]
            max_share = recipe.max_share
            if region.mask is not None:
                # It may be after fewer works than fill it by that share each.
                max_share = max(max_share, 1 / len(indices))
            masks = [
                make_layer_masks(self.network, recipe, mask).get_places()
                if (mask := region.style_masks.get(index)) is not None
                else None
                for index in indices
            ]
            return NeighborFinder(
                self.network,
                [*recipe.neighbor_weights],
                [styles[index][0] for index in indices],
                dtype=DTYPES[self.precision],
                turns=recipe.turns,
                max_share=max_share,
                masks=masks,
            )

        return [make_finder(region) for region in regions]


@dataclass(frozen=True, slots=True)
class _LevelRun:
    """Minimization of one level, in bfloat16 as far as that goes, then in float32."""

    painter: LevelPainter
    level: Level
    targets: Targets
    finders: Sequence[NeighborFinder]
    kept: KeptPart | None
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
        return _join_results(first, second), second_info

    def _minimize(
        self, precision: Precision, start: Tensor, done: int = 0
    ) -> tuple[MinimizeResult, LevelInfo]:
        """Minimize from ``start``, after ``done`` of the level's iterations."""
        painter, level = self.painter, self.level
        strategy = self._fit_memory(precision)
        rows, history = strategy.rows, strategy.history
        optimizer = strategy.optimizer
        recipe = replace(painter.recipe, history=history, optimizer=optimizer)
        remaining = level.iterations - done
        result: MinimizeResult | None = None
        while result is None or (
            result.reason == StopReason.ALL_DONE and result.iterations < remaining
        ):
            image = start if result is None else result.image
            finished = done + (0 if result is None else result.iterations)
            try:
                part = self._minimize_segment(recipe, precision, rows, image, finished)
            except (KeyboardInterrupt, NotFiniteError) as error:
                # Of the first segment there is nothing to keep.
                if result is None:
                    raise
                is_stop = isinstance(error, KeyboardInterrupt)
                reason = StopReason.INTERRUPTED if is_stop else StopReason.NOT_FINITE
                result = replace(result, reason=reason)
            else:
                result = _join_results(result, part)
        size, name = (level.width, level.height), painter.network.name
        log.debug("%d×%d: %d evaluations", *size, result.evaluations)
        return result, LevelInfo(*size, name, precision, optimizer, rows, history)

    def _minimize_segment(
        self,
        recipe: Recipe,
        precision: Precision,
        rows: int | None,
        image: Tensor,
        done: int,
    ) -> MinimizeResult:
        """Minimize until neighbors are to be found anew, or to the level's end."""
        count, targets = self.level.iterations - done, self.targets
        interval = self.painter.recipe.rematch
        if self.finders and self.level.final and interval:
            count = min(count, interval - done % interval)
            if done >= interval:
                composed = image if self.kept is None else self.kept.compose(image)
                targets = find_neighbors(targets, self.finders, composed, by_layer=True)
        objective = Objective(
            self.painter.network,
            recipe,
            targets,
            precision=precision,
            rows=rows,
            kept=self.kept,
        )

        def on_iteration(number: int, losses: Losses, image: Tensor) -> None:
            self.on_iteration(done + number, losses, image)

        return minimize(objective, image, recipe, count, on_iteration)

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
            strategy.optimizer,
            format_gigabytes(strategy.device_bytes + strategy.host_bytes),
            "" if strategy.rows is None else f" in strips of {strategy.rows} rows",
        )
        if strategy.optimizer != recipe.optimizer:
            log.warning("our own L-BFGS takes scipy's place, because memory is short")
        if strategy.history < recipe.history:
            log.warning(
                "L-BFGS remembers %d steps instead of %d, because memory is short",
                strategy.history,
                recipe.history,
            )
        return strategy


def _join_results(
    first: MinimizeResult | None, second: MinimizeResult
) -> MinimizeResult:
    """Continue a result by a second one; its losses are by other targets."""
    if first is None:
        return second
    return replace(
        second,
        iterations=first.iterations + second.iterations,
        evaluations=first.evaluations + second.evaluations,
    )


def find_neighbors(
    targets: Targets,
    finders: Sequence[NeighborFinder],
    image: Tensor,
    *,
    by_layer: bool = False,
) -> Targets:
    """Find each region's neighbors for ``image``, by whole hypercolumns or by layer."""
    neighbors = []
    for finder, style in zip(finders, targets.styles, strict=True):
        places = None if style.masks is None else style.masks.get_places()
        find = finder.find_by_layer if by_layer else finder.find
        neighbors.append(find(image, places))
    return targets.with_neighbors(neighbors)


def _combine_sources(targets: Targets, regions: Sequence[Region]) -> Tensor:
    """Return which style each place is after, ``(h, w)``; −1 if it is after none.

    Where regions overlap, that of the largest mask decides.
    """
    combined = largest = None
    for style, region in zip(targets.styles, regions, strict=True):
        assert style.neighbors is not None
        # The last is what −1 is an index of.
        indices = [*torch.tensor(region.weights).nonzero()[:, 0].tolist(), -1]
        sources = torch.tensor(indices)[style.neighbors.sources.cpu()]
        if style.masks is None:
            return sources
        grids = style.masks.get_places().values()
        mask = next(grid.cpu() for grid in grids if grid.shape == sources.shape)
        if combined is None or largest is None:
            combined, largest = torch.full_like(sources, -1), torch.zeros_like(mask)
        is_larger = mask > largest
        combined = torch.where(is_larger, sources, combined)
        largest = torch.where(is_larger, mask, largest)
    assert combined is not None
    return combined


def _mix_frequencies(photo: Tensor, painting: Tensor) -> Tensor:
    """Return what neighbors are found for: mostly the painting, with the photo's edges.

    The frequencies that half the size can hold are ¾ the painting's, the others the
    photo's.

    Source:
        Kolkin et al. 2022, whose α is 0.75.
    """
    height, width = photo.shape[-2:]
    half = max(1, height // 2), max(1, width // 2)
    difference = functional.interpolate(
        painting - photo, half, mode="bilinear", align_corners=False
    )
    smooth = functional.interpolate(
        difference, (height, width), mode="bilinear", align_corners=False
    )
    return photo + PAINTING_SHARE * smooth


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
    min_side = minimum_image_side(recipe)
    scaled = []
    for image, weight in styles:
        sides = image.shape[-2:]
        factor = max(scale, min(1.0, min_side / min(sides)))
        height, width = (max(1, round(side * factor)) for side in sides)
        scaled.append((resize_image(image, height, width), weight))
    return scaled


def _make_start(
    recipe: Recipe,
    photo: Tensor,
    styles: Sequence[WeightedImage],
    seed: int,
    regions: Sequence[Region],
) -> Tensor:
    """Make the first candidate, of the photo's shape."""
    if recipe.init == "content":
        return photo.clone()
    if recipe.init == "style":
        start = photo
        for region in regions:
            image = styles[region.weights.index(max(region.weights))][0]
            covering = _resize_to_cover(image, *photo.shape[-2:])
            if region.mask is None:
                return covering
            start = torch.lerp(start, covering, region.mask)
        return start
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
