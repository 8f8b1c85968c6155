"""L-BFGS, by scipy or on the device, and Adam behind one interface; pixels stay within
0–255."""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.optimize import OptimizeResult, fmin_l_bfgs_b
from threadpoolctl import ThreadpoolController
from torch import Tensor

from artist_nst.nst.lbfgs import Ending, projected_lbfgs
from artist_nst.nst.objective import Losses
from artist_nst.recipes.recipe import Optimizer, Recipe

log = logging.getLogger(__name__)

Evaluate = Callable[[Tensor], tuple[Losses, Tensor]]
OnIteration = Callable[[int, Losses, Tensor], None]
Vector = NDArray[np.float64]

ALL_DONE = Ending.ALL_DONE.value
INTERRUPTED = "interrupted"
NOT_FINITE = "the loss was no longer finite; the last good image is kept"
CONVERGED = Ending.CONVERGED.value
STUCK = Ending.NO_LOWER_LOSS.value


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
    optimizer = choose_optimizer(recipe.optimizer, image.device)
    method = {"lbfgs": _lbfgs, "lbfgs-device": _on_device, "adam": _adam}[optimizer]
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


def choose_optimizer(name: Optimizer, device: torch.device) -> Optimizer:
    """The optimizer of that name; ``auto`` is scipy's L-BFGS-B on the CPU, else L-BFGS
    on the device.

    scipy takes about 0.4 µs a number and iteration, 1.2 µs a pixel, and the network
    1.5 MFLOP a pixel: on whatever computes more than 1 TFLOP/s scipy would take
    more than half of the time, at any size.
    """
    if name != "auto":
        return name
    return "lbfgs" if device.type == "cpu" else "lbfgs-device"


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
    ferry = _Ferry(run.first)
    x = ferry.vector(run.first)
    # In the form that scipy turns them into anyway, pixel by pixel.
    bounds = [(0.0, 255.0)] * x.size

    def accept(intermediate_result: OptimizeResult) -> None:  # noqa: ARG001
        # By this name scipy tells that it need not copy its vector.
        run.accept(*_last(run))

    while True:
        before = run.iterations
        with _one_blas_thread():
            x, _, told = fmin_l_bfgs_b(
                # Scaled anew: along the gradient at the old scale it has tried.
                _Scaled(run, recipe, ferry),
                x,
                bounds=bounds,
                m=recipe.history,
                factr=recipe.ftol / np.finfo(float).eps,
                pgtol=recipe.gtol,
                maxiter=iterations - run.iterations,
                maxfun=100 * iterations,
                callback=accept,
            )
        if run.iterations >= iterations:
            return ALL_DONE
        if told["warnflag"] == 0:
            return CONVERGED
        if run.iterations == before:
            return STUCK


class _Scaled:
    """float64 vectors outside, float32 images inside, times a constant.

    L-BFGS-B's first step is along the bare gradient, and its tolerances are absolute
    for losses below one; a constant that makes that step ``recipe.first_step`` levels
    per pixel frees both from the loss's units, and leaves its minimum where it is.
    """

    def __init__(self, run: _Run, recipe: Recipe, ferry: "_Ferry") -> None:
        self.run = run
        self.first_step = recipe.first_step
        self.ferry = ferry
        self.scale: float | None = None

    def __call__(self, x: Vector) -> tuple[float, Vector]:
        losses, gradient = self.run.evaluate(self.ferry.image(x))
        slope = self.ferry.vector(gradient)
        if self.scale is None:
            steepness = float(np.abs(slope).mean())
            wanted = self.first_step if steepness > 0 else 0.0
            self.scale = wanted / steepness if wanted else 1.0
        slope *= self.scale
        return losses.total * self.scale, slope


class _Ferry:
    """Between scipy's float64 vectors and images like ``image`` on their device."""

    def __init__(self, image: Tensor) -> None:
        self.shape, self.device = image.shape, image.device
        pinned = self.device.type == "cuda"
        # What a GPU copies by itself has to stay where it is in memory.
        self.staged = torch.empty(self.shape, pin_memory=True) if pinned else None

    def image(self, x: Vector) -> Tensor:
        found: Any = torch.from_numpy(x).view(self.shape)
        if self.staged is not None:
            return self.staged.copy_(found).to(self.device, non_blocking=True)
        return found.to(torch.float32).to(self.device)  # type: ignore[no-any-return]

    def vector(self, image: Tensor) -> Vector:
        found = image.detach()
        if self.staged is not None:
            found = self.staged.copy_(found)
        return found.cpu().double().contiguous().numpy().reshape(-1)


@contextmanager
def _one_blas_thread() -> Iterator[None]:
    """scipy's and NumPy's OpenBLAS without threads: they gain nothing on vectors, and
    between two calls they spin on the cores that the network needs."""
    controller = ThreadpoolController()
    torches = Path(torch.__file__).parent
    theirs = [
        library.filepath
        for library in controller.lib_controllers
        if library.internal_api == "openblas"
        and not Path(library.filepath).is_relative_to(torches)
    ]
    with controller.select(filepath=theirs).limit(limits=1):
        yield


def _on_device(run: _Run, recipe: Recipe, iterations: int) -> str:
    """L-BFGS with bounds whose vectors stay where the network is."""

    def evaluate(image: Tensor) -> tuple[float, Tensor]:
        losses, gradient = run.evaluate(image)
        return losses.total, gradient

    ending = projected_lbfgs(
        evaluate,
        run.first,
        iterations,
        low=0.0,
        high=255.0,
        history=recipe.history,
        first_step=recipe.first_step,
        accepted=lambda: run.accept(*_last(run)),
    )
    return ending.value


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
