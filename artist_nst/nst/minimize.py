"""scipy's L-BFGS-B and Adam behind one interface; pixels stay within 0–255."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.optimize import Bounds
from scipy.optimize import minimize as scipy_minimize
from torch import Tensor

from artist_nst.nst.objective import Losses
from artist_nst.nst.recipe import Recipe

log = logging.getLogger(__name__)

Evaluate = Callable[[Tensor], tuple[Losses, Tensor]]
OnIteration = Callable[[int, Losses, Tensor], None]
Vector = NDArray[np.float64]

ALL_DONE = "all iterations done"
INTERRUPTED = "interrupted"
NOT_FINITE = "the loss was no longer finite; the last good image is kept"


@dataclass(frozen=True, slots=True)
class Outcome:
    """Where a minimisation ended.

    Attributes:
        image: the best candidate, ``(1, C, H, W)`` on 0–255.
        losses: at ``image``.
        iterations: done; ``evaluations``: losses and gradients that they took.
        reason: why it stopped, in words.
    """

    image: Tensor
    losses: Losses
    iterations: int
    evaluations: int
    reason: str


class NotFiniteError(ArithmeticError):
    """The loss or its gradient is not a number at the first image already."""


class _NotFinite(Exception):
    """Stops a minimisation whose loss or gradient is no longer a number."""


def minimize(
    objective: Evaluate,
    image: Tensor,
    recipe: Recipe,
    iterations: int,
    on_iteration: OnIteration = lambda *_: None,
) -> Outcome:
    """The best image found from ``image`` in at most ``iterations`` iterations.

    Ctrl-C, and a loss that is no longer finite, end it early with the best image so
    far. Nothing that ``on_iteration`` or ``objective`` raises besides is caught.

    Args:
        objective: losses and gradient of a float32 candidate.
        image: ``(1, C, H, W)`` on 0–255; its device is used.
        recipe: for ``optimizer`` and its numbers.
        on_iteration: called with the iteration from 1, its losses and its image.

    Raises:
        NotFiniteError: the very first loss or gradient is not finite.
    """
    run = _Run(objective, image, on_iteration)
    method = {"lbfgs": _lbfgs, "adam": _adam}[recipe.optimizer]
    try:
        reason = method(run, recipe, iterations)
    except KeyboardInterrupt:
        if run.best is None:
            raise
        reason = INTERRUPTED
    except _NotFinite as error:
        if run.best is None:
            raise NotFiniteError("the loss is no finite number at the start") from error
        reason = NOT_FINITE
        log.warning(reason)
    assert run.best is not None
    best, losses = run.best
    return Outcome(best, losses, run.iterations, run.evaluations, reason)


class _Run:
    """Evaluates, counts and remembers the best image."""

    def __init__(
        self, objective: Evaluate, image: Tensor, on_iteration: OnIteration
    ) -> None:
        self.objective = objective
        self.first = image.detach().float().clamp(0, 255)
        self.on_iteration = on_iteration
        self.iterations = 0
        self.evaluations = 0
        self.best: tuple[Tensor, Losses] | None = None
        self.last: tuple[Tensor, Losses] | None = None

    def evaluate(self, image: Tensor) -> tuple[Losses, Tensor]:
        losses, gradient = self.objective(image)
        self.evaluations += 1
        if not losses.finite or not bool(gradient.isfinite().all()):
            raise _NotFinite
        self.last = image, losses
        if self.best is None or losses.total < self.best[1].total:
            self.best = image, losses
        return losses, gradient

    def accept(self, image: Tensor, losses: Losses) -> None:
        self.iterations += 1
        self.on_iteration(self.iterations, losses, image)


def _lbfgs(run: _Run, recipe: Recipe, iterations: int) -> str:
    """scipy's L-BFGS-B, restarted where float32 noise defeats its line search."""
    x = _to_vector(run.first)
    while True:
        before = run.iterations
        result = scipy_minimize(
            # Scaled anew: along the gradient at the old scale it has tried already.
            _Scaled(run, recipe),
            x,
            jac=True,
            method="L-BFGS-B",
            bounds=Bounds(np.zeros(x.size), np.full(x.size, 255.0)),
            callback=lambda _: run.accept(*_last(run)),
            options={
                "maxiter": iterations - run.iterations,
                "maxcor": recipe.history,
                "ftol": recipe.ftol,
                "gtol": recipe.gtol,
                "maxfun": 100 * iterations,
            },
        )
        if run.iterations >= iterations:
            return ALL_DONE
        if result.status == 0:
            return "converged: the loss no longer falls"
        if run.iterations == before:
            return "converged: no lower loss along the gradient"
        x = np.asarray(result.x)


class _Scaled:
    """float64 vectors outside, float32 images inside, times a constant.

    L-BFGS-B's first step is along the bare gradient, and its tolerances are absolute
    for losses below one; a constant that makes that step ``recipe.first_step`` levels
    per pixel frees both from the loss's units, and leaves its minimum where it is.
    """

    def __init__(self, run: _Run, recipe: Recipe) -> None:
        self.run = run
        self.first_step = recipe.first_step
        self.scale: float | None = None

    def __call__(self, x: Vector) -> tuple[float, Vector]:
        losses, gradient = self.run.evaluate(_to_image(x, self.run.first))
        slope = _to_vector(gradient)
        if self.scale is None:
            steepness = float(np.abs(slope).mean())
            wanted = self.first_step if steepness > 0 else 0.0
            self.scale = wanted / steepness if wanted else 1.0
        slope *= self.scale
        return losses.total * self.scale, slope


def _adam(run: _Run, recipe: Recipe, iterations: int) -> str:
    """Adam (Kingma and Ba 2015) on pixels, clipped to their range after each step."""
    image = run.first.clone().requires_grad_()
    optimizer = torch.optim.Adam([image], lr=recipe.learning_rate)
    for _ in range(iterations):
        _losses, gradient = run.evaluate(image.detach().clone())
        image.grad = gradient
        optimizer.step()
        with torch.no_grad():
            image.clamp_(0, 255)
        run.accept(*_last(run))
    # The last step has not been looked at yet.
    run.evaluate(image.detach().clone())
    return ALL_DONE


def _last(run: _Run) -> tuple[Tensor, Losses]:
    assert run.last is not None
    return run.last


def _to_vector(image: Tensor) -> Vector:
    return image.detach().cpu().double().numpy().ravel()


def _to_image(x: Vector, like: Tensor) -> Tensor:
    image: Any = torch.from_numpy(x).to(like.device, torch.float32, copy=True)
    return image.view_as(like)  # type: ignore[no-any-return]
