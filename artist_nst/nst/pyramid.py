"""Coarse to fine: each level starts from the previous one's result, enlarged."""

import logging
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import NamedTuple

import torch
from torch import Tensor

from artist_nst._types import Precision
from artist_nst.errors import ArtistNstError
from artist_nst.nst.features import TargetCache
from artist_nst.nst.lbfgs import StopReason
from artist_nst.nst.level import Level, LevelInfo, LevelPainter, resize_image
from artist_nst.nst.minimize import (
    MinimizeResult,
    NotFiniteError,
    OnIteration,
    choose_optimizer,
)
from artist_nst.nst.objective import KeptPart, Losses, WeightedImage
from artist_nst.nst.regions import Region, make_whole
from artist_nst.nst.vgg import VGG
from artist_nst.recipes.recipe import Recipe

log = logging.getLogger(__name__)

# A smaller level contributes nothing to the painting (four pools divide by 16).
MIN_LEVEL_SIDE = 48


@dataclass(frozen=True, slots=True)
class Step:
    """One iteration, as passed to ``on_step``.

    Level ``level`` of ``levels``, iteration ``iteration`` of ``iterations`` over all
    levels, both from 1.

    Attributes:
        seconds: How long it took.
        remaining: Estimated seconds to the end.
        image: The candidate, ``(1, C, H_l, W_l)`` on 0–255, of its level's size.
    """

    level: int
    levels: int
    iteration: int
    iterations: int
    losses: Losses
    seconds: float
    remaining: float
    image: Tensor


class HistoryEntry(NamedTuple):
    """One iteration, counted over all levels; seconds since the start."""

    iteration: int
    losses: Losses
    seconds: float


@dataclass(frozen=True, slots=True)
class PyramidResult:
    """Result of a finished or interrupted run.

    Attributes:
        image: The best candidate, always of the full size.
        losses: Of the last level that produced an image.
        history: Every iteration.
        level_starts: The first iteration of each level that was begun.
        evaluations: How often losses and gradient were computed.
        reasons: Why each level stopped, in words.
        levels: The completed ones.
        sources: Which style each place is after, ``(h, w)`` at a quarter of the last
            level's size; None if the recipe has no neighbors.
    """

    image: Tensor
    losses: Losses
    history: list[HistoryEntry]
    level_starts: list[int]
    evaluations: int
    reasons: list[str]
    levels: list[LevelInfo]
    sources: Tensor | None = None

    @property
    def interrupted(self) -> bool:
        """Whether it was stopped by Ctrl-C."""
        return self.reasons[-1] == StopReason.INTERRUPTED


def plan_levels(recipe: Recipe, height: int, width: int) -> list[Level]:
    """List the levels of a painting of ``height`` × ``width`` pixels.

    Levels that have no iterations or are too small pass theirs on to the next.
    """
    levels = []
    iterations = 0
    last = len(recipe.levels) - 1
    for index, (scale, count) in enumerate(recipe.levels):
        h, w = max(1, round(height * scale)), max(1, round(width * scale))
        iterations += count
        if iterations and (index == last or min(h, w) >= MIN_LEVEL_SIDE):
            is_draft = last - recipe.draft_levels <= index < last
            levels.append(Level(h, w, iterations, is_draft, final=index == last))
            iterations = 0
    return levels


def run_pyramid(
    network: VGG,
    recipe: Recipe,
    content: Tensor,
    styles: Sequence[WeightedImage],
    *,
    draft: VGG | None = None,
    seed: int = 0,
    cache: TargetCache | None = None,
    precision: Precision = "float32",
    max_memory: int | None = None,
    on_step: Callable[[Step], None] = lambda _: None,
    regions: Sequence[Region] = (),
    kept: Tensor | None = None,
) -> PyramidResult:
    """Paint ``content`` after ``styles``.

    Args:
        network: With all layers of the recipe, on the device to be used.
        recipe: Every setting of the painting.
        content: ``(1, C, H, W)`` on 0–255, of the painting's size; C is 3, or 1 to
            paint only brightness.
        styles: ``(image, weight)`` pairs of the same C, of sizes of their own.
        draft: Paints the recipe's ``draft_levels`` in place of ``network``, if given.
        seed: Of the noise that ``rand`` and ``noisy-content`` start from.
        cache: Holds what is already known of photo and styles.
        precision: Of the convolutions; float32 takes over where bfloat16 fails.
        max_memory: Bytes that this process may take on the network's device; what
            is free if not given. A level that needs more is computed in strips.
        on_step: Called after each iteration.
        regions: Parts that are after some of the styles; if there are none, all is
            after all of them.
        kept: How much of each place stays as it is in ``content``, ``(H, W)`` in
            [0, 1]. What it covers of the result means nothing: compose it with
            ``content``.

    Raises:
        ArtistNstError: There is not enough memory.
        NotFiniteError: The loss is not a number at the first image.
        KeyboardInterrupt: Before there was anything to keep.
    """

    def resolve_optimizer(network: VGG) -> Recipe:
        optimizer = choose_optimizer(recipe.optimizer, content.device, network.name)
        return replace(recipe, optimizer=optimizer)

    painter = LevelPainter(
        network=network,
        recipe=resolve_optimizer(network),
        content=content,
        styles=styles,
        seed=seed,
        cache=cache or TargetCache(),
        precision=precision,
        max_memory=max_memory,
        regions=regions or [make_whole(styles)],
        kept=None if kept is None else KeptPart(kept.to(content.dtype), content),
    )
    drafter = painter
    if draft is not None:
        drafter = replace(painter, network=draft, recipe=resolve_optimizer(draft))
    levels = plan_levels(recipe, *content.shape[-2:])
    pairs = [(level, drafter if level.draft else painter) for level in levels]
    reporter = _StepReporter(pairs, on_step)
    # The largest first: whether it fits is known before anything is painted.
    for level, level_painter in reversed(pairs):
        level_painter.check_memory(level)
    with deterministic_cudnn():
        return _paint_levels(pairs, reporter, content.shape[-2:])


def _paint_levels(
    pairs: list[tuple[Level, LevelPainter]], reporter: "_StepReporter", size: torch.Size
) -> PyramidResult:
    result: MinimizeResult | None = None
    evaluations, reasons, infos = 0, [], []
    sources: Tensor | None = None
    for index, (level, painter) in enumerate(pairs):
        previous = None if result is None else result.image
        try:
            on_iteration = reporter.start_level(index)
            result, info, sources = painter.paint_level(level, previous, on_iteration)
        except (KeyboardInterrupt, NotFiniteError, ArtistNstError) as error:
            # The previous level's image is kept.
            if result is None:
                raise
            reason = str(error)
            if isinstance(error, KeyboardInterrupt):
                reason = StopReason.INTERRUPTED
            elif isinstance(error, NotFiniteError):
                reason = StopReason.NOT_FINITE
            reasons.append(reason)
            log.warning(reason)
            break
        evaluations += result.evaluations
        reasons.append(result.reason)
        infos.append(info)
        if result.reason == StopReason.INTERRUPTED:
            break
    assert result is not None
    image, starts = resize_image(result.image, *size), reporter.level_starts
    return PyramidResult(
        image,
        result.losses,
        reporter.history,
        starts,
        evaluations,
        reasons,
        infos,
        sources,
    )


@contextmanager
def deterministic_cudnn() -> Iterator[None]:
    """Make cuDNN give the same pixels for the same seed.

    It then uses deterministic algorithms, and does not choose them by timing.
    """
    cudnn = torch.backends.cudnn
    before = cudnn.deterministic, cudnn.benchmark
    cudnn.deterministic, cudnn.benchmark = True, False
    try:
        yield
    finally:
        cudnn.deterministic, cudnn.benchmark = before


# A level's first iteration takes longer, by the time of so many others: targets are
# computed, and neighbors found.
SETUP = 4


class _StepReporter:
    """Counts iterations over all levels and estimates the remaining time."""

    def __init__(
        self, pairs: list[tuple[Level, LevelPainter]], on_step: Callable[[Step], None]
    ) -> None:
        self.levels = [level for level, _ in pairs]
        # Of an iteration, relative to one another.
        self.costs = [painter.iteration_cost(level) for level, painter in pairs]
        self.on_step = on_step
        self.history: list[HistoryEntry] = []
        self.level_starts: list[int] = []
        self.start_time = time.perf_counter()
        self.last_time = 0.0
        self.total = sum(level.iterations for level in self.levels)
        self.seconds_per_cost = 0.0  # moving average

    def start_level(self, index: int) -> OnIteration:
        """Begin a level, counted from 0, and return its ``on_iteration``."""
        level, cost = self.levels[index], self.costs[index]
        done = sum(earlier.iterations for earlier in self.levels[:index])
        self.level_starts.append(done + 1)
        later = zip(self.levels[index + 1 :], self.costs[index + 1 :], strict=True)
        later_cost = sum((SETUP + level.iterations) * cost for level, cost in later)
        self.last_time = time.perf_counter()

        def on_iteration(count: int, losses: Losses, image: Tensor) -> None:
            now = time.perf_counter()
            seconds, self.last_time = now - self.last_time, now
            elapsed = now - self.start_time
            self.history.append(HistoryEntry(done + count, losses, elapsed))
            if count > 1:
                latest = seconds / cost
                average = self.seconds_per_cost or latest
                self.seconds_per_cost = 0.8 * average + 0.2 * latest
            pace = self.seconds_per_cost or seconds / cost / (1 + SETUP)
            remaining_cost = (level.iterations - count) * cost + later_cost
            self.on_step(
                Step(
                    level=index + 1,
                    levels=len(self.levels),
                    iteration=done + count,
                    iterations=self.total,
                    losses=losses,
                    seconds=seconds,
                    remaining=remaining_cost * pace,
                    image=image,
                )
            )

        return on_iteration
