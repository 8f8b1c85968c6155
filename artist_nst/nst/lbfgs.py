"""L-BFGS within bounds whose vectors stay on the tensor's device.

The direction is Nocedal and Wright's two-loop recursion ("Numerical Optimization",
2nd edition, algorithm 7.4) on the free entries, as in Bertsekas' two-metric projection
("Projected Newton methods for optimization problems with simple constraints", 1982):
an entry at a bound that the gradient pushes outward is fixed, so its part of the
direction is zero. The full step is projected onto the bounds once, and the line search
follows the straight line to the result, which lies within the bounds (Bertsekas,
"Nonlinear Programming", 2nd edition, section 2.3): even a step that is far too long is
soon shortened.
"""

from collections import deque
from collections.abc import Callable
from enum import StrEnum
from typing import NamedTuple

import torch
from torch import Tensor

# Share of the decrease predicted by the slope that a step must reach (Nocedal and
# Wright, eq. 3.4 and below).
ARMIJO = 1e-4
# A line search gives up after so many points, as scipy's does.
MAX_TRIALS = 20
# A step that is too long is multiplied by a factor in this range (Nocedal and Wright,
# section 3.5).
MIN_SHRINK, MAX_SHRINK = 0.1, 0.5

ValueAndGradient = Callable[[Tensor], tuple[float, Tensor]]


class StopReason(StrEnum):
    """Why a minimization stopped, in words."""

    ALL_DONE = "all iterations done"
    CONVERGED = "converged: the loss no longer falls"
    NO_LOWER_LOSS = "converged: no lower loss along the gradient"
    INTERRUPTED = "interrupted"
    NOT_FINITE = "the loss was no longer finite; the last good image is kept"


class _Point(NamedTuple):
    """Entries and gradient ``(n,)``, never modified, and the loss there."""

    entries: Tensor
    loss: float
    gradient: Tensor


def projected_lbfgs(
    evaluate: ValueAndGradient,
    x: Tensor,
    iterations: int,
    *,
    low: float,
    high: float,
    history: int,
    first_step: float,
    on_iteration: Callable[[], None],
) -> StopReason:
    """Lower ``evaluate``'s loss from ``x`` in at most ``iterations`` iterations.

    The loss falls with every iteration. It takes the memory of 2 · ``history`` + 8
    vectors of ``x``'s size, points and gradients included, and a byte per entry.

    Args:
        evaluate: Returns the loss and its gradient at a point, the gradient of the
            point's shape and on its device. Each point is a new tensor, within the
            bounds; neither it nor the gradient may be modified afterwards.
        x: Float32, of any shape, within the bounds; not modified.
        iterations: How many steps at most.
        low: Of every entry.
        high: Of every entry.
        history: The number of corrections m, at least 1.
        first_step: How far a step along the gradient moves an entry on average, if
            there is no history; 0 takes the gradient itself as the step.
        on_iteration: Called after each iteration, whose point was evaluated last.
    """

    def evaluate_point(entries: Tensor) -> _Point:
        loss, gradient = evaluate(entries.view(x.shape))
        return _Point(entries, loss, gradient.detach().reshape(-1))

    point = evaluate_point(x.detach().reshape(-1).clone())
    planner = _StepPlanner(point, history, (low, high), first_step)
    done = 0
    while done < iterations:
        gradient_size, slope = planner.plan_step(point)
        if gradient_size == 0:
            return StopReason.CONVERGED
        following = _search_line(evaluate_point, planner, point, slope)
        if following is not None:
            planner.add_correction(point, following)
            point = following
            done += 1
            on_iteration()
        elif planner.corrections:
            planner.clear_history()
        else:
            return StopReason.NO_LOWER_LOSS
    return StopReason.ALL_DONE


def _search_line(
    evaluate: Callable[[Tensor], _Point],
    planner: "_StepPlanner",
    point: _Point,
    slope: float,
) -> _Point | None:
    """Find a point that meets Armijo's condition, shortening the step from full length.

    None if there is none, or if ``slope``, the gradient times the full step, says that
    the step leads upward.
    """
    length = 1.0
    # Written so that NaN fails too.
    for _ in range(MAX_TRIALS if slope < 0 else 0):
        trial = evaluate(planner.move(point, length))
        predicted = length * slope
        if trial.loss < point.loss + ARMIJO * predicted:
            return trial
        # The minimum of the parabola through both losses and the slope (Nocedal and
        # Wright, eq. 3.58). The excess is positive, because Armijo's condition fails.
        excess = trial.loss - point.loss - predicted
        length *= min(max(MIN_SHRINK, -predicted / (2 * excess)), MAX_SHRINK)
    return None


class _StepPlanner:
    """Curvature history of L-BFGS, and the step planned from it.

    Gradients are divided by their mean size at the start of the history: products of
    them stay within float32's range, whatever the loss's unit.
    """

    def __init__(
        self,
        point: _Point,
        history: int,
        bounds: tuple[float, float],
        first_step: float,
    ) -> None:
        entries = point.entries
        self.bounds = bounds
        self.first_step = first_step
        # s and y of the corrections: ring buffers, of which one row is free.
        self.steps = entries.new_empty(history + 1, entries.numel())
        self.changes = torch.empty_like(self.steps)
        self.free_row = 0
        # Rows in use and 1 / s·y of each, oldest first.
        self.corrections: deque[tuple[int, float]] = deque(maxlen=history)
        self.step = torch.empty_like(entries)  # planned
        self.fixed = torch.empty_like(entries, dtype=torch.bool)  # not to be moved
        self.products = torch.empty_like(entries)  # of :meth:`_dot`
        self.gradient_unit = entries.new_ones(())
        self.curvature = 1.0
        self.step_factor = 1.0

    def plan_step(self, point: _Point) -> tuple[float, float]:
        """Plan the full step from a point.

        Returns:
            The mean size of the gradient's free entries, fixed ones counted as zero;
            and the slope, the gradient times the step. The host waits for both once.
        """
        entries, _, gradient = point
        low, high = self.bounds
        torch.logical_or(
            (entries <= low) & (gradient > 0),
            (entries >= high) & (gradient < 0),
            out=self.fixed,
        )
        step = self.step.copy_(gradient).masked_fill_(self.fixed, 0)
        gradient_size = torch.abs(step, out=self.products).mean()
        if self.corrections:
            self._apply_inverse_hessian(step.div_(self.gradient_unit))
        else:
            self.gradient_unit = gradient_size
            if self.first_step:
                step.div_(gradient_size).mul_(self.first_step)
        step.mul_(-self.step_factor).masked_fill_(self.fixed, 0)
        step.add_(entries).clamp_(low, high).sub_(entries)
        results = torch.stack((gradient_size, self._dot(gradient, step)))
        return tuple(results.tolist())

    def move(self, point: _Point, length: float) -> Tensor:
        """Return new entries, moved by a part of the planned step."""
        # Rounding alone could leave the bounds.
        return torch.add(point.entries, self.step, alpha=length).clamp_(*self.bounds)

    def add_correction(self, point: _Point, following: _Point) -> None:
        """Add the correction of a step that was taken, unless it is not convex."""
        step, change = self.steps[self.free_row], self.changes[self.free_row]
        torch.sub(following.entries, point.entries, out=step)
        torch.sub(following.gradient, point.gradient, out=change)
        # The gradient's change at entries that don't move is not their curvature.
        change.div_(self.gradient_unit).masked_fill_(self.fixed, 0)
        products = (
            self._dot(step, change),
            self._dot(change, change),
            self._dot(point.gradient, step) / self.gradient_unit,
        )
        convexity, change_size, slope = torch.stack(products).tolist()
        # The rule of L-BFGS-B's code (Zhu et al., ACM TOMS algorithm 778, 1997).
        if not convexity > torch.finfo(step.dtype).eps * -slope:
            # After the full step the loss still falls, and more steeply.
            self.step_factor *= 2
            return
        self.corrections.append((self.free_row, 1 / convexity))
        self.free_row = (self.free_row + 1) % len(self.steps)
        self.curvature = change_size / convexity
        self.step_factor = 1.0

    def clear_history(self) -> None:
        """Drop all corrections: the next step is along the gradient."""
        self.corrections.clear()
        self.step_factor = 1.0

    def _apply_inverse_hessian(self, vector: Tensor) -> None:
        """Multiply ``vector`` ``(n,)`` by the inverse Hessian's estimate, in place.

        Algorithm 7.4, beginning with s·y / y·y (eq. 7.20). Results stay on the device:
        the host does not wait.
        """
        alphas = []
        for row, reciprocal in reversed(self.corrections):
            alpha = self._dot(self.steps[row], vector) * reciprocal
            vector.addcmul_(self.changes[row], alpha, value=-1)
            alphas.append(alpha)
        vector.div_(self.curvature)
        for (row, reciprocal), alpha in zip(
            self.corrections, reversed(alphas), strict=True
        ):
            beta = self._dot(self.changes[row], vector) * reciprocal
            vector.addcmul_(self.steps[row], alpha - beta)

    def _dot(self, first: Tensor, second: Tensor) -> Tensor:
        """Multiply two vectors to a scalar on the device.

        ``sum`` adds pairwise, so float32 is enough, also where there is no float64
        (MPS): off by 1e-7 at 5e7 entries, where ``torch.dot`` on a CPU is off by 3e-3
        and a matrix product by 0.1.
        """
        return torch.mul(first, second, out=self.products).sum()
