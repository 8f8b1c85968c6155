"""L-BFGS, by scipy or on the device, and Adam behind one interface, within 0–255."""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
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
    methods: dict[str, Callable[[_Run, Recipe, int], StopReason]] = {
        "lbfgs": _run_scipy_lbfgs,
        "lbfgs-clipped": partial(_run_scipy_lbfgs, is_clipped=True),
        "lbfgs-device": _run_device_lbfgs,
        "adam": _run_adam,
    }
    try:
        reason = methods[optimizer](run, recipe, iterations)
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

    ``auto`` is scipy's L-BFGS for a VGG on the CPU, else L-BFGS on the device. scipy
    takes 0.15 µs per pixel and iteration, and VGG-19 1.5 MFLOP per pixel: on hardware
    that computes more than 10 TFLOP/s scipy would take half of the time, at any size;
    with the compact network a quarter on a CPU.
    """
    if name != "auto":
        return name
    is_slow = device.type == "cpu" and network != "compact"
    return "lbfgs-clipped" if is_slow else "lbfgs-device"


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


def _run_scipy_lbfgs(
    run: _Run, recipe: Recipe, iterations: int, *, is_clipped: bool = False
) -> StopReason:
    """Run scipy's L-BFGS-B, restarted where float32 noise defeats its line search.

    Within bounds, as the papers' programs do, or without on images that are clipped:
    scipy reads bounds one by one in Python, which takes 3 µs for each.
    """
    # One pair per pixel is the form that scipy would convert other forms to.
    bounds = None if is_clipped else [(0.0, 255.0)] * run.first.numel()
    image = run.first.double()

    def callback(intermediate_result: OptimizeResult) -> None:  # noqa: ARG001
        # With this parameter name scipy need not copy its vector.
        run.finish_iteration()

    while True:
        before = run.iterations
        # A new scale: at the old one the gradient's direction was tried.
        objective = _ScaledObjective(run, recipe, image, is_clipped=is_clipped)
        with _one_blas_thread():
            x, _, info = fmin_l_bfgs_b(
                objective,
                _to_vector(image) / objective.unit,
                bounds=bounds,
                m=recipe.history,
                factr=recipe.ftol / np.finfo(float).eps,
                pgtol=recipe.gtol * objective.unit,
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
        image = objective.to_image(x).clamp(0, 255)


class _ScaledObjective:
    """Loss and gradient of float64 vectors, multiplied by a constant.

    L-BFGS-B's first step is along the bare gradient, and its tolerances are absolute
    for losses below one. A constant that makes the first step ``recipe.first_step``
    levels per pixel makes both independent of the loss's unit, and does not move its
    minimum. Without bounds the first step has length 1: so the vectors' unit is such
    that the image moves equally far.

    Args:
        run: Evaluates images.
        recipe: Gives the first step.
        image: Where the minimization starts, ``(1, C, H, W)`` on 0–255 in float64.
        is_clipped: Whether vectors may leave the range. Their images are then clipped,
            and the gradient is zero where it would lead further out.

    Attributes:
        unit: Levels per unit of the vectors.
    """

    def __init__(
        self, run: _Run, recipe: Recipe, image: Tensor, *, is_clipped: bool
    ) -> None:
        self.run = run
        self.is_clipped = is_clipped
        self.unit = self.scale = 1.0
        losses, gradient = self._evaluate(image.float())
        size = float(np.abs(gradient).mean())
        if size > 0 and recipe.first_step:
            self.scale = recipe.first_step / size
            if is_clipped:
                self.unit = self.scale * float(np.linalg.norm(gradient))
        # That scipy asks for first.
        self.first: tuple[float, Vector] | None = self._scale(losses, gradient)

    def __call__(self, x: Vector) -> tuple[float, Vector]:
        if self.first is not None:
            first, self.first = self.first, None
            return first
        return self._scale(*self._evaluate(self.to_image(x).float()))

    def to_image(self, x: Vector) -> Tensor:
        """Return the vector's image, in float64 and perhaps out of range."""
        return torch.from_numpy(x * self.unit).view(self.run.first.shape)

    def _evaluate(self, image: Tensor) -> tuple[Losses, Vector]:
        clipped = image.clamp(0, 255) if self.is_clipped else image
        losses, gradient = self.run.evaluate(clipped.to(self.run.first.device))
        gradient = gradient.cpu()
        if self.is_clipped:
            outward = ((image <= 0) & (gradient > 0)) | (
                (image >= 255) & (gradient < 0)
            )
            gradient = gradient.masked_fill(outward, 0)
        return losses, _to_vector(gradient)

    def _scale(self, losses: Losses, gradient: Vector) -> tuple[float, Vector]:
        gradient *= self.scale * self.unit
        return losses.total * self.scale, gradient


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
