"""L-BFGS within bounds whose vectors stay on the tensor's device.

The direction is Nocedal and Wright's two-loop recursion ("Numerical Optimization",
2nd edition, algorithm 7.4) on the free entries, as in Bertsekas' two-metric projection
("Projected Newton methods for optimization problems with simple constraints", 1982):
an entry at a bound that the gradient pushes outward is held, and so its part of the
direction is zero. The full step is projected onto the bounds once, and the line search
goes along the straight way there, which lies within them (Bertsekas, "Nonlinear
Programming", 2nd edition, section 2.3): even a step far too long is soon cut down.
"""

from collections import deque
from collections.abc import Callable
from enum import Enum
from typing import NamedTuple

import torch
from torch import Tensor

# Of the decrease that the slope promises (Nocedal and Wright, eq. 3.4 and below).
SUFFICIENT = 1e-4
# A line search gives up after so many points, as scipy's does.
TRIALS = 20
# A step that was too long is cut to between a tenth and a half of it (Nocedal and
# Wright, section 3.5).
LEAST_CUT, MOST_KEPT = 0.1, 0.5

Evaluate = Callable[[Tensor], tuple[float, Tensor]]


class Ending(Enum):
    """Why a minimisation stopped, in words."""

    ALL_DONE = "all iterations done"
    CONVERGED = "converged: the loss no longer falls"
    NO_LOWER_LOSS = "converged: no lower loss along the gradient"


class _Point(NamedTuple):
    """Entries and gradient ``(n,)``, neither ever changed, and the loss there."""

    entries: Tensor
    loss: float
    gradient: Tensor


def projected_lbfgs(
    evaluate: Evaluate,
    x: Tensor,
    iterations: int,
    *,
    low: float,
    high: float,
    history: int,
    first_step: float,
    accepted: Callable[[], None],
) -> Ending:
    """Lower ``evaluate``'s loss from ``x`` in at most ``iterations`` iterations.

    The loss falls with every iteration. The memory taken is 2 · ``history`` + 8 vectors
    of ``x``'s size, points and gradients included, and a byte for each entry. Nothing
    that ``evaluate`` and ``accepted`` raise is caught.

    Args:
        evaluate: the loss and its gradient at a point, the gradient of the point's
            shape and on its device. Each point is a tensor of its own, within the
            bounds; neither it nor the gradient may change afterwards, or is changed.
        x: float32, of any shape, within the bounds; left as it is.
        low, high: the bounds of every entry.
        history: the number of corrections m, from 1.
        first_step: by how much a step along the gradient moves an entry on average,
            where there is no history; 0 takes the bare gradient for the step.
        accepted: called after each iteration, whose point is the one evaluated last.
    """

    def look(entries: Tensor) -> _Point:
        loss, gradient = evaluate(entries.view(x.shape))
        return _Point(entries, loss, gradient.detach().reshape(-1))

    here = look(x.detach().reshape(-1).clone())
    steps = _Steps(here, history, (low, high), first_step)
    done = 0
    while done < iterations:
        steepness, slope = steps.plan(here)
        if steepness == 0:
            return Ending.CONVERGED
        there = _search(look, steps, here, slope)
        if there is not None:
            steps.learn(here, there)
            here = there
            done += 1
            accepted()
        elif steps.known:
            steps.forget()
        else:
            return Ending.NO_LOWER_LOSS
    return Ending.ALL_DONE


def _search(
    look: Callable[[Tensor], _Point], steps: "_Steps", here: _Point, slope: float
) -> _Point | None:
    """The first point that is low enough (Armijo's condition), from the full step down.

    None if there is none, or if ``slope``, the gradient times the full step, says that
    the step leads upward.
    """
    share = 1.0
    # Written so that NaN fails too.
    for _ in range(TRIALS if slope < 0 else 0):
        there = look(steps.after(here, share))
        promised = share * slope
        if there.loss < here.loss + SUFFICIENT * promised:
            return there
        # The lowest point of the parabola through both losses and the slope (Nocedal
        # and Wright, eq. 3.58). Its height is above zero, for Armijo's condition fails.
        height = there.loss - here.loss - promised
        share *= min(max(LEAST_CUT, -promised / (2 * height)), MOST_KEPT)
    return None


class _Steps:
    """Plans steps by what was learnt of the curvature from those before.

    Gradients are measured in their mean size where the history begins: products of
    them stay within float32's range, whatever the loss's unit.

    Attributes:
        steps, changes: s and y of the last corrections, ``(m + 1, n)``: a ring, whose
            row ``vacant`` is not in use.
        known: the rows in use and 1 / s·y of each, oldest first.
        step: the step planned, ``(n,)``; ``held``: the entries that it must not move.
    """

    def __init__(
        self, like: _Point, history: int, bounds: tuple[float, float], first_step: float
    ) -> None:
        entries = like.entries
        self.bounds = bounds
        self.first_step = first_step
        self.steps = entries.new_empty(history + 1, entries.numel())
        self.changes = torch.empty_like(self.steps)
        self.known: deque[tuple[int, float]] = deque(maxlen=history)
        self.vacant = 0
        self.step = torch.empty_like(entries)
        self.products = torch.empty_like(entries)
        self.held = torch.empty_like(entries, dtype=torch.bool)
        self.unit = entries.new_ones(())
        self.curvature = 1.0
        self.stretch = 1.0

    def plan(self, here: _Point) -> tuple[float, float]:
        """Plan the full step from there.

        Returns:
            The mean size of the gradient's free entries, held ones counted as zero;
            and the slope, the gradient times the step. The host waits for them once.
        """
        entries, _, gradient = here
        low, high = self.bounds
        torch.logical_or(
            (entries <= low) & (gradient > 0),
            (entries >= high) & (gradient < 0),
            out=self.held,
        )
        step = self.step.copy_(gradient).masked_fill_(self.held, 0)
        steepness = torch.abs(step, out=self.products).mean()
        if self.known:
            self._by_curvature(step.div_(self.unit))
        else:
            self.unit = steepness
            if self.first_step:
                step.div_(steepness).mul_(self.first_step)
        step.mul_(-self.stretch).masked_fill_(self.held, 0)
        step.add_(entries).clamp_(low, high).sub_(entries)
        found = torch.stack((steepness, self._dot(gradient, step)))
        return tuple(found.tolist())

    def after(self, here: _Point, share: float) -> Tensor:
        """The entries after a share of the planned step, in a tensor of their own."""
        # Rounding alone could leave the bounds.
        return torch.add(here.entries, self.step, alpha=share).clamp_(*self.bounds)

    def learn(self, here: _Point, there: _Point) -> None:
        """Keep the correction of a step that was taken, unless it is not convex."""
        step, change = self.steps[self.vacant], self.changes[self.vacant]
        torch.sub(there.entries, here.entries, out=step)
        torch.sub(there.gradient, here.gradient, out=change)
        # How the gradient changes at entries that don't move is not their curvature.
        change.div_(self.unit).masked_fill_(self.held, 0)
        products = (
            self._dot(step, change),
            self._dot(change, change),
            self._dot(here.gradient, step) / self.unit,
        )
        convexity, size, slope = torch.stack(products).tolist()
        # The rule of L-BFGS-B's code (Zhu et al., ACM TOMS algorithm 778, 1997).
        if not convexity > torch.finfo(step.dtype).eps * -slope:
            # It still goes downhill after the full step, and steeper.
            self.stretch *= 2
            return
        self.known.append((self.vacant, 1 / convexity))
        self.vacant = (self.vacant + 1) % len(self.steps)
        self.curvature = size / convexity
        self.stretch = 1.0

    def forget(self) -> None:
        """Throw the history away: the next step is along the gradient."""
        self.known.clear()
        self.stretch = 1.0

    def _by_curvature(self, vector: Tensor) -> None:
        """``vector`` ``(n,)`` times the inverse Hessian's estimate, in place.

        Algorithm 7.4, begun with s·y / y·y (eq. 7.20). What depends on ``vector`` stays
        on the device: the host does not wait.
        """
        shares = []
        for row, reciprocal in reversed(self.known):
            share = self._dot(self.steps[row], vector) * reciprocal
            vector.addcmul_(self.changes[row], share, value=-1)
            shares.append(share)
        vector.div_(self.curvature)
        for (row, reciprocal), share in zip(self.known, reversed(shares), strict=True):
            again = self._dot(self.changes[row], vector) * reciprocal
            vector.addcmul_(self.steps[row], share - again)

    def _dot(self, one: Tensor, other: Tensor) -> Tensor:
        """The product of two vectors, a scalar on the device.

        ``sum`` adds in a tree, and so float32 is enough, also where there is no float64
        (MPS): off by 1e-7 at 5e7 entries, where ``torch.dot`` on a CPU is off by 3e-3
        and a matrix product by 0.1.
        """
        return torch.mul(one, other, out=self.products).sum()
