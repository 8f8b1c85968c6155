"""L-BFGS, by scipy or on the device, and Adam behind one interface, within 0–255."""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.optimize import OptimizeResult, fmin_l_bfgs_b
from threadpoolctl import ThreadpoolController
from torch import Tensor

from artist_nst.nst.lbfgs import StopReason, projected_lbfgs
from artist_nst.nst.objective import Losses
from artist_nst.recipes.recipe import Network, Optimizer, Recipe

log = logging.getLogger(__name__)

LossesAndGradient = Callable[[Tensor], tuple[Losses, Tensor]]
OnIteration = Callable[[int, Losses, Tensor], None]
Vector = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class MinimizeResult:
    """The best candidate, ``(1, C, H, W)`` on 0–255, its losses, and the way there."""

    image: Tensor
    losses: Losses
    iterations: int
    evaluations: int
    reason: StopReason


class NotFiniteError(ArithmeticError):
    """The loss or its gradient is not a number at the first image already."""


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
        iterations: How many at most.
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
    except NotFiniteError:
        if run.best is None:
            raise
        reason = StopReason.NOT_FINITE
        log.warning(reason)
    assert run.best is not None
    best, losses = run.best
    return MinimizeResult(best, losses, run.iterations, run.evaluations, reason)


def choose_optimizer(
    name: Optimizer, device: torch.device, network: Network = "vgg19"
) -> Optimizer:
    """Choose the optimizer by name, for a device and a network.

    ``auto`` is scipy's L-BFGS-B for a VGG on the CPU, else L-BFGS on the device. scipy
    takes about 0.4 µs per number and iteration, 1.2 µs per pixel, and VGG-19 1.5 MFLOP
    per pixel: on hardware that computes more than 1 TFLOP/s scipy would take more than
    half of the time, at any size; with the compact network also on a CPU.
    """
    if name != "auto":
        return name
    is_slow = device.type == "cpu" and network != "compact"
    return "lbfgs" if is_slow else "lbfgs-device"


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
            raise NotFiniteError("the loss is not finite at the first image")
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
    x = _to_vector(run.first)
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
                _scale_objective(run, recipe),
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


def _scale_objective(
    run: _Run, recipe: Recipe
) -> Callable[[Vector], tuple[float, Vector]]:
    """Return loss and gradient of float64 vectors, multiplied by a constant.

    L-BFGS-B's first step is along the bare gradient, and its tolerances are absolute
    for losses below one. A constant that makes the first step ``recipe.first_step``
    levels per pixel makes both independent of the loss's unit, and does not move its
    minimum.
    """
    scale = 0.0

    def evaluate(x: Vector) -> tuple[float, Vector]:
        nonlocal scale
        image = torch.from_numpy(x).float().view(run.first.shape)
        losses, image_gradient = run.evaluate(image.to(run.first.device))
        gradient = _to_vector(image_gradient)
        if not scale:
            size = float(np.abs(gradient).mean())
            scale = recipe.first_step / size if size > 0 and recipe.first_step else 1.0
        gradient *= scale
        return losses.total * scale, gradient

    return evaluate


def _to_vector(image: Tensor) -> Vector:
    vector: Vector = image.detach().cpu().double().flatten().numpy()
    return vector


@contextmanager
def _one_blas_thread() -> Iterator[None]:
    """Limit scipy's and NumPy's OpenBLAS to one thread, but not torch's.

    Threads gain nothing on vectors, and between two calls they spin on the cores that
    the network needs.
    """
    controller = ThreadpoolController().select(internal_api="openblas")
    paths = [Path(library["filepath"]) for library in controller.info()]
    torch_folder = Path(torch.__file__).parent
    others = [str(path) for path in paths if not path.is_relative_to(torch_folder)]
    with controller.select(filepath=others).limit(limits=1):
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
