"""Coarse to fine: each level starts from the one before, enlarged."""

import logging
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import NamedTuple

import torch
from torch import Tensor

from artist_nst.errors import ArtistNstError
from artist_nst.nst.features import Features
from artist_nst.nst.level import Computed, Level, Task, resized
from artist_nst.nst.minimize import INTERRUPTED, NOT_FINITE, NotFiniteError, Outcome
from artist_nst.nst.objective import Losses, Style
from artist_nst.nst.precision import Precision
from artist_nst.nst.vgg import VGG
from artist_nst.recipes.recipe import Recipe

log = logging.getLogger(__name__)

# Below this a level says nothing about the painting (four pools divide by 16).
LEAST_LEVEL_SIDE = 48


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
        computed: how each level was computed that came to its end.
    """

    image: Tensor
    losses: Losses
    history: list[Moment]
    starts: list[int]
    evaluations: int
    reasons: list[str]
    computed: list[Computed]

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
            levels.append(Level(h, w, carried, index < recipe.draft_levels))
            carried = 0
    return levels


def run(
    network: VGG,
    recipe: Recipe,
    content: Tensor,
    styles: Sequence[Style],
    *,
    draft: VGG | None = None,
    seed: int = 0,
    features: Features | None = None,
    precision: Precision = "float32",
    max_memory: int | None = None,
    on_step: Callable[[Step], None] = lambda _: None,
) -> Result:
    """Paint ``content`` after ``styles``.

    Args:
        network: with all layers of the recipe, on the device to be used.
        draft: paints the recipe's ``draft_levels`` in its place, if given.
        content: ``(1, C, H, W)`` on 0–255, of the painting's size; C is 3, or 1 to
            paint brightness alone.
        styles: ``(image, weight)`` pairs of the same C, of sizes of their own.
        seed: of the noise that ``rand`` and ``noisy-content`` start from.
        features: of the photo and the styles, as far as they are known already.
        precision: of the convolutions; float32 takes over where bfloat16 fails.
        max_memory: bytes that this process may take on the network's device; what
            is free if not given. Where a level needs more, it is computed in strips.
        on_step: called after each iteration.

    Raises:
        ArtistNstError: there is not memory enough.
        NotFiniteError: the loss is not a number at the first image.
        KeyboardInterrupt: before there was anything to keep.
    """
    levels = plan(recipe, *content.shape[-2:])
    task = Task(
        network=network,
        recipe=recipe,
        content=content,
        styles=styles,
        seed=seed,
        features=features or Features(),
        precision=precision,
        max_memory=max_memory,
    )
    drafting = replace(task, network=network if draft is None else draft)
    paired = [(level, drafting if level.draft else task) for level in levels]
    costs = [one.cost(level) for level, one in paired]
    clock = _Clock(levels, costs, on_step)
    outcome: Outcome | None = None
    evaluations, reasons, computed = 0, [], []
    for level, one in reversed(paired):
        # What the largest one needs is said before the first is painted.
        one.check(level)
    with repeatable():
        for index, (level, one) in enumerate(paired):
            before = None if outcome is None else outcome.image
            try:
                outcome, way = one.paint(level, before, clock.at(index))
            except (KeyboardInterrupt, NotFiniteError, ArtistNstError) as error:
                # What the level before has painted is kept.
                if outcome is None:
                    raise
                reasons.append(_reason(error))
                log.warning(reasons[-1])
                break
            evaluations += outcome.evaluations
            reasons.append(outcome.reason)
            computed.append(way)
            if outcome.reason == INTERRUPTED:
                break
    assert outcome is not None
    image = resized(outcome.image, *content.shape[-2:])
    return Result(
        image,
        outcome.losses,
        clock.history,
        clock.starts,
        evaluations,
        reasons,
        computed,
    )


def _reason(error: BaseException) -> str:
    if isinstance(error, ArtistNstError):
        return str(error)
    return INTERRUPTED if isinstance(error, KeyboardInterrupt) else NOT_FINITE


@contextmanager
def repeatable() -> Iterator[None]:
    """The same pixels for the same seed on a GPU too: no algorithm found by racing."""
    before = torch.backends.cudnn.deterministic, torch.backends.cudnn.benchmark
    torch.backends.cudnn.deterministic, torch.backends.cudnn.benchmark = True, False
    try:
        yield
    finally:
        torch.backends.cudnn.deterministic, torch.backends.cudnn.benchmark = before


class _Clock:
    """Counts iterations over all levels and guesses the time left."""

    def __init__(
        self,
        levels: list[Level],
        costs: list[float],
        on_step: Callable[[Step], None],
    ) -> None:
        self.levels = levels
        self.costs = costs  # of an iteration, relative to one another
        self.on_step = on_step
        self.history: list[Moment] = []
        self.starts: list[int] = []
        self.began = time.perf_counter()
        self.total = sum(level.iterations for level in levels)
        self.before = 0.0
        self.pace = 0.0

    def at(self, index: int) -> Callable[[int, Losses, Tensor], None]:
        """What ``minimize`` is to call at that level, counted from 0."""
        level = self.levels[index]
        start = sum(one.iterations for one in self.levels[:index])
        self.starts.append(start + 1)
        cost = self.costs[index]
        rest = zip(self.levels[index + 1 :], self.costs[index + 1 :], strict=True)
        later = sum(one.iterations * own for one, own in rest)
        self.before = time.perf_counter()

        def on_iteration(count: int, losses: Losses, image: Tensor) -> None:
            now = time.perf_counter()
            seconds, self.before = now - self.before, now
            self.history.append(Moment(start + count, losses, now - self.began))
            new = seconds / cost
            self.pace = 0.8 * (self.pace or new) + 0.2 * new
            left = (level.iterations - count) * cost + later
            self.on_step(
                Step(
                    level=index + 1,
                    levels=len(self.levels),
                    iteration=start + count,
                    iterations=self.total,
                    losses=losses,
                    seconds=seconds,
                    remaining=left * self.pace,
                    image=image,
                )
            )

        return on_iteration
