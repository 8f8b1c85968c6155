"""L-BFGS, by scipy or on the device, and Adam behind one interface.

Pixels stay within 0–255.
"""

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

from artist_nst.nst.lbfgs import StopReason, projected_lbfgs
from artist_nst.nst.objective import Losses
from artist_nst.recipes.recipe import Optimizer, Recipe

log = logging.getLogger(__name__)

LossesAndGradient = Callable[[Tensor], tuple[Losses, Tensor]]
OnIteration = Callable[[int, Losses, Tensor], None]
Vector = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class MinimizeResult:
    """Where a minimization ended.

    Attributes:
        image: The best candidate, ``(1, C, H, W)`` on 0–255.
        losses: At ``image``.
        iterations: How many were done.
        evaluations: How often losses and gradient were computed.
        reason: Why it stopped.
    """

    image: Tensor
    losses: Losses
    iterations: int
    evaluations: int
    reason: StopReason


class NotFiniteError(ArithmeticError):
    """The loss or its gradient is not a number at the first image already."""


class _NotFinite(Exception):
    """Stops a minimization whose loss or gradient is no longer a number."""


def minimize(
    objective: LossesAndGradient,
    image: Tensor,
    recipe: Recipe,
    iterations: int,
    on_iteration: OnIteration = lambda *_: None,
) -> MinimizeResult:
    """Find the best image from ``image`` in at most ``iterations`` iterations.

    Ctrl-C, and a loss that is no longer finite, end it early with the best image so
    far. Other exceptions of ``objective`` and ``on_iteration`` are not caught.

    Args:
        objective: Computes losses and gradient of a float32 candidate.
        image: ``(1, C, H, W)`` on 0–255; its device is used.
        recipe: Names the optimizer and its settings.
        iterations: The greatest number of iterations.
        on_iteration: Called with the iteration from 1, its losses and its image.

    Raises:
        NotFiniteError: The very first loss or gradient is not finite.
    """
    run = _Run(objective, image, on_iteration)
    optimizer = choose_optimizer(recipe.optimizer, image.device)
    method = {
        "lbfgs": _run_scipy_lbfgs,
        "lbfgs-device": _run_device_lbfgs,
        "adam": _run_adam,
    }[optimizer]
    try:
        reason = method(run, recipe, iterations)
    except KeyboardInterrupt:
        if run.best is None:
            raise
        reason = StopReason.INTERRUPTED
    except _NotFinite as error:
        if run.best is None:
            raise NotFiniteError("the loss is not finite at the first image") from error
        reason = StopReason.NOT_FINITE
        log.warning(reason)
    assert run.best is not None
    best, losses = run.best
    return MinimizeResult(best, losses, run.iterations, run.evaluations, reason)


def choose_optimizer(name: Optimizer, device: torch.device) -> Optimizer:
    """Choose the optimizer by name.

    ``auto`` is scipy's L-BFGS-B on the CPU, else L-BFGS on the device. scipy takes
    about 0.4 µs per number and iteration, 1.2 µs per pixel, and the network 1.5 MFLOP
    per pixel: on hardware that computes more than 1 TFLOP/s scipy would take more than
    half of the time, at any size.
    """
    if name != "auto":
        return name
    return "lbfgs" if device.type == "cpu" else "lbfgs-device"


class _Run:
    """Evaluations of one minimization: counted, and the best image kept."""

    def __init__(
        self, objective: LossesAndGradient, image: Tensor, on_iteration: OnIteration
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
        if not losses.is_finite or not torch.isfinite(gradient).all():
            raise _NotFinite
        self.last = image, losses
        if self.best is None or losses.total < self.best[1].total:
            self.best = image, losses
        return losses, gradient

    def finish_iteration(self) -> None:
        """Count an iteration whose image was evaluated last."""
        assert self.last is not None
        image, losses = self.last
        self.iterations += 1
        self.on_iteration(self.iterations, losses, image)


def _run_scipy_lbfgs(run: _Run, recipe: Recipe, iterations: int) -> StopReason:
    """Run scipy's L-BFGS-B, restarted where float32 noise defeats its line search."""
    adapter = _ScipyAdapter(run.first)
    x = adapter.to_vector(run.first)
    # One pair per pixel is the form that scipy would convert other forms to.
    bounds = [(0.0, 255.0)] * x.size

    def callback(intermediate_result: OptimizeResult) -> None:  # noqa: ARG001
        # With this parameter name scipy need not copy its vector.
        run.finish_iteration()

    while True:
        before = run.iterations
        with _one_blas_thread():
            x, _, info = fmin_l_bfgs_b(
                # A new scale: at the old one the gradient's direction was tried.
                _ScaledObjective(run, recipe, adapter),
                x,
                bounds=bounds,
                m=recipe.history,
                factr=recipe.ftol / np.finfo(float).eps,
                pgtol=recipe.gtol,
                maxiter=iterations - run.iterations,
                maxfun=100 * iterations,
                callback=callback,
            )
        if run.iterations >= iterations:
            return StopReason.ALL_DONE
        if info["warnflag"] == 0:
            return StopReason.CONVERGED
        if run.iterations == before:
            return StopReason.NO_LOWER_LOSS


class _ScaledObjective:
    """Loss and gradient of float64 vectors, multiplied by a constant.

    L-BFGS-B's first step is along the bare gradient, and its tolerances are absolute
    for losses below one. A constant that makes the first step ``recipe.first_step``
    levels per pixel makes both independent of the loss's unit, and does not move its
    minimum.
    """

    def __init__(self, run: _Run, recipe: Recipe, adapter: "_ScipyAdapter") -> None:
        self.run = run
        self.first_step = recipe.first_step
        self.adapter = adapter
        self.scale: float | None = None

    def __call__(self, x: Vector) -> tuple[float, Vector]:
        losses, image_gradient = self.run.evaluate(self.adapter.to_image(x))
        gradient = self.adapter.to_vector(image_gradient)
        if self.scale is None:
            size = float(np.abs(gradient).mean())
            first_step = self.first_step if size > 0 else 0.0
            self.scale = first_step / size if first_step else 1.0
        gradient *= self.scale
        return losses.total * self.scale, gradient


class _ScipyAdapter:
    """Conversion between scipy's float64 vectors and images on a device."""

    def __init__(self, image: Tensor) -> None:
        self.shape, self.device = image.shape, image.device
        is_cuda = self.device.type == "cuda"
        # Pinned memory can be copied asynchronously.
        self.pinned = torch.empty(self.shape, pin_memory=True) if is_cuda else None

    def to_image(self, x: Vector) -> Tensor:
        image: Any = torch.from_numpy(x).view(self.shape)
        if self.pinned is not None:
            return self.pinned.copy_(image).to(self.device, non_blocking=True)
        return image.to(torch.float32).to(self.device)  # type: ignore[no-any-return]

    def to_vector(self, image: Tensor) -> Vector:
        image = image.detach()
        if self.pinned is not None:
            image = self.pinned.copy_(image)
        return image.cpu().double().contiguous().numpy().reshape(-1)


@contextmanager
def _one_blas_thread() -> Iterator[None]:
    """Limit scipy's and NumPy's OpenBLAS to one thread, but not torch's.

    Threads gain nothing on vectors, and between two calls they spin on the cores that
    the network needs.
    """
    controller = ThreadpoolController()
    torch_folder = Path(torch.__file__).parent
    paths = [
        library.filepath
        for library in controller.lib_controllers
        if library.internal_api == "openblas"
        and not Path(library.filepath).is_relative_to(torch_folder)
    ]
    with controller.select(filepath=paths).limit(limits=1):
        yield


def _run_device_lbfgs(run: _Run, recipe: Recipe, iterations: int) -> StopReason:
    """Run L-BFGS within bounds whose vectors stay on the network's device."""

    def evaluate(image: Tensor) -> tuple[float, Tensor]:
        losses, gradient = run.evaluate(image)
        return losses.total, gradient

    return projected_lbfgs(
        evaluate,
        run.first,
        iterations,
        low=0.0,
        high=255.0,
        history=recipe.history,
        first_step=recipe.first_step,
        on_iteration=run.finish_iteration,
    )


def _run_adam(run: _Run, recipe: Recipe, iterations: int) -> StopReason:
    """Run Adam (Kingma and Ba 2015), clipping pixels to their range after each step."""
    image = run.first.clone().requires_grad_()
    optimizer = torch.optim.Adam([image], lr=recipe.learning_rate)
    for _ in range(iterations):
        _, gradient = run.evaluate(image.detach().clone())
        image.grad = gradient
        optimizer.step()
        with torch.no_grad():
            image.clamp_(0, 255)
        run.finish_iteration()
    # The last step has not been evaluated yet.
    run.evaluate(image.detach().clone())
    return StopReason.ALL_DONE
